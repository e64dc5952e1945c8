//! Selective acknowledgment, the sender's half: the scoreboard (RFC 2018 §5, RFC 6675 §3).
//!
//! A segment that the peer has reported need not be sent again. It stays in
//! the retransmission queue all the same: the peer may still throw it away
//! (it *reneges*, RFC 2018 §8), and only SEG.ACK is a promise.

use crate::options::SackBlock;
use crate::ranges::SeqRanges;
use crate::retransmission_queue::{InFlight, RetransmissionQueue};
use crate::segment::Segment;
use crate::seq::SeqNumber;
use crate::tcb::{Context, Tcb};

use crate::rack::Arrivals;

/// What has arrived beyond the first gap, by the peer's reports.
#[derive(Debug, Default)]
pub struct Scoreboard {
    /// Segments marked in the queue, touching ones as one: what was marked
    /// once is not visited again, however often the peer repeats its report.
    pub(crate) ranges: SeqRanges,
    /// How many segments are marked.
    pub(crate) segments: usize,
    /// Their octets.
    pub(crate) octets: u32,
}

impl RetransmissionQueue {
    /// Marks the segments that lie in `start..end` as a whole; `arrived` is
    /// told of each that was not marked before.
    pub fn mark_sacked(
        &mut self,
        start: SeqNumber,
        end: SeqNumber,
        mut arrived: impl FnMut(&InFlight),
    ) {
        let mut at = start;
        while at.lt(end) {
            if let Some(known) = self.scoreboard.ranges.at(at) {
                at = known.end;
                continue;
            }
            let next = self.scoreboard.ranges.next_start(at);
            let until = next.filter(|next| next.lt(end)).unwrap_or(end);
            self.mark_unknown(at, until, &mut arrived);
            at = until;
        }
    }

    /// The same for a part of which nothing is known.
    fn mark_unknown(
        &mut self,
        start: SeqNumber,
        end: SeqNumber,
        arrived: &mut impl FnMut(&InFlight),
    ) {
        let first = self.index_from(start);
        let (mut from, mut until) = (None, start);
        for segment in self.segments.range_mut(first..) {
            if segment.end().gt(end) {
                break;
            }
            from = from.or(Some(segment.seq));
            until = segment.end();
            if segment.sacked {
                continue;
            }
            arrived(segment);
            segment.sacked = true;
            self.scoreboard.segments += 1;
            self.scoreboard.octets += segment.len;
            if segment.lost {
                segment.lost = false;
                self.lost -= 1;
            } else {
                self.pipe -= segment.len;
            }
        }
        if let Some(from) = from {
            // Without room for another range, it is visited again next time.
            let _ = self.scoreboard.ranges.insert(from, until);
        }
    }

    /// Forgets what the peer has reported.
    pub fn forget_sacked(&mut self) {
        if self.scoreboard.segments > 0 {
            for segment in self.segments.iter_mut().filter(|segment| segment.sacked) {
                segment.sacked = false;
                self.pipe += segment.len;
            }
        }
        self.scoreboard = Scoreboard::default();
    }
}

impl Tcb {
    /// Takes the SACK option of an acknowledgment. Gives the D-SACK block, if
    /// there is one: what the peer has received twice.
    pub(crate) fn take_sack(
        &mut self,
        segment: &Segment,
        cx: &mut Context<'_>,
    ) -> Option<SackBlock> {
        let blocks = segment.options.sack;
        let blocks = blocks.as_slice();
        let duplicate = self.duplicate_block(blocks);
        // ANCHOR: take_sack
        for block in blocks.iter().skip(usize::from(duplicate.is_some())) {
            // What is acknowledged already, or was never sent, says nothing:
            // an old report, an error, or an attempt to mislead.
            let sensible = block.start.ge(self.snd.una)
                && block.start.lt(block.end)
                && block.end.le(self.snd.nxt);
            if !sensible {
                cx.counters.bad_sack.inc();
                continue;
            }
            let mut arrivals = Arrivals::new(&mut self.rack, self.clock, segment, cx.now);
            self.queue
                .mark_sacked(block.start, block.end, |segment| arrivals.note(segment));
        }
        // ANCHOR_END: take_sack
        duplicate
    }

    /// Is the first block a D-SACK: acknowledged already, or within the second (RFC 2883 §4)?
    fn duplicate_block(&self, blocks: &[SackBlock]) -> Option<SackBlock> {
        let (first, rest) = blocks.split_first()?;
        let old = first.start.lt(first.end)
            && first.end.le(self.snd.una)
            && first.start.ge(self.snd.una - self.snd.max_wnd);
        let within = rest
            .first()
            .is_some_and(|second| first.start.ge(second.start) && first.end.le(second.end));
        (old || within).then_some(*first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flags::Flags;
    use crate::time::Time;

    fn at(offset: u32) -> SeqNumber {
        SeqNumber::new(u32::MAX - 25) + offset
    }

    /// Ten segments of ten octets.
    fn queue() -> RetransmissionQueue {
        let mut queue = RetransmissionQueue::default();
        for index in 0..10 {
            queue.push(at(10 * index), 10, Flags::ACK, Time::ZERO);
        }
        queue
    }

    /// Marks, and gives what that has told.
    fn mark(queue: &mut RetransmissionQueue, start: u32, end: u32) -> Vec<u32> {
        let mut arrived = vec![];
        queue.mark_sacked(at(start), at(end), |segment| {
            arrived.push(segment.seq.since(at(0)));
        });
        arrived
    }

    #[test]
    fn each_segment_is_marked_once() {
        let mut queue = queue();
        assert_eq!(mark(&mut queue, 20, 40), [20, 30]);
        assert_eq!(mark(&mut queue, 20, 40), []);
        assert_eq!(mark(&mut queue, 60, 70), [60]);
        assert_eq!(mark(&mut queue, 10, 90), [10, 40, 50, 70, 80]);
        assert_eq!((queue.pipe(), queue.scoreboard.octets), (20, 80));
        assert_eq!(queue.scoreboard.segments, 8);
    }

    #[test]
    fn parts_of_segments_do_not_count() {
        let mut queue = queue();
        assert_eq!(mark(&mut queue, 15, 35), [20]);
        assert_eq!(mark(&mut queue, 51, 59), []);
        assert_eq!(mark(&mut queue, 95, 200), []);
        assert_eq!(queue.pipe(), 90);
    }

    #[test]
    fn acknowledgment_takes_marks_away() {
        let mut queue = queue();
        mark(&mut queue, 20, 50);
        let mut news = vec![];
        queue.acknowledge(at(35), |segment| news.push(segment.seq.since(at(0))));
        assert_eq!(news, [0, 10]);
        assert_eq!((queue.pipe(), queue.scoreboard.octets), (50, 15));
        queue.acknowledge(at(100), |_| ());
        assert_eq!((queue.pipe(), queue.scoreboard.octets), (0, 0));
        assert_eq!(queue.scoreboard.segments, 0);
    }

    #[test]
    fn peer_that_reneges_gets_everything_again() {
        let mut queue = queue();
        queue.lose_first();
        mark(&mut queue, 0, 30);
        mark(&mut queue, 50, 60);
        assert_eq!((queue.pipe(), queue.first_lost()), (60, None));
        queue.forget_sacked();
        assert_eq!(queue.pipe(), 100);
        queue.lose_all();
        assert_eq!((queue.pipe(), queue.scoreboard.segments), (0, 0));
        for index in 0..10 {
            assert_eq!(queue.resend(Time::ZERO).unwrap().seq, at(10 * index));
        }
        assert!(queue.resend(Time::ZERO).is_none());
    }
}
