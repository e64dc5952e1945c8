//! All that IP knows of a datagram reaches the application, and all that the
//! application asks of IP reaches the wire (RFC 1122 §4.1.4).
#![allow(clippy::unwrap_used)]

#[path = "../../step05_arp/tests/harness/frames.rs"]
#[allow(dead_code)] // other tests need the rest
mod frames;
#[allow(dead_code)] // other tests need the rest
mod pair;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use frames::{End, ME, PEER, REQUEST, arp, config, parts};
use pair::{Pair, bound};
use step06_udp::env::Env;
use step06_udp::host::Host;
use step06_udp::ip::Header as IpHeader;
use step06_udp::packet::Packet;
use step06_udp::simulation;
use step06_udp::udp::{Message, UdpSocket};

/// A record route option with room for two addresses.
const RECORD_ROUTE: [u8; 12] = [7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0];

fn receive(socket: &UdpSocket) -> (Message, Vec<u8>) {
    let mut buffer = vec![0; 65_535];
    let message = socket.recv_message(&mut buffer).unwrap();
    buffer.truncate(message.len);
    (message, buffer)
}

fn kind<T>(result: io::Result<T>) -> Option<io::ErrorKind> {
    result.err().map(|error| error.kind())
}

#[test]
fn type_of_service_and_options_arrive() {
    let mut pair = Pair::new();
    let (from, to) = (
        bound(&pair.a.udp, "0.0.0.0:5000"),
        bound(&pair.b.udp, "0.0.0.0:7"),
    );
    from.set_tos(0xb8).unwrap();
    from.set_ip_options(&RECORD_ROUTE).unwrap();
    from.send_to(b"hello", "192.0.2.1:7").unwrap();
    pair.settle();
    let (message, data) = receive(&to);
    assert_eq!(data, b"hello");
    assert_eq!(
        message.from,
        "192.0.2.2:5000".parse::<SocketAddr>().unwrap()
    );
    assert_eq!((message.to, message.tos), (PEER, 0xb8));
    assert_eq!(*message.options, RECORD_ROUTE);
    for bad in [[7; 41].as_slice(), &[7, 11, 4]] {
        assert_eq!(
            kind(from.set_ip_options(bad)),
            Some(io::ErrorKind::InvalidInput)
        );
    }
}

#[test]
fn what_is_asked_for_stands_in_the_header() {
    let env = Env::manual(1);
    let (end, port) = End::new(&env);
    let (host, mut net) = Host::new(&env, port, &config()).unwrap();
    net.open().unwrap();
    end.send(&arp(&REQUEST));
    simulation::settle(&mut [&mut net]);
    end.take();
    let socket = bound(&host.udp, "0.0.0.0:5000");
    let send = |data: &[u8]| {
        socket.send_to(data, (PEER, 7)).unwrap();
        let frame = end.take().remove(0);
        IpHeader::parse(parts(&frame).1).unwrap()
    };
    let header = send(b"as usual");
    assert_eq!((header.tos, header.ttl, header.header_len), (0, 64, 20));
    assert!(!header.fragment.dont_fragment());
    assert_eq!(socket.ttl().unwrap(), 64);

    socket.set_ttl(255).unwrap();
    socket.set_tos(0x10).unwrap();
    socket.set_dont_fragment(true).unwrap();
    socket.set_ip_options(&RECORD_ROUTE).unwrap();
    let header = send(b"as asked for");
    assert_eq!((header.tos, header.ttl, header.header_len), (0x10, 255, 32));
    assert!(header.fragment.dont_fragment());
    assert_eq!(socket.ttl().unwrap(), 255);
    for ttl in [0, 256] {
        assert_eq!(kind(socket.set_ttl(ttl)), Some(io::ErrorKind::InvalidInput));
    }

    // The longest that goes in one piece: 1500, less 32 and 8.
    let len = socket.unfragmented_len((PEER, 7)).unwrap();
    assert_eq!(len, 1460);
    assert_eq!(usize::from(send(&vec![0; len]).total_len), 1500);
    let too_long = socket.send_to(&vec![0; len + 1], (PEER, 7));
    assert_eq!(kind(too_long), Some(io::ErrorKind::InvalidInput));
}

#[test]
fn a_source_route_can_be_sent_and_has_ended_when_it_arrives() {
    let mut pair = Pair::new();
    let (from, to) = (
        bound(&pair.a.udp, "0.0.0.0:5000"),
        bound(&pair.b.udp, "0.0.0.0:7"),
    );
    // Its pointer is behind its only station: that was the last router.
    let ended = [131, 7, 8, 203, 0, 113, 1];
    from.set_ip_options(&ended).unwrap();
    from.send_to(b"roundabout", "192.0.2.1:7").unwrap();
    pair.settle();
    let (message, data) = receive(&to);
    assert_eq!(
        (&message.options[..7], data.as_slice()),
        (&ended[..], &b"roundabout"[..])
    );
    // Here it leads on, and the other host does not follow.
    from.set_ip_options(&[131, 7, 4, 203, 0, 113, 1]).unwrap();
    from.send_to(b"roundabout", "192.0.2.1:7").unwrap();
    pair.settle();
    let report = from.error_report().unwrap().unwrap();
    assert_eq!(report.kind, io::ErrorKind::HostUnreachable);
}

