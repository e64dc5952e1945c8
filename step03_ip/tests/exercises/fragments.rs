//! Pieces become a datagram again.

use step03_ip::ip::Header;
use step03_ip::ip::header::Fragment;
use step03_ip::ip::reassembly::{Outcome, Reassembly};
use step03_ip::packet::Packet;
use step03_ip::testing::History;
use step03_ip::time::Time;

use crate::bench::{FIELDS, ME, datagram, seal};

/// The fragment with `payload` at `offset` of a datagram.
fn piece(offset: u16, more: bool, payload: &[u8]) -> (Header, Packet) {
    let mut packet = datagram(ME, 17, payload);
    let word = if more { Fragment::MF } else { 0 } | (offset / 8);
    packet[6..8].copy_from_slice(&word.to_be_bytes());
    seal(&mut packet);
    (Header::parse(&packet).unwrap(), Packet::new(&packet))
}

fn insert(to: &mut Reassembly, (header, packet): &(Header, Packet)) -> Outcome {
    to.insert(header, packet.clone(), 1, Time::ZERO).0
}

#[test]
fn in_any_order() {
    let pieces = [
        piece(0, true, b"01234567"),
        piece(8, true, b"89abcdef"),
        piece(16, false, b"xyz"),
    ];
    let history = History::new();
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        let mut reassembly = Reassembly::default();
        history.did(format!("pieces at 0, 8 and 16 come in the order {order:?}"));
        let first = insert(&mut reassembly, &pieces[order[0]]);
        history.expect("what becomes of the first", first, Outcome::Held);
        let second = insert(&mut reassembly, &pieces[order[1]]);
        history.expect("what becomes of the second", second, Outcome::Held);
        let Outcome::Whole(header, packet) = insert(&mut reassembly, &pieces[order[2]]) else {
            history.expect_that("with the third it is whole", false);
            return;
        };
        let whole = datagram(ME, 17, b"0123456789abcdefxyz");
        history.expect_bytes("the datagram", &packet, &whole, &FIELDS);
        history.expect("its total length, as parsed", header.total_len, 39);
    }
}

#[test]
fn overlaps_are_dropped() {
    let history = History::new();
    for (what, overlapping) in [
        ("other octets at 8", piece(8, true, b"ABCDEFGH")),
        (
            "a piece from 0 to 16, around it",
            piece(0, true, b"0123456789abcdef"),
        ),
        (
            "a piece from 8 on that is the last, though one at 24 is",
            piece(8, false, b"89abcdef-"),
        ),
        ("a piece beyond the end", piece(32, true, b"beyond_!")),
        (
            "another end, before what is there",
            piece(0, false, b"short"),
        ),
    ] {
        let mut reassembly = Reassembly::default();
        insert(&mut reassembly, &piece(24, false, b"end"));
        insert(&mut reassembly, &piece(8, true, b"89abcdef"));
        history.did(format!(
            "the last piece, at 24, and one from 8 to 16; then {what}"
        ));
        let outcome = insert(&mut reassembly, &overlapping);
        history.expect(
            &format!("what becomes of {what}"),
            outcome,
            Outcome::Overlap,
        );
    }
}

#[test]
fn what_touches_does_not_overlap() {
    let history = History::new();
    let mut reassembly = Reassembly::default();
    for (offset, more) in [(16, true), (0, true), (32, false), (8, true)] {
        history.did(format!("a piece from {offset} to {}", offset + 8));
        let outcome = insert(&mut reassembly, &piece(offset, more, b"01234567"));
        history.expect("what becomes of it", outcome, Outcome::Held);
    }
    history.did("a piece from 8 to 16 once more");
    let again = insert(&mut reassembly, &piece(8, true, b"01234567"));
    history.expect("what becomes of it", again, Outcome::Duplicate);
}
