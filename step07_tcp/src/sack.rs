//! Selective acknowledgment, the receiver's half (RFC 2018, RFC 2883).
//!
//! SEG.ACK says only where the first gap is. With SACK an acknowledgment
//! names the pieces beyond it too, the one that has changed last first, so
//! that the sender repeats what is missing and nothing else. A piece that has
//! arrived twice is named before them all (D-SACK): so the sender learns that
//! it has repeated something in vain.
//!
//! What the sender makes of it is in [`scoreboard`](crate::scoreboard).

use crate::options::{SackBlock, SackBlocks};
use crate::reassembly::Reassembly;
use crate::segment::Segment;
use crate::seq::{SeqNumber, octets};
use crate::tcb::Tcb;

/// An option has room for four blocks, and one of them may be a D-SACK.
const REMEMBERED: usize = 4;

/// What a receiver has to report.
#[derive(Clone, Copy, Debug, Default)]
pub struct SackReport {
    /// Both SYNs had SACK permitted (RFC 2018 §2).
    pub agreed: bool,
    /// A number in each piece that has changed lately, the last one first.
    recent: [Option<SeqNumber>; REMEMBERED],
    /// What has arrived twice, until that is reported (RFC 2883 §4).
    duplicate: Option<SackBlock>,
}

impl SackReport {
    /// A segment that begins with `seq` has become part of a piece.
    fn changed(&mut self, seq: SeqNumber, pieces: &Reassembly) {
        let piece = pieces.piece_at(seq);
        let others = self.recent.into_iter().flatten();
        let others = others.filter(|&other| {
            let same = pieces.piece_at(other);
            same.is_some() && same != piece
        });
        let mut recent = [None; REMEMBERED];
        for (place, seq) in recent.iter_mut().zip([seq].into_iter().chain(others)) {
            *place = Some(seq);
        }
        self.recent = recent;
    }

    // ANCHOR: blocks
    /// The blocks to be reported, as many as there is room for (RFC 2018 §4).
    fn blocks(&self, pieces: &Reassembly) -> SackBlocks {
        let mut blocks = SackBlocks::default();
        if !self.agreed {
            return blocks;
        }
        if let Some(duplicate) = self.duplicate {
            blocks.push(duplicate);
        }
        // Two that were apart may have become one piece.
        let mut last = None;
        for seq in self.recent.iter().flatten() {
            let piece = pieces.piece_at(*seq);
            if let Some(piece) = piece.clone().filter(|_| piece != last) {
                blocks.push(SackBlock {
                    start: piece.start,
                    end: piece.end,
                });
            }
            last = piece;
        }
        blocks
    }
    // ANCHOR_END: blocks
}

impl Tcb {
    /// Text has arrived out of order.
    pub(crate) fn report_piece(&mut self, seq: SeqNumber) {
        self.report.changed(seq, &self.reassembly);
    }

    /// Notes what of a segment has arrived before: at its front, before
    /// RCV.NXT, or in a piece beyond a gap. To be called before the segment's
    /// text is taken.
    pub(crate) fn report_duplicate(&mut self, segment: &Segment) {
        let (start, end) = (segment.seq, segment.seq + octets(segment.payload.len()));
        if !self.report.agreed || segment.payload.is_empty() || segment.flags.syn() {
            return;
        }
        let known = if start.lt(self.rcv.nxt) {
            Some(self.rcv.nxt)
        } else {
            self.reassembly.piece_at(start).map(|piece| piece.end)
        };
        if let Some(known) = known {
            let end = if end.lt(known) { end } else { known };
            self.report.duplicate = Some(SackBlock { start, end });
        }
    }

    /// The SACK blocks for a segment with so much text. There may be less room
    /// for them than there are blocks; then `None` if none at all can go.
    pub(crate) fn sack_blocks(&mut self, text: u32) -> Option<SackBlocks> {
        let mut blocks = self.waiting_blocks();
        if text > 0 && !blocks.is_empty() {
            let room = self.mss.saturating_sub(text + SackBlocks::HEADER) / SackBlocks::EACH;
            if room == 0 {
                return None;
            }
            blocks.truncate(room as usize);
        }
        self.report.duplicate = None;
        Some(blocks)
    }

    /// The longest text of one segment, now that there may be something to be
    /// reported beside it.
    pub(crate) fn text_limit(&self) -> u32 {
        self.mss - self.waiting_blocks().octets().min(self.mss / 2)
    }

    fn waiting_blocks(&self) -> SackBlocks {
        if self.reassembly.is_empty() && self.report.duplicate.is_none() {
            return SackBlocks::default(); // as most of the time
        }
        self.report.blocks(&self.reassembly)
    }
}
