//! Which parts of the text have arrived out of order (RFC 9293 §3.10.7.4:
//! "segments with higher beginning sequence numbers SHOULD be held").

use std::ops::Range;

use crate::seq::SeqNumber;

/// So many separate pieces are kept at most: a peer that sends every other
/// octet must not make us keep lists as long as its window.
pub const MAX_PIECES: usize = 64;

/// The pieces beyond RCV.NXT, in order, with a gap before each.
#[derive(Debug, Default)]
pub struct Reassembly {
    pieces: Vec<Range<SeqNumber>>,
    /// The sequence number of a FIN, once one has arrived.
    fin: Option<SeqNumber>,
}

impl Reassembly {
    /// True if there is no gap.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Notes that `start..end` has arrived, which lies beyond RCV.NXT.
    /// False if there are too many pieces to note another.
    #[must_use]
    pub fn insert(&mut self, start: SeqNumber, end: SeqNumber) -> bool {
        // All pieces lie in one window, so they can be compared.
        let first = self.pieces.partition_point(|piece| piece.end.lt(start));
        let last = self.pieces.partition_point(|piece| piece.start.le(end));
        // The pieces first..last touch the new one and become one with it.
        let mut merged = start..end;
        if let Some([piece, ..]) = self.pieces.get(first..last) {
            merged.start = if piece.start.lt(start) {
                piece.start
            } else {
                start
            };
        } else if self.pieces.len() >= MAX_PIECES {
            return false;
        }
        if let Some([.., piece]) = self.pieces.get(first..last) {
            merged.end = piece.end.later(end);
        }
        self.pieces.splice(first..last.max(first), [merged]);
        true
    }

    /// Takes away the pieces that are in order, now that everything before
    /// `nxt` has arrived, and tells what RCV.NXT is then.
    pub fn advance(&mut self, mut nxt: SeqNumber) -> SeqNumber {
        let in_order = |piece: &&Range<SeqNumber>| piece.start.le(nxt);
        let count = self.pieces.iter().take_while(in_order).count();
        for piece in self.pieces.drain(..count) {
            nxt = nxt.later(piece.end);
        }
        nxt
    }

    /// Notes a FIN. It counts when everything before it has arrived.
    pub fn set_fin(&mut self, seq: SeqNumber) {
        self.fin = Some(seq);
    }

    /// Is the next sequence number that of the FIN?
    pub fn is_fin(&self, nxt: SeqNumber) -> bool {
        self.fin == Some(nxt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers near the wrap, to be sure that order is modular.
    fn at(offset: u32) -> SeqNumber {
        SeqNumber::new(u32::MAX - 20) + offset
    }

    fn pieces(reassembly: &Reassembly) -> Vec<(u32, u32)> {
        let offsets = |piece: &Range<SeqNumber>| (piece.start.since(at(0)), piece.end.since(at(0)));
        reassembly.pieces.iter().map(offsets).collect()
    }

    fn with(inserted: &[(u32, u32)]) -> Reassembly {
        let mut reassembly = Reassembly::default();
        for &(start, end) in inserted {
            assert!(reassembly.insert(at(start), at(end)));
        }
        reassembly
    }

    #[test]
    fn pieces_stay_in_order_and_merge() {
        assert_eq!(pieces(&with(&[(30, 40), (10, 20)])), [(10, 20), (30, 40)]);
        assert_eq!(pieces(&with(&[(10, 20), (20, 30)])), [(10, 30)]);
        assert_eq!(pieces(&with(&[(20, 30), (10, 20)])), [(10, 30)]);
        assert_eq!(pieces(&with(&[(10, 20), (12, 15)])), [(10, 20)]);
        assert_eq!(pieces(&with(&[(12, 15), (10, 20)])), [(10, 20)]);
        assert_eq!(
            pieces(&with(&[(10, 20), (30, 40), (50, 60), (15, 55)])),
            [(10, 60)]
        );
        assert_eq!(
            pieces(&with(&[(10, 20), (30, 40), (50, 60), (21, 29)])).len(),
            4
        );
    }

    #[test]
    fn what_is_in_order_is_taken_away() {
        let mut reassembly = with(&[(10, 20), (30, 40)]);
        assert_eq!(reassembly.advance(at(5)), at(5));
        assert_eq!(reassembly.advance(at(12)), at(20));
        assert_eq!(pieces(&reassembly), [(30, 40)]);
        assert_eq!(reassembly.advance(at(45)), at(45));
        assert!(reassembly.is_empty());
    }

    #[test]
    fn fin_counts_in_its_place_only() {
        let mut reassembly = Reassembly::default();
        reassembly.set_fin(at(21));
        assert!(!reassembly.is_fin(at(20)));
        assert!(reassembly.is_fin(at(21)));
    }

    #[test]
    fn number_of_pieces_is_bounded() {
        let mut reassembly = Reassembly::default();
        for piece in 0..100 {
            let room = reassembly.pieces.len() < MAX_PIECES;
            assert_eq!(
                reassembly.insert(at(piece * 2 + 1), at(piece * 2 + 2)),
                room
            );
        }
        // What fills a gap is welcome even then.
        assert!(reassembly.insert(at(2), at(3)));
        assert_eq!(reassembly.pieces.len(), MAX_PIECES - 1);
    }
}
