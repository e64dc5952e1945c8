//! RACK: loss detection by time (RFC 8985 §6).
//!
//! Once a segment has arrived, those that were sent before it should have
//! arrived too. They may have been overtaken; but what is still missing a
//! little later, the *reordering window*, is lost. That works for segments
//! that were sent again, and for the last few of a flight, where three
//! duplicate acknowledgments ([`recovery`](crate::recovery)) never come.

use std::collections::VecDeque;
use std::time::Duration;

use crate::options::Timestamps;
use crate::prr::Prr;
use crate::retransmission_queue::{InFlight, RetransmissionQueue};
use crate::segment::Segment;
use crate::seq::SeqNumber;
use crate::tcb::{Context, Tcb};
use crate::time::Time;
use crate::timers::Timer;
use crate::timestamps::TimestampClock;

/// So many reported segments say that the one before them is lost, as long
/// as no reordering was seen (RFC 8985 §6.2 step 4).
const DUP_THRESH: usize = 3;

/// For so many recoveries without a D-SACK the window stays wide.
const PERSIST: u32 = 16;

/// When segments were sent, and what that says about those still out.
#[derive(Debug, Default)]
pub struct Rack {
    /// RACK.xmit_ts and RACK.end_seq: of all segments that have arrived, the
    /// one that was sent last.
    latest: Option<(Time, SeqNumber)>,
    /// RACK.rtt: how long that one took.
    rtt: Duration,
    /// RACK.min_RTT
    min_rtt: Option<Duration>,
    /// RACK.fack: behind the highest sequence number that has arrived.
    fack: Option<SeqNumber>,
    /// RACK.reordering_seen
    reordering_seen: bool,
    /// RACK.reo_wnd_mult, less one
    widened: u32,
    /// RACK.reo_wnd_persist
    persist: u32,
    /// RACK.dsack_round
    dsack_round: Option<SeqNumber>,
    /// Every transmission in the order of time: when, and behind which
    /// sequence number the segment ends. What is not current any more goes
    /// when it comes to the front.
    sent: VecDeque<(Time, SeqNumber)>,
    /// Octets of whose arrival the present acknowledgment has told.
    delivered: u32,
}

impl Rack {
    /// The end of the connection.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// The round trip of the segment that was sent last, of all that have arrived.
    pub fn rtt(&self) -> Duration {
        self.rtt
    }

    /// The shortest round trip so far, if there was one.
    pub fn min_rtt(&self) -> Option<Duration> {
        self.min_rtt
    }

    /// Segments that were taken for lost are under way after all.
    pub fn watch_all(&mut self, queue: &RetransmissionQueue) {
        let under_way = |segment: &&InFlight| !segment.sacked && !segment.lost;
        let segments = queue.segments.iter().filter(under_way);
        let mut sent: Vec<_> = segments
            .map(|segment| (segment.sent_at, segment.end()))
            .collect();
        // In the order of time; what was sent at once is in order already.
        sent.sort_by_key(|&(sent_at, _)| sent_at);
        self.sent = sent.into();
    }

    // ANCHOR: is_overtaken
    /// RACK_sent_after: was that sent before the latest that has arrived?
    fn is_overtaken(&self, sent_at: Time, end: SeqNumber) -> bool {
        self.latest.is_some_and(|(latest, latest_end)| {
            sent_at < latest || (sent_at == latest && end.lt(latest_end))
        })
    }
    // ANCHOR_END: is_overtaken

    // ANCHOR: reordering_window
    /// Step 4: how long a segment that was overtaken may still be under way.
    fn reordering_window(&self, sacked: usize, in_recovery: bool, srtt: Duration) -> Duration {
        if !self.reordering_seen && (in_recovery || sacked >= DUP_THRESH) {
            return Duration::ZERO;
        }
        let quarter = self.min_rtt.unwrap_or_default() / 4;
        quarter.saturating_mul(self.widened + 1).min(srtt)
    }
    // ANCHOR_END: reordering_window

    /// Step 4: what has arrived twice was repeated too early.
    fn take_duplicate(&mut self, seen: bool, una: SeqNumber, nxt: SeqNumber) {
        if self.dsack_round.is_some_and(|round| una.ge(round)) {
            self.dsack_round = None;
        }
        if seen && self.dsack_round.is_none() {
            self.dsack_round = Some(nxt);
            self.widened = self.widened.saturating_add(1);
            self.persist = PERSIST;
        }
    }

    /// Step 4: a recovery has ended.
    fn recovered(&mut self) {
        self.persist = self.persist.saturating_sub(1);
        if self.persist == 0 {
            self.widened = 0;
        }
    }
}

/// Notes of what one acknowledgment says has arrived (steps 1 to 3).
pub struct Arrivals<'a> {
    rack: &'a mut Rack,
    clock: TimestampClock,
    echo: Option<u32>,
    now: Time,
}

impl<'a> Arrivals<'a> {
    /// Notes for the acknowledgment `segment`.
    pub fn new(rack: &'a mut Rack, clock: TimestampClock, segment: &Segment, now: Time) -> Self {
        let echo = segment.options.timestamps;
        let echo = echo.filter(|_| clock.is_agreed());
        Self {
            rack,
            clock,
            echo: echo.map(|Timestamps { echo, .. }| echo),
            now,
        }
    }

