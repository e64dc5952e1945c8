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

use crate::env::Env;
use crate::logger;
use crate::services::{CHARGEN, DAYTIME, DISCARD, ECHO, chargen, daytime};
use crate::tcp::Tcp;
use crate::tcp_listener::TcpListener;
use crate::tcp_stream::TcpStream;

/// How many connections a service has at once; more are closed at once.
const MAX_CONNECTIONS: usize = 4096;
/// A service needs no deep stack: many can be had at once.
const STACK: usize = 256 * 1024;

/// The threads of the services; joined when dropped, after [`Tcp::close`].
pub struct TcpServices {
    tcp: Arc<Tcp>,
    threads: Vec<JoinHandle<()>>,
}

impl TcpServices {
    /// Starts all four.
    ///
    /// # Errors
    /// A port is taken, or no thread could be started.
    pub fn start(tcp: &Arc<Tcp>) -> Result<Self> {
        let mut services = Self {
            tcp: Arc::clone(tcp),
            threads: Vec::new(),
        };
        for port in [ECHO, DISCARD, DAYTIME, CHARGEN] {
            let listener = TcpListener::bind(tcp, (Ipv4Addr::UNSPECIFIED, port));
            let listener = listener.with_context(|| format!("TCP port {port}"))?;
            let env = Arc::clone(tcp.ip().env());
            let thread = thread::Builder::new().name(format!("tcp/{port}"));
            let thread = thread.spawn(move || accept(&env, port, &listener));
            services
                .threads
                .push(thread.context("cannot start a thread")?);
        }
        info!(target: "services", "echo (7), discard (9), daytime (13), chargen (19) over TCP");
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

// ANCHOR: accept
/// Accepts until the host shuts down, and waits for all connections to end.
fn accept(env: &Arc<Env>, port: u16, listener: &TcpListener) {
    let _scope = logger::scope(env);
    let open = AtomicUsize::new(0);
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
            if open.load(Ordering::Relaxed) >= MAX_CONNECTIONS {
                warn!(target: "services", "tcp/{port}: too many connections");
                continue;
            }
            open.fetch_add(1, Ordering::Relaxed);
            let open = &open;
            let thread = thread::Builder::new().stack_size(STACK);
            let thread = thread.spawn_scoped(scope, move || {
                let _scope = logger::scope(env);
                if let Err(error) = serve(env, port, &stream) {
                    debug!(target: "services", "tcp/{port}: {error}");
                }
                drop(stream);
                open.fetch_sub(1, Ordering::Relaxed);
            });
            if let Err(error) = thread {
                warn!(target: "services", "tcp/{port}: {error}");
                open.fetch_sub(1, Ordering::Relaxed);
            }
        }
    });
}
// ANCHOR_END: accept

// ANCHOR: serve
/// Serves one connection until it ends.
fn serve(env: &Env, port: u16, mut stream: &TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    match port {
        DAYTIME => stream.write_all(daytime(env.unix_time()).as_bytes()),
        CHARGEN => {
            let mut pattern = chargen();
            loop {
                let piece: Vec<u8> = pattern.by_ref().take(74 * 64).collect();
                stream.write_all(&piece)?;
            }
        }
        _ => loop {
            let len = stream.read(&mut buffer)?;
            if len == 0 {
                return Ok(());
            }
            if port == ECHO {
                stream.write_all(buffer.get(..len).unwrap_or_default())?;
            }
        },
    }
}
// ANCHOR_END: serve
