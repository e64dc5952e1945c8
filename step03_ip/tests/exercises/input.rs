//! The way up, as far as datagrams are dropped. What is delivered comes later.

use std::net::Ipv4Addr;

use step03_ip::counters::Counter;
use step03_ip::device::DeviceFlags;
use step03_ip::ip::IpCounters;
use step03_ip::testing::History;

use crate::bench::{Host, ME, datagram, seal};

/// Which counter tells why a datagram was dropped.
type Reason = fn(&IpCounters) -> &Counter;

fn changed(at: usize, octets: &[u8]) -> Vec<u8> {
    let mut packet = datagram(ME, 253, b"payload");
    packet[at..at + octets.len()].copy_from_slice(octets);
    seal(&mut packet);
    packet
}

fn dropped(cases: &[(&str, Vec<u8>, Reason)]) {
    let history = History::new();
    for (what, packet, reason) in cases {
        let mut host = Host::new(DeviceFlags::BROADCAST, |input| input);
        host.receive(packet);
        history.did(format!("{what} arrives"));
        let counters = &host.ip.counters;
        history.expect("datagrams received", counters.received.get(), 1);
        history.expect(
            &format!("{what}: dropped for its reason"),
            reason(counters).get(),
            1,
        );
        history.expect("delivered", counters.delivered.get(), 0);
        history.expect("unknown protocols", counters.unknown_protocol.get(), 0);
        history.expect("fragments", counters.fragments.get(), 0);
    }
}

#[test]
fn headers_that_are_wrong() {
    let mut damaged = changed(8, &[9]);
    damaged[8] = 8;
    dropped(&[
        (
            "a packet of 19 octets",
            changed(8, &[9])[..19].to_vec(),
            |c| &c.too_short,
        ),
        ("version 6", changed(0, &[0x65]), |c| &c.bad_version),
        ("a header of 16 octets", changed(0, &[0x44]), |c| {
            &c.bad_header_length
        }),
        (
            "a total length beyond the packet",
            changed(2, &[1, 0]),
            |c| &c.bad_total_length,
        ),
        ("a wrong checksum", damaged, |c| &c.bad_checksum),
    ]);
}

#[test]
fn datagrams_for_others() {
    let to = |dst: [u8; 4]| changed(16, &dst);
    dropped(&[
        ("one for 192.0.2.9", to([192, 0, 2, 9]), |c| &c.other_host),
        (
            "one for another network's broadcast",
            to([198, 51, 100, 255]),
            |c| &c.other_host,
        ),
        ("one for a group", to([224, 0, 0, 1]), |c| &c.other_host),
        (
            "one for 127.0.0.1, from the wire",
            to([127, 0, 0, 1]),
            |c| &c.other_host,
        ),
        (
            "a fragment for 192.0.2.9",
            {
                let mut packet = to([192, 0, 2, 9]);
                packet[6] = 0x20;
                seal(&mut packet);
                packet
            },
            |c| &c.other_host,
        ),
    ]);
}

#[test]
fn sources_that_nobody_can_have() {
    let from = |src: [u8; 4]| changed(12, &src);
    dropped(&[
        ("one from a group", from([224, 0, 0, 1]), |c| &c.bad_source),
        (
            "one from the broadcast address",
            from([192, 0, 2, 255]),
            |c| &c.bad_source,
        ),
        ("one from 127.0.0.1", from([127, 0, 0, 1]), |c| {
            &c.bad_source
        }),
        ("one from our own address", from(ME.octets()), |c| {
            &c.bad_source
        }),
    ]);
}

#[test]
fn the_log_says_why() {
    let history = History::new();
    let mut host = Host::new(DeviceFlags::BROADCAST, |input| input);
    drop(history);
    let history = History::new();
    host.receive(&changed(0, &[0x65]));
    history.did("a datagram of version 6 arrives");
    host.receive(&changed(12, &Ipv4Addr::LOCALHOST.octets()));
    history.did("a datagram from 127.0.0.1 arrives");
    let lines = [
        "interrupt: irq=1, name=net1",
        "protocol::input: queue pushed (num:1), dev=net1, type=IP(0x0800), len=27",
        "protocol::softirq: queue popped (num:0), dev=net1, type=IP(0x0800), len=27",
    ];
    let mut expected = lines.to_vec();
    expected.push("ip::input: ip version error: v=6, dev=net1");
    expected.extend(lines);
    expected.push("ip::input: source address error, dev=net1, src=127.0.0.1");
    history.expect_log(&expected);
}