#[test]
fn an_answer_comes_from_the_address_that_was_asked() {
    let mut pair = Pair::new();
    let server = bound(&pair.a.udp, "0.0.0.0:7");
    for asked in [ME, Ipv4Addr::LOCALHOST, Ipv4Addr::new(127, 0, 0, 2)] {
        let client = bound(&pair.a.udp, "0.0.0.0:0");
        client.connect((asked, 7)).unwrap();
        client.send(b"who are you?").unwrap();
        pair.settle();
        let (message, _) = receive(&server);
        assert_eq!(message.to, asked);
        server.send_from(b"me", message.to, message.from).unwrap();
        pair.settle();
        // A connected socket hears nobody else.
        assert_eq!(receive(&client).1, b"me", "{asked}");
    }
    // A broadcast is answered from the address of where it came in.
    let everybody = bound(&pair.b.udp, "192.0.2.1:5000");
    everybody.set_broadcast(true).unwrap();
    for all in ["255.255.255.255:7", "192.0.2.255:7"] {
        everybody.send_to(b"anybody?", all).unwrap();
        pair.settle();
        assert_eq!(receive(&server).0.to, ME, "{all}");
    }
}

#[test]
fn the_source_is_one_of_ours() {
    let mut pair = Pair::new();
    let (wild, fixed) = (
        bound(&pair.a.udp, "0.0.0.0:5000"),
        bound(&pair.a.udp, "192.0.2.2:5001"),
    );
    let refused = Some(io::ErrorKind::AddrNotAvailable);
    let foreign = Ipv4Addr::new(192, 0, 2, 9);
    assert_eq!(kind(wild.send_from(b"x", foreign, (PEER, 7))), refused);
    assert_eq!(
        kind(wild.send_from(b"x", Ipv4Addr::LOCALHOST, (PEER, 7))),
        refused
    );
    assert_eq!(
        kind(fixed.send_from(b"x", Ipv4Addr::LOCALHOST, (ME, 7))),
        refused
    );
    assert_eq!(kind(fixed.send_from(b"x", ME, (PEER, 7))), None);
    // With a source, a broadcast to all knows its link.
    wild.set_broadcast(true).unwrap();
    let (all, to) = ((Ipv4Addr::BROADCAST, 7), bound(&pair.b.udp, "0.0.0.0:7"));
    assert_eq!(kind(wild.send_to(b"x", all)), refused);
    assert_eq!(kind(wild.send_from(b"to all", ME, all)), None);
    pair.settle();
    // It needs no address resolution, and overtakes what does.
    assert_eq!(receive(&to).1, b"to all");
    assert_eq!(receive(&to).1, b"x");
}

#[test]
fn who_talks_to_many_can_ask_what_went_wrong() {
    let mut pair = Pair::new();
    let socket = bound(&pair.a.udp, "0.0.0.0:5000");
    for port in [9, 10] {
        socket.send_to(b"anybody?", (PEER, port)).unwrap();
    }
    pair.settle();
    for port in [9, 10] {
        let report = socket.error_report().unwrap().unwrap();
        assert_eq!(
            (report.to, report.from),
            (format!("{PEER}:{port}").parse().unwrap(), PEER)
        );
        assert_eq!(report.kind, io::ErrorKind::ConnectionRefused);
    }
    assert_eq!(socket.error_report().unwrap(), None);
    // No call has failed, and nobody was disturbed in his sleep for good.
    assert!(socket.take_error().unwrap().is_none());
}

#[test]
fn a_neighbour_that_did_not_answer_is_unreachable_at_once() {
    let mut pair = Pair::new();
    let socket = bound(&pair.a.udp, "0.0.0.0:5000");
    let nobody = (Ipv4Addr::new(192, 0, 2, 65), 7);
    assert_eq!(kind(socket.send_to(b"anybody?", nobody)), None);
    for _ in 0..305 {
        pair.settle();
    }
    let unreachable = io::ErrorKind::HostUnreachable;
    assert_eq!(socket.error_report().unwrap().unwrap().kind, unreachable);
    assert_eq!(kind(socket.send_to(b"anybody?", nobody)), Some(unreachable));
}

#[test]
fn a_broadcast_takes_permission_to_connect_as_well() {
    let pair = Pair::new();
    let socket = bound(&pair.a.udp, "192.0.2.2:5000");
    for all in ["255.255.255.255:7", "192.0.2.255:7"] {
        assert_eq!(
            kind(socket.connect(all)),
            Some(io::ErrorKind::PermissionDenied)
        );
    }
    socket.set_broadcast(true).unwrap();
    assert_eq!(kind(socket.connect("255.255.255.255:7")), None);
    assert_eq!(kind(socket.send(b"to all")), None);
}

#[test]
fn options_that_do_not_fit_make_no_datagram() {
    let pair = Pair::new();
    let socket = bound(&pair.a.udp, "192.0.2.2:5000");
    socket.set_ip_options(&RECORD_ROUTE).unwrap();
    let longest = step06_udp::udp::output::MAX_PAYLOAD;
    assert_eq!(Packet::zeroed(longest).len() + 8 + 20, 65_535);
    let too_long = socket.send_to(&vec![0; longest - 11], (PEER, 7));
    assert_eq!(kind(too_long), Some(io::ErrorKind::InvalidInput));
    assert_eq!(
        kind(socket.send_to(&vec![0; longest - 12], (PEER, 7))),
        None
    );
}
