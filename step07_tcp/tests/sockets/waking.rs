//! Who sleeps in a call is woken when the host shuts down, and does not fall
//! asleep again.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use step07_tcp::services::{CHARGEN, ECHO};
use step07_tcp::tcp::Tcp;
use step07_tcp::tcp_services::TcpServices;
use step07_tcp::tcp_stream::TcpStream;

use crate::world::{World, kind, octets, wait_for_sleepers, watched};

type Sleeper = JoinHandle<Option<ErrorKind>>;

/// Threads of `a` that are asleep in each of the calls that can block, and the
/// other ends of their connections, which have to stay open.
fn sleepers(world: &World) -> (Vec<Sleeper>, [TcpStream; 2]) {
    fn asleep<T>(tcp: &Arc<Tcp>, call: impl FnOnce() -> io::Result<T> + Send + 'static) -> Sleeper {
        let before = tcp.sleepers();
        let thread = thread::spawn(move || kind(call()));
        wait_for_sleepers(tcp, before + 1);
        thread
    }
    let tcp = &world.a.tcp;
    let listener = step07_tcp::tcp_listener::TcpListener::bind(tcp, "0.0.0.0:7").unwrap();
    let (mut reader, kept) = world.connection();
    let (mut writer, too) = world.connection();
    writer.set_nonblocking(true).unwrap();
    let mut quiet = 0;
    while quiet < 100 {
        match writer.write(&[0; 10_000]) {
            Ok(_) => quiet = 0,
            Err(_) => quiet += 1,
        }
        thread::sleep(Duration::from_millis(1));
    }
    writer.set_nonblocking(false).unwrap();
    let flusher = writer.try_clone().unwrap();
    let connector = Arc::clone(tcp);
    // Nobody is there: ARP takes its time to find out.
    let connect = move || TcpStream::connect(&connector, "192.0.2.77:7");
    let sleepers = vec![
        asleep(tcp, move || listener.accept()),
        asleep(tcp, move || reader.read(&mut [0])),
        asleep(tcp, move || -> io::Result<()> {
            loop {
                let _ = writer.write(&[0; 10_000])?;
            }
        }),
        asleep(tcp, move || flusher.wait_flushed(None)),
        asleep(tcp, connect),
    ];
    (sleepers, [kept, too])
}

#[test]
fn an_interruption_wakes_all() {
    watched("an_interruption_wakes_all", || {
        let world = World::new();
        let (sleepers, _kept) = sleepers(&world);
        world.a.tcp.interrupt();
        for sleeper in sleepers {
            assert_eq!(sleeper.join().unwrap(), Some(ErrorKind::Interrupted));
        }
    });
}

#[test]
fn the_end_wakes_all() {
    watched("the_end_wakes_all", || {
        let world = World::new();
        let (sleepers, _kept) = sleepers(&world);
        world.a.tcp.close();
        for sleeper in sleepers {
            assert_eq!(sleeper.join().unwrap(), Some(ErrorKind::Interrupted));
        }
    });
}

#[test]
fn after_the_end_every_call_returns() {
    watched("after_the_end_every_call_returns", || {
        let world = World::new();
        let listener = world.listen(7);
        let mut client = world.connect(7);
        let (mut server, _) = listener.accept().unwrap();
        world.b.tcp.close();
        // The loops of std try again when they are interrupted: these must end.
        assert!(server.write_all(&octets(1_000_000)).is_err());
        assert!(server.read_to_end(&mut Vec::new()).is_err());
        assert_eq!(kind(listener.accept()), Some(ErrorKind::Interrupted));
        // No new connections, neither from here nor from there.
        let connect = TcpStream::connect(&world.b.tcp, "192.0.2.2:7");
        assert_eq!(kind(connect), Some(ErrorKind::Interrupted));
        let result = client.read(&mut [0]);
        assert_eq!(kind(result), Some(ErrorKind::ConnectionReset));
        let again = TcpStream::connect(&world.a.tcp, "192.0.2.1:7");
        assert_eq!(kind(again), Some(ErrorKind::ConnectionRefused));
    });
}

/// Clients that come, ask, and go, as fast as they can.
fn rush(world: &World, port: u16, stop: &Arc<AtomicBool>) -> JoinHandle<()> {
    let (tcp, stop) = (Arc::clone(&world.a.tcp), Arc::clone(stop));
    thread::spawn(move || {
        while !stop.load(Ordering::Relaxed) {
            let Ok(mut stream) = TcpStream::connect(&tcp, ("192.0.2.1", port)) else {
                thread::sleep(Duration::from_millis(1));
                continue;
            };
            let mut buffer = [0; 2000];
            let timeout = Some(Duration::from_millis(10));
            stream.set_read_timeout(timeout).unwrap();
            let _ = stream.write_all(b"hello");
            for _ in 0..20 {
                let _ = stream.read(&mut buffer);
            }
        }
    })
}

#[test]
fn services_stop_under_load() {
    watched("services_stop_under_load", || {
        for _ in 0..5 {
            let world = World::new();
            let stop = Arc::default();
            let services = TcpServices::start(&world.b).unwrap();
            let ports = [CHARGEN, ECHO, CHARGEN, ECHO, CHARGEN, 80];
            let clients = ports.map(|port| rush(&world, port, &stop));
            thread::sleep(Duration::from_millis(30));
            drop(services);
            stop.store(true, Ordering::Relaxed);
            world.a.tcp.close();
            for client in clients {
                client.join().unwrap();
            }
        }
    });
}
