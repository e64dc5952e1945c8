//! The way up: what is delivered, and what is dropped for which reason.

mod harness;

use std::net::Ipv4Addr;
use std::sync::Arc;

use harness::Host;
use harness::wire::{
    ALSO_ME, EXPERIMENT, ME, PEER, below, datagram, datagram_with, header, mutate, octet, seal,
    sum, total,
};
use step03_ip::counters::Counter;
use step03_ip::ip::header::MIN_LEN;
use step03_ip::ip::input::AlreadyRegistered;
use step03_ip::ip::{
    Datagram, DeliveryError, Header, IpCounters, IpInput, IpProtocol, Options, Upper,
};
use step03_ip::packet::Packet;

/// Which counter tells why a datagram was dropped.
type Reason = fn(&IpCounters) -> &Counter;

const PAYLOAD: &[u8] = b"the payload";

/// The datagram that all tests start from. It is delivered.
fn template() -> Vec<u8> {
    datagram(header(EXPERIMENT), PAYLOAD)
}

/// The template with some octets overwritten, and its checksum made good.
fn with(at: usize, octets: &[u8]) -> Vec<u8> {
    let mut packet = template();
    packet[at..at + octets.len()].copy_from_slice(octets);
    seal(&mut packet);
    packet
}

fn with_src(src: Ipv4Addr) -> Vec<u8> {
    with(12, &src.octets())
}

fn with_dst(dst: Ipv4Addr) -> Vec<u8> {
    with(16, &dst.octets())
}

/// Asserts that a host that has received one datagram has dropped it, for the
/// one reason `counter`.
fn assert_dropped(what: &str, host: &Host, counter: Reason) {
    let counters = &host.ip.counters;
    assert_eq!(counters.received.get(), 1, "{what}: received");
    assert_eq!(counter(counters).get(), 1, "{what}: its own counter");
    assert_eq!(total(counters), 2, "{what}: nothing else: {counters:?}");
    assert!(host.delivered.try_recv().is_err(), "{what}: delivered");
    assert!(host.wire.sent().is_empty(), "{what}: answered");
}

#[test]
fn the_template_is_delivered() {
    let mut host = Host::new();
    let delivered = host.receive(&template()).unwrap();
    assert_eq!(delivered.iface, ME);
    assert_eq!((delivered.header.src, delivered.header.dst), (PEER, ME));
    assert_eq!(delivered.payload, PAYLOAD);
    assert_eq!(delivered.packet, template());
    assert!(!delivered.broadcast);
    let counters = &host.ip.counters;
    assert_eq!(counters.delivered.get(), 1);
    assert_eq!(total(counters), 2, "received and delivered: {counters:?}");
}

#[test]
fn each_malformed_header_is_dropped_for_its_reason() {
    let mut damaged = template();
    damaged[8] -= 1;
    let last = template().len() - 1;
    let cases: [(_, _, Reason); 12] = [
        ("no octet", vec![], |c| &c.too_short),
        ("19 octets", template()[..19].to_vec(), |c| &c.too_short),
        ("version 6", with(0, &[0x65]), |c| &c.bad_version),
        ("IHL 0", with(0, &[0x40]), |c| &c.bad_header_length),
        ("IHL 4", with(0, &[0x44]), |c| &c.bad_header_length),
        ("IHL beyond the packet", with(0, &[0x4f]), |c| {
            &c.bad_header_length
        }),
        ("total length 0", with(2, &[0, 0]), |c| &c.bad_total_length),
        ("total length 19", with(2, &[0, 19]), |c| {
            &c.bad_total_length
        }),
        ("total length beyond", with(2, &[0, 32]), |c| {
            &c.bad_total_length
        }),
        ("total length 65535", with(2, &[255, 255]), |c| {
            &c.bad_total_length
        }),
        ("cut on the way", template()[..last].to_vec(), |c| {
            &c.bad_total_length
        }),
        ("checksum", damaged, |c| &c.bad_checksum),
    ];
    for (what, packet, counter) in cases {
        let mut host = Host::new();
        host.receive(&packet);
        assert_dropped(what, &host, counter);
    }
}

#[test]
fn a_total_length_below_that_of_options_is_dropped() {
    // 24 octets of header, but only 22 of datagram, in a packet that has both.
    let mut packet = with(0, &[0x46]);
    packet[2..4].copy_from_slice(&[0, 22]);
    seal(&mut packet);
    let mut host = Host::new();
    host.receive(&packet);
    assert_dropped("total length 22", &host, |c| &c.bad_total_length);
}

