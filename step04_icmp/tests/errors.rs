//! Errors: about what they are sent, what they quote, and who is told of
//! those that arrive.

mod harness;

use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use harness::wire::{ALSO_ME, EXPERIMENT, ME, PEER, datagram, datagram_with, header, seal, total};
use harness::{Host, message, parts};
use step04_icmp::icmp::message::HEADER_LEN;
use step04_icmp::icmp::{Code, Header, IcmpError, IcmpType};
use step04_icmp::ip::header::{Fragment, MIN_LEN};
use step04_icmp::ip::{Datagram, Header as IpHeader, IpProtocol, Options};
use step04_icmp::packet::Packet;

/// How many errors may be sent at once.
const BURST: usize = 100;

/// A datagram of a protocol that the host does not speak.
fn unspoken(payload: &[u8]) -> Vec<u8> {
    datagram(header(EXPERIMENT), payload)
}

/// A datagram that the host might have sent.
fn ours(payload: &[u8]) -> Vec<u8> {
    let ours = IpHeader {
        src: ME,
        dst: PEER,
        ..header(EXPERIMENT)
    };
    datagram(ours, payload)
}

fn unreachable(code: Code) -> Header {
    Header {
        icmp_type: IcmpType::DEST_UNREACH,
        code,
        checksum: 0,
        values: 0,
    }
}

#[test]
fn an_unspoken_protocol_is_unreachable() {
    let mut host = Host::new();
    let packet = unspoken(b"a question");
    let sent = host.receive(&packet);
    assert_eq!(sent.len(), 1);
    let (ip, icmp, quote) = parts(&sent[0]);
    assert_eq!((ip.src, ip.dst), (ME, PEER));
    assert_eq!(
        (icmp.icmp_type, icmp.code, icmp.values),
        (IcmpType::DEST_UNREACH, Code::PROTOCOL, 0)
    );
    assert_eq!(quote, packet);
    assert_eq!(host.icmp.counters.sent.get(), 1);
    assert_eq!(total(&host.icmp.counters), 1);
}

#[test]
fn linux_is_told_as_linux_tells() {
    // A datagram of protocol 253 and the error about it, captured between two
    // Linux 6.18 hosts.
    let packet = b"\x45\x00\x00\x1e\x9c\x4d\x40\x00\x40\xfd\x19\x92\xc0\x00\x02\x01\
        \xc0\x00\x02\x02experiment";
    let error = b"\x03\x02\xd8\xdc\x00\x00\x00\x00\
        \x45\x00\x00\x1e\x9c\x4d\x40\x00\x40\xfd\x19\x92\xc0\x00\x02\x01\
        \xc0\x00\x02\x02experiment";
    let sent = Host::new().receive(packet);
    assert_eq!(&sent[0][MIN_LEN..], error);
}

#[test]
fn a_quote_is_the_datagram_without_padding() {
    let packet = unspoken(b"abc");
    let mut padded = packet.clone();
    padded.resize(46, 0xee);
    let sent = Host::new().receive(&padded);
    assert_eq!(parts(&sent[0]).2, packet);
}

#[test]
fn a_quote_has_the_options() {
    let mut packet = unspoken(b"\x01\x01\x01\x01with options");
    packet[0] = 0x46;
    seal(&mut packet);
    let sent = Host::new().receive(&packet);
    assert_eq!(parts(&sent[0]).2, packet);
}

#[test]
fn a_header_that_cannot_be_honoured_is_reported() {
    for (octets, icmp_type, code, values) in [
        // The pointer of a record route points to itself, at octet 22.
        ([7, 7, 3, 0, 0, 0, 0], IcmpType::PARAM_PROBLEM, 0, 22 << 24),
        // A source route leads on from here.
        ([131, 7, 4, 203, 0, 113, 1], IcmpType::DEST_UNREACH, 5, 0),
    ] {
        let options = Options::new(&octets).unwrap();
        let packet = datagram_with(header(IpProtocol::UDP), &options, b"payload");
        let sent = Host::new().receive(&packet);
        let (ip, icmp, quote) = parts(&sent[0]);
        assert_eq!((ip.src, ip.dst, ip.tos), (ME, PEER, 0));
        assert_eq!((icmp.icmp_type, icmp.code), (icmp_type, Code(code)));
        assert_eq!((icmp.values, quote), (values, packet.as_slice()));
    }
}

