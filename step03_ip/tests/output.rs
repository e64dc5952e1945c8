//! The way down: which way a datagram leaves, as what, and why it may not.

mod harness;

use std::io;
use std::net::Ipv4Addr;
use std::num::NonZeroU8;
use std::sync::{Arc, Mutex};

use harness::Host;
use harness::wire::{ALSO_ME, EXPERIMENT, ME, MTU, PEER, TestWire, total};
use step03_ip::counters::Counter;
use step03_ip::device::{DeviceFlags, HwAddr};
use step03_ip::ip::header::MIN_LEN;
use step03_ip::ip::{Header, Interface, IpCounters, Neighbor, Options, Parameters, Route, Router};
use step03_ip::packet::Packet;
use step03_ip::sync::lock;

const ANY: Ipv4Addr = Ipv4Addr::UNSPECIFIED;
const NEED_ARP: DeviceFlags = DeviceFlags::BROADCAST.with(DeviceFlags::NEED_ARP);

fn send(host: &Host, src: Ipv4Addr, dst: Ipv4Addr) -> Result<(), io::ErrorKind> {
    send_len(host, src, dst, 4)
}

fn send_len(host: &Host, src: Ipv4Addr, dst: Ipv4Addr, len: usize) -> Result<(), io::ErrorKind> {
    let payload = Packet::zeroed(len);
    let result = host.ip.output(EXPERIMENT, src, dst, payload);
    result.map_err(|error| error.kind())
}

/// The one frame on `wire`: to which neighbour, and its header.
#[allow(clippy::unwrap_used)] // this is how a test fails
fn only_frame(wire: &TestWire) -> (HwAddr, Header) {
    let frames = wire.sent();
    assert_eq!(frames.len(), 1);
    (frames[0].dst, Header::parse(&frames[0].packet).unwrap())
}

/// Asserts that nothing was sent, for the one reason `counter`.
fn assert_not_sent(host: &Host, counter: fn(&IpCounters) -> &Counter) {
    let counters = &host.ip.counters;
    assert_eq!(counter(counters).get(), 1, "its own counter: {counters:?}");
    assert_eq!(total(counters), 1, "nothing else: {counters:?}");
    assert!(host.wire.sent().is_empty() && host.second.sent().is_empty());
}

#[test]
fn a_datagram_gets_a_whole_header() {
    let host = Host::new();
    let payload = Packet::new(b"the payload");
    host.ip.output(EXPERIMENT, ANY, PEER, payload).unwrap();
    let frames = host.wire.sent();
    let header = Header::parse(&frames[0].packet).unwrap();
    assert_eq!((header.src, header.dst), (ME, PEER));
    assert_eq!((header.protocol, header.ttl), (EXPERIMENT, 64));
    assert_eq!((header.header_len, header.payload_len()), (20, 11));
    assert!(!header.fragment.is_fragment());
    assert_eq!(&frames[0].packet[MIN_LEN..], b"the payload");
    assert_eq!(frames[0].dst, HwAddr::NONE, "this link needs no address");
    let counters = &host.ip.counters;
    assert_eq!((counters.sent.get(), total(counters)), (1, 1));
}

#[test]
fn each_datagram_has_its_own_id() {
    let host = Host::new();
    for id in 128..131 {
        send(&host, ANY, PEER).unwrap();
        assert_eq!(only_frame(&host.wire).1.id, id);
    }
}

#[test]
fn the_id_starts_over_after_the_last() {
    let host = Host::new();
    for _ in 128..=u16::MAX {
        send(&host, ANY, PEER).unwrap();
    }
    host.wire.sent();
    send(&host, ANY, PEER).unwrap();
    assert_eq!(only_frame(&host.wire).1.id, 0);
}

#[test]
fn the_time_to_live_can_be_set() {
    let host = Host::with(DeviceFlags::BROADCAST, |ip| {
        ip.ttl(NonZeroU8::new(3).unwrap())
    });
    send(&host, ANY, PEER).unwrap();
    assert_eq!(only_frame(&host.wire).1.ttl, 3);
}

