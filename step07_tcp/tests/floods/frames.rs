//! The frames of an enemy on the link.

use std::net::{Ipv4Addr, SocketAddrV4};

use step07_tcp::arp::message::{Message, Opcode};
use step07_tcp::diffserv::Service;
use step07_tcp::ethernet::MacAddr;
use step07_tcp::flags::Flags;
use step07_tcp::ip::header::Fragment;
use step07_tcp::ip::{Header, IpProtocol};
use step07_tcp::packet::Packet;
use step07_tcp::segment::{Outgoing, Segment};
use step07_tcp::seq::SeqNumber;
use step07_tcp::udp;

/// The enemy's own address on the link.
pub const ENEMY: MacAddr = MacAddr([0x02, 0, 0, 0, 0, 0x66]);
/// The host under attack.
pub const VICTIM: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// Its address on the link.
pub const VICTIM_MAC: MacAddr = MacAddr([0, 0, 0x5e, 0, 0x53, 2]);

fn frame(dst: MacAddr, ethertype: [u8; 2], contents: &[u8]) -> Vec<u8> {
    [&dst.0[..], &ENEMY.0[..], &ethertype[..], contents].concat()
}

/// One of 62 addresses that are on the link: 192.0.2.65 to .126.
pub fn somebody(number: u32) -> Ipv4Addr {
    let [.., last] = (number % 62 + 65).to_be_bytes();
    Ipv4Addr::new(192, 0, 2, last)
}

/// A datagram to the victim.
pub fn datagram(
    src: Ipv4Addr,
    protocol: IpProtocol,
    id: u16,
    part: u16,
    payload: &[u8],
) -> Vec<u8> {
    let mut packet = Packet::new(payload);
    let header = Header {
        header_len: 20,
        tos: 0,
        total_len: u16::try_from(20 + payload.len()).unwrap(),
        id,
        fragment: Fragment(part),
        ttl: 64,
        protocol,
        checksum: 0,
        src,
        dst: VICTIM,
    };
    header.emit(packet.prepend(20).first_chunk_mut().unwrap());
    frame(VICTIM_MAC, [8, 0], &packet)
}

/// A segment to a port of the victim.
pub fn segment(from: SocketAddrV4, port: u16, segment: Segment) -> Vec<u8> {
    let packet = Outgoing {
        local: from,
        remote: SocketAddrV4::new(VICTIM, port),
        service: Service::default(),
        segment,
    }
    .into_packet();
    datagram(*from.ip(), IpProtocol::TCP, 0, Fragment::DF, &packet)
}

/// A request for a connection.
pub fn syn(from: SocketAddrV4, port: u16, seq: u32) -> Vec<u8> {
    let syn = Segment {
        seq: SeqNumber::new(seq),
        flags: Flags::SYN,
        window: 1000,
        ..Segment::default()
    };
    segment(from, port, syn)
}

/// A UDP datagram to a port of the victim.
pub fn udp(from: SocketAddrV4, port: u16, data: &[u8]) -> Vec<u8> {
    let mut datagram_of_udp = vec![0; udp::header::LEN];
    datagram_of_udp.extend_from_slice(data);
    let header = udp::Header {
        src_port: from.port(),
        dst_port: port,
        len: u16::try_from(datagram_of_udp.len()).unwrap(),
        checksum: 0,
    };
    header.emit(&mut datagram_of_udp, *from.ip(), VICTIM);
    datagram(
        *from.ip(),
        IpProtocol::UDP,
        0,
        Fragment::DF,
        &datagram_of_udp,
    )
}

/// "Who has the victim's address? I am `spa`, at `sha`."
pub fn arp_request(spa: Ipv4Addr, sha: MacAddr) -> Vec<u8> {
    let request = Message {
        opcode: Opcode::REQUEST,
        sha,
        spa,
        tha: MacAddr::ANY,
        tpa: VICTIM,
    };
    frame(MacAddr::BROADCAST, [8, 6], &request.emit())
}

/// What the enemy says when the victim asks for one of his addresses.
fn arp_reply(request: &Message) -> Vec<u8> {
    let reply = Message {
        opcode: Opcode::REPLY,
        sha: ENEMY,
        spa: request.tpa,
        tha: request.sha,
        tpa: request.spa,
    };
    frame(VICTIM_MAC, [8, 6], &reply.emit())
}

/// What the victim has sent to the enemy.
pub enum Heard {
    /// It asks for an address; this is the answer.
    Question(Vec<u8>),
    /// A segment for one of the enemy's addresses: the ends, from the enemy's
    /// side, and what it says.
    Segment(SocketAddrV4, u16, Segment),
}

/// Reads a frame, if the victim has sent it, and to the enemy.
pub fn hear(frame: &[u8]) -> Option<Heard> {
    let (header, contents) = frame.split_at_checked(14)?;
    if header[6..12] != VICTIM_MAC.0 {
        return None;
    }
    if header[12..] == [8, 6] {
        let request = Message::parse(contents).ok()?;
        let is_ours = (65..=126).contains(&request.tpa.octets()[3]);
        return is_ours.then(|| Heard::Question(arp_reply(&request)));
    }
    if header[..6] != ENEMY.0 {
        return None;
    }
    let ip = Header::parse(contents).ok()?;
    let payload = contents.get(20..ip.total_len.into())?;
    if ip.protocol != IpProtocol::TCP {
        return None;
    }
    let (src, dst, segment) = Segment::parse(Packet::new(payload), ip.src, ip.dst).ok()?;
    Some(Heard::Segment(SocketAddrV4::new(ip.dst, dst), src, segment))
}
