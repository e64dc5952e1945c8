//! Guide step 21: a server that really sleeps. A thread is blocked in
//! `recv_from`; a datagram wakes it, and at the end an event interrupts it, as
//! Ctrl+C does in `udps`.
//!
//! Two threads, and yet the same log at every run: the cranks are turned, and
//! the clock is moved, only while the server is asleep.

use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use log::info;
use step06_udp::env::Env;
use step06_udp::net::Net;
use step06_udp::udp::{Udp, UdpSocket};
use step06_udp::{cli, event, logger, scene};

/// Sends back what it receives, until it is interrupted.
fn serve(env: &Arc<Env>, socket: &UdpSocket) -> io::Result<()> {
    let _scope = logger::scope(env);
    let mut buffer = [0; 1024];
    // ANCHOR: serve
    loop {
        match socket.recv_from(&mut buffer) {
            Ok((len, from)) => {
                info!(target: "server", "{len} bytes data from {from}");
                socket.send_to(&buffer[..len], from)?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                info!(target: "server", "the end");
                return Ok(());
            }
            Err(error) => return Err(error),
        }
    }
    // ANCHOR_END: serve
}

/// The server's thread, and where it sleeps.
struct Server {
    udp: Arc<Udp>,
    thread: JoinHandle<io::Result<()>>,
}

impl Server {
    /// Waits until the server is asleep, with nothing to wake up for. Nothing
    /// new can arrive before the crank is turned again.
    fn wait_until_asleep(&self) {
        let queued = || self.udp.sockets().iter().any(|(_, _, octets)| *octets > 0);
        let is_asleep = || !queued() && self.udp.sleepers() == 1;
        // Finished: it has failed, and says why when it is joined.
        while !is_asleep() && !self.thread.is_finished() {
            thread::yield_now();
        }
    }
}

/// As [`step06_udp::simulation::run_for`], in step with the server.
fn run_for(env: &Arc<Env>, server: &Server, nets: &mut [&mut Net; 2], span: Duration) {
    let until = env.now() + span;
    loop {
        let mut busy = false;
        for net in &mut *nets {
            server.wait_until_asleep();
            busy |= net.step();
        }
        if busy {
            continue;
        }
        let next = nets.iter().filter_map(|net| net.deadline()).min();
        match next {
            Some(next) if next <= until => env.advance_to(next),
            _ => break,
        }
    }
    env.advance_to(until);
}

fn main() -> ExitCode {
    cli::scene(
        "guide21_interrupt",
        "Guide step 21: sleep, wake-up, interruption.",
        |env| {
            let [(a, mut a_net), (b, mut b_net)] = scene::two_hosts(env)?;
            // ANCHOR: subscribe
            let (interrupt, mut subscribers) = event::event(a.udp.ip().env());
            let udp = Arc::clone(&a.udp);
            subscribers.subscribe(move || udp.interrupt());
            a_net.add_source(subscribers);
            // ANCHOR_END: subscribe

            let socket = UdpSocket::bind(&a.udp, "0.0.0.0:7")?;
            let a_env = Arc::clone(a.udp.ip().env());
            let server = Server {
                udp: Arc::clone(&a.udp),
                thread: thread::spawn(move || serve(&a_env, &socket)),
            };
            let client = UdpSocket::bind(&b.udp, "0.0.0.0:0")?;
            client.set_nonblocking(true)?;
            for line in ["foo\n", "bar\n"] {
                server.wait_until_asleep();
                client.send_to(line.as_bytes(), "192.0.2.2:7")?;
                let second = Duration::from_secs(1);
                run_for(env, &server, &mut [&mut a_net, &mut b_net], second);
                let mut buffer = [0; 1024];
                let len = client.recv(&mut buffer)?;
                print!("{}", String::from_utf8_lossy(&buffer[..len]));
            }

            // ANCHOR: end
            // Ctrl+C. The event is served with the next turn.
            interrupt.raise();
            a_net.step();
            // ANCHOR_END: end
            match server.thread.join() {
                Ok(result) => result?,
                Err(_) => anyhow::bail!("the server has panicked"),
            }
            drop(client);
            a_net.close();
            b_net.close();
            Ok(())
        },
    )
}
