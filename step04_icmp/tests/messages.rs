//! Messages: what is answered, what is dropped, who is told of replies.

mod harness;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use harness::wire::{
    ALSO_ME, EXPERIMENT, ME, PEER, below, datagram, datagram_with, header, mutate, octet, seal,
    sum, total,
};
use harness::{Host, PING_ID, message, parts};
use step04_icmp::checksum::checksum;
use step04_icmp::counters::Counter;
use step04_icmp::icmp::message::echo_values;
use step04_icmp::icmp::{Code, Header, IcmpCounters, IcmpType, Reply};
use step04_icmp::ip::header::MIN_LEN;
use step04_icmp::ip::{Header as IpHeader, IpProtocol, Options};

const DATA: &[u8] = b"an odd number"; // 13 octets: the checksum has to pad

fn echo() -> Header {
    Header {
        icmp_type: IcmpType::ECHO,
        code: Code::NONE,
        checksum: 0,
        values: echo_values(0x1234, 0x5678),
    }
}

/// Asserts that the one message that was received was dropped for one reason.
fn assert_dropped(what: &str, host: &Host, counter: fn(&IcmpCounters) -> &Counter) {
    let counters = &host.icmp.counters;
    assert_eq!(counters.received.get(), 1, "{what}: received");
    assert_eq!(counter(counters).get(), 1, "{what}: its own counter");
    assert_eq!(total(counters), 2, "{what}: nothing else: {counters:?}");
}

#[test]
fn an_echo_comes_back_as_it_was() {
    for len in [0, 1, 13, 1472] {
        let data: Vec<u8> = (0..len).map(|n: u16| n.to_le_bytes()[0]).collect();
        let mut host = Host::new();
        let sent = host.receive_message(&message(echo(), &data));
        assert_eq!(sent.len(), 1);
        let (ip, icmp, returned) = parts(&sent[0]);
        assert_eq!((ip.src, ip.dst), (ME, PEER));
        assert_eq!(ip.protocol, IpProtocol::ICMP);
        assert_eq!((icmp.icmp_type, icmp.code), (IcmpType::ECHO_REPLY, Code(0)));
        assert_eq!(icmp.echo(), (0x1234, 0x5678));
        assert_eq!(returned, data);
        let counters = &host.icmp.counters;
        assert_eq!((counters.received.get(), counters.sent.get()), (1, 1));
        assert_eq!(counters.echo_answered.get(), 1);
        assert_eq!(total(counters), 3, "{counters:?}");
    }
}

#[test]
fn linux_is_answered_as_linux_answers() {
    // `ping 192.0.2.2` and its answer, captured between two Linux 6.18 hosts.
    let echo = b"\x45\x00\x00\x54\x06\xc0\x40\x00\x40\x01\xaf\xe5\xc0\x00\x02\x01\
        \xc0\x00\x02\x02\x08\x00\x59\xff\x32\x8b\x00\x01\xb7\xfd\x03\x6b\x00\x00\
        \x00\x00\xec\x38\x05\x00\x00\x00\x00\x00\x10\x11\x12\x13\x14\x15\x16\x17\
        \x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\x20\x21\x22\x23\x24\x25\x26\x27\x28\x29\
        \x2a\x2b\x2c\x2d\x2e\x2f\x30\x31\x32\x33\x34\x35\x36\x37";
    let reply = b"\x00\x00\x61\xff\x32\x8b\x00\x01\xb7\xfd\x03\x6b\x00\x00\
        \x00\x00\xec\x38\x05\x00\x00\x00\x00\x00\x10\x11\x12\x13\x14\x15\x16\x17\
        \x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\x20\x21\x22\x23\x24\x25\x26\x27\x28\x29\
        \x2a\x2b\x2c\x2d\x2e\x2f\x30\x31\x32\x33\x34\x35\x36\x37";
    let sent = Host::new().receive(echo);
    assert_eq!(&sent[0][MIN_LEN..], reply);
}

