//! Timestamps (RFC 7323 §3 to §5).
//!
//! Every segment carries the sender's clock and the last clock value seen from
//! the peer. That tells the round-trip time, also of a segment that was sent
//! twice (RTTM), and which of two segments with the same sequence number is
//! the old one (PAWS: protection against wrapped sequences).

use std::time::Duration;

use crate::options::Timestamps;
use crate::segment::Segment;
use crate::segment_arrives::Check;
use crate::seq::SeqNumber;
use crate::tcb::{Context, Tcb};
use crate::time::Time;

/// After so long the peer's clock may have gone half round, so that old and
/// new cannot be told apart: TS.Recent is outdated (RFC 7323 §5.5).
const OUTDATED: Duration = Duration::from_secs(24 * 24 * 3600);

/// What one connection knows of both clocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct TimestampClock {
    /// What our clock shows at [`Time::ZERO`]: another value for each pair of
    /// ends, so that nobody learns how long we are running (RFC 7323 §5.4, §7.1).
    offset: u32,
    /// Snd.TS.OK: both SYNs had the option.
    agreed: bool,
    /// TS.Recent: the value to be echoed.
    recent: u32,
    recent_since: Time,
    /// Last.ACK.sent
    last_ack_sent: SeqNumber,
}

impl TimestampClock {
    /// A clock with a secret offset.
    pub fn new(offset: u32) -> Self {
        Self {
            offset,
            ..Self::default()
        }
    }

    /// Do both ends use the option?
    pub fn is_agreed(&self) -> bool {
        self.agreed
    }

    /// The peer's SYN has told what its clock shows.
    pub fn agree(&mut self, theirs: u32, now: Time) {
        self.agreed = true;
        self.recent = theirs;
        self.recent_since = now;
    }

    /// What our clock shows: milliseconds, which is between the bounds of RFC 7323 §5.4.
    pub fn value(&self, now: Time) -> u32 {
        let [a, b, c, d, ..] = now.as_millis().to_le_bytes();
        self.offset.wrapping_add(u32::from_le_bytes([a, b, c, d]))
    }

    /// The option of a segment that is sent now: TSval and TSecr.
    pub fn option(&self, now: Time) -> Timestamps {
        Timestamps {
            value: self.value(now),
            echo: self.recent,
        }
    }

    /// A segment was sent that acknowledges everything before `ack`.
    pub fn ack_sent(&mut self, ack: SeqNumber) {
        self.last_ack_sent = ack;
    }

    /// Is all that has arrived earlier than this value?
    pub fn is_earlier(&self, value: u32) -> bool {
        is_before(self.recent, value)
    }

    /// Is this the value of the last that has arrived?
    pub fn is_recent(&self, value: u32) -> bool {
        self.recent == value
    }

    /// PAWS: is a segment with this value older than one that has arrived (RFC 7323 §5.3 R1)?
    fn is_old(&self, value: u32, now: Time) -> bool {
        is_before(value, self.recent) && now.since(self.recent_since) < OUTDATED
    }

    /// Takes the value of an acceptable segment that begins at `seq`, if it is
    /// the one to be echoed: that of the earliest segment which the next ACK
    /// will acknowledge, so that the delay of the ACK is measured too (§4.3).
    fn take(&mut self, value: u32, seq: SeqNumber, now: Time) {
        if seq.le(self.last_ack_sent) && !self.is_old(value, now) {
            self.recent = value;
            self.recent_since = now;
        }
    }

    /// Is `echo` a value that our clock showed before `sent_at`?
    pub fn is_before_sending(&self, echo: u32, sent_at: Time) -> bool {
        is_before(echo, self.value(sent_at))
    }

    /// RTTM: the time since we sent the value that comes back in `echo` (§4.1).
    fn round_trip(&self, echo: u32, now: Time) -> Option<Duration> {
        let passed = self.value(now).wrapping_sub(echo);
        // What was not yet shown by our clock is no echo of it.
        (passed < 1 << 31).then(|| Duration::from_millis(u64::from(passed)))
    }
}

/// Order of clock values, which go round like sequence numbers (§5.2).
fn is_before(a: u32, b: u32) -> bool {
    SeqNumber::new(a).lt(SeqNumber::new(b))
}

