//! Eifel: a timeout that was too early (RFC 3522, RFC 4015).
//!
//! Sometimes the network stops for a while and then delivers everything. The
//! sender has taken it all for lost by then, begins to send it again, and
//! slows down for nothing. Timestamps tell: if the first acknowledgment after
//! the timeout echoes what our clock showed *before* it, the answer is for the
//! first copy, and the other segments are not lost either.

use crate::options::Timestamps;
use crate::segment::Segment;
use crate::tcb::{Context, Tcb};

impl Tcb {
    /// The retransmission timer has expired: notes RetransmitTS (RFC 3522 §3.2 step 2).
    pub(crate) fn suspect_timeout(&mut self, cx: &Context<'_>) {
        if self.timeouts == 0 && self.state.is_synchronized() && self.clock.is_agreed() {
            self.timed_out_at = Some(cx.now);
        }
    }

    /// The first acknowledgment of new data since then (steps 4 and 5). If it
    /// is for the first copy, everything is as it was before the timeout.
    pub(crate) fn check_timeout(&mut self, segment: &Segment, cx: &Context<'_>) {
        let Some(at) = self.timed_out_at.take() else {
            return;
        };
        let Some(Timestamps { echo, .. }) = segment.options.timestamps else {
            return;
        };
        // ANCHOR: too_early
        // After several timeouts more than a pause is to blame.
        if self.timeouts > 1 || !self.clock.is_before_sending(echo, at) {
            return;
        }
        cx.counters.spurious_timeouts.inc();
        log::debug!(
            target: "tcp::timer",
            "timeout was too early, local={}, foreign={}", self.local, self.remote
        );
        self.queue.find_all();
        if self.report.agreed {
            self.rack.watch_all(&self.queue);
        }
        self.congestion.undo_timeout();
        self.recovery.end_at(self.snd.una);
        // ANCHOR_END: too_early
    }
}