#[test]
fn an_error_is_no_longer_than_576_octets() {
    let room = 576 - MIN_LEN - HEADER_LEN; // RFC 1812 §4.3.2.3
    for (payload_len, quote_len) in [
        (room - MIN_LEN - 1, room - 1),
        (room - MIN_LEN, room),
        (room - MIN_LEN + 1, room),
        (1480, room),
    ] {
        let packet = unspoken(&vec![0x5a; payload_len]);
        let sent = Host::new().receive(&packet);
        let (ip, _, quote) = parts(&sent[0]);
        assert!(ip.total_len <= 576);
        assert_eq!(quote, &packet[..quote_len]);
    }
}

/// Has `packet` reported, whatever IP would do with it. How many errors were sent?
#[allow(clippy::unwrap_used)] // this is how a test fails
fn report(host: &Host, packet: &[u8]) -> usize {
    let header = IpHeader::parse(packet).unwrap();
    let mut payload = Packet::new(packet);
    assert!(payload.pull(header.header_len.into()));
    let iface = host.ip.interfaces().on(&host.wire.device).unwrap();
    let datagram = Datagram {
        iface,
        header,
        payload,
    };
    host.icmp.unreachable(Code::PORT, datagram);
    host.wire.sent().len()
}

#[test]
fn about_some_datagrams_no_error_may_be_sent() {
    let udp = header(IpProtocol::UDP);
    let icmp = header(IpProtocol::ICMP);
    let from = |src| IpHeader { src, ..udp };
    let to = |dst| IpHeader { dst, ..udp };
    let fragment = |fragment| IpHeader {
        fragment: Fragment(fragment),
        ..udp
    };
    // One template, one changed field.
    for (what, header, payload, allowed) in [
        ("the template", udp, [8; 8].as_slice(), 1),
        ("from 0.0.0.0", from(Ipv4Addr::UNSPECIFIED), &[8; 8], 0),
        ("from all", from(Ipv4Addr::BROADCAST), &[8; 8], 0),
        ("from all here", from([192, 0, 2, 255].into()), &[8; 8], 0),
        ("from a group", from([224, 0, 0, 1].into()), &[8; 8], 0),
        ("from class E", from([240, 0, 0, 1].into()), &[8; 8], 0),
        ("to all", to(Ipv4Addr::BROADCAST), &[8; 8], 0),
        ("to all here", to([192, 0, 2, 255].into()), &[8; 8], 0),
        ("to a group", to([224, 0, 0, 1].into()), &[8; 8], 0),
        ("a later fragment", fragment(185), &[8; 8], 0),
        (
            "the last fragment",
            fragment(Fragment::MF | 185),
            &[8; 8],
            0,
        ),
        ("the first fragment", fragment(Fragment::MF), &[8; 8], 1),
        ("an echo", icmp, &[8; 8], 1),
        ("an echo reply", icmp, &[0; 8], 1),
        ("unreachable", icmp, &[3; 8], 0),
        ("source quench", icmp, &[4; 8], 0),
        ("redirect", icmp, &[5; 8], 0),
        ("time exceeded", icmp, &[11; 8], 0),
        ("parameter problem", icmp, &[12; 8], 0),
        ("an unknown type", icmp, &[42; 8], 0),
        ("no type at all", icmp, &[], 0),
    ] {
        let host = Host::new();
        assert_eq!(report(&host, &datagram(header, payload)), allowed, "{what}");
        let counters = &host.icmp.counters;
        assert_eq!(counters.sent.get(), allowed as u64, "{what}");
        assert_eq!(counters.suppressed.get(), 1 - allowed as u64, "{what}");
        assert_eq!(total(counters), 1, "{what}: {counters:?}");
    }
}

#[test]
fn no_error_is_sent_about_a_broadcast_of_the_link() {
    let mut host = Host::new();
    host.wire.arrive_by_broadcast(&unspoken(b"anybody?"));
    host.settle();
    assert!(host.wire.sent().is_empty());
    assert_eq!(host.ip.counters.link_broadcast.get(), 1);
    // Nor by ICMP itself, whoever else asks it to.
    let mut payload = Packet::new(&unspoken(b"anybody?"));
    payload.mark_link_broadcast();
    assert!(payload.pull(20));
    let datagram = Datagram {
        iface: host.ip.interfaces().on(&host.wire.device).unwrap(),
        header: header(IpProtocol::UDP),
        payload,
    };
    host.icmp.unreachable(Code::PORT, datagram);
    assert!(host.wire.sent().is_empty());
    assert_eq!(host.icmp.counters.suppressed.get(), 1);
}