    /// A segment has arrived.
    pub fn note(&mut self, segment: &InFlight) {
        let rack = &mut *self.rack;
        let end = segment.end();
        let rtt = self.now.since(segment.sent_at);
        rack.delivered = rack.delivered.saturating_add(segment.len);
        // Step 3: reordering.
        match rack.fack {
            Some(fack) if end.le(fack) => rack.reordering_seen |= !segment.retransmitted,
            _ => rack.fack = Some(end),
        }
        if segment.retransmitted {
            // Step 2: it may be the earlier copy that has arrived.
            let earlier = |echo| self.clock.is_before_sending(echo, segment.sent_at);
            let too_soon = rack.min_rtt.is_some_and(|min| rtt < min);
            if self.echo.is_some_and(earlier) || too_soon {
                return;
            }
        } else {
            // Step 1
            rack.min_rtt = Some(rack.min_rtt.map_or(rtt, |min| min.min(rtt)));
        }
        // Step 2
        if !rack.is_overtaken(segment.sent_at, end) {
            rack.latest = Some((segment.sent_at, end));
            rack.rtt = rtt;
        }
    }
}

impl RetransmissionQueue {
    /// The place of the segment before `end`, if it was sent last at that time
    /// and is still under way.
    fn under_way(&self, sent_at: Time, end: SeqNumber) -> Option<usize> {
        let una = self.segments.front()?.seq;
        if end.le(una) {
            return None;
        }
        let index = self.index_from(end).checked_sub(1)?;
        let segment = self.segments.get(index)?;
        let current = segment.end() == end && segment.sent_at == sent_at;
        (current && !segment.sacked && !segment.lost).then_some(index)
    }
}

impl Tcb {
    /// A segment of `len` octets before `end` is being sent, or sent again.
    pub(crate) fn note_transmission(&mut self, end: SeqNumber, len: u32, now: Time) {
        if self.report.agreed {
            self.rack.sent.push_back((now, end));
            self.probe.due = true;
        }
        if let Some(prr) = &mut self.prr {
            prr.sent(len);
        }
    }

    /// What an acknowledgment with or without SACK blocks means for recovery,
    /// when SACK is agreed. `acked` octets were acknowledged by SEG.ACK;
    /// `flight` had been outstanding.
    pub(crate) fn selective_acknowledgment(
        &mut self,
        segment: &Segment,
        acked: u32,
        flight: u32,
        cx: &mut Context<'_>,
    ) {
        let duplicate = self.take_sack(segment, cx);
        self.rack
            .take_duplicate(duplicate.is_some(), self.snd.una, self.snd.nxt);
        let delivered = std::mem::take(&mut self.rack.delivered);
        self.probe.due |= delivered > 0;
        if self.probe_has_repaired(segment, acked, duplicate) {
            // Only the probe has hidden a loss: it counts like one.
            self.congestion.loss(self.flight());
            self.congestion.recovered(u32::MAX);
        }
        let over = acked > 0 && self.recovery.is_over(self.snd.una);
        if over {
            self.recovery.leave();
            self.rack.recovered();
            if self.prr.take().is_some() {
                self.congestion.recovered(u32::MAX);
            }
        }
        let lost = self.detect_losses(cx);
        self.enter_recovery(lost, delivered, cx);
        if let Some(prr) = &mut self.prr {
            let safe = acked > 0 && lost == 0;
            prr.acknowledged(delivered, self.queue.pipe(), self.mss, safe);
        } else if acked > 0 && !over {
            self.open_window(acked, flight, cx);
        }
    }

    /// Step 5: which segments are lost; when to look again. Gives how many octets are.
    fn detect_losses(&mut self, cx: &Context<'_>) -> u32 {
        let in_recovery = self.recovery.is_under_way(self.snd.una);
        let srtt = self.rto.smoothed().unwrap_or_default();
        let sacked = self.queue.scoreboard.segments;
        let window = self.rack.reordering_window(sacked, in_recovery, srtt);
        self.timers.stop(Timer::Reordering);
        let mut lost = 0;
        // ANCHOR: detect_losses
        while let Some(&(sent_at, end)) = self.rack.sent.front() {
            if let Some(index) = self.queue.under_way(sent_at, end) {
                if !self.rack.is_overtaken(sent_at, end) {
                    break;
                }
                let expiry = sent_at + self.rack.rtt + window;
                if expiry > cx.now {
                    self.timers.set(Timer::Reordering, expiry);
                    break;
                }
                lost += self.queue.lose_at(index);
            }
            self.rack.sent.pop_front();
        }
        // ANCHOR_END: detect_losses
        lost
    }

    // ANCHOR: enter_recovery
    /// Losses begin a recovery, unless they belong to one that is under way.
    fn enter_recovery(&mut self, lost: u32, delivered: u32, cx: &mut Context<'_>) {
        if lost == 0 || self.recovery.is_under_way(self.snd.una) {
            return;
        }
        cx.counters.fast_retransmissions.inc();
        // Outstanding before this acknowledgment, and not known to have arrived.
        let outstanding = self.flight() - self.queue.scoreboard.octets + delivered;
        let flight = self.flight().min(self.congestion.window());
        self.congestion.loss(flight);
        self.recovery.enter(self.snd.nxt);
        self.prr = self
            .congestion
            .slow_start_threshold()
            .map(|ssthresh| Prr::new(outstanding, ssthresh, self.queue.pipe() + self.mss));
    }
    // ANCHOR_END: enter_recovery

    /// The reordering timer has expired: who was overtaken has not come.
    pub(crate) fn reordering_timeout(&mut self, cx: &mut Context<'_>) {
        let lost = self.detect_losses(cx);
        self.enter_recovery(lost, 0, cx);
    }

    /// A retransmission timeout: what the peer has reported is not counted on
    /// any more (RFC 2018 §8), and slow start takes over.
    pub(crate) fn forget_selective_recovery(&mut self) {
        self.queue.forget_sacked();
        self.prr = None;
        self.probe.forget();
        self.timers.stop(Timer::Reordering);
        self.timers.stop(Timer::TailLossProbe);
    }
}
