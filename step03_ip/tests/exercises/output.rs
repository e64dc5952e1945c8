//! The way down.

use std::io::{self, ErrorKind};
use std::net::Ipv4Addr;
use std::num::NonZeroU8;

use step03_ip::device::{DeviceFlags, HwAddr};
use step03_ip::ip::header::{Fragment, IpProtocol, MIN_LEN};
use step03_ip::ip::options::Options;
use step03_ip::ip::parameters::Parameters;
use step03_ip::ip::{Header, Ip};
use step03_ip::packet::Packet;
use step03_ip::testing::History;

use crate::bench::{FIELDS, Host, ME, PEER, seal};
use crate::wire::{Frame, TestWire};

const ANY: Ipv4Addr = Ipv4Addr::UNSPECIFIED;
const FAR: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
/// A protocol for experiments (RFC 3692).
const EXPERIMENT: IpProtocol = IpProtocol(253);

fn host() -> Host {
    Host::new(DeviceFlags::BROADCAST, |input| input)
}

fn kind(result: io::Result<()>) -> Result<(), ErrorKind> {
    result.map_err(|error| error.kind())
}

fn send(ip: &Ip, src: Ipv4Addr, dst: Ipv4Addr, payload: &[u8]) -> Result<(), ErrorKind> {
    kind(ip.output(EXPERIMENT, src, dst, Packet::new(payload)))
}

#[test]
fn what_cannot_be_sent() {
    let history = History::new();
    let Host { ip, wire, .. } = host();
    history.did("send to 203.0.113.1, to which there is no route");
    history.expect(
        "what output says",
        send(&ip, ANY, FAR, b"x"),
        Err(ErrorKind::NetworkUnreachable),
    );
    history.expect("no route, as counted", ip.counters.no_route.get(), 1);
    for src in [FAR, Ipv4Addr::LOCALHOST, PEER] {
        history.did(format!(
            "send to 192.0.2.1 from {src}, which is not the address there"
        ));
        let sent = send(&ip, src, PEER, b"x");
        history.expect("what output says", sent, Err(ErrorKind::AddrNotAvailable));
    }
    history.did("send to 255.255.255.255 without a source address");
    let sent = send(&ip, ANY, Ipv4Addr::BROADCAST, b"x");
    history.expect("what output says", sent, Err(ErrorKind::AddrNotAvailable));
    history.expect(
        "bad sources, as counted",
        ip.counters.bad_output_source.get(),
        4,
    );
    history.expect("how many packets are on the wire", wire.sent().len(), 0);
}

#[test]
fn what_is_too_long() {
    let history = History::new();
    let Host { ip, wire, .. } = host();
    history.did("send 1481 octets in one piece, where the MTU is 1500");
    let payload = Packet::zeroed(1481);
    let sent = kind(ip.output_whole(EXPERIMENT, ANY, PEER, payload));
    history.expect("what output says", sent, Err(ErrorKind::InvalidInput));
    history.did("send 65516 octets, one more than a datagram can carry");
    let sent = send(&ip, ANY, PEER, &[0; 65_516]);
    history.expect("what output says", sent, Err(ErrorKind::InvalidInput));
    history.expect("too long, as counted", ip.counters.too_long.get(), 2);
    history.expect("how many packets are on the wire", wire.sent().len(), 0);
}

