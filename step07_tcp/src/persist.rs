//! The persist timer (RFC 9293 §3.8.6.1, §3.8.6.2.1).
//!
//! A peer closes its window and opens it later; if the segment that says so is
//! lost, both would wait for ever. So the sender asks, at growing intervals,
//! with one octet of data. The same timer is the override of silly-window
//! avoidance: it sends what is too little to be sent otherwise.

use std::time::Duration;

use crate::flags::Flags;
use crate::tcb::{Context, Tcb};
use crate::timers::Timer;

impl Tcb {
    /// Sees to it that the timer runs if, and only if, there is something to be
    /// sent, nothing may be sent, and nothing is in flight that would be answered.
    // ANCHOR: arm
    pub(crate) fn arm_persist(&mut self, cx: &Context<'_>) {
        if !self.queue.is_empty() || !self.has_unsent() {
            self.timers.stop(Timer::Persist);
            self.probes = 0;
        } else if !self.timers.is_running(Timer::Persist) {
            if self.probes == 0 {
                self.stalled_since = cx.now;
            }
            self.timers.set(
                Timer::Persist,
                cx.now + self.persist_interval(cx.config.max_persist),
            );
        }
    }
    // ANCHOR_END: arm

    /// First the retransmission timeout, then twice as long each time (SHLD-29, SHLD-30).
    // ANCHOR: interval
    fn persist_interval(&self, max: Duration) -> Duration {
        let factor = 1_u32.checked_shl(self.probes).unwrap_or(u32::MAX);
        self.rto.timeout().saturating_mul(factor).min(max)
    }
    // ANCHOR_END: interval

    /// The persist timer has expired.
    // ANCHOR: timeout
    pub(crate) fn persist_timeout(&mut self, cx: &mut Context<'_>) {
        if self.gives_up(cx) {
            return;
        }
        if self.window_room() > 0 {
            self.send_anyway(cx);
        } else {
            self.probes = self.probes.saturating_add(1);
            self.send_probe(cx);
        }
    }
    // ANCHOR_END: timeout

    /// One octet beyond the window, or the FIN if that is all there is. It does
    /// not count as sent: SND.NXT stays, so that our acknowledgments stay in the
    /// peer's closed window; but the peer may acknowledge it.
    // ANCHOR: probe
    fn send_probe(&mut self, cx: &mut Context<'_>) {
        cx.counters.window_probes.inc();
        let octet = self.send_buffer.copy(self.snd.nxt, 1);
        let fin = if octet.is_empty() {
            Flags::FIN
        } else {
            Flags::NONE
        };
        self.snd.max = self.snd.max.later(self.snd.nxt + 1);
        self.send_segment(self.snd.nxt, Flags::ACK | fin, octet, cx);
    }
    // ANCHOR_END: probe
}
