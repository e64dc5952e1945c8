//! Every parser of a header: no octets make it panic, what it accepts it can
//! show, and what it has accepted it writes as it was.

use std::net::Ipv4Addr;

use step07_tcp::arp;
use step07_tcp::checksum::{Checksum, checksum};
use step07_tcp::ethernet;
use step07_tcp::header as tcp;
use step07_tcp::icmp;
use step07_tcp::ip::{self, options};
use step07_tcp::options::Options;
use step07_tcp::packet::Packet;
use step07_tcp::segment::Segment;
use step07_tcp::udp;

use super::Choices;

const SRC: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const DST: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

/// The first octet chooses the header; half of the time its checksum is made
/// right first, or little would come further.
pub fn run(data: &[u8]) {
    let mut choices = Choices(data);
    let choice = choices.u8();
    let mut octets = choices.0.to_vec();
    let repair = choice & 0x80 != 0;
    match choice % 7 {
        0 => ethernet_header(&octets),
        1 => arp_message(&octets),
        2 => {
            if repair {
                repair_ip(&mut octets);
            }
            ip_header(&octets);
        }
        3 => {
            if repair {
                repair_at(&mut octets, 2, Checksum::new());
            }
            icmp_message(&octets);
        }
        4 => udp_datagram(&mut octets, repair),
        5 => tcp_segment(&mut octets, repair),
        _ => option_octets(&octets),
    }
}

/// Puts the right checksum at `at`.
pub fn repair_at(octets: &mut [u8], at: usize, mut sum: Checksum) {
    if octets.len() >= at + 2 {
        octets[at..at + 2].fill(0);
        sum.add(octets);
        octets[at..at + 2].copy_from_slice(&sum.finish().to_be_bytes());
    }
}

/// Makes the checksum of an IP header right.
pub fn repair_ip(packet: &mut [u8]) {
    let len = packet
        .first()
        .map_or(0, |first| usize::from(first & 0x0f) * 4);
    if (20..=packet.len()).contains(&len) {
        repair_at(&mut packet[..len], 10, Checksum::new());
    }
}

fn ethernet_header(octets: &[u8]) {
    if let Some(header) = ethernet::Header::parse(octets) {
        let mut written = [0; ethernet::header::LEN];
        header.emit(&mut written);
        assert_eq!(written, octets[..written.len()]);
        assert!(!header.to_string().is_empty());
    }
}

fn arp_message(octets: &[u8]) {
    match arp::Message::parse(octets) {
        Ok(message) => {
            assert_eq!(message.emit(), octets[..arp::message::LEN]);
            assert!(message.to_string().contains("sha"));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn ip_header(octets: &[u8]) {
    match ip::Header::parse(octets) {
        Ok(header) => {
            let (header_len, total_len) = (header.header_len.into(), header.total_len.into());
            assert!(20 <= header_len && header_len <= total_len && total_len <= octets.len());
            assert_eq!(checksum(&octets[..header_len]), 0);
            let _ = options::check(&octets[20..header_len]);
            let mut written = [0; 20];
            header.emit(&mut written);
            // Without the options the first octet and the checksum differ.
            assert_eq!(written[1..10], octets[1..10]);
            assert_eq!(written[12..20], octets[12..20]);
            assert!(header.to_string().contains("ttl"));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    if let Ok(quoted) = ip::Header::parse_quoted(octets) {
        assert!(usize::from(quoted.header_len) <= octets.len());
    }
}

fn icmp_message(octets: &[u8]) {
    match icmp::Header::parse(octets) {
        Ok(header) => {
            let mut written = octets.to_vec();
            header.emit(&mut written);
            assert_same_but_checksum(&written, octets, 2);
            assert!(header.to_string().contains("type"));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Zero has two forms in one's complement: as a checksum either may stand there.
fn assert_same_but_checksum(written: &[u8], octets: &[u8], at: usize) {
    let but = |text: &[u8]| [&text[..at], &text[at + 2..]].concat();
    assert_eq!(but(written), but(octets));
    let sum = |text: &[u8]| u16::from_be_bytes([text[at], text[at + 1]]) % 0xffff;
    assert_eq!(sum(written), sum(octets));
}

fn udp_datagram(octets: &mut [u8], repair: bool) {
    if repair && octets.len() >= 8 {
        let len = octets.len();
        octets[4..6].copy_from_slice(&(len as u16).to_be_bytes());
        repair_at(octets, 6, Checksum::pseudo_header(SRC, DST, 17, len));
    }
    match udp::Header::parse(octets, SRC, DST) {
        Ok(header) => {
            let len = usize::from(header.len);
            assert!((8..=octets.len()).contains(&len));
            if header.checksum != 0 {
                let mut written = octets[..len].to_vec();
                header.emit(&mut written, SRC, DST);
                assert_same_but_checksum(&written, &octets[..len], 6);
            }
            assert!(header.to_string().contains("len"));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn tcp_segment(octets: &mut [u8], repair: bool) {
    let len = octets.len();
    if repair {
        repair_at(octets, 16, Checksum::pseudo_header(SRC, DST, 6, len));
    }
    if let Ok((header, offset)) = tcp::Header::parse(octets) {
        assert!((20..=len).contains(&offset));
        assert!(header.to_string().contains("seq"));
    }
    match Segment::parse(Packet::new(octets), SRC, DST) {
        Ok((src, dst, segment)) => {
            assert!(segment.payload.len() <= len - 20);
            let once = again(src, dst, &segment);
            // In our own order and padding a SACK block may find no room.
            let options = once.options;
            assert_eq!(once, Segment { options, ..segment });
            assert_eq!(once, again(src, dst, &once));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A segment written and read.
fn again(src_port: u16, dst_port: u16, segment: &Segment) -> Segment {
    let mut packet = segment.payload.clone();
    let header = tcp::Header {
        src_port,
        dst_port,
        seq: segment.seq,
        ack: segment.ack,
        data_offset: 0,
        flags: segment.flags,
        window: segment.window,
        checksum: 0,
        urgent_pointer: segment.urgent_pointer,
        options: segment.options,
    };
    header.prepend_to(&mut packet, SRC, DST);
    let (src, dst, segment) = Segment::parse(packet, SRC, DST).unwrap();
    assert_eq!((src, dst), (src_port, dst_port));
    segment
}

fn option_octets(octets: &[u8]) {
    let options = Options::parse(octets);
    assert!(options.len() <= 40);
    let _ = options::check(octets);
}
