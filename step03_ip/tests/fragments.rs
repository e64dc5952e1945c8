//! Datagrams that are longer than the link allows, both ways.

// The helper functions are part of the tests.
#![allow(clippy::unwrap_used)]

mod harness;

use std::net::Ipv4Addr;
use std::time::Duration;

use harness::Host;
use harness::wire::{EXPERIMENT, ME, MTU, PEER, datagram, header};
use step03_ip::ip::header::{Fragment, MIN_LEN};
use step03_ip::ip::{DeliveryError, Header};
use step03_ip::packet::Packet;

/// Octets that tell where they belong.
fn octets(len: usize) -> Vec<u8> {
    (0..len).map(|n| (n % 251).to_le_bytes()[0]).collect()
}

/// What another host receives of what one sends: the fragments of `len`
/// octets, addressed to the other host.
fn fragments(len: usize) -> Vec<Vec<u8>> {
    let host = Host::new();
    let payload = Packet::new(&octets(len));
    let any = Ipv4Addr::UNSPECIFIED;
    host.ip.output(EXPERIMENT, any, PEER, payload).unwrap();
    let sent = host.wire.sent().into_iter();
    let turned = sent.map(|frame| {
        let header = Header::parse(&frame.packet).unwrap();
        let back = Header {
            src: PEER,
            dst: ME,
            ..header
        };
        datagram(back, &frame.packet[MIN_LEN..])
    });
    turned.collect()
}

#[test]
fn a_long_datagram_leaves_in_pieces_of_eight() {
    let sent = fragments(4000);
    let headers: Vec<_> = sent
        .iter()
        .map(|packet| Header::parse(packet).unwrap())
        .collect();
    let shape = headers.iter().map(|header| {
        assert_eq!(header.id, 128, "all have the same id");
        assert!(usize::from(header.total_len) <= MTU);
        (
            header.fragment.offset(),
            header.payload_len(),
            header.fragment.more_fragments(),
        )
    });
    let expected = [(0, 1480, true), (1480, 1480, true), (2960, 1040, false)];
    assert_eq!(shape.collect::<Vec<_>>(), expected);
}

#[test]
fn pieces_become_a_datagram_again_in_any_order() {
    for rotate in 0..3 {
        let mut packets = fragments(4000);
        packets.rotate_left(rotate);
        packets.reverse();
        let mut host = Host::new();
        let last = packets.pop().unwrap();
        for packet in packets {
            assert!(host.receive(&packet).is_none());
        }
        let delivered = host.receive(&last).unwrap();
        assert_eq!(delivered.payload, octets(4000));
        assert_eq!(delivered.header.total_len, 4020);
        assert!(!delivered.header.fragment.is_fragment());
        let counters = &host.ip.counters;
        assert_eq!(
            (counters.fragments.get(), counters.reassembled.get()),
            (3, 1)
        );
    }
}

#[test]
fn the_sender_of_what_stays_incomplete_is_told() {
    let packets = fragments(4000);
    // Without the first fragment nobody is told (RFC 792).
    for (given, told) in [(&packets[..2], true), (&packets[1..], false)] {
        let mut host = Host::new();
        for packet in given {
            assert!(host.receive(packet).is_none());
        }
        host.env.advance(Duration::from_secs(59));
        host.settle();
        assert_eq!(host.ip.counters.reassembly_timeout.get(), 0);
        host.env.advance(Duration::from_secs(1));
        host.settle();
        assert_eq!(host.ip.counters.reassembly_timeout.get(), 1);
        let reported = host.reported.try_recv().ok();
        assert_eq!(reported.is_some(), told);
        if let Some((error, datagram)) = reported {
            assert_eq!(error, DeliveryError::ReassemblyTimeout);
            assert_eq!(datagram.packet, packets[0]);
        }
    }
}

#[test]
fn pieces_for_others_are_not_collected() {
    let header = Header {
        dst: Ipv4Addr::new(192, 0, 2, 9),
        fragment: Fragment(Fragment::MF),
        ..header(EXPERIMENT)
    };
    let mut host = Host::new();
    host.receive(&datagram(header, &octets(8)));
    assert_eq!(host.ip.counters.other_host.get(), 1);
    assert_eq!(host.ip.counters.fragments.get(), 0);
}

#[test]
fn overlapping_pieces_are_dropped_whole() {
    let mut packets = fragments(4000);
    let mut host = Host::new();
    host.receive(&packets[0]);
    // The same place with other octets.
    let last = packets[0].len() - 1;
    packets[0][last] ^= 1;
    for packet in &packets {
        assert!(host.receive(packet).is_none());
    }
    assert_eq!(host.ip.counters.fragment_overlap.get(), 3);
    assert_eq!(host.ip.counters.reassembled.get(), 0);
}