#[test]
fn an_error_about_a_broadcast_is_suppressed_on_the_whole_way() {
    let mut host = Host::new();
    let to_all = IpHeader {
        dst: Ipv4Addr::BROADCAST,
        ..header(EXPERIMENT)
    };
    assert!(host.receive(&datagram(to_all, b"anybody?")).is_empty());
    assert_eq!(host.icmp.counters.suppressed.get(), 1);
}

#[test]
fn an_error_that_cannot_be_sent_causes_no_other() {
    let mut host = Host::new();
    let far = IpHeader {
        src: Ipv4Addr::new(203, 0, 113, 1), // no way back
        ..header(EXPERIMENT)
    };
    assert!(host.receive(&datagram(far, b"hello")).is_empty());
    assert_eq!(host.icmp.counters.output_failed.get(), 1);
    assert_eq!(total(&host.icmp.counters), 1);
}

#[test]
fn errors_are_limited_in_the_time_that_the_host_lives_in() {
    let mut host = Host::new();
    let mut flood = |millis, count| -> usize {
        host.env.advance(Duration::from_millis(millis));
        (0..count).map(|_| host.receive(&unspoken(b"")).len()).sum()
    };
    assert_eq!(flood(0, BURST + 5), BURST);
    assert_eq!(flood(9, 5), 0);
    assert_eq!(flood(1, 5), 1, "one more every 10 ms");
    assert_eq!(
        flood(60_000, BURST + 5),
        BURST,
        "a pause saves up one burst"
    );
    let counters = &host.icmp.counters;
    assert_eq!(counters.rate_limited.get(), 5 + 5 + 4 + 5);
    assert_eq!(counters.sent.get(), 2 * BURST as u64 + 1);
}

#[test]
fn what_may_not_be_sent_takes_nothing_from_the_limit() {
    let mut host = Host::new();
    let to_all = IpHeader {
        dst: Ipv4Addr::BROADCAST,
        ..header(EXPERIMENT)
    };
    for _ in 0..2 * BURST {
        host.receive(&datagram(to_all, b""));
    }
    for _ in 0..BURST {
        assert_eq!(host.receive(&unspoken(b"")).len(), 1);
    }
}

#[test]
fn echoes_are_not_limited() {
    let mut host = Host::new();
    let echo = Header {
        icmp_type: IcmpType::ECHO,
        ..unreachable(Code::NONE)
    };
    for _ in 0..2 * BURST {
        assert_eq!(host.receive_message(&message(echo, b"")).len(), 1);
    }
}

#[test]
fn a_listener_learns_what_happened_to_which_datagram() {
    for (icmp_type, code, values) in [
        (IcmpType::DEST_UNREACH, Code::PORT, 0),
        (IcmpType::DEST_UNREACH, Code::FRAGMENT_NEEDED, 1400),
        (IcmpType::TIME_EXCEEDED, Code(1), 0),
        (IcmpType::PARAM_PROBLEM, Code::NONE, 0x0900_0000),
    ] {
        let mut host = Host::new();
        let header = Header {
            icmp_type,
            values,
            ..unreachable(code)
        };
        let answer = host.receive_message(&message(header, &ours(b"the beginning")));
        assert!(answer.is_empty(), "an error is never answered");
        let seen = host.errors.try_recv().unwrap();
        let error = seen.error;
        assert_eq!(error.from, PEER);
        assert_eq!(
            (error.icmp_type, error.code, error.values),
            (icmp_type, code, values)
        );
        assert_eq!((error.datagram.src, error.datagram.dst), (ME, PEER));
        assert_eq!(error.datagram.protocol, EXPERIMENT);
        assert_eq!(seen.payload, b"the beginning");
        let counters = &host.icmp.counters;
        assert_eq!((counters.error_claimed.get(), total(counters)), (1, 2));
    }
}

#[test]
fn a_quote_with_options_is_understood() {
    let mut quote = ours(&[&[1; 40], b"8 octets".as_slice()].concat());
    quote[0] = 0x4f;
    let mut host = Host::new();
    host.receive_message(&message(unreachable(Code::PORT), &quote));
    let seen = host.errors.try_recv().unwrap();
    assert_eq!(seen.error.datagram.header_len, 60);
    assert_eq!(seen.payload, b"8 octets");
}

#[test]
fn what_routers_change_in_a_quote_does_not_matter() {
    let mut quote = ours(b"8 octets and more");
    quote[8] = 1; // the TTL, counted down; the checksum is that of the beginning
    quote.truncate(28); // RFC 792: header and 8 octets
    let mut host = Host::new();
    host.receive_message(&message(unreachable(Code::NET), &quote));
    assert_eq!(host.errors.try_recv().unwrap().payload, b"8 octets");
}

