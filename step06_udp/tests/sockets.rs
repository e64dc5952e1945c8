//! Sockets: they behave as those of `std::net`.
#![allow(clippy::unwrap_used)]

#[allow(dead_code)] // other tests need the rest
mod pair;

use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use pair::Pair;
use step06_udp::udp::output::MAX_PAYLOAD;
use step06_udp::udp::pcb::{EPHEMERAL, QUEUE_LIMIT};
use step06_udp::udp::{Udp, UdpSocket};

fn kind<T>(result: io::Result<T>) -> Option<io::ErrorKind> {
    result.err().map(|error| error.kind())
}

/// What arrives next, and from whom.
fn receive(socket: &UdpSocket) -> io::Result<(Vec<u8>, SocketAddr)> {
    let mut buffer = vec![0; 65_535];
    let (len, from) = socket.recv_from(&mut buffer)?;
    buffer.truncate(len);
    Ok((buffer, from))
}

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

#[test]
fn an_address_is_bound_once() {
    let pair = Pair::new();
    let bind = |addr: &str| UdpSocket::bind(&pair.a.udp, addr);
    let all = bind("0.0.0.0:7").unwrap();
    for taken in ["0.0.0.0:7", "192.0.2.2:7", "127.0.0.1:7"] {
        assert_eq!(kind(bind(taken)), Some(io::ErrorKind::AddrInUse), "{taken}");
    }
    drop(all);
    let one = bind("192.0.2.2:7").unwrap();
    assert_eq!(kind(bind("0.0.0.0:7")), Some(io::ErrorKind::AddrInUse));
    let other = bind("127.0.0.1:7").unwrap();
    assert_eq!(one.local_addr().unwrap(), addr("192.0.2.2:7"));
    assert_eq!(other.local_addr().unwrap(), addr("127.0.0.1:7"));
}

#[test]
fn foreign_addresses_cannot_be_bound() {
    let pair = Pair::new();
    for foreign in ["192.0.2.1:7", "192.0.2.255:7", "8.8.8.8:0"] {
        let result = UdpSocket::bind(&pair.a.udp, foreign);
        assert_eq!(
            kind(result),
            Some(io::ErrorKind::AddrNotAvailable),
            "{foreign}"
        );
    }
    let result = UdpSocket::bind(&pair.a.udp, "[::1]:7");
    assert_eq!(kind(result), Some(io::ErrorKind::InvalidInput), "no IPv6");
    assert!(pair.a.udp.sockets().is_empty());
}

#[test]
fn who_asks_for_no_port_gets_one_of_his_own() {
    let pair = Pair::new();
    let sockets: Vec<_> = (0..500).map(|_| pair.a("0.0.0.0:0")).collect();
    let ports: BTreeSet<u16> = sockets
        .iter()
        .map(|socket| socket.local_addr().unwrap().port())
        .collect();
    assert_eq!(ports.len(), 500, "all different");
    assert!(ports.iter().all(|port| EPHEMERAL.contains(port)));
    // Not one after the other: nobody outside can guess the next (RFC 6056).
    let ports: Vec<_> = ports.into_iter().collect();
    assert!(
        ports
            .windows(2)
            .filter(|pair| pair[1] == pair[0] + 1)
            .count()
            < 50
    );
    assert_eq!(sockets[0].local_addr().unwrap().ip(), Ipv4Addr::UNSPECIFIED);
}

#[test]
fn a_datagram_goes_there_and_back() {
    let mut pair = Pair::new();
    let (client, server) = (pair.a("0.0.0.0:5000"), pair.b("0.0.0.0:7"));
    assert_eq!(client.send_to(b"hello", "192.0.2.1:7").unwrap(), 5);
    pair.settle();
    let (data, from) = receive(&server).unwrap();
    assert_eq!(
        (data.as_slice(), from),
        (&b"hello"[..], addr("192.0.2.2:5000"))
    );
    server.send_to(b"hello yourself", from).unwrap();
    pair.settle();
    let answer = receive(&client).unwrap();
    assert_eq!(answer, (b"hello yourself".to_vec(), addr("192.0.2.1:7")));
    // Sending has not bound it to an address, as in std.
    assert_eq!(client.local_addr().unwrap(), addr("0.0.0.0:5000"));
}