#[test]
fn malformed_options_are_reported() {
    // 24 octets of header; the option's length is 0.
    let mut packet = with(0, &[0x46]);
    packet.splice(20..20, [0x83, 0, 0, 0]);
    let len = u16::try_from(packet.len()).unwrap();
    packet[2..4].copy_from_slice(&len.to_be_bytes());
    seal(&mut packet);
    let mut host = Host::new();
    assert!(host.receive(&packet).is_none());
    let (error, datagram) = host.reported.try_recv().unwrap();
    assert_eq!(error, DeliveryError::ParameterProblem(21));
    assert_eq!(datagram.packet, packet);
    assert_eq!(host.ip.counters.bad_options.get(), 1);
}

#[test]
fn a_source_route_that_leads_on_is_not_followed_but_reported() {
    let route = |pointer| Options::new(&[131, 7, pointer, 203, 0, 113, 1]).unwrap();
    let packet = datagram_with(header(EXPERIMENT), &route(4), PAYLOAD);
    let mut host = Host::new();
    assert!(host.receive(&packet).is_none());
    let (error, reported) = host.reported.try_recv().unwrap();
    assert_eq!(error, DeliveryError::SourceRouteFailed);
    assert_eq!(reported.packet, packet);
    assert_eq!(host.ip.counters.source_routed.get(), 1);
    // One that has come to its end is an option like any other.
    let packet = datagram_with(header(EXPERIMENT), &route(8), PAYLOAD);
    assert_eq!(host.receive(&packet).unwrap().options, *route(8));
}

#[test]
fn no_time_to_live_is_too_short_for_the_last_host() {
    for ttl in [0, 1] {
        let last = Header {
            ttl,
            ..header(EXPERIMENT)
        };
        let mut host = Host::new();
        assert!(host.receive(&datagram(last, PAYLOAD)).is_some(), "{ttl}");
    }
}

#[test]
fn what_is_for_others_is_dropped() {
    for dst in [
        Ipv4Addr::new(192, 0, 2, 9),      // another host of the network
        Ipv4Addr::new(192, 0, 2, 0),      // the network itself
        Ipv4Addr::new(198, 51, 100, 255), // the broadcast address of another link
        Ipv4Addr::new(203, 0, 113, 255),  // the broadcast address of another network
        Ipv4Addr::new(224, 0, 0, 1),      // a group
        Ipv4Addr::LOCALHOST,              // must not appear on a wire (RFC 1122 §3.2.1.3)
        Ipv4Addr::UNSPECIFIED,
        ALSO_ME, // ours, but not here
    ] {
        let mut host = Host::new();
        host.receive(&with_dst(dst));
        assert_dropped(&dst.to_string(), &host, |c| &c.other_host);
    }
}

#[test]
fn sources_that_nobody_can_have_are_dropped() {
    for src in [
        Ipv4Addr::new(224, 0, 0, 1),
        Ipv4Addr::new(192, 0, 2, 255),
        Ipv4Addr::BROADCAST,
        Ipv4Addr::new(198, 51, 100, 255), // all on our other link
        Ipv4Addr::new(240, 0, 0, 1),
        Ipv4Addr::new(0, 0, 0, 9),
        Ipv4Addr::UNSPECIFIED,
        Ipv4Addr::LOCALHOST,
        Ipv4Addr::new(127, 9, 9, 9),
        ME, // somebody pretends to be us
        ALSO_ME,
    ] {
        let mut host = Host::new();
        host.receive(&with_src(src));
        assert_dropped(&src.to_string(), &host, |c| &c.bad_source);
    }
    // A host that asks for its address has none yet (RFC 1122 §3.2.1.3).
    let mut host = Host::new();
    let asking = Header {
        src: Ipv4Addr::UNSPECIFIED,
        dst: Ipv4Addr::BROADCAST,
        ..header(EXPERIMENT)
    };
    assert!(host.receive(&datagram(asking, PAYLOAD)).is_some());
}

