//! The way down.

use std::io::ErrorKind;
use std::net::Ipv4Addr;

use step04_icmp::icmp::{Code, IcmpType};
use step04_icmp::packet::Packet;
use step04_icmp::testing::History;

use crate::harness::Host;
use crate::harness::wire::{ME, PEER};
use crate::message::FIELDS;

#[test]
fn the_message_on_the_wire() {
    let history = History::new();
    let host = Host::new();
    let send = |dst| {
        let data = Packet::new(b"hello");
        let (kind, any) = (IcmpType::ECHO, Ipv4Addr::UNSPECIFIED);
        let sent = host
            .icmp
            .output(kind, Code::NONE, 0x1234_0005, data, any, dst);
        sent.map_err(|error| error.kind())
    };
    history.did("send an echo with the data \"hello\" to 192.0.2.1");
    history.expect("what output says", send(PEER), Ok(()));
    let sent = host.wire.sent();
    history.expect("how many packets are on the wire", sent.len(), 1);
    let packet = &sent[0].packet;
    history.expect("the protocol of the datagram", packet[9], 1);
    history.expect("its source", packet[12..16].to_vec(), ME.octets());
    let expected = b"\x08\x00\xa1\xf4\x12\x34\x00\x05hello";
    history.expect_bytes("the message", &packet[20..], expected, &FIELDS);
    history.expect(
        "messages sent, as counted",
        host.icmp.counters.sent.get(),
        1,
    );
    history.did("send one to 203.0.113.1, to which there is no route");
    let sent = send(Ipv4Addr::new(203, 0, 113, 1));
    history.expect("what output says", sent, Err(ErrorKind::NetworkUnreachable));
    history.expect(
        "failures, as counted",
        host.icmp.counters.output_failed.get(),
        1,
    );
    history.expect(
        "messages sent, as counted",
        host.icmp.counters.sent.get(),
        1,
    );
}

#[test]
fn the_log_shows_what_is_sent() {
    let history = History::new();
    let host = Host::new();
    drop(history);
    let history = History::new();
    let data = Packet::new(b"hello");
    let sent = host
        .icmp
        .output(IcmpType::ECHO, Code::NONE, 7, data, ME, PEER);
    history.did("send an echo with the data \"hello\" to 192.0.2.1");
    history.expect("what output says", sent.is_ok(), true);
    history.expect_log(&[
        "icmp::output: 192.0.2.2 => 192.0.2.1, type=Echo(8), len=13",
        "ip::output_core: dev=net1, dst=192.0.2.1, protocol=ICMP(0x01), len=33",
        "device::output: dev=net1, type=0x0800, len=33",
    ]);
}
