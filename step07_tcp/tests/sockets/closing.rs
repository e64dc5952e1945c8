//! Shutdown, drop and abort, in any order.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::thread;

use step07_tcp::tcb::TcpState;
use step07_tcp::tcp_stream::TcpStream;

use crate::world::{World, kind, wait_for_sleepers, wait_until, watched};

fn read_all(mut stream: &TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap();
    all
}

#[test]
fn half_closed_connection_carries_the_answer() {
    watched("half_closed_connection_carries_the_answer", || {
        let world = World::new();
        let (mut client, mut server) = world.connection();
        client.write_all(b"question").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(kind(client.write(b"x")), Some(ErrorKind::BrokenPipe));
        assert_eq!(read_all(&server), b"question");
        server.write_all(b"answer").unwrap();
        drop(server);
        assert_eq!(read_all(&client), b"answer");
        assert_eq!(client.state().unwrap(), TcpState::TimeWait);
    });
}

#[test]
fn shutdown_wakes_the_own_reader() {
    watched("shutdown_wakes_the_own_reader", || {
        let world = World::new();
        let (client, _server) = world.connection();
        let reader = client.try_clone().unwrap();
        let reader = thread::spawn(move || read_all(&reader));
        wait_for_sleepers(&world.a.tcp, 1);
        client.shutdown(Shutdown::Read).unwrap();
        assert_eq!(reader.join().unwrap(), b"");
    });
}

#[test]
fn abort_wakes_all_and_resets_the_peer() {
    watched("abort_wakes_all_and_resets_the_peer", || {
        let world = World::new();
        let (client, server) = world.connection();
        let threads: Vec<_> = [client.try_clone().unwrap(), server]
            .into_iter()
            .map(|mut stream| thread::spawn(move || kind(stream.read(&mut [0; 9]))))
            .collect();
        wait_for_sleepers(&world.a.tcp, 1);
        wait_for_sleepers(&world.b.tcp, 1);
        client.abort();
        let kinds: Vec<_> = threads.into_iter().map(|t| t.join().unwrap()).collect();
        assert_eq!(
            kinds,
            [
                Some(ErrorKind::NotConnected),
                Some(ErrorKind::ConnectionReset)
            ]
        );
    });
}

#[test]
fn what_is_not_read_makes_a_drop_a_reset() {
    watched("what_is_not_read_makes_a_drop_a_reset", || {
        let world = World::new();
        let (mut client, server) = world.connection();
        client.write_all(b"unread").unwrap();
        server.peek(&mut [0]).unwrap();
        drop(server);
        let read = client.read(&mut [0]);
        assert_eq!(kind(read), Some(ErrorKind::ConnectionReset));
        assert_eq!(client.state().unwrap(), TcpState::Closed);
        assert!(client.take_error().unwrap().is_none(), "told once");
        assert_eq!(
            kind(client.shutdown(Shutdown::Both)),
            Some(ErrorKind::NotConnected)
        );
    });
}

#[test]
fn a_clone_keeps_the_connection() {
    watched("a_clone_keeps_the_connection", || {
        let world = World::new();
        let (client, mut server) = world.connection();
        let mut clone = client.try_clone().unwrap();
        drop(client);
        clone.write_all(b"here").unwrap();
        let mut buffer = [0; 4];
        server.read_exact(&mut buffer).unwrap();
        assert_eq!(&buffer, b"here");
        drop(clone);
        assert_eq!(read_all(&server), b"");
    });
}

#[test]
fn written_text_arrives_after_a_drop() {
    watched("written_text_arrives_after_a_drop", || {
        let world = World::new();
        let (mut client, server) = world.connection();
        client.write_all(&[7; 60_000]).unwrap();
        drop(client);
        assert_eq!(read_all(&server).len(), 60_000);
        drop(server);
        wait_until(|| world.b.tcp.all().is_empty());
    });
}

/// What may happen to a connection while others use it.
fn misfortune(client: &mut Option<TcpStream>, server: &mut Option<TcpStream>, which: u32) {
    let slot = if which & 1 == 0 { client } else { server };
    let Some(stream) = slot else { return };
    let how = match (which >> 1) % 5 {
        0 => return drop(slot.take()),
        1 => return stream.abort(),
        2 => Shutdown::Write,
        3 => Shutdown::Read,
        _ => Shutdown::Both,
    };
    // It may be gone already.
    let _ = stream.shutdown(how);
}

#[test]
fn any_order_of_endings_lets_everybody_go() {
    watched("any_order_of_endings_lets_everybody_go", || {
        let world = World::new();
        for order in 0..100 {
            let (client, server) = world.connection();
            let threads: Vec<_> = [client.try_clone(), server.try_clone()]
                .into_iter()
                .map(Result::unwrap)
                .flat_map(|stream| {
                    let mut reader = stream.try_clone().unwrap();
                    let mut writer = stream;
                    [
                        thread::spawn(move || {
                            // Read or not, there is an end of it.
                            let _ = reader.read_to_end(&mut Vec::new());
                            reader.abort();
                        }),
                        thread::spawn(move || {
                            let _ = writer.write_all(&[7; 200_000]);
                            let _ = writer.shutdown(Shutdown::Both);
                        }),
                    ]
                })
                .collect();
            let (mut client, mut server) = (Some(client), Some(server));
            misfortune(&mut client, &mut server, order % 10);
            thread::yield_now();
            misfortune(&mut client, &mut server, order / 10);
            for stream in [client, server].into_iter().flatten() {
                stream.abort();
            }
            for thread in threads {
                thread.join().unwrap();
            }
        }
    });
}