#[test]
fn a_broadcast_of_the_link_is_taken_only_if_ip_says_so_too() {
    let mut host = Host::new();
    host.wire.arrive_by_broadcast(&template());
    host.wire.arrive_by_broadcast(&with_dst(ALSO_ME));
    host.settle();
    assert!(host.delivered.try_recv().is_err());
    assert!(host.reported.try_recv().is_err());
    let counters = &host.ip.counters;
    assert_eq!(counters.link_broadcast.get(), 1);
    assert_eq!(counters.other_host.get(), 1);
    for dst in [Ipv4Addr::BROADCAST, Ipv4Addr::new(192, 0, 2, 255)] {
        host.wire.arrive_by_broadcast(&with_dst(dst));
        host.settle();
        assert!(host.delivered.try_recv().is_ok(), "{dst}");
    }
}

#[test]
fn addresses_of_the_loopback_network_stay_inside() {
    // From a wire: neither as a source nor as a destination.
    let mut host = Host::new();
    assert!(host.receive(&with_dst(Ipv4Addr::LOCALHOST)).is_none());
    assert_dropped("from outside", &host, |c| &c.other_host);
    // Inside, each of them is this host.
    let mut host = Host::new();
    for dst in [[127, 0, 0, 2], [127, 255, 255, 254]] {
        let within = Header {
            src: Ipv4Addr::LOCALHOST,
            dst: dst.into(),
            ..header(EXPERIMENT)
        };
        let delivered = host.receive_from_self(&datagram(within, PAYLOAD));
        assert_eq!(delivered.unwrap().header.dst, Ipv4Addr::from(dst));
    }
}

#[test]
fn a_device_without_an_address_takes_nothing() {
    let mut host = Host::new();
    host.bare.arrive(&template());
    host.settle();
    assert_dropped("no interface", &host, |c| &c.no_interface);
}

#[test]
fn a_protocol_that_nobody_speaks_is_reported_with_the_whole_datagram() {
    let mut host = Host::new();
    let packet = with(9, &[254]);
    host.receive(&packet);
    assert_dropped("protocol 254", &host, |c| &c.unknown_protocol);
    let (error, reported) = host.reported.try_recv().unwrap();
    assert_eq!(error, DeliveryError::ProtocolUnreachable);
    assert_eq!(reported.packet, packet);
    assert_eq!(reported.payload, PAYLOAD);
}

#[test]
fn nothing_but_an_unknown_protocol_is_reported() {
    let mut host = Host::new();
    for packet in [
        template(),
        with(2, &[0, 0]),
        with(6, &[0x20, 0]),
        with_dst(PEER),
        with_src(Ipv4Addr::BROADCAST),
    ] {
        host.receive(&packet);
    }
    assert!(host.reported.try_recv().is_err());
}

#[test]
fn padding_is_cut() {
    let mut host = Host::new();
    let mut packet = datagram(header(EXPERIMENT), b"abc");
    packet.resize(46, 0xee); // as Ethernet does
    let delivered = host.receive(&packet).unwrap();
    assert_eq!(delivered.payload, b"abc");
    assert_eq!(delivered.packet.len(), MIN_LEN + 3);
}

#[test]
fn a_datagram_without_payload_is_delivered() {
    let mut host = Host::new();
    let delivered = host.receive(&datagram(header(EXPERIMENT), b"")).unwrap();
    assert!(delivered.payload.is_empty());
}

#[test]
fn options_are_skipped() {
    // Up to 40 octets, between the header and the payload.
    for words in 1..=10 {
        let options = vec![1; words * 4]; // "no operation"
        let mut packet = datagram(header(EXPERIMENT), &[&options, PAYLOAD].concat());
        packet[0] += u8::try_from(words).unwrap();
        seal(&mut packet);
        let mut host = Host::new();
        let delivered = host.receive(&packet).unwrap();
        assert_eq!(delivered.payload, PAYLOAD, "{words} words");
        assert_eq!(delivered.packet, packet, "{words} words");
        assert_eq!(delivered.options, options, "{words} words");
    }
}

#[test]
fn broadcasts_are_delivered() {
    for dst in [Ipv4Addr::new(192, 0, 2, 255), Ipv4Addr::BROADCAST] {
        let mut host = Host::new();
        let delivered = host.receive(&with_dst(dst)).unwrap();
        assert_eq!(delivered.iface, ME);
        assert!(delivered.broadcast, "{dst}");
    }
}

