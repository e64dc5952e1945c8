//! The way up: echoes are answered, errors find those whom they concern.

use std::net::Ipv4Addr;

use step04_icmp::icmp::{Code, Header, IcmpType};
use step04_icmp::ip::{Header as IpHeader, IpProtocol};
use step04_icmp::testing::History;

use crate::harness::wire::{EXPERIMENT, ME, PEER, datagram, header};
use crate::harness::{Host, message, parts};
use crate::message::FIELDS;

fn icmp(icmp_type: IcmpType, values: u32) -> Header {
    Header {
        icmp_type,
        code: Code::NONE,
        checksum: 0,
        values,
    }
}

#[test]
fn an_echo_is_answered() {
    let history = History::new();
    let mut host = Host::new();
    for dst in [ME, Ipv4Addr::new(192, 0, 2, 255)] {
        let echo = message(icmp(IcmpType::ECHO, 0x1234_0005), b"hello");
        let to = IpHeader {
            dst,
            tos: 0x10,
            ..header(IpProtocol::ICMP)
        };
        let sent = host.receive(&datagram(to, &echo));
        history.did(format!("an echo with the data \"hello\" arrives for {dst}"));
        history.expect("how many packets the host sends", sent.len(), 1);
        let (ip, ..) = parts(&sent[0]);
        history.expect("who is answered", ip.dst, PEER);
        history.expect("the source of the answer", ip.src, ME);
        history.expect("its type of service, as the question has it", ip.tos, 0x10);
        let reply = message(icmp(IcmpType::ECHO_REPLY, 0x1234_0005), b"hello");
        history.expect_bytes("the answer", &sent[0][20..], &reply, &FIELDS);
    }
    history.expect(
        "echoes answered, as counted",
        host.icmp.counters.echo_answered.get(),
        2,
    );
}

#[test]
fn a_reply_is_told_to_who_listens() {
    let history = History::new();
    let mut host = Host::new();
    let reply = message(icmp(IcmpType::ECHO_REPLY, 0x1234_0005), b"hello");
    let sent = host.receive_message(&reply);
    history.did("an echo reply arrives: identifier 0x1234, sequence number 5, data \"hello\"");
    history.expect("how many packets the host sends", sent.len(), 0);
    let told = host.replies.try_recv().ok();
    history.expect(
        "what the listener hears",
        told,
        Some((PEER, 0x1234, 5, b"hello".to_vec())),
    );
    history.expect(
        "replies, as counted",
        host.icmp.counters.echo_reply.get(),
        1,
    );
}

#[test]
fn what_is_wrong_or_unknown_is_counted() {
    let history = History::new();
    let mut host = Host::new();
    let mut damaged = message(icmp(IcmpType::ECHO, 1), b"hello");
    damaged[12] ^= 1;
    for (what, bytes) in [
        ("a message of 7 octets", &damaged[..7]),
        ("an echo with a wrong checksum", &damaged),
        ("a message of type 42", &message(icmp(IcmpType(42), 0), b"")),
        ("a redirect", &message(icmp(IcmpType::REDIRECT, 0), b"")),
    ] {
        let sent = host.receive_message(bytes);
        history.did(format!("{what} arrives"));
        history.expect("how many packets the host sends", sent.len(), 0);
    }
    let counters = &host.icmp.counters;
    history.expect("messages received", counters.received.get(), 4);
    history.expect("too short", counters.too_short.get(), 1);
    history.expect("wrong checksums", counters.bad_checksum.get(), 1);
    history.expect("unknown types", counters.unknown_type.get(), 1);
    history.expect("redirects", counters.redirect.get(), 1);
    history.expect("echoes answered", counters.echo_answered.get(), 0);
}

/// Port unreachable, about a datagram of `protocol` from `src`.
fn unreachable(protocol: IpProtocol, src: Ipv4Addr) -> Vec<u8> {
    let sent = IpHeader {
        src,
        dst: PEER,
        ..header(protocol)
    };
    let error = Header {
        code: Code::PORT,
        ..icmp(IcmpType::DEST_UNREACH, 0)
    };
    message(error, &datagram(sent, b"quoted"))
}

#[test]
fn an_error_is_told_to_the_protocol_that_it_concerns() {
    let history = History::new();
    let mut host = Host::new();
    host.receive_message(&unreachable(EXPERIMENT, ME));
    history.did("\"port unreachable\" arrives, about a datagram of protocol 253 from us");
    let told = host.errors.try_recv().ok();
    history.expect("is the listener told", told.is_some(), true);
    let told = told.unwrap();
    history.expect("who has sent the error", told.error.from, PEER);
    history.expect("its code", told.error.code, Code::PORT);
    history.expect("the datagram's destination", told.error.datagram.dst, PEER);
    history.expect("what followed its header", told.payload, b"quoted".to_vec());
    for (what, bytes) in [
        (
            "about one of protocol 254",
            unreachable(IpProtocol(254), ME),
        ),
        (
            "about one that somebody else has sent",
            unreachable(EXPERIMENT, PEER),
        ),
    ] {
        host.receive_message(&bytes);
        history.did(format!("another one arrives, {what}"));
        history.expect(
            "is the listener told",
            host.errors.try_recv().is_ok(),
            false,
        );
    }
    host.receive_message(&message(icmp(IcmpType::TIME_EXCEEDED, 0), b"no datagram"));
    history.did("\"time exceeded\" arrives, and quotes no datagram");
    let counters = &host.icmp.counters;
    history.expect("errors told to somebody", counters.error_claimed.get(), 1);
    history.expect(
        "errors that nobody has claimed",
        counters.unclaimed_error.get(),
        2,
    );
    history.expect("bad quotations", counters.bad_quote.get(), 1);
}
