//! What happens when the retransmission timer expires (RFC 9293 §3.8.1, RFC 6298 §5).
//!
//! There is one timer for a connection, and it runs for the earliest segment
//! of the [queue](crate::retransmission_queue).

use crate::flags::Flags;
use crate::retransmission_queue::InFlight;
use crate::tcb::{Context, Tcb, TcpState};
use crate::timers::Timer;

impl Tcb {
    // ANCHOR: enqueue
    /// Adds a segment that is being sent to the queue, and sees to it that the
    /// timer runs (RFC 6298 §5.1).
    pub(crate) fn enqueue(&mut self, len: u32, flags: Flags, cx: &Context<'_>) {
        self.queue.push(self.snd.nxt, len, flags, cx.now);
        self.snd.nxt += len;
        self.note_transmission(self.snd.nxt, len, cx.now);
        self.snd.max = self.snd.max.later(self.snd.nxt);
        if !self.timers.is_running(Timer::Retransmission) {
            self.stalled_since = cx.now;
            self.restart_retransmission_timer(cx);
        }
    }
    // ANCHOR_END: enqueue

    // ANCHOR: restart_timer
    /// Starts the timer anew, or stops it if nothing is in flight (RFC 6298 §5.2, §5.3).
    pub(crate) fn restart_retransmission_timer(&mut self, cx: &Context<'_>) {
        if self.queue.is_empty() {
            self.timers.stop(Timer::Retransmission);
            return;
        }
        let expiry = cx.now + self.rto.timeout();
        let end = self.stalled_since + self.patience(cx.config);
        self.timers.set(Timer::Retransmission, expiry.min(end));
    }
    // ANCHOR_END: restart_timer

    // ANCHOR: timeout_notes
    /// The retransmission timer has expired.
    pub(crate) fn retransmission_timeout(&mut self, cx: &mut Context<'_>) {
        if self.gives_up(cx) {
            return;
        }
        cx.counters.timeouts.inc();
        self.suspect_timeout(cx);
        if self.state.is_synchronized() {
            self.congestion.timeout(self.flight(), self.timeouts > 0);
        } else {
            self.slow_handshake = true;
        }
        self.timeouts += 1;
        // ANCHOR_END: timeout_notes
        // ANCHOR: timeout_sends
        self.advise_ip(cx);
        self.recovery.timeout(self.snd.nxt);
        self.forget_selective_recovery();
        // EXERCISE 7.12: Once more
        // (5.4) Retransmit the earliest segment. The others follow as the
        // congestion window opens, unless an acknowledgment comes first.
        self.queue.lose_all();
        self.suspect_path_mtu(cx);
        self.retransmit_first_lost(cx);
        // (5.5) RTO <- RTO * 2, (5.6) start the timer.
        self.rto.back_off();
        self.restart_retransmission_timer(cx);
        // END 7.12
        // ANCHOR_END: timeout_sends
    }

    /// Sends the earliest lost segment again.
    pub(crate) fn retransmit_first_lost(&mut self, cx: &mut Context<'_>) {
        if let Some(segment) = self.queue.resend(cx.now) {
            self.retransmit(segment, cx);
        }
    }

    // ANCHOR: retransmit
    /// Sends a segment of the queue again.
    pub(crate) fn retransmit(&mut self, segment: InFlight, cx: &mut Context<'_>) {
        let InFlight {
            seq,
            len,
            mut flags,
            ..
        } = segment;
        // The SYN of a simultaneous open has something to acknowledge by now.
        if self.state != TcpState::SynSent {
            flags |= Flags::ACK;
        }
        log::debug!(target: "tcp::retransmit", "retransmit, seq={seq}, flags={flags}, len={len}");
        cx.counters.retransmitted.inc();
        self.note_transmission(segment.end(), len, cx.now);
        let text = len.saturating_sub(u32::from(flags.syn()) + u32::from(flags.fin()));
        let payload = self.send_buffer.copy(seq + u32::from(flags.syn()), text);
        self.send_segment(seq, flags, payload, cx);
    }
    // ANCHOR_END: retransmit
}
