//! Frames as they stand on the wire, and the end of a wire where a test sits.

use std::net::Ipv4Addr;
use std::sync::Arc;

use step05_arp::arp::{Message, Opcode};
use step05_arp::checksum::Checksum;
use step05_arp::env::Env;
use step05_arp::ethernet::{Header, MacAddr, header};
use step05_arp::ethertype::EtherType;
use step05_arp::frame::FrameIo;
use step05_arp::host::Config;
use step05_arp::ip::header::{Fragment, MIN_LEN};
use step05_arp::ip::output::DEFAULT_TTL;
use step05_arp::ip::{Header as IpHeader, IpProtocol};
use step05_arp::wire::{Port, Wire};

/// The host under test.
pub const ME: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
/// Its hardware address.
pub const MY_MAC: MacAddr = MacAddr([0x00, 0x00, 0x5e, 0x00, 0x53, 0x01]);
/// Who sends to it: the test.
pub const PEER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// The test's hardware address.
pub const PEER_MAC: MacAddr = MacAddr([0x02, 0x00, 0x00, 0x00, 0x00, 0x99]);

/// How the host under test is called.
pub fn config() -> Config {
    Config {
        mac: MY_MAC,
        addr: "192.0.2.2/24".parse().unwrap(),
        gateway: None,
        ttl: DEFAULT_TTL,
    }
}

/// A test's end of a wire on which nothing takes time.
pub struct End(Port);

impl End {
    /// The test's end, and the host's.
    pub fn new(env: &Arc<Env>) -> (Self, Port) {
        let wire = Wire::new(env);
        (Self(wire.port()), wire.port())
    }

    /// Another end of `wire`.
    pub fn of(wire: &Arc<Wire>) -> Self {
        Self(wire.port())
    }

    /// Puts a frame on the wire.
    pub fn send(&self, frame: &[u8]) {
        self.0.write_frame(frame).unwrap();
    }

    /// Takes all frames that the host has sent.
    pub fn take(&self) -> Vec<Vec<u8>> {
        let mut buffer = [0; 2000];
        std::iter::from_fn(|| {
            let len = self.0.read_frame(&mut buffer).unwrap()?;
            Some(buffer[..len].to_vec())
        })
        .collect()
    }
}

/// A frame from the test, without padding.
pub fn frame(dst: MacAddr, ethertype: EtherType, payload: &[u8]) -> Vec<u8> {
    let header = Header {
        dst,
        src: PEER_MAC,
        ethertype,
    };
    let mut frame = [&[0; header::LEN], payload].concat();
    header.emit(frame.first_chunk_mut().unwrap());
    frame
}

/// The header and the payload of a frame.
pub fn parts(frame: &[u8]) -> (Header, &[u8]) {
    (Header::parse(frame).unwrap(), &frame[header::LEN..])
}

/// A request for the host's address, from the test.
pub const REQUEST: Message = Message {
    opcode: Opcode::REQUEST,
    sha: PEER_MAC,
    spa: PEER,
    tha: MacAddr::ANY,
    tpa: ME,
};

/// The test's answer to a request for its address.
pub const REPLY: Message = Message {
    opcode: Opcode::REPLY,
    tha: MY_MAC,
    ..REQUEST
};

/// An ARP message in a frame to everybody.
pub fn arp(message: &Message) -> Vec<u8> {
    frame(MacAddr::BROADCAST, EtherType::ARP, &message.emit())
}

/// The ARP messages among `frames`, with whom they were sent to.
pub fn arp_messages(frames: &[Vec<u8>]) -> Vec<(MacAddr, Message)> {
    let frames = frames.iter().map(|frame| parts(frame));
    let arp = frames.filter(|(header, _)| header.ethertype == EtherType::ARP);
    arp.map(|(header, payload)| (header.dst, Message::parse(payload).unwrap()))
        .collect()
}

/// A datagram to the host, with the right length and checksum.
pub fn ip(protocol: IpProtocol, src: Ipv4Addr, dst: Ipv4Addr, payload: &[u8]) -> Vec<u8> {
    let mut datagram = [&[0; MIN_LEN], payload].concat();
    let header = IpHeader {
        header_len: 20,
        tos: 0,
        total_len: u16::try_from(datagram.len()).unwrap(),
        id: 7,
        fragment: Fragment(0),
        ttl: 64,
        protocol,
        checksum: 0,
        src,
        dst,
    };
    header.emit(datagram.first_chunk_mut().unwrap());
    datagram
}

/// The datagrams among `frames`: header and payload, without padding.
pub fn datagrams(frames: &[Vec<u8>]) -> Vec<(IpHeader, &[u8])> {
    let frames = frames.iter().map(|frame| parts(frame));
    let ip = frames.filter(|(header, _)| header.ethertype == EtherType::IP);
    ip.map(|(_, packet)| {
        let header = IpHeader::parse(packet).unwrap();
        (header, &packet[MIN_LEN..header.total_len.into()])
    })
    .collect()
}

/// An echo with its checksum.
pub fn echo(data: &[u8]) -> Vec<u8> {
    let mut echo = [&[8, 0, 0, 0, 0, 1, 0, 1], data].concat();
    let mut sum = Checksum::new();
    sum.add(&echo);
    echo[2..4].copy_from_slice(&sum.finish().to_be_bytes());
    echo
}

/// A number below `end`.
pub fn below(env: &Env, end: usize) -> usize {
    usize::try_from(env.random() % (end as u64)).unwrap()
}

/// An octet.
pub fn octet(env: &Env) -> u8 {
    env.random().to_le_bytes()[0]
}

/// Damages a frame in up to four places, and now and then its length. Mostly
/// behind the Ethernet header, which would only send it elsewhere; and half of
/// the time with an IP header whose checksum is right again.
pub fn mutate(env: &Env, frame: &mut Vec<u8>) {
    for _ in 0..below(env, 5) {
        let (start, end) = match below(env, 8) {
            0 => (0, 14),
            1 => (14, frame.len()),
            _ => (14, 50),
        };
        let at = start + below(env, end.saturating_sub(start).max(1));
        if let Some(target) = frame.get_mut(at) {
            *target = octet(env);
        }
    }
    match below(env, 12) {
        0 => frame.truncate(below(env, frame.len() + 1)),
        1 => frame.resize(frame.len() + below(env, 60), 0xee),
        _ => {}
    }
    if below(env, 2) == 0
        && frame.get(12..14) == Some(&[8, 0])
        && let Some(header) = frame.get_mut(14..34)
    {
        header[10..12].fill(0);
        let mut sum = Checksum::new();
        sum.add(header);
        header[10..12].copy_from_slice(&sum.finish().to_be_bytes());
    }
}
