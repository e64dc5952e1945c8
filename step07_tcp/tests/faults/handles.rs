//! Handles that are dropped in any order, from any thread, during any call;
//! and a host that shuts down at any moment.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use step07_tcp::config::Config;
use step07_tcp::host::Host;
use step07_tcp::tcb::TcpState;
use step07_tcp::tcp_listener::TcpListener;
use step07_tcp::tcp_stream::TcpStream;
use step07_tcp::udp::UdpSocket;

use crate::Random;
use crate::world::{World, wait_until, watched};

/// More on demand.
fn rounds(few: u64) -> u64 {
    let factor = std::env::var("MICROPS_ROUNDS").ok();
    few * factor.and_then(|n| n.parse().ok()).unwrap_or(1)
}

/// Timeouts so short that what is left goes while the test waits.
fn hasty() -> Config {
    let soon = Duration::from_millis(300);
    Config {
        msl: Duration::from_millis(5),
        fin_wait2_timeout: soon,
        give_up: soon,
        connect_timeout: soon,
        half_open_timeout: soon,
        ..Config::default()
    }
}

/// Does something with one of its handles, at random, until there is none.
fn play(mut random: Random, mut streams: Vec<TcpStream>, stop: &AtomicBool) {
    let mut buffer = [0; 3000];
    while !streams.is_empty() {
        let at = usize::try_from(random.below(streams.len() as u64)).unwrap();
        let mut stream = &streams[at];
        match random.below(12) {
            0 => drop(streams.swap_remove(at)),
            1 => drop(stream.shutdown(Shutdown::Write)),
            2 => drop(stream.shutdown(Shutdown::Read)),
            3 => stream.abort(),
            4 | 5 => drop(stream.read(&mut buffer)),
            6 | 7 => drop(stream.write(&buffer)),
            8 => drop(stream.peek(&mut buffer)),
            9 => drop(stream.wait_flushed(Some(Duration::from_millis(1)))),
            10 => drop(stream.set_nonblocking(random.below(2) > 0)),
            _ => streams.push(stream.clone()),
        }
        if stop.load(Ordering::Relaxed) || streams.len() > 8 {
            streams.truncate(usize::from(!stop.load(Ordering::Relaxed)));
        }
    }
}

#[test]
fn handles_are_dropped_in_any_order() {
    watched("handles_are_dropped_in_any_order", || {
        let world = World::with(hasty());
        for seed in 0..rounds(30) {
            let stop = Arc::new(AtomicBool::new(false));
            let players: Vec<_> = (0..3)
                .flat_map(|n| {
                    let (client, server) = world.connection();
                    // Each end in two threads, so that one can drop while another is in a call.
                    let ends = [client.clone(), client, server.clone(), server];
                    ends.into_iter().zip(10 * n..)
                })
                .map(|(stream, n)| {
                    // Nobody sleeps for longer than that, or the test would have
                    // to wait for a peer who does nothing.
                    let short = Some(Duration::from_millis(1));
                    stream.set_read_timeout(short).unwrap();
                    stream.set_write_timeout(short).unwrap();
                    let stop = Arc::clone(&stop);
                    let random = Random(seed * 100 + n);
                    thread::spawn(move || play(random, vec![stream], &stop))
                })
                .collect();
            thread::sleep(Duration::from_millis(5));
            stop.store(true, Ordering::Relaxed);
            for player in players {
                player.join().unwrap();
            }
        }
        // Whatever was left half done ends by its timers, and nothing remains.
        for host in [&world.a, &world.b] {
            wait_until(|| host.tcp.all().is_empty());
            assert_eq!(host.tcp.sleepers(), 0);
        }
    });
}

/// Threads of a host, each in a call that may block for ever, over and over
/// until the host says that it is the end.
fn busy(host: &Arc<Host>, ready: &Arc<AtomicUsize>) -> Vec<JoinHandle<()>> {
    type Call = fn(&Host) -> std::io::Result<()>;
    let calls: [Call; 5] = [
        |host| TcpStream::connect(&host.tcp, "192.0.2.1:7").map(drop),
        |host| {
            let mut stream = TcpStream::connect(&host.tcp, "192.0.2.1:7")?;
            stream.read(&mut [0]).map(drop)
        },
        |host| {
            let mut stream = TcpStream::connect(&host.tcp, "192.0.2.1:7")?;
            loop {
                let _ = stream.write(&[0; 4000])?;
            }
        },
        |host| {
            TcpListener::bind(&host.tcp, "0.0.0.0:0")?
                .accept()
                .map(drop)
        },
        |host| {
            UdpSocket::bind(&host.udp, "0.0.0.0:0")?
                .recv_from(&mut [0])
                .map(drop)
        },
    ];
    let start = |call: Call| {
        let (host, ready) = (Arc::clone(host), Arc::clone(ready));
        thread::spawn(move || {
            ready.fetch_add(1, Ordering::Relaxed);
            loop {
                match call(&host) {
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => return,
                    _ => {}
                }
            }
        })
    };
    calls.map(start).into()
}

#[test]
fn shutdown_at_any_moment() {
    watched("shutdown_at_any_moment", || {
        for seed in 0..rounds(60) {
            let mut random = Random(seed);
            let world = World::with(hasty());
            let listener = world.listen(7);
            let server = thread::spawn(move || {
                let mut streams = vec![];
                while let Ok((stream, _)) = listener.accept() {
                    streams.push(stream);
                }
            });
            let ready = Arc::new(AtomicUsize::new(0));
            let threads = busy(&world.a, &ready);
            wait_until(|| ready.load(Ordering::Relaxed) == 5);
            thread::sleep(Duration::from_micros(random.below(3000)));
            let (a, b) = (Arc::clone(&world.a), Arc::clone(&world.b));
            // The main loops may end before, or after, those who sleep are woken.
            let mut world = Some(world);
            if random.below(2) > 0 {
                drop(world.take());
            }
            for host in [&a, &b] {
                host.tcp.close();
                host.udp.close();
            }
            drop(world);
            for thread in threads {
                thread.join().unwrap();
            }
            server.join().unwrap();
            for host in [&a, &b] {
                assert_eq!(host.tcp.sleepers() + host.udp.sleepers(), 0);
                let in_use = |host: &Host| host.tcp.all().iter().any(|s| s.in_use);
                assert!(!in_use(host), "seed {seed}");
                let listening =
                    |host: &Host| host.tcp.all().iter().any(|s| s.state == TcpState::Listen);
                assert!(!listening(host));
            }
        }
    });
}