#[test]
fn nobody_is_told_of_datagrams_that_were_not_sent_here() {
    let other = |change: fn(&mut IpHeader)| {
        let mut header = IpHeader {
            src: ME,
            dst: PEER,
            ..header(EXPERIMENT)
        };
        change(&mut header);
        datagram(header, b"8 octets")
    };
    for (what, quote) in [
        ("another's", other(|h| h.src = Ipv4Addr::new(192, 0, 2, 9))),
        ("to us", other(|h| (h.src, h.dst) = (PEER, ME))),
        (
            "a protocol without listener",
            other(|h| h.protocol = IpProtocol::TCP),
        ),
    ] {
        let mut host = Host::new();
        host.receive_message(&message(unreachable(Code::PORT), &quote));
        assert!(host.errors.try_recv().is_err(), "{what}");
        let counters = &host.icmp.counters;
        assert_eq!(counters.unclaimed_error.get(), 1, "{what}");
        assert_eq!(total(counters), 2, "{what}: {counters:?}");
    }
}

#[test]
fn quotes_of_any_length_are_survived() {
    let quote = ours(b"8 octets");
    for len in 0..=quote.len() {
        let mut host = Host::new();
        host.receive_message(&message(unreachable(Code::PORT), &quote[..len]));
        let counters = &host.icmp.counters;
        if len < MIN_LEN {
            assert!(host.errors.try_recv().is_err(), "{len} octets");
            assert_eq!((counters.bad_quote.get(), total(counters)), (1, 2));
        } else {
            // Too little for ports, but a header: the listener decides.
            let seen = host.errors.try_recv().unwrap();
            assert_eq!(seen.payload, &quote[MIN_LEN..len], "{len} octets");
        }
    }
}

#[test]
fn quotes_without_a_valid_header_are_dropped() {
    for (what, first) in [
        ("version 6", 0x65),
        ("IHL 0", 0x40),
        ("IHL 4", 0x44),
        ("IHL 15 in 28 octets", 0x4f),
    ] {
        let mut quote = ours(b"8 octets");
        quote[0] = first;
        let mut host = Host::new();
        host.receive_message(&message(unreachable(Code::PORT), &quote));
        assert!(host.errors.try_recv().is_err(), "{what}");
        let counters = &host.icmp.counters;
        assert_eq!(counters.bad_quote.get(), 1, "{what}");
        assert_eq!(total(counters), 2, "{what}: {counters:?}");
    }
}

#[test]
fn what_an_application_is_told() {
    use io::ErrorKind as E;
    let datagram = IpHeader::parse(&ours(b"")).unwrap();
    let kind = |icmp_type, code| {
        let error = IcmpError {
            from: PEER,
            icmp_type,
            code: Code(code),
            values: 0,
            datagram,
            payload: &[],
        };
        error.kind()
    };
    for (code, expected) in [
        (0, Some(E::NetworkUnreachable)),
        (1, Some(E::HostUnreachable)),
        (2, Some(E::ConnectionRefused)),
        (3, Some(E::ConnectionRefused)),
        (4, None),
        (5, Some(E::HostUnreachable)),
        (6, Some(E::NetworkUnreachable)),
        (7, Some(E::HostUnreachable)),
        (9, Some(E::NetworkUnreachable)),
        (11, Some(E::NetworkUnreachable)),
        (12, Some(E::HostUnreachable)),
        (13, Some(E::HostUnreachable)),
    ] {
        assert_eq!(kind(IcmpType::DEST_UNREACH, code), expected, "code {code}");
    }
    assert_eq!(kind(IcmpType::TIME_EXCEEDED, 0), Some(E::HostUnreachable));
    assert_eq!(kind(IcmpType::PARAM_PROBLEM, 0), Some(E::InvalidInput));
    assert_eq!(kind(IcmpType::SOURCE_QUENCH, 0), None);
}

#[test]
fn the_sender_of_an_unspoken_protocol_hears_of_it_on_the_same_host() {
    // From the address that it wrote to, whichever of ours it is.
    for to in [Ipv4Addr::LOCALHOST, ME, ALSO_ME] {
        let mut host = Host::new();
        let payload = Packet::new(b"anybody?");
        let sent = host.ip.output(EXPERIMENT, ME, to, payload);
        sent.unwrap();
        host.settle();
        let seen = host.errors.try_recv().unwrap();
        assert_eq!((seen.error.from, seen.error.code), (to, Code::PROTOCOL));
        assert_eq!(seen.error.datagram.src, ME);
        assert_eq!(seen.payload, b"anybody?");
    }
}