#[test]
fn the_floors_above_can_set_all_that_a_header_has() {
    let host = Host::new();
    let options = Options::new(&[7, 7, 4, 0, 0, 0, 0]).unwrap();
    let parameters = Parameters {
        tos: 0xb8,
        ttl: NonZeroU8::new(1),
        dont_fragment: true,
        options,
    };
    let payload = Packet::new(b"payload");
    host.ip
        .output_with(&parameters, EXPERIMENT, ANY, PEER, payload)
        .unwrap();
    let packet = host.wire.sent().remove(0).packet;
    let header = Header::parse(&packet).unwrap();
    assert_eq!((header.tos, header.ttl, header.header_len), (0xb8, 1, 28));
    assert!(header.fragment.dont_fragment());
    assert_eq!(packet[MIN_LEN..28], *options);
    assert_eq!(packet[28..], *b"payload");
}

#[test]
fn fragments_carry_the_options_that_are_to_be_copied() {
    let host = Host::new();
    // Record route: not copied. Router alert: copied.
    let octets = [7, 7, 4, 0, 0, 0, 0, 1, 0x94, 4, 0, 0];
    let parameters = Parameters {
        options: Options::new(&octets).unwrap(),
        ..Parameters::default()
    };
    let payload = Packet::zeroed(4000);
    host.ip
        .output_with(&parameters, EXPERIMENT, ANY, PEER, payload)
        .unwrap();
    let mut next = 0;
    for (n, frame) in host.wire.sent().iter().enumerate() {
        let header = Header::parse(&frame.packet).unwrap();
        let options = &frame.packet[MIN_LEN..header.header_len.into()];
        assert_eq!(options, if n == 0 { &octets } else { &octets[8..] });
        assert!(frame.packet.len() <= MTU);
        assert_eq!(header.fragment.offset(), next);
        next += usize::from(header.payload_len());
    }
    assert_eq!(next, 4000);
}

#[test]
fn the_destination_chooses_the_interface() {
    let host = Host::new();
    let neighbor = Ipv4Addr::new(198, 51, 100, 1);
    send(&host, ANY, neighbor).unwrap();
    assert_eq!(only_frame(&host.second).1.src, ALSO_ME);
    assert!(host.wire.sent().is_empty());
    assert_eq!(host.ip.source_for(neighbor), Some(ALSO_ME));
    assert_eq!(host.ip.source_for(PEER), Some(ME));
    assert_eq!(host.ip.source_for(ALSO_ME), Some(ALSO_ME));
    assert_eq!(host.ip.source_for(Ipv4Addr::new(203, 0, 113, 1)), None);
}

#[test]
fn without_a_route_nothing_is_sent() {
    let host = Host::new();
    let sent = send(&host, ANY, Ipv4Addr::new(203, 0, 113, 1));
    assert_eq!(sent, Err(io::ErrorKind::NetworkUnreachable));
    assert_not_sent(&host, |c| &c.no_route);
}

#[test]
fn a_source_that_is_not_the_interfaces_own_is_refused() {
    for (src, dst) in [
        (Ipv4Addr::new(192, 0, 2, 9), PEER), // another host's
        (ALSO_ME, PEER),                     // ours, but on another link
        (Ipv4Addr::LOCALHOST, PEER),         // never on a wire (RFC 1122 §3.2.1.3)
        (Ipv4Addr::new(192, 0, 2, 9), ME),   // another host's, by loopback
    ] {
        let mut host = Host::new();
        let sent = send(&host, src, dst);
        assert_eq!(sent, Err(io::ErrorKind::AddrNotAvailable), "{src} => {dst}");
        assert_not_sent(&host, |c| &c.bad_output_source);
        host.settle();
        assert_eq!(host.lo.counters.sent.get(), 0, "{src} => {dst}");
    }
}

#[test]
fn a_broadcast_to_all_needs_a_source() {
    for src in [ANY, PEER] {
        let host = Host::new();
        let sent = send(&host, src, Ipv4Addr::BROADCAST);
        assert_eq!(sent, Err(io::ErrorKind::AddrNotAvailable), "{src}");
        assert_not_sent(&host, |c| &c.bad_output_source);
    }
}

