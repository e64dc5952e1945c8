//! Floods that TCP hears nothing of.

use std::net::{Ipv4Addr, SocketAddrV4};

use step07_tcp::arp::cache::CACHE_LIMIT;
use step07_tcp::ethernet::MacAddr;
use step07_tcp::ip::IpProtocol;
use step07_tcp::ip::header::Fragment;
use step07_tcp::ip::reassembly::MEMORY_LIMIT;
use step07_tcp::udp::UdpSocket;
use step07_tcp::udp::pcb::QUEUE_LIMIT;

use crate::frames::{arp_request, datagram, somebody, udp};
use crate::world::{Flood, Sends, World};

/// Neighbours that nobody has ever heard of: more than the cache can hold. The
/// one who is talked to stays in it.
#[test]
fn arp() {
    let mut world = World::new();
    let mut enemy = Sends(50, |number: u32| {
        let [_, b, c, d] = number.to_be_bytes();
        arp_request(Ipv4Addr::new(10, b, c, d), MacAddr([2, 0, 0, b, c, d]))
    });
    let flood = Flood::play("ARP requests", &mut world, &mut enemy);
    let counters = &world.victim.arp.counters;
    assert!(counters.evicted.get() > 4_000);
    assert!(counters.requests_sent.get() < 100);
    assert!(flood.growth() < 256 * 1024);
    assert!(flood.goodput() > 0.95 && flood.per_turn() > 0.25);
    assert!(world.victim.arp.neighbors().len() <= CACHE_LIMIT);
    flood.is_forgotten();
}

/// Beginnings of datagrams that are never continued.
#[test]
fn fragments() {
    let mut world = World::new();
    let mut enemy = Sends(50, |number: u32| {
        let [_, _, c, d] = number.to_be_bytes();
        let (src, id) = (somebody(number), u16::from_be_bytes([c, d]));
        datagram(src, IpProtocol::UDP, id, Fragment::MF, &[0; 1480])
    });
    let flood = Flood::play("fragments", &mut world, &mut enemy);
    assert!(world.victim.ip.counters.reassembly_evicted.get() > 4_000);
    assert!(flood.growth() < 2 * MEMORY_LIMIT);
    assert!(flood.goodput() > 0.95 && flood.per_turn() > 0.25);
    flood.is_forgotten();
}

/// The smallest pieces there can be: each costs more than it holds.
#[test]
fn tiny_fragments() {
    let mut world = World::new();
    let mut enemy = Sends(50, |number: u32| {
        let [_, _, c, d] = (number / 8000).to_be_bytes();
        let offset = u16::try_from(number % 8000).unwrap();
        let (src, id) = (somebody(0), u16::from_be_bytes([c, d]));
        datagram(src, IpProtocol::UDP, id, Fragment::MF | offset, &[0; 8])
    });
    let flood = Flood::play("fragments of 8 octets", &mut world, &mut enemy);
    assert!(flood.growth() < 2 * MEMORY_LIMIT);
    assert!(flood.goodput() > 0.95 && flood.per_turn() > 0.25);
    flood.is_forgotten();
}

/// Datagrams for a program that does not read them.
#[test]
fn udp_to_one_socket() {
    for (name, len, padding) in [
        ("UDP of 1 octet, unread", 1, 0),
        ("the same in long frames", 1, 1471),
        ("UDP of 1400 octets, unread", 1400, 0),
    ] {
        let mut world = World::new();
        let socket = UdpSocket::bind(&world.victim.udp, "0.0.0.0:7").unwrap();
        let mut enemy = Sends(50, |number: u32| {
            let from = SocketAddrV4::new(somebody(number), 1000);
            let mut frame = udp(from, 7, &vec![0; len]);
            frame.resize(frame.len() + padding, 0);
            frame
        });
        let flood = Flood::play(name, &mut world, &mut enemy);
        assert!(world.victim.udp.counters.queue_full.get() > 4_000);
        assert!(flood.growth() < 3 * QUEUE_LIMIT, "{}", flood.growth());
        assert!(flood.goodput() > 0.95 && flood.per_turn() > 0.25);
        // What was queued waits for the program.
        let left = flood.after.live - flood.quiet.live;
        assert!(left < 2 * QUEUE_LIMIT, "{left}");
        drop(socket);
    }
}

/// Datagrams for nobody: each asks for an error message.
#[test]
fn udp_to_nobody() {
    let mut world = World::new();
    let mut enemy = Sends(50, |number: u32| {
        udp(SocketAddrV4::new(somebody(number), 1000), 9, b"hello")
    });
    let flood = Flood::play("UDP to a closed port", &mut world, &mut enemy);
    assert!(flood.growth() < 512 * 1024, "{}", flood.growth());
    assert!(flood.goodput() > 0.95 && flood.per_turn() > 0.25);
    flood.is_forgotten();
}
