//! Fifth, check the ACK field (RFC 9293 §3.10.7.4).

use crate::rack::Arrivals;
use crate::segment::Segment;
use crate::tcb::{Context, Tcb, TcpState};

use super::Check;

impl Tcb {
    pub(crate) fn fifth_check_ack(&mut self, segment: &Segment, cx: &mut Context<'_>) -> Check {
        // "If the ACK bit is off, drop the segment and return."
        if !segment.flags.ack() {
            cx.counters.no_acknowledgment.inc();
            return Check::Done;
        }
        if self.state == TcpState::SynReceived
            && self.ack_in_syn_received(segment, cx) == Check::Done
        {
            return Check::Done;
        }
        if self.ack_of_data(segment, cx) == Check::Done {
            return Check::Done;
        }
        // ANCHOR: fin_acknowledged
        match self.state {
            // "If the FIN segment is now acknowledged, then enter FIN-WAIT-2
            // and continue processing in that state."
            TcpState::FinWait1 if self.fin_acknowledged() => {
                self.transition(TcpState::FinWait2);
                self.guard_fin_wait2(cx);
            }
            // "If the ACK acknowledges our FIN, then enter the TIME-WAIT state;
            // otherwise, ignore the segment."
            TcpState::Closing if self.fin_acknowledged() => self.enter_time_wait(cx),
            // "If our FIN is now acknowledged, delete the TCB, enter the CLOSED
            // state, and return."
            TcpState::LastAck if self.fin_acknowledged() => {
                self.transition(TcpState::Closed);
                return Check::Done;
            }
            _ => {}
        }
        // ANCHOR_END: fin_acknowledged
        Check::Continue
    }

    /// SYN-RECEIVED STATE: "If SND.UNA < SEG.ACK =< SND.NXT, then enter
    /// ESTABLISHED state and continue processing"; "if the segment
    /// acknowledgment is not acceptable, form a reset segment".
    // ANCHOR: syn_received
    fn ack_in_syn_received(&mut self, segment: &Segment, cx: &mut Context<'_>) -> Check {
        // EXERCISE 7.8: Established
        if segment.ack.le(self.snd.una) || segment.ack.gt(self.snd.nxt) {
            cx.counters.bad_acknowledgment.inc();
            self.send_reset_for(segment, cx);
            return Check::Done;
        }
        self.establish(cx);
        self.set_send_window(segment);
        Check::Continue
        // END 7.8
    }
    // ANCHOR_END: syn_received

    /// ESTABLISHED STATE, and the first part of all states behind it.
    fn ack_of_data(&mut self, segment: &Segment, cx: &mut Context<'_>) -> Check {
        // ANCHOR: bounds
        // "If the ACK acks something not yet sent (SEG.ACK > SND.NXT), then
        // send an ACK, drop the segment, and return." One that is older than
        // any window is forged (RFC 5961 §5.2).
        let oldest = self.snd.una - self.snd.max_wnd;
        if segment.ack.gt(self.snd.max) || segment.ack.lt(oldest) {
            cx.counters.bad_acknowledgment.inc();
            self.send_challenge_ack(cx);
            return Check::Done;
        }
        // ANCHOR_END: bounds
        self.tolerate_closed_window(cx);
        // ANCHOR: una
        if segment.ack.gt(self.snd.una) {
            self.update_send_window(segment);
            self.advance_una(segment, cx);
        } else if segment.ack == self.snd.una {
            // The five conditions of RFC 5681 §2 for a duplicate.
            let duplicate = !self.queue.is_empty()
                && segment.is_empty()
                && self.scale.unscale(segment.window) == self.snd.wnd;
            self.update_send_window(segment);
            if self.report.agreed {
                self.selective_acknowledgment(segment, 0, self.flight(), cx);
            } else if duplicate {
                self.duplicate_acknowledgment(cx);
            }
        }
        // ANCHOR_END: una
        // "If the ACK is a duplicate (SEG.ACK =< SND.UNA), it can be ignored":
        // but not the rest of the segment.
        Check::Continue
    }

    /// `SND.UNA <- SEG.ACK`, and all that follows from it.
    pub(crate) fn advance_una(&mut self, segment: &Segment, cx: &mut Context<'_>) {
        // ANCHOR: advance
        let ack = segment.ack;
        let flight = self.flight();
        let acked = ack.since(self.snd.una);
        self.snd.una = ack;
        // A window probe was taken, which did not count as sent.
        self.snd.nxt = self.snd.nxt.later(ack);
        self.send_buffer.acknowledge(ack);
        // ANCHOR_END: advance
        let mut arrivals = Arrivals::new(&mut self.rack, self.clock, segment, cx.now);
        let sent_at = self
            .queue
            .acknowledge(ack, |segment| arrivals.note(segment));
        self.path_mtu.acknowledged(ack);
        self.rto.progress();
        if let Some(rtt) = self.round_trip(sent_at, segment, cx.now) {
            // One for every second segment of the window can be expected.
            self.rto.sample(rtt, flight.div_ceil(2 * self.mss));
        }
        self.check_timeout(segment, cx);
        self.timeouts = 0;
        self.probes = 0;
        self.stalled_since = cx.now;
        self.restart_retransmission_timer(cx);
        if self.report.agreed && self.state.is_synchronized() {
            self.selective_acknowledgment(segment, acked, flight, cx);
        } else if self.state.is_synchronized() {
            self.new_acknowledgment(acked, flight, cx);
        }
        self.grow_send_buffer(cx);
        self.changed = true;
    }

    /// "If SND.UNA =< SEG.ACK =< SND.NXT, the send window should be updated",
    /// but not by an old segment: "if (SND.WL1 < SEG.SEQ or (SND.WL1 = SEG.SEQ
    /// and SND.WL2 =< SEG.ACK))". An update need not acknowledge anything.
    // ANCHOR: window
    fn update_send_window(&mut self, segment: &Segment) {
        let newer = self.snd.wl1.lt(segment.seq);
        let same = self.snd.wl1 == segment.seq;
        if newer || (same && self.snd.wl2.le(segment.ack)) {
            self.set_send_window(segment);
        }
    }
    // ANCHOR_END: window

    /// `SND.WND <- SEG.WND, SND.WL1 <- SEG.SEQ, SND.WL2 <- SEG.ACK`
    pub(crate) fn set_send_window(&mut self, segment: &Segment) {
        self.snd.wnd = if segment.flags.syn() {
            u32::from(segment.window) // never scaled (RFC 7323 §2.2)
        } else {
            self.scale.unscale(segment.window)
        };
        self.snd.max_wnd = self.snd.max_wnd.max(self.snd.wnd);
        self.snd.wl1 = segment.seq;
        self.snd.wl2 = segment.ack;
    }
}
