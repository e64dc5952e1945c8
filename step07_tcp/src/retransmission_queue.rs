//! The retransmission queue (RFC 9293 §3.8.1): which segments are in flight,
//! when each was sent, and what is known about it.
//!
//! The text itself stays in the [send buffer](crate::send_buffer).

use std::collections::VecDeque;

use crate::flags::Flags;
use crate::scoreboard::Scoreboard;
use crate::seq::SeqNumber;
use crate::time::Time;

// ANCHOR: in_flight
/// A segment that was sent and is not acknowledged.
#[derive(Clone, Copy, Debug)]
pub struct InFlight {
    /// Its first sequence number.
    pub seq: SeqNumber,
    /// The sequence numbers it takes, SYN and FIN included.
    pub len: u32,
    /// Its control bits.
    pub flags: Flags,
    /// When it was sent last.
    pub sent_at: Time,
    /// True if it was sent more than once.
    pub retransmitted: bool,
    /// True if the peer has reported its arrival (RFC 2018). It may still
    /// change its mind: only an acknowledgment frees a segment.
    pub sacked: bool,
    /// True if it is taken to be lost and has not been sent again.
    pub lost: bool,
}
// ANCHOR_END: in_flight

impl InFlight {
    /// The sequence number behind it.
    pub fn end(&self) -> SeqNumber {
        self.seq + self.len
    }

    /// Is it in the network, by what we know?
    fn is_in_pipe(&self) -> bool {
        !self.lost && !self.sacked
    }
}

/// What an acknowledgment told about time.
pub type SentAt = Time;

/// The segments in flight, in the order of their sequence numbers.
#[derive(Debug, Default)]
pub struct RetransmissionQueue {
    pub(crate) segments: VecDeque<InFlight>,
    /// Octets in the network, by what we know: all that is neither lost nor
    /// reported as arrived.
    pub(crate) pipe: u32,
    /// How many segments are lost.
    pub(crate) lost: usize,
    /// No segment before this number is lost.
    lost_from: SeqNumber,
    /// What the peer has reported as arrived.
    pub(crate) scoreboard: Scoreboard,
}

impl RetransmissionQueue {
    /// True if everything has been acknowledged.
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// What it occupies, in octets.
    pub fn allocated(&self) -> usize {
        self.segments.capacity() * size_of::<InFlight>()
    }

    /// Octets that are in the network, as far as we know (RFC 6675 §2).
    pub fn pipe(&self) -> u32 {
        self.pipe
    }

    /// Adds a segment that has just been sent.
    pub fn push(&mut self, seq: SeqNumber, len: u32, flags: Flags, now: Time) {
        self.segments.push_back(InFlight {
            seq,
            len,
            flags,
            sent_at: now,
            retransmitted: false,
            sacked: false,
            lost: false,
        });
        self.pipe += len;
    }

    /// Removes what lies before `una`. A segment that is acknowledged in part
    /// stays with its rest. `arrived` is told of every segment of whose arrival
    /// nothing was known. If all of those were sent just once, the time when
    /// the last of them was sent comes back, for a measurement.
    pub fn acknowledge(
        &mut self,
        una: SeqNumber,
        mut arrived: impl FnMut(&InFlight),
    ) -> Option<SentAt> {
        let mut sent_at = None;
        let mut ambiguous = false;
        while let Some(segment) = self.segments.front_mut() {
            let acked = una.saturating_since(segment.seq).min(segment.len);
            if acked == 0 {
                break;
            }
            if segment.is_in_pipe() {
                self.pipe -= acked;
            }
            if acked < segment.len {
                self.scoreboard.octets -= if segment.sacked { acked } else { 0 };
                segment.seq = una;
                segment.len -= acked;
                segment.flags = segment.flags - Flags::SYN;
                break;
            }
            let InFlight {
                seq,
                len,
                flags,
                retransmitted,
                lost,
                ..
            } = *segment;
            // ANCHOR: cleanup
            log::debug!(target: "tcp::retransmit_queue_cleanup", "remove, seq={seq}, flags={flags}, len={len}");
            if segment.sacked {
                self.scoreboard.octets -= acked;
                self.scoreboard.segments -= 1;
            } else {
                arrived(segment);
                ambiguous |= retransmitted;
                sent_at = Some(segment.sent_at);
            }
            self.lost -= usize::from(lost);
            self.segments.pop_front();
        }
        self.scoreboard.ranges.advance(una);
        sent_at.filter(|_| !ambiguous)
        // ANCHOR_END: cleanup
    }

    /// The earliest segment is lost.
    pub fn lose_first(&mut self) {
        self.lose(1);
    }

    /// All segments are lost: nothing was heard for too long.
    pub fn lose_all(&mut self) {
        self.lose(usize::MAX);
    }

    fn lose(&mut self, count: usize) {
        for index in 0..count.min(self.segments.len()) {
            self.lose_at(index);
        }
    }

    /// The segment at this place is lost. Tells its length, if that is news.
    pub fn lose_at(&mut self, index: usize) -> u32 {
        let Some(segment) = self.segments.get_mut(index) else {
            return 0;
        };
        if !segment.is_in_pipe() {
            return 0;
        }
        segment.lost = true;
        self.pipe -= segment.len;
        if self.lost == 0 || segment.seq.lt(self.lost_from) {
            self.lost_from = segment.seq;
        }
        self.lost += 1;
        segment.len
    }

    /// The place of the first segment that begins at or behind `seq`.
    pub fn index_from(&self, seq: SeqNumber) -> usize {
        self.segments.partition_point(|segment| segment.seq.lt(seq))
    }