#[test]
fn a_datagram_to_a_group_counts_as_broadcast() {
    // None is delivered at this floor, but one floor up it must not be
    // answered by an error either.
    let host = Host::new();
    let iface = host.ip.interfaces().on(&host.wire.device).unwrap();
    for (dst, broadcast) in [(Ipv4Addr::new(224, 0, 0, 1), true), (ME, false)] {
        let header = Header {
            dst,
            ..header(EXPERIMENT)
        };
        let payload = Packet::new(PAYLOAD);
        let datagram = Datagram {
            iface,
            header,
            payload,
        };
        assert_eq!(datagram.is_broadcast(), broadcast, "{dst}");
    }
}

#[test]
fn loopback_takes_each_of_our_addresses() {
    let localhost = Ipv4Addr::LOCALHOST;
    for (src, dst) in [
        (localhost, localhost),
        (ME, ME),
        (ALSO_ME, ME),
        (localhost, ALSO_ME),
        (localhost, Ipv4Addr::new(127, 255, 255, 255)),
    ] {
        let mut host = Host::new();
        let packet = datagram(
            Header {
                src,
                dst,
                ..header(EXPERIMENT)
            },
            PAYLOAD,
        );
        let delivered = host.receive_from_self(&packet);
        assert!(delivered.is_some(), "{src} => {dst}");
    }
    let mut host = Host::new();
    assert!(host.receive_from_self(&with_dst(PEER)).is_none());
    assert_dropped("not ours", &host, |c| &c.other_host);
}

#[test]
fn a_protocol_has_one_handler() {
    struct Nobody;
    impl Upper for Nobody {
        fn input(&mut self, _: Datagram<'_>) {}
    }
    let host = Host::new();
    let mut ip_input = IpInput::new(&host.ip);
    assert_eq!(ip_input.register(IpProtocol::UDP, Nobody), Ok(()));
    assert_eq!(ip_input.register(IpProtocol::TCP, Nobody), Ok(()));
    let again = ip_input.register(IpProtocol::UDP, Nobody);
    assert_eq!(again, Err(AlreadyRegistered(IpProtocol::UDP)));
}

#[test]
fn any_packet_is_survived_and_has_one_outcome() {
    const ROUNDS: u64 = 20_000;
    let mut host = Host::new();
    let env = Arc::clone(&host.env);
    let dsts = [
        ME,
        Ipv4Addr::BROADCAST,
        Ipv4Addr::new(192, 0, 2, 255),
        ALSO_ME,
    ];
    let mut delivered = 0;
    for _ in 0..ROUNDS {
        let mut packet = if below(&env, 8) == 0 {
            (0..below(&env, 100)).map(|_| octet(&env)).collect()
        } else if below(&env, 8) == 0 {
            let options = [[7, 7, 4, 0, 0, 0, 0], [131, 7, 4, 203, 0, 113, 1]];
            let options = Options::new(&options[below(&env, 2)]).unwrap();
            datagram_with(header(EXPERIMENT), &options, PAYLOAD)
        } else {
            with_dst(dsts[below(&env, dsts.len())])
        };
        mutate(&env, &mut packet);
        let wires = [&host.wire, &host.second, &host.bare];
        let wire = wires[below(&env, wires.len())];
        if below(&env, 16) == 0 {
            wire.arrive_by_broadcast(&packet);
        } else {
            wire.arrive(&packet);
        }
        host.settle();
        for delivery in host.delivered.try_iter() {
            delivered += 1;
            assert!(packet.starts_with(&delivery.packet));
            assert!(delivery.packet.ends_with(&delivery.payload));
        }
    }
    let c = &host.ip.counters;
    let outcomes = [
        &c.delivered,
        &c.too_short,
        &c.bad_version,
        &c.bad_header_length,
        &c.bad_total_length,
        &c.bad_checksum,
        &c.fragments,
        &c.bad_options,
        &c.source_routed,
        &c.bad_source,
        &c.link_broadcast,
        &c.no_interface,
        &c.other_host,
        &c.unknown_protocol,
    ];
    assert_eq!(c.received.get(), ROUNDS);
    // A fragment that completes its datagram has two: its own and that of the whole.
    assert_eq!(sum(&outcomes), ROUNDS + c.reassembled.get());
    assert_eq!(c.delivered.get(), delivered);
    // The packets were various enough to try everything.
    assert!(outcomes.iter().all(|outcome| outcome.get() > 0), "{c:?}");
}
