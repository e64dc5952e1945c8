//! Frames, built and taken apart by hand: these tests are about drivers, and
//! use none of the protocols above them.

use std::net::Ipv4Addr;

use step05_arp::checksum::{Checksum, checksum};

pub const KERNEL: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
pub const OURS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
pub const OUR_MAC: [u8; 6] = [0, 0, 0x5e, 0, 0x53, 1];
pub const BROADCAST: [u8; 6] = [0xff; 6];
pub const ARP: [u8; 2] = [0x08, 0x06];
pub const IP: [u8; 2] = [0x08, 0x00];
pub const UDP: u8 = 17;
pub const TCP: u8 = 6;

pub fn with_type(frame: &[u8], ethertype: [u8; 2]) -> Option<&[u8]> {
    (frame.get(12..14)? == ethertype).then(|| &frame[14..])
}

pub fn ethernet(dst: [u8; 6], ethertype: [u8; 2], payload: &[u8]) -> Vec<u8> {
    [&dst[..], &OUR_MAC, &ethertype, payload].concat()
}

pub fn arp(opcode: u8, target: [u8; 6]) -> Vec<u8> {
    let mut message = vec![0, 1, 8, 0, 6, 4, 0, opcode];
    message.extend(OUR_MAC);
    message.extend(OURS.octets());
    message.extend(target);
    message.extend(KERNEL.octets());
    message
}

/// An IPv4 datagram from us to the kernel; fills in the checksum that stands
/// at `checksum_at` in what it carries.
pub fn datagram(protocol: u8, mut carried: Vec<u8>, checksum_at: usize) -> Vec<u8> {
    let mut sum = Checksum::pseudo_header(OURS, KERNEL, protocol, carried.len());
    sum.add(&carried);
    carried[checksum_at..checksum_at + 2].copy_from_slice(&sum.finish().to_be_bytes());
    let len = u16::try_from(20 + carried.len()).unwrap();
    let mut header = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, protocol, 0, 0];
    header[2..4].copy_from_slice(&len.to_be_bytes());
    header.extend(OURS.octets());
    header.extend(KERNEL.octets());
    let sum = checksum(&header).to_be_bytes();
    header[10..12].copy_from_slice(&sum);
    [header, carried].concat()
}

pub fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(8 + payload.len()).unwrap();
    let ports = [[0, 7], port.to_be_bytes(), len.to_be_bytes(), [0, 0]];
    datagram(UDP, [&ports.concat(), payload].concat(), 6)
}

/// What an IPv4 datagram from the kernel carries, if its protocol is the given
/// one. Its checksums must be right.
pub fn carried(datagram: &[u8], protocol: u8) -> Option<&[u8]> {
    if datagram[9] != protocol {
        return None;
    }
    let len = usize::from(u16::from_be_bytes([datagram[2], datagram[3]]));
    assert_eq!(checksum(&datagram[..20]), 0);
    let carried = &datagram[20..len];
    let mut sum = Checksum::pseudo_header(KERNEL, OURS, protocol, carried.len());
    sum.add(carried);
    assert_eq!(sum.finish(), 0, "checksum of {carried:02x?}");
    Some(carried)
}