    /// The place of the earliest lost segment.
    fn index_of_lost(&self) -> Option<usize> {
        // Most of the time nothing is lost: do not search then.
        let from = (self.lost > 0).then(|| self.index_from(self.lost_from))?;
        let lost = self.segments.range(from..).position(|segment| segment.lost);
        lost.map(|place| from + place)
    }

    /// Segments with more than `mss` octets of text did not pass: they are lost,
    /// and will be sent in pieces.
    pub fn cut_and_lose_longer(&mut self, mss: u32) {
        for segment in std::mem::take(&mut self.segments) {
            let fin = u32::from(segment.flags.fin());
            if segment.sacked || segment.len.saturating_sub(fin) <= mss {
                self.segments.push_back(segment);
                continue;
            }
            if segment.is_in_pipe() {
                self.pipe -= segment.len;
            }
            self.lost -= usize::from(segment.lost);
            if self.lost == 0 || segment.seq.lt(self.lost_from) {
                self.lost_from = segment.seq;
            }
            let (mut seq, end) = (segment.seq, segment.seq + segment.len);
            while seq != end {
                let left = end.since(seq);
                let last = left.saturating_sub(fin) <= mss;
                let (len, flags) = if last {
                    (left, segment.flags)
                } else {
                    (mss, segment.flags - (Flags::PSH | Flags::FIN))
                };
                self.segments.push_back(InFlight {
                    seq,
                    len,
                    flags,
                    lost: true,
                    ..segment
                });
                self.lost += 1;
                seq += len;
            }
        }
    }

    /// No segment is lost after all.
    pub fn find_all(&mut self) {
        for segment in self.segments.iter_mut().filter(|segment| segment.lost) {
            segment.lost = false;
            self.pipe += segment.len;
        }
        self.lost = 0;
    }

    /// The length of the earliest lost segment.
    pub fn first_lost(&self) -> Option<u32> {
        let segment = self.segments.get(self.index_of_lost()?)?;
        Some(segment.len)
    }

    /// The earliest lost segment is sent again.
    pub fn resend(&mut self, now: Time) -> Option<InFlight> {
        let index = self.index_of_lost()?;
        let segment = self.resend_at(index, now)?;
        // A partial acknowledgment may have moved its beginning.
        self.lost_from = segment.end();
        Some(segment)
    }

    /// The last segment is sent again, lost or not.
    pub fn resend_last(&mut self, now: Time) -> Option<InFlight> {
        let index = self.segments.len().checked_sub(1)?;
        self.lose_at(index);
        self.resend_at(index, now)
    }

    fn resend_at(&mut self, index: usize, now: Time) -> Option<InFlight> {
        let segment = self.segments.get_mut(index)?;
        segment.retransmitted = true;
        segment.sent_at = now;
        if segment.lost {
            segment.lost = false;
            self.lost -= 1;
            self.pipe += segment.len;
        }
        Some(*segment)
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(offset: u32) -> SeqNumber {
        SeqNumber::new(u32::MAX - 5) + offset
    }

    /// Three segments of ten octets, sent at 1, 2 and 3 ms.
    fn queue() -> RetransmissionQueue {
        let mut queue = RetransmissionQueue::default();
        for index in 0..3_u32 {
            queue.push(
                at(10 * index),
                10,
                Flags::ACK,
                Time::from_millis(u64::from(index) + 1),
            );
        }
        queue
    }

    #[test]
    fn partial_acknowledgment_keeps_the_tail() {
        let mut queue = queue();
        assert_eq!(queue.acknowledge(at(4), |_| ()), None);
        assert_eq!(
            (queue.pipe(), queue.segments[0].seq, queue.segments[0].len),
            (26, at(4), 6)
        );
        assert_eq!(
            queue.acknowledge(at(25), |_| ()),
            Some(Time::from_millis(2))
        );
        assert_eq!((queue.pipe(), queue.segments.len()), (5, 1));
        assert_eq!(queue.acknowledge(at(20), |_| ()), None);
        assert_eq!(
            queue.acknowledge(at(99), |_| ()),
            Some(Time::from_millis(3))
        );
        assert!(queue.is_empty());
        assert_eq!(queue.pipe(), 0);
    }

    #[test]
    fn repeated_segments_are_not_measured() {
        let mut queue = queue();
        queue.lose_first();
        assert_eq!((queue.pipe(), queue.first_lost()), (20, Some(10)));
        let again = queue.resend(Time::from_millis(9)).unwrap();
        assert_eq!((again.seq, again.retransmitted), (at(0), true));
        assert_eq!((queue.pipe(), queue.first_lost()), (30, None));
        // The second was sent once, but its acknowledgment waited for the first.
        assert_eq!(queue.acknowledge(at(20), |_| ()), None);
        assert_eq!(
            queue.acknowledge(at(30), |_| ()),
            Some(Time::from_millis(3))
        );
    }

    #[test]
    fn lost_octets_are_not_in_the_network() {
        let mut queue = queue();
        queue.lose_all();
        queue.lose_first();
        assert_eq!(queue.pipe(), 0);
        queue.acknowledge(at(15), |_| ());
        assert_eq!((queue.pipe(), queue.first_lost()), (0, Some(5)));
        queue.resend(Time::ZERO);
        assert_eq!((queue.pipe(), queue.first_lost()), (5, Some(10)));
        queue.acknowledge(at(30), |_| ());
        assert_eq!((queue.pipe(), queue.first_lost()), (0, None));
    }
}
