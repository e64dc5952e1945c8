//! UDP, and the routes below it, as a neighbour sees them: whole frames.
#![allow(clippy::unwrap_used)]

#[path = "../../step05_arp/tests/harness/frames.rs"]
#[allow(dead_code)] // other tests need the rest
mod frames;

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use frames::{
    End, ME, MY_MAC, PEER, PEER_MAC, REPLY, REQUEST, arp, arp_messages, config, datagrams, frame,
    ip, parts,
};
use step06_udp::arp::{Arp, ArpInput, Message};
use step06_udp::counters::{Counter, CounterSet};
use step06_udp::device::Devices;
use step06_udp::env::Env;
use step06_udp::ethernet::{self, MacAddr};
use step06_udp::ethertype::EtherType;
use step06_udp::host::{Config, Host};
use step06_udp::icmp::{Code, Header as IcmpHeader, IcmpType};
use step06_udp::ip::{Interfaces, Ip, IpProtocol};
use step06_udp::net::Net;
use step06_udp::packet::Packet;
use step06_udp::protocol::Protocols;
use step06_udp::route::Routes;
use step06_udp::udp::{Header, UdpCounters, UdpSocket};
use step06_udp::wire::Wire;
use step06_udp::{loopback, simulation};

/// The gateway, which the test plays.
const GATEWAY: Ipv4Addr = PEER;
/// A neighbour who is not there.
const NOBODY: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 65);

/// Which counter tells why a datagram was dropped.
type Reason = fn(&UdpCounters) -> &Counter;

/// A host that knows the test, with a socket at port 7 of all its addresses.
struct Bench {
    env: Arc<Env>,
    host: Host,
    net: Net,
    end: End,
    socket: UdpSocket,
}

impl Bench {
    fn new() -> Self {
        Self::with(config())
    }

    fn with(config: Config) -> Self {
        let env = Env::manual(1);
        let (end, port) = End::new(&env);
        let (host, mut net) = Host::new(&env, port, &config).unwrap();
        net.open().unwrap();
        let socket = UdpSocket::bind(&host.udp, "0.0.0.0:7").unwrap();
        socket.set_nonblocking(true).unwrap();
        let mut bench = Self {
            env,
            host,
            net,
            end,
            socket,
        };
        bench.arrive(&arp(&REQUEST));
        bench
    }

    /// Lets a frame arrive, and takes what the host sends because of it.
    fn arrive(&mut self, frame: &[u8]) -> Vec<Vec<u8>> {
        self.end.send(frame);
        simulation::settle(&mut [&mut self.net]);
        self.end.take()
    }

    /// Lets a datagram of UDP's arrive.
    fn udp(&mut self, src: Ipv4Addr, dst: Ipv4Addr, datagram: &[u8]) -> Vec<Vec<u8>> {
        let packet = ip(IpProtocol::UDP, src, dst, datagram);
        self.arrive(&frame(MY_MAC, EtherType::IP, &packet))
    }

    /// What has arrived at the socket.
    fn receive(&self) -> Option<Vec<u8>> {
        let mut buffer = [0; 2000];
        match self.socket.recv_from(&mut buffer) {
            Ok((len, _)) => Some(buffer[..len].to_vec()),
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                None
            }
        }
    }

    /// Asserts that the one datagram that has arrived was dropped, for this
    /// reason, and without a word.
    fn assert_dropped(&self, what: &str, sent: &[Vec<u8>], reason: Reason) {
        let counters = &self.host.udp.counters;
        assert_eq!(reason(counters).get(), 1, "{what}: {counters:?}");
        let mut total = 0;
        counters.each(&mut |_, value| total += value);
        assert_eq!(total, 2, "{what}: received and dropped: {counters:?}");
        assert_eq!(self.receive(), None, "{what}");
        assert!(sent.is_empty(), "{what}: answered");
    }
}

/// A datagram with the right length and checksum.
fn datagram(src: (Ipv4Addr, u16), dst: (Ipv4Addr, u16), data: &[u8]) -> Vec<u8> {
    let mut datagram = [&[0; 8], data].concat();
    let header = Header {
        src_port: src.1,
        dst_port: dst.1,
        len: u16::try_from(datagram.len()).unwrap(),
        checksum: 0,
    };
    header.emit(&mut datagram, src.0, dst.0);
    datagram
}

/// The datagram that the tests start from. It is delivered.
fn template() -> Vec<u8> {
    datagram((PEER, 5000), (ME, 7), b"hello")
}