#[test]
fn the_source_chooses_the_link_of_a_broadcast_to_all() {
    let host = Host::new();
    send(&host, ALSO_ME, Ipv4Addr::BROADCAST).unwrap();
    let (_, header) = only_frame(&host.second);
    assert_eq!((header.src, header.dst), (ALSO_ME, Ipv4Addr::BROADCAST));
    assert!(host.wire.sent().is_empty());
}

#[test]
fn what_is_longer_than_the_mtu_and_must_stay_whole_is_refused() {
    let host = Host::new();
    let send = |len| {
        let sent = host
            .ip
            .output_whole(EXPERIMENT, ANY, PEER, Packet::zeroed(len));
        sent.map_err(|error| error.kind())
    };
    let sent = send(MTU - MIN_LEN + 1);
    assert_eq!(sent, Err(io::ErrorKind::InvalidInput));
    assert_not_sent(&host, |c| &c.too_long);
    assert_eq!(send(MTU - MIN_LEN), Ok(()));
    let (_, header) = only_frame(&host.wire);
    assert_eq!(usize::from(header.total_len), MTU);
    assert!(header.fragment.dont_fragment());
    assert_eq!(header.id, 128, "what is not sent uses up no id");
}

#[test]
fn no_datagram_is_longer_than_its_length_field_can_say() {
    let mut host = Host::new();
    let longest = usize::from(u16::MAX) - MIN_LEN;
    for len in [longest + 1, longest + 65_536] {
        let sent = send_len(&host, ANY, ME, len);
        assert_eq!(sent, Err(io::ErrorKind::InvalidInput), "{len}");
    }
    assert_eq!(send_len(&host, ANY, ME, longest), Ok(()));
    host.settle();
    assert_eq!(host.delivered.try_recv().unwrap().payload.len(), longest);
}

#[test]
fn what_the_device_refuses_is_counted() {
    let mut host = Host::new();
    host.net.close();
    assert_eq!(send(&host, ANY, PEER), Err(io::ErrorKind::NetworkDown));
    assert_not_sent(&host, |c| &c.output_failed);
}

#[test]
fn our_own_addresses_are_reached_by_loopback() {
    for (src, dst, seen) in [
        (ANY, ME, ME),
        (ANY, ALSO_ME, ALSO_ME),
        (ALSO_ME, ME, ALSO_ME),
        (Ipv4Addr::LOCALHOST, ME, Ipv4Addr::LOCALHOST),
        (ANY, Ipv4Addr::LOCALHOST, Ipv4Addr::LOCALHOST),
        (ANY, [127, 0, 0, 2].into(), Ipv4Addr::LOCALHOST),
        ([127, 0, 0, 3].into(), ME, [127, 0, 0, 3].into()),
    ] {
        let mut host = Host::new();
        send(&host, src, dst).unwrap();
        host.settle();
        let delivered = host.delivered.try_recv().unwrap();
        assert_eq!((delivered.header.src, delivered.header.dst), (seen, dst));
        assert!(host.wire.sent().is_empty() && host.second.sent().is_empty());
    }
}

/// Finds a way to everything.
struct Everywhere;

impl Router for Everywhere {
    fn route<'a>(&self, ifaces: &'a [Interface], dst: Ipv4Addr) -> Option<Route<'a>> {
        let iface = ifaces.iter().find(|iface| !iface.is_loopback())?;
        Some(Route {
            iface,
            next_hop: dst,
        })
    }
}

#[test]
fn some_addresses_never_appear_on_a_wire_whatever_the_routes_say() {
    for dst in [
        Ipv4Addr::UNSPECIFIED,
        Ipv4Addr::new(0, 0, 0, 9),
        Ipv4Addr::new(127, 0, 0, 2),
        Ipv4Addr::new(224, 0, 0, 1),
    ] {
        let host = Host::with(DeviceFlags::BROADCAST, |ip| ip.router(Everywhere));
        let far = Ipv4Addr::new(203, 0, 113, 1);
        assert_eq!(send(&host, ANY, far), Ok(()));
        assert_eq!(host.wire.sent().len(), 1, "the router is asked");
        let result = send(&host, ANY, dst);
        assert_eq!(result.is_ok(), dst.is_loopback(), "{dst}: {result:?}");
        assert!(host.wire.sent().is_empty(), "{dst}");
    }
    let host = Host::new();
    let inside = Ipv4Addr::new(127, 0, 0, 2);
    let refused = Err(io::ErrorKind::AddrNotAvailable);
    assert_eq!(send(&host, inside, PEER), refused);
    assert_not_sent(&host, |c| &c.bad_output_source);
}