#[test]
fn an_echo_with_all_options_is_answered() {
    // `ping -R 192.0.2.2`, captured: 60 octets of header.
    let header = b"\x4f\x00\x00\x7c\x06\xc1\x40\x00\x40\x01\xbb\xab\xc0\x00\x02\x01\
        \xc0\x00\x02\x02\x01\x07\x27\x08\xc0\x00\x02\x01";
    let message = b"\x08\x00\x23\xe9\x32\x8c\x00\x01\xb7\xfd\x03\x6b\x00\x00\
        \x00\x00\x22\x4e\x05\x00\x00\x00\x00\x00\x10\x11\x12\x13\x14\x15\x16\x17\
        \x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\x20\x21\x22\x23\x24\x25\x26\x27\x28\x29\
        \x2a\x2b\x2c\x2d\x2e\x2f\x30\x31\x32\x33\x34\x35\x36\x37";
    let mut packet = header.to_vec();
    packet.resize(60, 0);
    packet.extend_from_slice(message);
    let sent = Host::new().receive(&packet);
    let (_, icmp, data) = parts(&sent[0]);
    assert_eq!(icmp.echo(), (12940, 1));
    assert_eq!(data, &message[8..]);
    // The route goes on with us.
    let route = [7, 0x27, 12, 192, 0, 2, 1, 192, 0, 2, 2];
    assert_eq!(sent[0][MIN_LEN..][..11], route);
    assert_eq!(sent[0][MIN_LEN + 11..60], [0; 29]);
}

#[test]
fn an_echo_to_everybody_is_answered_from_our_own_address() {
    for dst in [Ipv4Addr::new(192, 0, 2, 255), Ipv4Addr::BROADCAST] {
        let to_all = IpHeader {
            dst,
            ..header(IpProtocol::ICMP)
        };
        let sent = Host::new().receive(&datagram(to_all, &message(echo(), DATA)));
        let (ip, ..) = parts(&sent[0]);
        assert_eq!((ip.src, ip.dst), (ME, PEER), "{dst}");
    }
}

#[test]
fn an_answer_has_the_type_of_service_of_the_question() {
    let question = IpHeader {
        tos: 0x10,
        ..header(IpProtocol::ICMP)
    };
    let sent = Host::new().receive(&datagram(question, &message(echo(), DATA)));
    assert_eq!(parts(&sent[0]).0.tos, 0x10);
}