#[test]
fn what_does_not_fit_the_buffer_is_lost_and_nothing_is_not_nothing() {
    let mut pair = Pair::new();
    let (client, server) = (pair.a("0.0.0.0:0"), pair.b("0.0.0.0:7"));
    for data in [&b"too long"[..], b"", b"next"] {
        client.send_to(data, "192.0.2.1:7").unwrap();
    }
    pair.settle();
    let mut buffer = [0; 3];
    assert_eq!(server.peek_from(&mut buffer).unwrap().0, 3);
    assert_eq!(server.recv_from(&mut buffer).unwrap().0, 3);
    assert_eq!(&buffer, b"too");
    assert_eq!(server.recv(&mut buffer).unwrap(), 0, "an empty datagram");
    assert_eq!(receive(&server).unwrap().0, b"next");
    assert_eq!(kind(receive(&server)), Some(io::ErrorKind::WouldBlock));
}

#[test]
fn the_longest_datagram() {
    let mut pair = Pair::new();
    let (client, server) = (pair.a("0.0.0.0:0"), pair.b("0.0.0.0:7"));
    let data: Vec<u8> = (0..MAX_PAYLOAD)
        .map(|n| (n % 251).to_le_bytes()[0])
        .collect();
    assert_eq!(client.send_to(&data, "192.0.2.1:7").unwrap(), 65_507);
    pair.settle();
    assert!(receive(&server).unwrap().0 == data, "damaged on the way");
    let longer = [data.as_slice(), b"!"].concat();
    let result = client.send_to(&longer, "192.0.2.1:7");
    assert_eq!(kind(result), Some(io::ErrorKind::InvalidInput));
    assert_eq!(pair.a.udp.counters.too_long.get(), 1);
}

#[test]
fn a_connected_socket_talks_to_one_only() {
    let mut pair = Pair::new();
    let socket = pair.a("0.0.0.0:5000");
    let (friend, other) = (pair.b("0.0.0.0:7"), pair.b("0.0.0.0:9"));
    assert_eq!(kind(socket.peer_addr()), Some(io::ErrorKind::NotConnected));
    assert_eq!(kind(socket.send(b"x")), Some(io::ErrorKind::NotConnected));
    // What others have sent before is not for it any more.
    for sender in [&other, &friend] {
        sender.send_to(b"early", "192.0.2.2:5000").unwrap();
    }
    pair.settle();
    socket.connect("192.0.2.1:7").unwrap();
    assert_eq!(socket.peer_addr().unwrap(), addr("192.0.2.1:7"));
    assert_eq!(socket.local_addr().unwrap(), addr("192.0.2.2:5000"));
    for sender in [&other, &friend] {
        sender.send_to(b"late", "192.0.2.2:5000").unwrap();
    }
    pair.settle();
    for expected in [b"early".to_vec(), b"late".to_vec()] {
        assert_eq!(receive(&socket).unwrap(), (expected, addr("192.0.2.1:7")));
    }
    assert_eq!(kind(receive(&socket)), Some(io::ErrorKind::WouldBlock));
    socket.send(b"hello").unwrap();
    pair.settle();
    assert_eq!(receive(&friend).unwrap().0, b"hello");
    // It may still send to others, and be connected to somebody else.
    socket.send_to(b"aside", "192.0.2.1:9").unwrap();
    socket.connect("192.0.2.1:9").unwrap();
    socket.send(b"hello").unwrap();
    pair.settle();
    assert_eq!(receive(&other).unwrap().0, b"aside");
    assert_eq!(receive(&other).unwrap().0, b"hello");
}

