//! The small services of old: echo, discard, daytime, chargen, over TCP.
//!
//! Each port has a thread that accepts, and each connection a thread that
//! serves it, in the plain blocking style of `std::net`.

use std::io::{self, Read, Write};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result};
use log::{debug, info, warn};

use crate::host::Host;
use crate::http;
use crate::logger;
use crate::services::{CHARGEN, DAYTIME, DISCARD, ECHO, chargen, daytime};
use crate::tcp::Tcp;
use crate::tcp_listener::TcpListener;
use crate::tcp_stream::TcpStream;
use crate::warnings::Warnings;

/// How many connections each service has, unless another number is asked for.
pub const MAX_CONNECTIONS: usize = 4096;
/// A service needs no deep stack: many can be had at once.
const STACK: usize = 256 * 1024;

/// The threads of the services; joined when dropped, after [`Tcp::close`].
pub struct TcpServices {
    tcp: Arc<Tcp>,
    threads: Vec<JoinHandle<()>>,
}

impl TcpServices {
    /// Starts all of them, and the status page.
    ///
    /// # Errors
    /// A port is taken, or no thread could be started.
    pub fn start(host: &Arc<Host>) -> Result<Self> {
        Self::with_limit(host, MAX_CONNECTIONS)
    }

    /// As [`start`](Self::start), with so many connections of each service;
    /// who comes when there are as many is let in and closed.
    ///
    /// # Errors
    /// The same.
    pub fn with_limit(host: &Arc<Host>, limit: usize) -> Result<Self> {
        let mut services = Self {
            tcp: Arc::clone(&host.tcp),
            threads: Vec::new(),
        };
        for port in [ECHO, DISCARD, DAYTIME, CHARGEN, http::PORT] {
            let listener = TcpListener::bind(&host.tcp, (Ipv4Addr::UNSPECIFIED, port));
            let listener = listener.with_context(|| format!("TCP port {port}"))?;
            let host = Arc::clone(host);
            let thread = thread::Builder::new().name(format!("tcp/{port}"));
            let thread = thread.spawn(move || accept(&host, port, &listener, limit));
            let thread = thread.context("cannot start a thread")?;
            services.threads.push(thread);
        }
        info!(target: "services", "echo (7), discard (9), daytime (13), chargen (19), http (80) over TCP");
        Ok(services)
    }
}

impl Drop for TcpServices {
    fn drop(&mut self) {
        self.tcp.close();
        for thread in self.threads.drain(..) {
            // A panic has been reported by its own thread.
            let _ = thread.join();
        }
    }
}

/// Accepts until the host shuts down, and waits for all connections to end.
fn accept(host: &Host, port: u16, listener: &TcpListener, limit: usize) {
    let env = host.ip.env();
    let _scope = logger::scope(env);
    let open = AtomicUsize::new(0);
    let mut warnings = Warnings::default();
    thread::scope(|scope| {
        for stream in listener.incoming() {
            let stream = match stream {
                Ok(stream) => stream,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => return,
                Err(error) => {
                    warn!(target: "services", "tcp/{port}: {error}");
                    return;
                }
            };
            // ANCHOR: thread
            if open.load(Ordering::Relaxed) >= limit {
                host.tcp.counters.service_full.inc();
                if warnings.is_due(env.now()) {
                    warn!(target: "services", "tcp/{port}: too many connections: new ones are closed");
                }
                continue;
            }
            open.fetch_add(1, Ordering::Relaxed);
            let open = &open;
            let thread = thread::Builder::new().stack_size(STACK);
            let thread = thread.spawn_scoped(scope, move || {
                let _scope = logger::scope(env);
                if let Err(error) = serve(host, port, &stream) {
                    debug!(target: "services", "tcp/{port}: {error}");
                }
                drop(stream);
                open.fetch_sub(1, Ordering::Relaxed);
            });
            // ANCHOR_END: thread
            if let Err(error) = thread {
                open.fetch_sub(1, Ordering::Relaxed);
                host.tcp.counters.service_full.inc();
                if warnings.is_due(env.now()) {
                    warn!(target: "services", "tcp/{port}: {error}");
                }
            }
        }
    });
}

/// Serves one connection until it ends.
// ANCHOR: serve
fn serve(host: &Host, port: u16, mut stream: &TcpStream) -> io::Result<()> {
    match port {
        http::PORT => http::serve(host, stream),
        DAYTIME => stream.write_all(daytime(host.ip.env().unix_time()).as_bytes()),
        CHARGEN => {
            // The pattern begins again after 95 lines.
            let pattern: Vec<u8> = chargen().take(74 * 95).collect();
            loop {
                stream.write_all(&pattern)?;
            }
        }
        _ => {
            let mut buffer = vec![0; 64 * 1024];
            loop {
                let len = stream.read(&mut buffer)?;
                if len == 0 {
                    return Ok(());
                }
                if port == ECHO {
                    stream.write_all(buffer.get(..len).unwrap_or_default())?;
                }
            }
        }
    }
}
// ANCHOR_END: serve
