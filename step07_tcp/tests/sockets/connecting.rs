//! Connecting, listening, accepting, and what can go wrong with it.

use std::io::{ErrorKind, Read, Write};
use std::thread;
use std::time::Duration;

use step07_tcp::keep_alive::KeepAlive;
use step07_tcp::tcb::TcpState;
use step07_tcp::tcp_listener::TcpListener;
use step07_tcp::tcp_stream::TcpStream;

use crate::world::{World, kind, wait_until, watched};

#[test]
fn both_ends_know_each_other() {
    watched("both_ends_know_each_other", || {
        let world = World::new();
        let listener = world.listen(7);
        let client = world.connect(7);
        let (server, from) = listener.accept().unwrap();
        assert_eq!(from, client.local_addr().unwrap());
        assert_eq!(from.ip().to_string(), "192.0.2.2", "as IP has chosen");
        assert_eq!(server.peer_addr().unwrap(), client.local_addr().unwrap());
        assert_eq!(server.local_addr().unwrap(), client.peer_addr().unwrap());
        assert_eq!(client.peer_addr().unwrap(), "192.0.2.1:7".parse().unwrap());
        assert_eq!(client.state().unwrap(), TcpState::Established);
    });
}

#[test]
fn attempts_fail_as_std_reports_them() {
    watched("attempts_fail_as_std_reports_them", || {
        let world = World::new();
        let connect = |addr: &str| kind(TcpStream::connect(&world.a.tcp, addr));
        assert_eq!(connect("192.0.2.1:9"), Some(ErrorKind::ConnectionRefused));
        assert_eq!(connect("127.0.0.1:9"), Some(ErrorKind::ConnectionRefused));
        assert_eq!(
            connect("203.0.113.1:9"),
            Some(ErrorKind::NetworkUnreachable)
        );
        assert_eq!(
            connect("192.0.2.255:9"),
            Some(ErrorKind::NetworkUnreachable)
        );
        assert_eq!(connect("192.0.2.1:0"), Some(ErrorKind::InvalidInput));
        assert_eq!(connect("192.0.2.99:9"), Some(ErrorKind::HostUnreachable));
        assert!(world.a.tcp.all().is_empty());
    });
}

#[test]
fn attempt_without_an_answer_times_out() {
    watched("attempt_without_an_answer_times_out", || {
        let world = World::new();
        // TCP segments vanish, ARP does not.
        world.wire.lose_if(|_, frame| frame.get(23) == Some(&6));
        let addr = "192.0.2.1:7".parse().unwrap();
        let timeout = Duration::from_millis(100);
        let result = TcpStream::connect_timeout(&world.a.tcp, &addr, timeout);
        assert_eq!(kind(result), Some(ErrorKind::TimedOut));
        let result = TcpStream::connect_timeout(&world.a.tcp, &addr, Duration::ZERO);
        assert_eq!(kind(result), Some(ErrorKind::InvalidInput));
        assert!(world.a.tcp.all().is_empty());
    });
}

#[test]
fn addresses_are_bound_once_and_are_ours() {
    watched("addresses_are_bound_once_and_are_ours", || {
        let world = World::new();
        let bind = |addr: &str| TcpListener::bind(&world.b.tcp, addr);
        let all = bind("0.0.0.0:7").unwrap();
        assert_eq!(kind(bind("192.0.2.1:7")), Some(ErrorKind::AddrInUse));
        assert_eq!(kind(bind("192.0.2.2:7")), Some(ErrorKind::AddrNotAvailable));
        let clone = all.try_clone().unwrap();
        drop(all);
        assert_eq!(kind(bind("0.0.0.0:7")), Some(ErrorKind::AddrInUse));
        drop(clone);
        let one = bind("192.0.2.1:7").unwrap();
        assert_eq!(one.local_addr().unwrap(), "192.0.2.1:7".parse().unwrap());
        assert_ne!(bind("0.0.0.0:0").unwrap().local_addr().unwrap().port(), 0);
    });
}

#[test]
fn nonblocking_listener_does_not_wait() {
    watched("nonblocking_listener_does_not_wait", || {
        let world = World::new();
        let listener = world.listen(7);
        listener.set_nonblocking(true).unwrap();
        assert_eq!(kind(listener.accept()), Some(ErrorKind::WouldBlock));
        let _client = world.connect(7);
        let mut accepted = None;
        wait_until(|| {
            accepted = listener.accept().ok();
            accepted.is_some()
        });
        assert_eq!(kind(listener.accept()), Some(ErrorKind::WouldBlock));
    });
}

