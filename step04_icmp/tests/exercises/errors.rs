//! Errors about datagrams of others.

use std::net::Ipv4Addr;

use step04_icmp::icmp::{Code, Header, IcmpErrors, IcmpType};
use step04_icmp::ip::header::Fragment;
use step04_icmp::ip::{Datagram, DeliveryError, ErrorReporter, Header as IpHeader, IpProtocol};
use step04_icmp::packet::Packet;
use step04_icmp::testing::History;

use crate::harness::wire::{EXPERIMENT, ME, PEER, datagram, header};
use crate::harness::{Host, message, parts};

/// Lets the host report on a datagram, by `report`; what it sends.
fn report(host: &Host, bytes: &[u8], report: impl FnOnce(Datagram<'_>)) -> Vec<Packet> {
    let header = IpHeader::parse(bytes).unwrap();
    let mut payload = Packet::new(bytes);
    assert!(payload.pull(header.header_len.into()));
    let iface = host.ip.interfaces().on(&host.wire.device).unwrap();
    report(Datagram {
        iface,
        header,
        payload,
    });
    host.wire
        .sent()
        .into_iter()
        .map(|frame| frame.packet)
        .collect()
}

fn unreachable(host: &Host, bytes: &[u8]) -> Vec<Packet> {
    report(host, bytes, |datagram| {
        host.icmp
            .error(IcmpType::DEST_UNREACH, Code::PORT, 0, datagram);
    })
}

#[test]
fn the_sender_is_told_with_a_quotation() {
    let history = History::new();
    let host = Host::new();
    for (len, quoted) in [(11, 31), (1000, 548)] {
        let bytes = datagram(header(EXPERIMENT), &vec![7; len]);
        let sent = unreachable(&host, &bytes);
        history.did(format!("report on a datagram with {len} octets of data"));
        history.expect("how many packets the host sends", sent.len(), 1);
        let (ip, icmp, quote) = parts(&sent[0]);
        history.expect("who is told", ip.dst, PEER);
        history.expect("who tells", ip.src, ME);
        history.expect("type", icmp.icmp_type, IcmpType::DEST_UNREACH);
        history.expect("code", icmp.code, Code::PORT);
        history.expect("how many octets are quoted", quote.len(), quoted);
        history.expect_bytes(
            "the quotation",
            quote,
            &bytes[..quoted],
            &[("IP header", 20)],
        );
    }
}

#[test]
fn about_some_datagrams_nothing_may_be_said() {
    let history = History::new();
    let error = Header {
        icmp_type: IcmpType::DEST_UNREACH,
        code: Code::PORT,
        checksum: 0,
        values: 0,
    };
    let echo = Header {
        icmp_type: IcmpType::ECHO,
        code: Code::NONE,
        ..error
    };
    let from = |src| {
        datagram(
            IpHeader {
                src,
                ..header(EXPERIMENT)
            },
            b"data",
        )
    };
    let to = |dst| {
        datagram(
            IpHeader {
                dst,
                ..header(EXPERIMENT)
            },
            b"data",
        )
    };
    let at = |word| {
        datagram(
            IpHeader {
                fragment: Fragment(word),
                ..header(EXPERIMENT)
            },
            b"data",
        )
    };
    let icmp = |header_: Header| datagram(header(IpProtocol::ICMP), &message(header_, b"data"));
    for (what, bytes, allowed) in [
        ("another error", icmp(error), false),
        ("an echo", icmp(echo), true),
        (
            "an ICMP message without a type",
            datagram(header(IpProtocol::ICMP), b""),
            false,
        ),
        ("a broadcast", to(Ipv4Addr::new(192, 0, 2, 255)), false),
        ("one to a group", to(Ipv4Addr::new(224, 0, 0, 1)), false),
        ("one from 0.0.0.0", from(Ipv4Addr::UNSPECIFIED), false),
        (
            "one from a broadcast address",
            from(Ipv4Addr::new(192, 0, 2, 255)),
            false,
        ),
        ("one from a group", from(Ipv4Addr::new(224, 0, 0, 1)), false),
        (
            "one from 240.0.0.1",
            from(Ipv4Addr::new(240, 0, 0, 1)),
            false,
        ),
        ("a later fragment", at(0x0001), false),
        ("a first fragment", at(0x2000), true),
    ] {
        // 240.0.0.1 and others have no route: what matters is the attempt.
        let host = Host::new();
        unreachable(&host, &bytes);
        history.did(format!("report on {what}"));
        let suppressed = host.icmp.counters.suppressed.get() == 1;
        history.expect(&format!("may {what} be reported on"), !suppressed, allowed);
    }
}

#[test]
fn not_too_many() {
    let history = History::new();
    let host = Host::new();
    let bytes = datagram(header(EXPERIMENT), b"data");
    let sent: usize = (0..150).map(|_| unreachable(&host, &bytes).len()).sum();
    history.did("report on 150 datagrams at once");
    history.expect("how many errors are sent", sent, 100);
    history.expect(
        "rate limited, as counted",
        host.icmp.counters.rate_limited.get(),
        50,
    );
    // What may not be reported anyway takes no token.
    let to = Ipv4Addr::new(192, 0, 2, 255);
    unreachable(
        &host,
        &datagram(
            IpHeader {
                dst: to,
                ..header(EXPERIMENT)
            },
            b"",
        ),
    );
    history.did("report on a broadcast");
    history.expect(
        "suppressed, as counted",
        host.icmp.counters.suppressed.get(),
        1,
    );
}

#[test]
fn which_error_is_which_message() {
    let history = History::new();
    let bytes = datagram(header(EXPERIMENT), b"data");
    for (error, kind, code, values) in [
        (
            DeliveryError::ProtocolUnreachable,
            IcmpType::DEST_UNREACH,
            Code(2),
            0,
        ),
        (
            DeliveryError::SourceRouteFailed,
            IcmpType::DEST_UNREACH,
            Code(5),
            0,
        ),
        (
            DeliveryError::ReassemblyTimeout,
            IcmpType::TIME_EXCEEDED,
            Code(1),
            0,
        ),
        (
            DeliveryError::ParameterProblem(21),
            IcmpType::PARAM_PROBLEM,
            Code(0),
            0x1500_0000,
        ),
    ] {
        let host = Host::new();
        let mut errors = IcmpErrors::new(&host.icmp);
        let sent = report(&host, &bytes, |datagram| errors.report(error, datagram));
        history.did(format!("report {error:?}"));
        history.expect("how many packets the host sends", sent.len(), 1);
        let (_, icmp, _) = parts(&sent[0]);
        history.expect("type", icmp.icmp_type, kind);
        history.expect("code", icmp.code, code);
        history.expect("values", icmp.values, values);
    }
}