#[test]
fn an_echo_octet_by_octet() {
    let mut bench = Bench::new();
    // From 192.0.2.1:5000 to 192.0.2.2:7; the checksums are a calculator's.
    let arriving = b"\x00\x00\x5e\x00\x53\x01\x02\x00\x00\x00\x00\x99\x08\x00\
        \x45\x00\x00\x1e\x00\x07\x00\x00\x40\x11\xf6\xc4\xc0\x00\x02\x01\xc0\x00\x02\x02\
        \x13\x88\x00\x07\x00\x0a\xff\xdd\x68\x69";
    assert!(bench.arrive(arriving).is_empty());
    let mut buffer = [0; 100];
    let (len, from) = bench.socket.recv_from(&mut buffer).unwrap();
    assert_eq!(
        (&buffer[..len], from),
        (&b"hi"[..], "192.0.2.1:5000".parse().unwrap())
    );
    bench.socket.send_to(b"hi", from).unwrap();
    let mut leaving = b"\x02\x00\x00\x00\x00\x99\x00\x00\x5e\x00\x53\x01\x08\x00\
        \x45\x00\x00\x1e\x00\x80\x00\x00\x40\x11\xf6\x4b\xc0\x00\x02\x02\xc0\x00\x02\x01\
        \x00\x07\x13\x88\x00\x0a\xff\xdd\x68\x69"
        .to_vec();
    leaving.resize(60, 0);
    assert_eq!(bench.end.take(), [leaving]);
}

#[test]
fn malformed_datagrams_are_dropped_for_their_reason() {
    let with = |at: usize, octets: [u8; 2]| {
        let mut datagram = template();
        datagram[at..at + 2].copy_from_slice(&octets);
        datagram
    };
    let cases: [(_, _, Reason); 9] = [
        ("nothing", vec![], |c| &c.too_short),
        ("7 octets", template()[..7].to_vec(), |c| &c.too_short),
        ("length 0", with(4, [0, 0]), |c| &c.bad_length),
        ("length 7", with(4, [0, 7]), |c| &c.bad_length),
        ("length beyond", with(4, [0, 14]), |c| &c.bad_length),
        ("length 65535", with(4, [255, 255]), |c| &c.bad_length),
        ("shorter than sent", with(4, [0, 12]), |c| &c.bad_checksum),
        ("other data", with(9, *b"EL"), |c| &c.bad_checksum),
        ("other port", with(0, [0x13, 0x89]), |c| &c.bad_checksum),
    ];
    for (what, datagram, reason) in cases {
        let mut bench = Bench::new();
        let sent = bench.udp(PEER, ME, &datagram);
        bench.assert_dropped(what, &sent, reason);
    }
    // The pseudo-header is covered: meant for another host.
    let mut bench = Bench::new();
    let strayed = datagram((PEER, 5000), (Ipv4Addr::new(192, 0, 2, 3), 7), b"hello");
    let sent = bench.udp(PEER, ME, &strayed);
    bench.assert_dropped("strayed", &sent, |c| &c.bad_checksum);
}

#[test]
fn what_is_well_formed_enough_is_taken() {
    let mut without_checksum = template();
    without_checksum[6..8].fill(0);
    let with_padding = [template(), b"what is it?".to_vec()].concat();
    for (what, datagram) in [
        ("the template", template()),
        ("without a checksum", without_checksum),
        ("with padding", with_padding),
    ] {
        let mut bench = Bench::new();
        assert!(bench.udp(PEER, ME, &datagram).is_empty());
        assert_eq!(bench.receive().as_deref(), Some(&b"hello"[..]), "{what}");
    }
}

#[test]
fn port_0_is_nobody() {
    for (what, from, to) in [("from port 0", 0, 7), ("to port 0", 5000, 0)] {
        let mut bench = Bench::new();
        let sent = bench.udp(PEER, ME, &datagram((PEER, from), (ME, to), b"hello"));
        bench.assert_dropped(what, &sent, |c| &c.bad_port);
    }
}

#[test]
fn a_port_that_nobody_has_is_reported_with_the_datagram() {
    let mut bench = Bench::new();
    let hello = datagram((PEER, 5000), (ME, 9), b"hello");
    let sent = bench.udp(PEER, ME, &hello);
    assert_eq!(parts(&sent[0]).0.dst, PEER_MAC);
    let [(header, message)] = datagrams(&sent)[..] else {
        panic!("{sent:?}")
    };
    assert_eq!((header.src, header.dst), (ME, PEER));
    assert_eq!(header.protocol, IpProtocol::ICMP);
    let error = IcmpHeader::parse(message).unwrap();
    assert_eq!(error.icmp_type, IcmpType::DEST_UNREACH);
    assert_eq!((error.code, error.values), (Code::PORT, 0));
    assert_eq!(message[8..], ip(IpProtocol::UDP, PEER, ME, &hello));
}