#[test]
fn there_is_no_way_to_some() {
    let pair = Pair::new();
    let socket = pair.a("0.0.0.0:0");
    let unreachable = Some(io::ErrorKind::NetworkUnreachable);
    assert_eq!(kind(socket.connect("8.8.8.8:53")), unreachable);
    assert_eq!(kind(socket.send_to(b"x", "8.8.8.8:53")), unreachable);
    let invalid = Some(io::ErrorKind::InvalidInput);
    assert_eq!(kind(socket.send_to(b"x", "192.0.2.1:0")), invalid);
    assert_eq!(kind(socket.send_to(b"x", "[::1]:7")), invalid);
}

#[test]
fn broadcasts_take_permission() {
    let mut pair = Pair::new();
    let socket = pair.a("192.0.2.2:5000");
    let receiver = pair.b("0.0.0.0:7");
    let denied = Some(io::ErrorKind::PermissionDenied);
    for all in ["192.0.2.255:7", "255.255.255.255:7"] {
        assert_eq!(kind(socket.send_to(b"x", all)), denied, "{all}");
    }
    assert!(!socket.broadcast().unwrap());
    socket.set_broadcast(true).unwrap();
    assert!(socket.broadcast().unwrap());
    for all in ["192.0.2.255:7", "255.255.255.255:7"] {
        socket.send_to(all.as_bytes(), all).unwrap();
        pair.settle();
        let expected = (all.as_bytes().to_vec(), addr("192.0.2.2:5000"));
        assert_eq!(receive(&receiver).unwrap(), expected);
    }
    // Nobody is told that a broadcast was not wanted.
    socket.send_to(b"x", "192.0.2.255:9").unwrap();
    pair.settle();
    assert_eq!(pair.b.icmp.counters.suppressed.get(), 1);
    assert_eq!(pair.b.icmp.counters.sent.get(), 0);
}

#[test]
fn a_refusal_is_told_to_connected_sockets_only_and_once() {
    let mut pair = Pair::new();
    let connected = pair.a("0.0.0.0:5000");
    let free = pair.a("0.0.0.0:5001");
    connected.connect("192.0.2.1:9").unwrap();
    let refused = Some(io::ErrorKind::ConnectionRefused);
    let nothing = Some(io::ErrorKind::WouldBlock);
    // By receiving …
    connected.send(b"anybody?").unwrap();
    free.send_to(b"anybody?", "192.0.2.1:9").unwrap();
    pair.settle();
    assert_eq!(kind(receive(&connected)), refused);
    assert_eq!(kind(receive(&connected)), nothing);
    assert_eq!(kind(receive(&free)), nothing);
    // … by sending …
    connected.send(b"anybody?").unwrap();
    pair.settle();
    assert_eq!(kind(connected.send(b"I said: anybody?")), refused);
    assert_eq!(kind(connected.send(b"anybody?")), None);
    pair.settle();
    // … and by asking.
    let error = connected.take_error().unwrap().unwrap();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    assert!(connected.take_error().unwrap().is_none());
    assert_eq!(pair.a.udp.counters.icmp_errors.get(), 4);
    // (One of them waits until `free` asks for it.)
    assert!(free.error_report().unwrap().is_some());
    // A refusal of what it has sent to a third party is none of its business.
    connected.send_to(b"anybody?", "192.0.2.1:10").unwrap();
    pair.settle();
    assert!(connected.take_error().unwrap().is_none());
}

#[test]
fn who_is_not_there_is_unreachable_after_three_requests() {
    let mut pair = Pair::new();
    let (connected, free) = (pair.a("0.0.0.0:0"), pair.a("0.0.0.0:0"));
    connected.connect("192.0.2.99:7").unwrap();
    connected.send(b"hello?").unwrap();
    free.send_to(b"hello?", "192.0.2.99:7").unwrap();
    pair.run(Duration::from_millis(2999));
    assert_eq!(kind(receive(&connected)), Some(io::ErrorKind::WouldBlock));
    pair.run(Duration::from_millis(1));
    assert_eq!(
        kind(receive(&connected)),
        Some(io::ErrorKind::HostUnreachable)
    );
    assert_eq!(kind(receive(&free)), Some(io::ErrorKind::WouldBlock));
}