/// Keeps what it is to deliver, and then fails.
#[derive(Default)]
struct Refusing(Mutex<Vec<(Ipv4Addr, Ipv4Addr, Packet)>>);

impl Neighbor for Refusing {
    fn deliver(&self, iface: &Interface, next_hop: Ipv4Addr, packet: Packet) -> io::Result<()> {
        lock(&self.0).push((iface.unicast(), next_hop, packet));
        Err(io::ErrorKind::HostUnreachable.into())
    }
}

#[test]
fn without_address_resolution_no_neighbour_is_found() {
    let host = Host::with(NEED_ARP, |ip| ip);
    assert_eq!(send(&host, ANY, PEER), Err(io::ErrorKind::Unsupported));
    assert_not_sent(&host, |c| &c.output_failed);
}

#[test]
fn address_resolution_gets_the_whole_datagram() {
    let neighbor = Arc::new(Refusing::default());
    let host = Host::with(NEED_ARP, |ip| ip.neighbor(Arc::clone(&neighbor)));
    let sent = send(&host, ANY, PEER);
    assert_eq!(sent, Err(io::ErrorKind::HostUnreachable), "what it says");
    assert_not_sent(&host, |c| &c.output_failed);
    let asked = lock(&neighbor.0);
    let [(iface, next_hop, packet)] = asked.as_slice() else {
        panic!("asked {} times", asked.len());
    };
    assert_eq!((*iface, *next_hop), (ME, PEER));
    assert_eq!(Header::parse(packet).unwrap().dst, PEER);
}

#[test]
fn a_broadcast_needs_no_address_resolution() {
    for dst in [Ipv4Addr::new(192, 0, 2, 255), Ipv4Addr::BROADCAST] {
        let host = Host::with(NEED_ARP, |ip| ip);
        send(&host, ME, dst).unwrap();
        let (neighbor, header) = only_frame(&host.wire);
        assert_eq!(neighbor, HwAddr::from(TestWire::BROADCAST), "{dst}");
        assert_eq!(header.dst, dst);
    }
}

#[test]
fn a_link_without_addresses_asks_nobody() {
    let neighbor = Arc::new(Refusing::default());
    let host = Host::with(DeviceFlags::BROADCAST, |ip| {
        ip.neighbor(Arc::clone(&neighbor))
    });
    assert_eq!(send(&host, ANY, PEER), Ok(()));
    assert!(lock(&neighbor.0).is_empty());
}

#[test]
fn a_router_chooses_the_next_hop() {
    /// Everything goes to the last interface's gateway.
    struct Gateway;
    const GATEWAY: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
    impl Router for Gateway {
        fn route<'a>(&self, ifaces: &'a [Interface], _: Ipv4Addr) -> Option<Route<'a>> {
            let iface = ifaces.last()?;
            Some(Route {
                iface,
                next_hop: GATEWAY,
            })
        }
    }
    let neighbor = Arc::new(Refusing::default());
    let host = Host::with(NEED_ARP, |ip| {
        ip.neighbor(Arc::clone(&neighbor)).router(Gateway)
    });
    let far = Ipv4Addr::new(203, 0, 113, 1);
    assert!(send(&host, ANY, far).is_err(), "the neighbour refuses");
    {
        let asked = lock(&neighbor.0);
        assert_eq!((asked[0].0, asked[0].1), (ALSO_ME, GATEWAY));
        assert_eq!(Header::parse(&asked[0].2).unwrap().dst, far);
    }
    // Neither a broadcast to all nor our own address is the router's business.
    send(&host, ME, Ipv4Addr::BROADCAST).unwrap();
    assert_eq!(only_frame(&host.wire).1.dst, Ipv4Addr::BROADCAST);
    send(&host, ANY, ME).unwrap();
    assert_eq!(lock(&neighbor.0).len(), 1);
}