#[test]
fn broadcasts_reach_sockets_of_all_addresses_only() {
    for dst in [Ipv4Addr::new(192, 0, 2, 255), Ipv4Addr::BROADCAST] {
        let mut bench = Bench::new();
        let one = UdpSocket::bind(&bench.host.udp, "192.0.2.2:8").unwrap();
        one.set_nonblocking(true).unwrap();
        for port in [7, 8, 9] {
            let hello = datagram((PEER, 5000), (dst, port), b"hello");
            let packet = ip(IpProtocol::UDP, PEER, dst, &hello);
            let sent = bench.arrive(&frame(MacAddr::BROADCAST, EtherType::IP, &packet));
            assert!(
                sent.is_empty(),
                "{dst}:{port}: no error is sent to a broadcast"
            );
        }
        assert_eq!(bench.receive().as_deref(), Some(&b"hello"[..]), "{dst}");
        assert!(one.recv(&mut [0; 10]).is_err(), "{dst}");
        assert_eq!(bench.host.udp.counters.port_unreachable.get(), 2, "{dst}");
    }
}

#[test]
fn impossible_senders_are_not_heard() {
    for src in [ME, Ipv4Addr::LOCALHOST, Ipv4Addr::BROADCAST] {
        let mut bench = Bench::new();
        let sent = bench.udp(src, ME, &datagram((src, 5000), (ME, 7), b"hello"));
        assert!(sent.is_empty());
        assert_eq!(bench.receive(), None, "{src}");
        assert_eq!(bench.host.ip.counters.bad_source.get(), 1, "{src}");
    }
}

/// An ICMP error about a datagram of the host's, from the test.
fn refusal(src: (Ipv4Addr, u16), dst: (Ipv4Addr, u16), quoted: usize) -> Vec<u8> {
    let packet = ip(IpProtocol::UDP, src.0, dst.0, &datagram(src, dst, b"hello"));
    let mut message = [&[0; 8], &packet[..quoted]].concat();
    let header = IcmpHeader {
        icmp_type: IcmpType::DEST_UNREACH,
        code: Code::PORT,
        checksum: 0,
        values: 0,
    };
    header.emit(&mut message);
    frame(
        MY_MAC,
        EtherType::IP,
        &ip(IpProtocol::ICMP, PEER, ME, &message),
    )
}

#[test]
fn only_errors_about_what_a_socket_has_sent_reach_it() {
    let mut bench = Bench::new();
    bench.socket.connect((PEER, 53)).unwrap();
    let (own, peer) = ((ME, 7), (PEER, 53));
    for (what, frame, told) in [
        ("of another port of ours", refusal((ME, 8), peer, 28), false),
        (
            "of another port of the peer's",
            refusal(own, (PEER, 54), 28),
            false,
        ),
        ("of another peer", refusal(own, (NOBODY, 53), 28), false),
        ("of another host", refusal((NOBODY, 7), peer, 28), false),
        ("without the ports", refusal(own, peer, 23), false),
        ("of ours", refusal(own, peer, 28), true),
    ] {
        assert!(bench.arrive(&frame).is_empty(), "{what}: answered");
        let error = bench.socket.take_error().unwrap();
        assert_eq!(error.is_some(), told, "{what}");
    }
}

#[test]
fn the_gateway_takes_what_is_far_and_nothing_else() {
    let mut bench = Bench::with(Config {
        gateway: Some(GATEWAY),
        ..config()
    });
    let far = Ipv4Addr::new(8, 8, 8, 8);
    bench.socket.send_to(b"far", (far, 53)).unwrap();
    let sent = bench.end.take();
    assert_eq!(parts(&sent[0]).0.dst, PEER_MAC, "to the gateway's address");
    assert_eq!(datagrams(&sent)[0].0.dst, far, "but for the far host");
    assert_eq!(datagrams(&sent)[0].0.src, ME);

    // What is near is asked for itself.
    let near = Ipv4Addr::new(192, 0, 2, 77);
    bench.socket.send_to(b"near", (near, 53)).unwrap();
    assert_eq!(arp_messages(&bench.end.take())[0].1.tpa, near);

    // 255.255.255.255 is for all on this link: no gateway takes it.
    let socket = UdpSocket::bind(&bench.host.udp, (ME, 68)).unwrap();
    socket.set_broadcast(true).unwrap();
    socket.send_to(b"all", (Ipv4Addr::BROADCAST, 67)).unwrap();
    let sent = bench.end.take();
    assert_eq!(sent.len(), 1);
    assert_eq!(parts(&sent[0]).0.dst, MacAddr::BROADCAST);
    assert_eq!(datagrams(&sent)[0].0.dst, Ipv4Addr::BROADCAST);

    // And what is ours stays with us.
    bench.socket.send_to(b"ours", (ME, 68)).unwrap();
    simulation::settle(&mut [&mut bench.net]);
    assert!(bench.end.take().is_empty());
    assert_eq!(socket.recv(&mut [0; 10]).unwrap(), 4);
}