impl Tcb {
    /// Before the eight checks: a segment without the option, or with an old
    /// value, is not one of this connection, whatever its sequence number.
    pub(crate) fn check_timestamps(&mut self, segment: &Segment, cx: &mut Context<'_>) -> Check {
        // Resets need not have one, and old ones are as good as new ones
        // (§5.2). A SYN is from a peer that may know of no agreement.
        if !self.clock.is_agreed() || segment.flags.rst() || segment.flags.syn() {
            return Check::Continue;
        }
        let Some(Timestamps { value, .. }) = segment.options.timestamps else {
            // "… a TCP SHOULD silently drop the segment" (§3.2).
            cx.counters.no_timestamps.inc();
            return Check::Done;
        };
        if !self.clock.is_old(value, cx.now) {
            return Check::Continue;
        }
        // R1: "treat the arriving segment as not acceptable: send an
        // acknowledgement in reply …, and drop the segment".
        cx.counters.old_timestamp.inc();
        self.answer_unacceptable(segment, cx);
        Check::Done
    }

    /// R3: an acceptable segment's value may be the next to be echoed.
    pub(crate) fn take_timestamp(&mut self, segment: &Segment, cx: &Context<'_>) {
        if let Some(Timestamps { value, .. }) = segment.options.timestamps
            && self.clock.is_agreed()
            && !segment.flags.rst()
        {
            self.clock.take(value, segment.seq, cx.now);
        }
    }

    // ANCHOR: round_trip
    /// The round-trip time that a segment tells which acknowledges new data.
    /// Our own notes are finer than the clock, but do not know which of several
    /// copies has arrived; the echo does.
    pub(crate) fn round_trip(
        &self,
        sent_at: Option<Time>,
        segment: &Segment,
        now: Time,
    ) -> Option<Duration> {
        let echoed = || {
            let Timestamps { echo, .. } = segment.options.timestamps?;
            self.clock.round_trip(echo, now)
        };
        sent_at
            .map(|sent_at| now.since(sent_at))
            .or_else(|| echoed().filter(|_| self.clock.is_agreed()))
    }
    // ANCHOR_END: round_trip
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock() -> TimestampClock {
        let mut clock = TimestampClock::new(u32::MAX - 10);
        clock.agree(100, Time::ZERO);
        clock.ack_sent(SeqNumber::new(1000));
        clock
    }

    #[test]
    fn ticks_in_milliseconds_and_goes_round() {
        assert_eq!(clock().value(Time::ZERO), u32::MAX - 10);
        assert_eq!(clock().value(Time::from_millis(11)), 0);
        assert_eq!(clock().value(Time::from_millis(1 << 32)), u32::MAX - 10);
    }

    #[test]
    fn earliest_of_several_unacknowledged_is_echoed() {
        let mut clock = clock();
        clock.take(107, SeqNumber::new(1000), Time::ZERO);
        clock.take(108, SeqNumber::new(1500), Time::ZERO); // behind the first
        clock.take(106, SeqNumber::new(900), Time::ZERO); // older
        assert_eq!(clock.option(Time::ZERO).echo, 107);
        clock.ack_sent(SeqNumber::new(2000));
        clock.take(109, SeqNumber::new(2000), Time::ZERO);
        assert_eq!(clock.option(Time::ZERO).echo, 109);
    }

    #[test]
    fn value_is_old_for_24_days() {
        let clock = clock();
        let later = |seconds| Time::ZERO + Duration::from_secs(seconds);
        assert!(clock.is_old(99, later(0)));
        assert!(!clock.is_old(100, later(0)));
        assert!(clock.is_old(100_u32.wrapping_sub(1 << 30), later(0)));
        assert!(!clock.is_old(100 + (1 << 30), later(0)));
        assert!(clock.is_old(99, later(24 * 24 * 3600 - 1)));
        assert!(!clock.is_old(99, later(24 * 24 * 3600)));
    }

    #[test]
    fn round_trip_needs_a_credible_echo() {
        let clock = clock();
        let now = Time::from_millis(50);
        let echo = clock.value(Time::from_millis(8));
        assert_eq!(clock.round_trip(echo, now), Some(Duration::from_millis(42)));
        assert_eq!(clock.round_trip(clock.value(now) + 1, now), None);
    }
}
