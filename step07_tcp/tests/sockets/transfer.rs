//! Reading and writing, one way, both ways, by many threads.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::thread;
use std::time::Duration;

use step07_tcp::tcp_listener::TcpListener;
use step07_tcp::tcp_stream::TcpStream;

use crate::world::{World, kind, octets, wait_until, watched};

/// Both write 300 kB and read to the end at the same time, by clones.
fn both_ways(client: &TcpStream, server: &TcpStream) {
    let sent = octets(300_000);
    thread::scope(|scope| {
        for stream in [client, server] {
            let (mut writer, sent) = (stream.try_clone().unwrap(), &sent);
            scope.spawn(move || {
                writer.write_all(sent).unwrap();
                writer.shutdown(Shutdown::Write).unwrap();
            });
            let mut reader = stream.try_clone().unwrap();
            scope.spawn(move || {
                let mut received = Vec::new();
                reader.read_to_end(&mut received).unwrap();
                assert!(received == *sent, "{} octets", received.len());
            });
        }
    });
}

#[test]
fn both_ways_at_the_same_time() {
    watched("both_ways_at_the_same_time", || {
        let world = World::new();
        let (client, server) = world.connection();
        both_ways(&client, &server);
    });
}

#[test]
fn over_loopback() {
    watched("over_loopback", || {
        let world = World::new();
        let listener = TcpListener::bind(&world.a.tcp, "127.0.0.1:7").unwrap();
        let client = TcpStream::connect(&world.a.tcp, "127.0.0.1:7").unwrap();
        let (server, _) = listener.accept().unwrap();
        both_ways(&client, &server);
    });
}

#[test]
fn many_connections_at_once() {
    watched("many_connections_at_once", || {
        let world = World::new();
        let listener = world.listen(7);
        thread::scope(|scope| {
            for _ in 0..8 {
                let (world, listener) = (&world, &listener);
                scope.spawn(move || {
                    let mut client = world.connect(7);
                    client.write_all(&octets(40_000)).unwrap();
                    client.shutdown(Shutdown::Write).unwrap();
                    let mut answer = Vec::new();
                    client.read_to_end(&mut answer).unwrap();
                    assert!(answer == octets(40_000));
                });
                scope.spawn(move || {
                    let (mut server, _) = listener.accept().unwrap();
                    let mut buffer = [0; 3000];
                    loop {
                        match server.read(&mut buffer).unwrap() {
                            0 => break,
                            len => server.write_all(&buffer[..len]).unwrap(),
                        }
                    }
                });
            }
        });
    });
}

#[test]
fn timeouts_are_reported_as_std_does() {
    watched("timeouts_are_reported_as_std_does", || {
        let world = World::new();
        let (mut client, _server) = world.connection();
        let timeout = Some(Duration::from_millis(20));
        assert_eq!(client.read_timeout().unwrap(), None);
        client.set_read_timeout(timeout).unwrap();
        client.set_write_timeout(timeout).unwrap();
        assert_eq!(client.read_timeout().unwrap(), timeout);
        assert_eq!(client.write_timeout().unwrap(), timeout);
        let zero = Some(Duration::ZERO);
        assert_eq!(
            kind(client.set_read_timeout(zero)),
            Some(ErrorKind::InvalidInput)
        );
        assert_eq!(
            kind(client.set_write_timeout(zero)),
            Some(ErrorKind::InvalidInput)
        );
        assert_eq!(kind(client.read(&mut [0])), Some(ErrorKind::WouldBlock));
        // Nobody reads: in the end all buffers are full.
        let full = loop {
            if let Err(error) = client.write(&[0; 10_000]) {
                break error.kind();
            }
        };
        assert_eq!(full, ErrorKind::WouldBlock);
        assert_eq!(
            kind(client.wait_flushed(timeout)),
            Some(ErrorKind::WouldBlock)
        );
    });
}

#[test]
fn nonblocking_stream_does_not_wait() {
    watched("nonblocking_stream_does_not_wait", || {
        let world = World::new();
        let (mut client, mut server) = world.connection();
        client.set_nonblocking(true).unwrap();
        assert_eq!(kind(client.read(&mut [0])), Some(ErrorKind::WouldBlock));
        assert_eq!(kind(client.peek(&mut [0])), Some(ErrorKind::WouldBlock));
        let mut written = 0;
        let full = loop {
            match client.write(&[7; 10_000]) {
                Ok(len) => written += len,
                Err(error) => break error.kind(),
            }
        };
        assert_eq!(full, ErrorKind::WouldBlock);
        // The peer takes it: there is room again.
        let mut taken = vec![0; written];
        server.read_exact(&mut taken).unwrap();
        assert_eq!(taken, vec![7; written]);
        wait_until(|| client.write(b"x").is_ok());
        client.set_nonblocking(false).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        server.read_to_end(&mut Vec::new()).unwrap();
        client.wait_flushed(None).unwrap();
    });
}

#[test]
fn peek_reads_the_same_again() {
    watched("peek_reads_the_same_again", || {
        let world = World::new();
        let (mut client, server) = world.connection();
        (&server).write_all(b"abc").unwrap();
        let mut buffer = [0; 3];
        client.peek(&mut buffer[..1]).unwrap();
        client.read_exact(&mut buffer).unwrap();
        assert_eq!(&buffer, b"abc");
    });
}