#[test]
fn the_datagram_on_the_wire() {
    let history = History::new();
    let Host { ip, wire, .. } = host();
    for id in [128, 129] {
        history.did("send \"payload\" to 192.0.2.1, source 0.0.0.0");
        history.expect("what output says", send(&ip, ANY, PEER, b"payload"), Ok(()));
        let sent = wire.sent();
        history.expect("how many packets are on the wire", sent.len(), 1);
        let mut expected = vec![0x45, 0, 0, 27, 0, id, 0, 0, 64, 253, 0, 0];
        expected.extend(ME.octets());
        expected.extend(PEER.octets());
        expected.extend(b"payload");
        seal(&mut expected);
        history.expect_bytes("the datagram", &sent[0].packet, &expected, &FIELDS);
        history.expect(
            "the neighbour's address, on a link without",
            sent[0].dst,
            HwAddr::NONE,
        );
    }
    history.expect("datagrams sent, as counted", ip.counters.sent.get(), 2);
    history.did("send with type of service 0x12, time to live 7, and four octets of options");
    let parameters = Parameters {
        tos: 0x12,
        ttl: NonZeroU8::new(7),
        options: Options::new(&[0x94, 4, 0, 0]).unwrap(),
        ..Parameters::default()
    };
    let payload = Packet::new(b"payload");
    let sent = kind(ip.output_with(&parameters, EXPERIMENT, ANY, PEER, payload));
    history.expect("what output says", sent, Ok(()));
    let sent = wire.sent();
    let mut expected = vec![0x46, 0x12, 0, 31, 0, 130, 0, 0, 7, 253, 0, 0];
    expected.extend(ME.octets());
    expected.extend(PEER.octets());
    expected.extend([0x94, 4, 0, 0]);
    expected.extend(b"payload");
    seal(&mut expected);
    history.expect_bytes("the datagram", &sent[0].packet, &expected, &FIELDS);
    history.did("send 1480 octets in one piece: just as long as the MTU");
    let sent = kind(ip.output_whole(EXPERIMENT, ME, PEER, Packet::zeroed(1480)));
    history.expect("what output says", sent, Ok(()));
    let sent = wire.sent();
    history.expect(
        "the fragment word: don't fragment",
        sent[0].packet[6..8].to_vec(),
        [0x40, 0],
    );
}

#[test]
fn the_neighbours_address() {
    let history = History::new();
    let flags = DeviceFlags(DeviceFlags::BROADCAST.0 | DeviceFlags::NEED_ARP.0);
    let Host { ip, wire, .. } = Host::new(flags, |input| input);
    for dst in [Ipv4Addr::new(192, 0, 2, 255), Ipv4Addr::BROADCAST] {
        history.did(format!("send to {dst} on a link that needs ARP"));
        history.expect("what output says", send(&ip, ME, dst, b"x"), Ok(()));
        let all = HwAddr::from(TestWire::BROADCAST);
        let sent: Vec<HwAddr> = wire.sent().iter().map(|frame| frame.dst).collect();
        history.expect("the neighbours that get it", sent, [all]);
    }
    history.did("send to 192.0.2.1, but there is no ARP yet");
    let sent = send(&ip, ME, PEER, b"x");
    history.expect("what output says", sent, Err(ErrorKind::Unsupported));
    history.expect(
        "output failures, as counted",
        ip.counters.output_failed.get(),
        1,
    );
    history.expect("how many packets are on the wire", wire.sent().len(), 0);
}

#[test]
fn fragments() {
    let history = History::new();
    let Host { ip, wire, .. } = host();
    let payload: Vec<u8> = (0..4000_u16).map(|n| n.to_be_bytes()[1]).collect();
    history.did("send 4000 octets where the MTU is 1500");
    history.expect("what output says", send(&ip, ANY, PEER, &payload), Ok(()));
    let sent = wire.sent();
    history.expect("how many fragments there are", sent.len(), 3);
    let mut whole = Vec::new();
    for (at, frame) in sent.iter().enumerate() {
        let header = Header::parse(&frame.packet).unwrap();
        let flags = if at < 2 { Fragment::MF } else { 0 };
        history.did(format!("look at fragment {at}"));
        history.expect("its offset, in octets", header.fragment.offset(), at * 1480);
        history.expect("its flags", header.fragment.0 & 0xe000, flags);
        history.expect("its identification", header.id, 128);
        history.expect(
            "its length",
            frame.packet.len(),
            MIN_LEN + [1480, 1480, 1040][at],
        );
        history.expect(
            "its total length",
            usize::from(header.total_len),
            frame.packet.len(),
        );
        whole.extend(&frame.packet[MIN_LEN..]);
    }
    history.expect_bytes("all payloads together", &whole, &payload, &[]);
    history.expect("fragmented, as counted", ip.counters.fragmented.get(), 1);
    history.did("send 3000 octets with two options, of which one is copied");
    let parameters = Parameters {
        options: Options::new(&[7, 7, 4, 0, 0, 0, 0, 1, 0x94, 4, 0, 0]).unwrap(),
        ..Parameters::default()
    };
    let payload = Packet::zeroed(3000);
    let sent = kind(ip.output_with(&parameters, EXPERIMENT, ANY, PEER, payload));
    history.expect("what output says", sent, Ok(()));
    let lengths = |frame: &Frame| Header::parse(&frame.packet).unwrap().header_len;
    let sent: Vec<u8> = wire.sent().iter().map(lengths).collect();
    history.expect(
        "how long the headers of the fragments are",
        sent,
        [32, 24, 24],
    );
}