#[test]
fn a_gateway_that_is_not_there_is_an_unreachable_host() {
    let mut bench = Bench::with(Config {
        gateway: Some(NOBODY),
        ..config()
    });
    bench.socket.connect("8.8.8.8:53").unwrap();
    bench.socket.send(b"hello?").unwrap();
    let span = Duration::from_secs(3);
    simulation::run_for(&bench.env, &mut [&mut bench.net], span);
    let error = bench.socket.take_error().unwrap().unwrap();
    assert_eq!(error.kind(), io::ErrorKind::HostUnreachable);
}

#[test]
fn the_longest_prefix_decides_by_which_wire_and_gateway() {
    let env = Env::manual(1);
    let wires = [Wire::new(&env), Wire::new(&env)];
    let ends = [End::of(&wires[0]), End::of(&wires[1])];
    let mut devices = Devices::new(&env);
    let lo = loopback::init(&mut devices);
    let first = ethernet::init(&mut devices, wires[0].port(), MY_MAC);
    let second = ethernet::init(&mut devices, wires[1].port(), MY_MAC);
    let mut interfaces = Interfaces::new();
    for (device, network) in [
        (&lo, "127.0.0.1/8"),
        (&first, "192.0.2.2/24"),
        (&second, "198.51.100.2/24"),
    ] {
        interfaces
            .register(device, network.parse().unwrap())
            .unwrap();
    }
    let interfaces = Arc::new(interfaces);
    let mut routes = Routes::new(&interfaces);
    routes.set_default_gateway(GATEWAY).unwrap();
    for (network, next_hop) in [
        ("10.0.0.0/8", "198.51.100.1"),
        ("10.1.0.0/16", "192.0.2.65"),
        ("10.1.2.0/24", "198.51.100.65"),
        ("10.1.2.3/32", "192.0.2.66"),
        // A part of a link that lies behind somebody on another one.
        ("192.0.2.128/25", "198.51.100.66"),
    ] {
        let (network, next_hop) = (network.parse().unwrap(), next_hop.parse().unwrap());
        routes.add(network, next_hop).unwrap();
    }
    let arp = Arp::new(&env, &interfaces);
    let ip = Ip::new(&env, &interfaces)
        .neighbor(Arc::clone(&arp))
        .router(routes);
    let mut protocols = Protocols::new();
    protocols
        .register(EtherType::ARP, ArpInput::new(&arp))
        .unwrap();
    let mut net = Net::new(&env, devices, protocols);
    net.open().unwrap();

    for (dst, wire, next_hop) in [
        ("8.8.8.8", 0, "192.0.2.1"),
        ("10.2.3.4", 1, "198.51.100.1"),
        ("10.1.3.4", 0, "192.0.2.65"),
        ("10.1.2.4", 1, "198.51.100.65"),
        ("10.1.2.3", 0, "192.0.2.66"),
        ("192.0.2.77", 0, "192.0.2.77"),
        ("192.0.2.200", 1, "198.51.100.66"),
        ("198.51.100.77", 1, "198.51.100.77"),
    ] {
        let dst: Ipv4Addr = dst.parse().unwrap();
        let payload = Packet::new(b"hello");
        let protocol = IpProtocol(253);
        ip.output(protocol, Ipv4Addr::UNSPECIFIED, dst, payload)
            .unwrap();
        // Whom the host asks for is the next hop; by answering we get the rest.
        let asked = arp_messages(&ends[wire].take());
        let [(_, question)] = asked[..] else {
            panic!("{dst}: {asked:?}")
        };
        assert_eq!(question.tpa, next_hop.parse::<Ipv4Addr>().unwrap(), "{dst}");
        let own = [ME, Ipv4Addr::new(198, 51, 100, 2)][wire];
        assert_eq!(question.spa, own, "{dst}");
        ends[wire].send(&frames::arp(&Message {
            spa: question.tpa,
            tpa: own,
            ..REPLY
        }));
        simulation::settle(&mut [&mut net]);
        let sent = ends[wire].take();
        let [(header, payload)] = datagrams(&sent)[..] else {
            panic!("{dst}: {sent:?}")
        };
        assert_eq!((header.src, header.dst, payload), (own, dst, &b"hello"[..]));
        assert!(ends[1 - wire].take().is_empty(), "{dst}");
    }
}
