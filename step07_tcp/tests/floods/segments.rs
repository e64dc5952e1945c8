//! Segments that claim to belong to a connection.

use std::net::SocketAddrV4;

use step07_tcp::flags::Flags;
use step07_tcp::packet::Packet;
use step07_tcp::segment::Segment;
use step07_tcp::seq::SeqNumber;

use crate::frames::{segment, somebody};
use crate::world::{Flood, PORT, Sends, World};

/// The bystander's end, whose sender the enemy pretends to be.
fn pretended(world: &World) -> SocketAddrV4 {
    let local = world.bystander_end().local_addr().unwrap();
    local.to_string().parse().unwrap()
}

/// Numbers all over the sequence space.
fn anywhere(number: u32) -> SeqNumber {
    SeqNumber::new(number.wrapping_mul(0x9e37_79b9))
}

/// Resets for the bystander's connection. 5,000 guesses hit a window of 64
/// KiB now and then, and never its very edge.
#[test]
fn rst() {
    let mut world = World::new();
    let from = pretended(&world);
    let mut enemy = Sends(50, |number: u32| {
        let reset = Segment {
            seq: anywhere(number),
            flags: Flags::RST,
            ..Segment::default()
        };
        segment(from, PORT, reset)
    });
    let flood = Flood::play("RST, forged", &mut world, &mut enemy);
    let counters = &world.victim.tcp.counters;
    assert!(counters.outside_window.get() + counters.inexact_reset.get() > 4_000);
    assert_eq!(counters.resets_received.get(), 0);
    assert!(flood.growth() < 256 * 1024);
    assert!(flood.goodput() > 0.95 && flood.per_turn() > 0.25);
    flood.is_forgotten();
}

/// Acknowledgments and text for the bystander's connection.
#[test]
fn ack() {
    let mut world = World::new();
    let from = pretended(&world);
    let mut enemy = Sends(50, |number: u32| {
        let text = Segment {
            seq: anywhere(number),
            ack: anywhere(number.wrapping_mul(7)),
            flags: Flags::ACK,
            window: 1,
            payload: Packet::new(b"nonsense"),
            ..Segment::default()
        };
        segment(from, PORT, text)
    });
    let flood = Flood::play("ACK with text, forged", &mut world, &mut enemy);
    assert!(flood.growth() < 256 * 1024);
    assert!(flood.goodput() > 0.95 && flood.per_turn() > 0.25);
    flood.is_forgotten();
}

/// Acknowledgments for connections that are not there: each asks for a reset.
#[test]
fn ack_for_nobody() {
    let mut world = World::new();
    let mut enemy = Sends(50, |number: u32| {
        let [_, _, c, d] = number.to_be_bytes();
        let from = SocketAddrV4::new(somebody(number), u16::from_be_bytes([c, d]));
        let ack = Segment {
            seq: anywhere(number),
            ack: anywhere(number),
            flags: Flags::ACK,
            ..Segment::default()
        };
        segment(from, 1, ack)
    });
    let flood = Flood::play("ACK for nobody", &mut world, &mut enemy);
    assert!(flood.growth() < 1024 * 1024);
    assert!(flood.goodput() > 0.95 && flood.per_turn() > 0.25);
    flood.is_forgotten();
}
