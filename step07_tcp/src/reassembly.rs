//! Which parts of the text have arrived out of order (RFC 9293 §3.10.7.4:
//! "segments with higher beginning sequence numbers SHOULD be held").

use std::ops::Range;

use crate::ranges::SeqRanges;
use crate::seq::SeqNumber;

/// The pieces beyond RCV.NXT, and a FIN.
#[derive(Debug, Default)]
pub struct Reassembly {
    pieces: SeqRanges,
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
        self.pieces.insert(start, end)
    }

    /// Takes away the pieces that are in order, now that everything before
    /// `nxt` has arrived, and tells what RCV.NXT is then.
    pub fn advance(&mut self, nxt: SeqNumber) -> SeqNumber {
        self.pieces.advance(nxt)
    }

    /// The piece that has `seq` in it.
    pub fn piece_at(&self, seq: SeqNumber) -> Option<Range<SeqNumber>> {
        self.pieces.at(seq)
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

    #[test]
    fn fin_counts_in_its_place_only() {
        let at = SeqNumber::new;
        let mut reassembly = Reassembly::default();
        reassembly.set_fin(at(21));
        assert!(!reassembly.is_fin(at(20)));
        assert!(reassembly.is_fin(at(21)));
    }
}