#[test]
fn a_socket_queues_so_much_and_no_more() {
    let mut pair = Pair::new();
    let (client, server) = (pair.a("0.0.0.0:0"), pair.b("0.0.0.0:7"));
    let other = pair.b("0.0.0.0:9");
    for _ in 0..1000 {
        client.send_to(&[0; 1000], "192.0.2.1:7").unwrap();
        pair.settle();
    }
    let waiting = |pair: &Pair| -> usize {
        let sockets = pair.b.udp.sockets().into_iter();
        sockets.map(|(_, _, octets)| octets).sum()
    };
    let octets = waiting(&pair);
    assert!(
        (QUEUE_LIMIT - 2000..=QUEUE_LIMIT).contains(&octets),
        "{octets}"
    );
    let counters = &pair.b.udp.counters;
    assert_eq!(counters.delivered.get() + counters.queue_full.get(), 1000);
    // The others have their own queues.
    client.send_to(b"x", "192.0.2.1:9").unwrap();
    pair.settle();
    assert!(receive(&other).is_ok());
    let taken = std::iter::from_fn(|| receive(&server).ok()).count() as u64;
    assert_eq!(taken + 1, pair.b.udp.counters.delivered.get());
    assert_eq!(waiting(&pair), 0);
}

#[test]
fn the_last_handle_closes() {
    let mut pair = Pair::new();
    let client = pair.a("0.0.0.0:0");
    let server = pair.b("0.0.0.0:7");
    let clone = server.try_clone().unwrap();
    drop(server);
    client.send_to(b"x", "192.0.2.1:7").unwrap();
    pair.settle();
    assert!(receive(&clone).is_ok(), "the same socket");
    assert_eq!(
        kind(receive(&clone)),
        Some(io::ErrorKind::WouldBlock),
        "the same mode"
    );
    drop(clone);
    assert!(pair.b.udp.sockets().is_empty());
    client.send_to(b"x", "192.0.2.1:7").unwrap();
    pair.settle();
    assert_eq!(pair.b.udp.counters.port_unreachable.get(), 1);
    drop(pair.b("0.0.0.0:7")); // free again
}

#[test]
fn a_host_talks_to_itself_without_the_wire() {
    let mut pair = Pair::new();
    let server = pair.a("0.0.0.0:7");
    let client = pair.a("0.0.0.0:5000");
    for (to, from) in [
        ("192.0.2.2:7", "192.0.2.2:5000"),
        ("127.0.0.1:7", "127.0.0.1:5000"),
    ] {
        client.send_to(to.as_bytes(), to).unwrap();
        pair.settle();
        let expected = (to.as_bytes().to_vec(), addr(from));
        assert_eq!(receive(&server).unwrap(), expected);
        server.send_to(b"answer", from).unwrap();
        pair.settle();
        assert_eq!(receive(&client).unwrap(), (b"answer".to_vec(), addr(to)));
    }
    // Also its refusals.
    client.connect("192.0.2.2:9").unwrap();
    client.send(b"anybody?").unwrap();
    pair.settle();
    assert_eq!(
        kind(receive(&client)),
        Some(io::ErrorKind::ConnectionRefused)
    );
    assert_eq!(
        pair.a.device.counters.sent.get(),
        0,
        "nothing left the host"
    );
}

#[test]
fn a_timeout_ends_the_wait() {
    let pair = Pair::new();
    let socket = UdpSocket::bind(&pair.a.udp, "0.0.0.0:7").unwrap();
    let invalid = Some(io::ErrorKind::InvalidInput);
    assert_eq!(kind(socket.set_read_timeout(Some(Duration::ZERO))), invalid);
    assert_eq!(socket.read_timeout().unwrap(), None);
    let millisecond = Some(Duration::from_millis(1));
    socket.set_read_timeout(millisecond).unwrap();
    assert_eq!(socket.read_timeout().unwrap(), millisecond);
    assert_eq!(kind(receive(&socket)), Some(io::ErrorKind::WouldBlock));
}