#[test]
fn full_backlog_holds_off_and_takes_again() {
    watched("full_backlog_holds_off_and_takes_again", || {
        let world = World::new();
        let listener = TcpListener::bind_with_backlog(&world.b.tcp, "0.0.0.0:7", 2).unwrap();
        let clients: Vec<_> = (0..2).map(|_| world.connect(7)).collect();
        wait_until(|| world.b.tcp.counters.established.get() == 2);
        let addr = "192.0.2.1:7".parse().unwrap();
        let timeout = Duration::from_millis(100);
        let result = TcpStream::connect_timeout(&world.a.tcp, &addr, timeout);
        assert_eq!(kind(result), Some(ErrorKind::TimedOut));
        assert!(world.b.tcp.counters.backlog_full.get() > 0);
        for client in clients {
            let (server, from) = listener.accept().unwrap();
            assert_eq!(from, client.local_addr().unwrap());
            drop(server);
        }
        let client = world.connect(7);
        assert_eq!(listener.accept().unwrap().1, client.local_addr().unwrap());
    });
}

#[test]
fn who_waits_in_the_backlog_of_a_closed_listener_is_reset() {
    watched(
        "who_waits_in_the_backlog_of_a_closed_listener_is_reset",
        || {
            let world = World::new();
            let listener = world.listen(7);
            let mut client = world.connect(7);
            wait_until(|| world.b.tcp.counters.established.get() == 1);
            drop(listener);
            let result = client.read(&mut [0; 9]);
            assert_eq!(kind(result), Some(ErrorKind::ConnectionReset));
            assert_eq!(kind(client.write(b"x")), Some(ErrorKind::BrokenPipe));
            wait_until(|| world.b.tcp.all().is_empty());
        },
    );
}

#[test]
fn several_threads_accept_from_one_listener() {
    watched("several_threads_accept_from_one_listener", || {
        let world = World::new();
        let listener = world.listen(7);
        let served = thread::scope(|scope| {
            let servers: Vec<_> = (0..4)
                .map(|_| {
                    let listener = listener.try_clone().unwrap();
                    scope.spawn(move || {
                        for _ in 0..25 {
                            let (mut stream, _) = listener.accept().unwrap();
                            stream.write_all(b"x").unwrap();
                        }
                        25
                    })
                })
                .collect();
            for _ in 0..100 {
                let mut answer = Vec::new();
                world.connect(7).read_to_end(&mut answer).unwrap();
                assert_eq!(answer, b"x");
            }
            servers.into_iter().map(|t| t.join().unwrap()).sum::<u32>()
        });
        assert_eq!(served, 100);
    });
}

#[test]
fn options_are_kept_and_act() {
    watched("options_are_kept_and_act", || {
        let world = World::new();
        let (client, _server) = world.connection();
        assert!(!client.nodelay().unwrap());
        client.set_nodelay(true).unwrap();
        assert!(client.nodelay().unwrap());
        let (keep, timeout) = (KeepAlive::default(), Duration::from_millis(300));
        client.set_keepalive(Some(keep)).unwrap();
        assert_eq!(client.keepalive().unwrap(), Some(keep));
        client.set_user_timeout(Some(timeout)).unwrap();
        assert_eq!(client.user_timeout().unwrap(), Some(timeout));
        world.wire.lose_if(|_, _| true);
        (&client).write_all(b"into the void").unwrap();
        let result = (&client).read(&mut [0]);
        assert_eq!(kind(result), Some(ErrorKind::TimedOut));
    });
}

#[test]
fn what_is_asked_of_ip_is_in_the_datagrams() {
    watched("what_is_asked_of_ip_is_in_the_datagrams", || {
        let world = World::new();
        let (client, mut server) = world.connection();
        assert_eq!(
            (client.diffserv().unwrap(), client.ttl().unwrap()),
            (0, None)
        );
        client.set_diffserv(46).unwrap();
        client.set_ttl(7).unwrap();
        assert_eq!(
            (client.diffserv().unwrap(), client.ttl().unwrap()),
            (46, Some(7))
        );
        for wrong in [0, 256] {
            assert_eq!(kind(client.set_ttl(wrong)), Some(ErrorKind::InvalidInput));
        }
        assert_eq!(kind(client.set_diffserv(64)), Some(ErrorKind::InvalidInput));
        world.wire.record();
        (&client).write_all(b"x").unwrap();
        server.read_exact(&mut [0]).unwrap();
        let record = world.wire.take_record();
        let of_client = |frame: &&Vec<u8>| frame[26..30] == [192, 0, 2, 2];
        let frame = record
            .iter()
            .map(|crossing| &crossing.frame)
            .find(of_client);
        let datagram = &frame.unwrap()[14..];
        assert_eq!((datagram[1], datagram[8]), (46 << 2, 7));
    });
}

#[test]
fn neighbour_that_does_not_answer_is_asked_whether_it_is_there() {
    watched(
        "neighbour_that_does_not_answer_is_asked_whether_it_is_there",
        || {
            let world = World::new();
            let (client, _server) = world.connection();
            // From now on nothing of TCP arrives; ARP does.
            world.wire.lose_if(|_, frame| frame.get(23) == Some(&6));
            let asked = world.a.arp.counters.requests_sent.get();
            (&client).write_all(b"into the void").unwrap();
            wait_until(|| world.a.tcp.counters.negative_advice.get() > 0);
            wait_until(|| world.a.arp.counters.requests_sent.get() > asked);
            client.abort();
        },
    );
}