#[test]
fn an_echo_records_route_and_time() {
    // `ping -R`, `ping -T tsandaddr`: our own address, and the time of day.
    let reflected = |octets: &[u8]| {
        let options = Options::new(octets).unwrap();
        let question = datagram_with(header(IpProtocol::ICMP), &options, &message(echo(), DATA));
        let mut host = Host::new();
        let answer = host.receive(&question).remove(0);
        let ip = IpHeader::parse(&answer).unwrap();
        let (options, message) = answer[MIN_LEN..].split_at(usize::from(ip.header_len) - MIN_LEN);
        assert!(message.ends_with(DATA));
        (host.env.unix_time(), options.to_vec())
    };
    let (_, route) = reflected(&[7, 11, 8, 192, 0, 2, 1, 0, 0, 0, 0]);
    assert_eq!(route, [7, 11, 12, 192, 0, 2, 1, 192, 0, 2, 2, 0]);
    let (time, stamps) = reflected(&[68, 12, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    let millis = u32::try_from(time.as_millis() % 86_400_000).unwrap();
    assert_eq!(stamps[..8], [68, 12, 13, 1, 192, 0, 2, 2]);
    assert_eq!(stamps[8..], millis.to_be_bytes());
}

#[test]
fn an_echo_to_any_loopback_address_is_answered_from_that_address() {
    let mut host = Host::new();
    for dst in [[127, 0, 0, 1], [127, 0, 0, 2], [127, 200, 1, 1]] {
        let ping = host.ping.clone();
        ping.send(Ipv4Addr::UNSPECIFIED, dst.into(), DATA).unwrap();
        host.settle();
        assert_eq!(ping.reply().unwrap().from, Ipv4Addr::from(dst));
        assert!(host.wire.sent().is_empty());
    }
}

#[test]
fn an_answer_that_cannot_be_sent_is_counted() {
    let mut host = Host::new();
    let far = IpHeader {
        src: Ipv4Addr::new(203, 0, 113, 1), // no way back
        ..header(IpProtocol::ICMP)
    };
    let sent = host.receive(&datagram(far, &message(echo(), DATA)));
    assert!(sent.is_empty());
    assert_eq!(host.icmp.counters.output_failed.get(), 1);
    assert_eq!(host.icmp.counters.sent.get(), 0);
}

#[test]
fn short_messages_are_dropped() {
    for len in 0..8 {
        let mut host = Host::new();
        assert!(
            host.receive_message(&message(echo(), b"")[..len])
                .is_empty()
        );
        assert_dropped("short", &host, |c| &c.too_short);
    }
}

#[test]
fn damaged_messages_are_dropped() {
    let intact = message(echo(), DATA);
    for at in 0..intact.len() {
        let mut damaged = intact.clone();
        damaged[at] ^= 0x04;
        let mut host = Host::new();
        assert!(host.receive_message(&damaged).is_empty(), "octet {at}");
        assert_dropped("damaged", &host, |c| &c.bad_checksum);
    }
}

#[test]
fn types_that_nobody_handles_are_counted() {
    type Reason = fn(&IcmpCounters) -> &Counter;
    let reason = |icmp_type| -> Reason {
        match icmp_type {
            4 => |c| &c.source_quench,
            5 => |c| &c.redirect,
            13 | 15 | 17 => |c| &c.unanswered_query,
            _ => |c| &c.unknown_type,
        }
    };
    for number in [1, 4, 5, 13, 14, 15, 16, 17, 18, 42, 255] {
        let icmp_type = IcmpType(number);
        let mut host = Host::new();
        let message = message(
            Header {
                icmp_type,
                ..echo()
            },
            DATA,
        );
        assert!(host.receive_message(&message).is_empty(), "{icmp_type}");
        assert_dropped(&icmp_type.to_string(), &host, reason(number));
    }
}

#[test]
fn a_reply_reaches_whoever_listens_and_causes_nothing() {
    let mut host = Host::new();
    let reply = Header {
        icmp_type: IcmpType::ECHO_REPLY,
        ..echo()
    };
    let sent = host.receive_message(&message(reply, DATA));
    assert!(sent.is_empty());
    let seen = host.replies.try_recv().unwrap();
    assert_eq!(seen, (PEER, 0x1234, 0x5678, DATA.to_vec()));
    assert_dropped("only counted", &host, |c| &c.echo_reply);
    assert_eq!(host.ping.reply(), None, "another's identifier");
}

#[test]
fn ping_measures_the_round_trip() {
    let mut host = Host::new();
    let any = Ipv4Addr::UNSPECIFIED;
    for seq in [1, 2] {
        assert_eq!(host.ping.send(any, PEER, DATA).unwrap(), seq);
    }
    let sent = host.wire.sent();
    let replies: Vec<_> = sent
        .iter()
        .map(|frame| {
            let (ip, icmp, data) = parts(&frame.packet);
            assert_eq!((ip.src, ip.dst), (ME, PEER));
            assert_eq!(icmp.icmp_type, IcmpType::ECHO);
            assert_eq!(icmp.echo().0, PING_ID);
            let icmp_type = IcmpType::ECHO_REPLY;
            message(Header { icmp_type, ..icmp }, data)
        })
        .collect();
    assert_eq!(host.ping.reply(), None, "nothing has come back yet");
    // The answers overtake each other, and one comes twice.
    for (after, reply) in [(30, &replies[1]), (20, &replies[0]), (1, &replies[1])] {
        host.env.advance(Duration::from_millis(after));
        host.receive_message(reply);
    }
    let expected = |seq, millis| Reply {
        from: PEER,
        seq,
        len: DATA.len(),
        round_trip: Duration::from_millis(millis),
    };
    assert_eq!(host.ping.reply(), Some(expected(2, 30)));
    assert_eq!(host.ping.reply(), Some(expected(1, 50)));
    assert_eq!(host.ping.reply(), None, "a duplicate is no answer");
}

#[test]
fn ping_ignores_what_it_did_not_send() {
    let mut host = Host::new();
    host.ping.send(Ipv4Addr::UNSPECIFIED, PEER, DATA).unwrap();
    for (id, seq) in [(PING_ID, 2), (PING_ID, 0), (PING_ID + 1, 1)] {
        let reply = Header {
            icmp_type: IcmpType::ECHO_REPLY,
            values: echo_values(id, seq),
            ..echo()
        };
        host.receive_message(&message(reply, DATA));
        assert_eq!(host.ping.reply(), None, "id={id}, seq={seq}");
    }
}

#[test]
fn each_of_our_own_addresses_answers_for_itself() {
    for me in [Ipv4Addr::LOCALHOST, ME, ALSO_ME] {
        let mut host = Host::new();
        host.ping.send(Ipv4Addr::UNSPECIFIED, me, DATA).unwrap();
        host.settle();
        assert_eq!(host.ping.reply().unwrap().from, me);
        assert!(host.wire.sent().is_empty());
    }
}

/// A packet for the loop below, with nothing wrong in it yet.
fn some_packet(host: &Host) -> Vec<u8> {
    let env = &host.env;
    let data: Vec<u8> = (0..below(env, 40)).map(|_| octet(env)).collect();
    let ours = IpHeader {
        src: ME,
        dst: PEER,
        ..header(EXPERIMENT)
    };
    let icmp = |icmp_type, data: &[u8]| {
        let kind = Header {
            icmp_type,
            ..echo()
        };
        datagram(header(IpProtocol::ICMP), &message(kind, data))
    };
    match below(env, 6) {
        0 => icmp(IcmpType::ECHO, &data),
        1 => icmp(IcmpType::ECHO_REPLY, &data),
        2 => icmp(IcmpType::DEST_UNREACH, &datagram(ours, &data)),
        3 => icmp(IcmpType(octet(env)), &datagram(ours, &data)),
        4 => datagram(header(EXPERIMENT), &data),
        _ => data,
    }
}

/// Makes the checksum of the ICMP message in `packet` good, if there is one.
fn seal_message(packet: &mut [u8]) {
    let header_len = packet
        .first()
        .map_or(0, |first| usize::from(first & 0x0f) * 4);
    let total_len = packet
        .get(2..4)
        .map_or(0, |len| usize::from(u16::from_be_bytes([len[0], len[1]])));
    if let Some(message) = packet.get_mut(header_len..total_len)
        && message.len() >= 8
    {
        message[2..4].fill(0);
        let sum = checksum(message);
        message[2..4].copy_from_slice(&sum.to_be_bytes());
    }
}

#[test]
fn any_packet_is_survived_and_has_one_outcome() {
    const ROUNDS: u64 = 20_000;
    let mut host = Host::new();
    let env = Arc::clone(&host.env);
    let (mut replies, mut errors) = (0, 0);
    for _ in 0..ROUNDS {
        let mut packet = some_packet(&host);
        mutate(&env, &mut packet);
        if below(&env, 4) != 0 && packet.get(9) == Some(&1) {
            seal_message(&mut packet);
            seal(&mut packet);
        }
        for sent in host.receive(&packet) {
            parts(&sent); // whatever is sent is well-formed
        }
        replies += host.replies.try_iter().count();
        errors += host.errors.try_iter().count();
        env.advance(Duration::from_millis(1));
    }
    let (ip, icmp) = (&host.ip.counters, &host.icmp.counters);
    assert_eq!(ip.received.get(), ROUNDS);
    let ip_outcomes = [
        &ip.delivered,
        &ip.too_short,
        &ip.bad_version,
        &ip.bad_header_length,
        &ip.bad_total_length,
        &ip.bad_checksum,
        &ip.fragments,
        &ip.bad_options,
        &ip.bad_source,
        &ip.other_host,
        &ip.unknown_protocol,
    ];
    assert_eq!(
        ip.received.get() + ip.reassembled.get(),
        sum(&ip_outcomes),
        "{ip:?}"
    );
    let icmp_outcomes = [
        &icmp.echo_answered,
        &icmp.echo_reply,
        &icmp.error_claimed,
        &icmp.unclaimed_error,
        &icmp.bad_quote,
        &icmp.unknown_type,
        &icmp.redirect,
        &icmp.source_quench,
        &icmp.unanswered_query,
        &icmp.too_short,
        &icmp.bad_checksum,
    ];
    assert_eq!(icmp.received.get(), ip.delivered.get());
    assert_eq!(icmp.received.get(), sum(&icmp_outcomes), "{icmp:?}");
    assert_eq!(icmp.echo_reply.get(), replies as u64);
    assert_eq!(icmp.error_claimed.get(), errors as u64);
    // Each echo was answered and each report was made, or not for a reason.
    assert_eq!(
        sum(&[&icmp.echo_answered, &ip.unknown_protocol, &ip.bad_options]),
        sum(&[
            &icmp.sent,
            &icmp.output_failed,
            &icmp.suppressed,
            &icmp.rate_limited
        ])
    );
    // The packets were various enough to try everything.
    let tried = ip_outcomes.iter().chain(&icmp_outcomes);
    assert!(
        tried.into_iter().all(|outcome| outcome.get() > 0),
        "{ip:?} {icmp:?}"
    );
}

#[test]
fn echoes_and_answers_are_bounded() {
    let mut host = Host::new();
    // To ourselves: each is answered, and nobody takes the answers.
    for _ in 0..100 {
        host.ping.send(ME, ME, b"hello").unwrap();
        host.settle();
    }
    assert_eq!(host.icmp.counters.echo_forgotten.get(), 100 - 64);
    let answers = std::iter::from_fn(|| host.ping.reply());
    assert_eq!(
        answers.map(|reply| reply.seq).collect::<Vec<_>>(),
        (1..=64).collect::<Vec<_>>()
    );
    // To somebody who does not answer.
    for _ in 0..100 {
        host.ping.send(ME, PEER, b"hello").unwrap();
    }
    assert_eq!(host.icmp.counters.echo_forgotten.get(), 2 * (100 - 64));
}