/// A thread that is blocked in `recv_from`.
fn sleeper(udp: &Udp, socket: &UdpSocket) -> JoinHandle<io::Result<(Vec<u8>, SocketAddr)>> {
    let before = udp.sleepers();
    let socket = socket.clone();
    let thread = thread::spawn(move || receive(&socket));
    while udp.sleepers() == before {
        thread::yield_now();
    }
    thread
}

#[test]
fn a_datagram_wakes_who_sleeps_for_it() {
    let mut pair = Pair::new();
    let client = pair.a("0.0.0.0:5000");
    let [seven, nine] = ["0.0.0.0:7", "0.0.0.0:9"].map(|addr| {
        let socket = UdpSocket::bind(&pair.b.udp, addr).unwrap();
        (sleeper(&pair.b.udp, &socket), socket)
    });
    for (thread, port) in [(nine.0, 9), (seven.0, 7)] {
        let data = [port; 3];
        client
            .send_to(&data, (Ipv4Addr::new(192, 0, 2, 1), port.into()))
            .unwrap();
        pair.settle();
        let expected = (data.to_vec(), addr("192.0.2.2:5000"));
        assert_eq!(thread.join().unwrap().unwrap(), expected);
    }
}

#[test]
fn a_refusal_wakes_who_sleeps() {
    let mut pair = Pair::new();
    let socket = UdpSocket::bind(&pair.a.udp, "0.0.0.0:0").unwrap();
    socket.connect("192.0.2.1:9").unwrap();
    let thread = sleeper(&pair.a.udp, &socket);
    socket.send(b"anybody?").unwrap();
    pair.settle();
    assert_eq!(
        kind(thread.join().unwrap()),
        Some(io::ErrorKind::ConnectionRefused)
    );
}

#[test]
fn an_interruption_wakes_all_who_sleep_now() {
    let mut pair = Pair::new();
    let client = pair.a("0.0.0.0:0");
    let udp = Arc::clone(&pair.b.udp);
    let sockets = [7, 9, 9].map(|port| (port, Ipv4Addr::UNSPECIFIED));
    let seven = UdpSocket::bind(&udp, (sockets[0].1, sockets[0].0)).unwrap();
    let nine = UdpSocket::bind(&udp, (sockets[1].1, sockets[1].0)).unwrap();
    let threads = [&seven, &nine, &nine].map(|socket| sleeper(&udp, socket));
    assert_eq!(udp.sleepers(), 3);
    udp.interrupt();
    for thread in threads {
        assert_eq!(
            kind(thread.join().unwrap()),
            Some(io::ErrorKind::Interrupted)
        );
    }
    assert_eq!(udp.sleepers(), 0);
    // Who sleeps later sleeps well.
    let thread = sleeper(&udp, &seven);
    client.send_to(b"good morning", "192.0.2.1:7").unwrap();
    pair.settle();
    assert_eq!(thread.join().unwrap().unwrap().0, b"good morning");
}

#[test]
fn shutdown_wakes_all_and_lets_nobody_sleep_again() {
    let mut pair = Pair::new();
    let client = pair.a("0.0.0.0:0");
    let udp = Arc::clone(&pair.b.udp);
    let socket = UdpSocket::bind(&udp, "0.0.0.0:7").unwrap();
    let threads = [(); 3].map(|()| sleeper(&udp, &socket));
    udp.close();
    let interrupted = Some(io::ErrorKind::Interrupted);
    for thread in threads {
        assert_eq!(kind(thread.join().unwrap()), interrupted);
    }
    assert_eq!(kind(receive(&socket)), interrupted);
    // Not even a flood, which always has something to receive, hides the end.
    client.send_to(b"x", "192.0.2.1:7").unwrap();
    pair.settle();
    assert_eq!(udp.counters.delivered.get(), 1);
    assert_eq!(kind(receive(&socket)), interrupted);
}
