//! The tail loss probe (RFC 8985 §7).
//!
//! If the last segments of a flight are lost, nothing comes back that could
//! tell, and the retransmission timeout is long. So after two round trips of
//! silence one segment is sent, new if possible, the last one again if not:
//! its acknowledgment shows [`rack`](crate::rack) what is missing.

use std::time::Duration;

use crate::options::SackBlock;
use crate::segment::Segment;
use crate::seq::SeqNumber;
use crate::tcb::{Context, Tcb};
use crate::timers::Timer;

/// TLP.max_ack_delay: how long a peer may delay the acknowledgment of a lone segment.
const MAX_ACK_DELAY: Duration = Duration::from_millis(200);
/// Without any measurement.
const UNKNOWN: Duration = Duration::from_secs(1);
/// On a fast wire, two round trips are less than what a busy peer may take to wake up.
const SHORTEST: Duration = Duration::from_millis(10);

/// The probe of one connection. There is one at a time.
#[derive(Clone, Copy, Debug, Default)]
pub struct TailLossProbe {
    /// TLP.end_seq: what SND.NXT was behind a probe that was not yet answered.
    end: Option<SeqNumber>,
    /// TLP.is_retrans: it was a segment that had been sent before.
    retransmission: bool,
    /// Something was sent or has arrived: the timer should be set anew.
    pub(crate) due: bool,
}

impl TailLossProbe {
    /// A retransmission timeout: the probe was in vain.
    pub fn forget(&mut self) {
        *self = Self::default();
    }
}

impl Tcb {
    /// Sets the timer, or stops it (RFC 8985 §7.2). Called when everything
    /// that may be sent has been.
    pub(crate) fn schedule_probe(&mut self, cx: &Context<'_>) {
        if !std::mem::take(&mut self.probe.due) {
            return;
        }
        self.timers.stop(Timer::TailLossProbe);
        // If the peer reports a gap, or a recovery is under way, RACK is at work.
        let quiet = self.state.is_synchronized()
            && self.queue.scoreboard.segments == 0
            && !self.recovery.is_under_way(self.snd.una)
            && self.probe.end.is_none();
        let Some(timeout) = self.timers.get(Timer::Retransmission).filter(|_| quiet) else {
            return;
        };
        // ANCHOR: schedule
        let alone = self.queue.segments.len() == 1;
        let delay = if alone { MAX_ACK_DELAY } else { Duration::ZERO };
        let pto = self
            .rto
            .smoothed()
            .map_or(UNKNOWN, |srtt| (srtt * 2).max(SHORTEST) + delay);
        // Instead of the retransmission timeout, if that comes first.
        self.timers
            .set(Timer::TailLossProbe, (cx.now + pto).min(timeout));
        // ANCHOR_END: schedule
    }

    // ANCHOR: probe
    /// The timer has expired: TLP_send_probe (§7.3).
    pub(crate) fn probe_timeout(&mut self, cx: &mut Context<'_>) {
        if self.queue.is_empty() || self.gives_up(cx) {
            return;
        }
        cx.counters.tail_loss_probes.inc();
        log::debug!(target: "tcp::timer", "tail loss probe, local={}, foreign={}", self.local, self.remote);
        // One segment more than the congestion window allows, but not more
        // than the peer's.
        self.probe.retransmission = !self.has_unsent() || self.window_room() == 0;
        if !self.probe.retransmission {
            self.send_anyway(cx);
        } else if let Some(last) = self.queue.resend_last(cx.now) {
            self.retransmit(last, cx);
        }
        self.probe.end = Some(self.snd.nxt);
        self.restart_retransmission_timer(cx);
    }
    // ANCHOR_END: probe

    /// TLP_process_ack (§7.4.2): is this the answer to a probe, and does it
    /// tell that the probe has repaired a loss, so that nobody else will see it?
    pub(crate) fn probe_has_repaired(
        &mut self,
        segment: &Segment,
        acked: u32,
        duplicate: Option<SackBlock>,
    ) -> bool {
        let Some(end) = self.probe.end.filter(|&end| segment.ack.ge(end)) else {
            return false;
        };
        let in_vain = duplicate.is_some_and(|block| block.end == end);
        let repeated = acked == 0 && segment.is_empty() && segment.options.sack.is_empty();
        let beyond = segment.ack.gt(end);
        if !self.probe.retransmission || in_vain || beyond || repeated {
            self.probe.end = None;
            self.probe.due = true;
        }
        self.probe.retransmission && beyond && !in_vain
    }
}
