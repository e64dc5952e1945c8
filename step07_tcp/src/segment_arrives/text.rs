//! Seventh, process the segment text; eighth, check the FIN bit (RFC 9293 §3.10.7.4).

use crate::segment::Segment;
use crate::seq::{SeqNumber, octets};
use crate::tcb::{Context, Owner, Tcb, TcpState};

impl Tcb {
    /// Seventh: "Once in the ESTABLISHED state, it is possible to deliver
    /// segment data to user RECEIVE buffers."
    pub(crate) fn seventh_process_text(&mut self, segment: Segment, cx: &mut Context<'_>) {
        // In the states behind the peer's FIN "this should not occur since a
        // FIN has been received from the remote side. Ignore the segment text."
        if !self.state.can_receive() {
            return;
        }
        if !segment.payload.is_empty() && self.owner == Owner::Nobody {
            // Nobody will read it. The peer must learn that it was lost
            // (RFC 9293 §3.6.1, SHLD-3).
            cx.counters.text_after_close.inc();
            self.send_reset(cx);
            self.transition(TcpState::Closed);
            return;
        }
        self.take_text(segment, cx);
    }

    /// Puts the part of the text that is new, and lies in the window, where it
    /// belongs, and notes a FIN behind it.
    pub(crate) fn take_text(&mut self, mut segment: Segment, cx: &mut Context<'_>) {
        if segment.payload.is_empty() && !segment.flags.fin() {
            return;
        }
        self.report_duplicate(&segment);
        // ANCHOR: trimmed
        segment.trim(self.rcv.nxt, self.rcv.wnd);
        if segment.is_empty() {
            // All of it was there already, or did not fit: the peer must know.
            self.ack_now = true;
            return;
        }
        // ANCHOR_END: trimmed
        let offset = segment.seq.since(self.rcv.nxt);
        if !segment.payload.is_empty() && !self.has_room_for_text(offset, cx) {
            return;
        }
        let end = segment.seq + octets(segment.payload.len());
        if segment.flags.fin() && self.state != TcpState::SynReceived {
            self.reassembly.set_fin(end);
        }
        // ANCHOR: place
        if !segment.payload.is_empty() {
            if offset > 0 && !self.reassembly.insert(segment.seq, end) {
                cx.counters.too_many_gaps.inc();
                self.ack_now = true;
                return;
            }
            self.receive_buffer.write(offset as usize, &segment.payload);
        }
        if offset > 0 {
            // "A TCP receiver SHOULD send an immediate duplicate ACK when an
            // out-of-order segment arrives" (RFC 5681 §4.2).
            cx.counters.out_of_order.inc();
            self.report_piece(segment.seq);
            self.ack_now = true;
        } else if end.gt(self.rcv.nxt) {
            self.deliver(end, cx);
        }
        // ANCHOR_END: place
    }

    // ANCHOR: deliver
    /// The text up to `end`, and what was waiting for it, is in order.
    fn deliver(&mut self, end: SeqNumber, cx: &mut Context<'_>) {
        // EXERCISE 7.9: Text in order
        let gap = !self.reassembly.is_empty();
        let nxt = self.reassembly.advance(end);
        let len = nxt.since(self.rcv.nxt);
        log::debug!(
            target: "tcp::segment_arrives",
            "copy segment text, len={len}, wnd={}", self.rcv.wnd.saturating_sub(len)
        );
        self.receive_buffer.advance(len as usize);
        self.rcv.nxt = nxt;
        // The right edge of the window stays where it was.
        self.rcv.wnd = self.rcv.wnd.saturating_sub(len);
        self.changed = true;
        self.schedule_ack(len, cx);
        // "… and when the incoming segment fills in all or part of a gap."
        self.ack_now |= gap;
        // END 7.9
    }
    // ANCHOR_END: deliver

    // ANCHOR: check_fin
    /// Eighth: "If the FIN bit is set, signal the user "connection closing"
    /// …, advance RCV.NXT over the FIN, and send an acknowledgment for the
    /// FIN." It counts only when all text before it has arrived.
    pub(crate) fn eighth_check_fin(&mut self, cx: &mut Context<'_>) {
        if !self.state.can_receive() || !self.reassembly.is_fin(self.rcv.nxt) {
            return;
        }
        log::debug!(
            target: "tcp::segment_arrives",
            "connection closing, local={}, foreign={}", self.local, self.remote
        );
        // ANCHOR_END: check_fin
        // EXERCISE 7.14: The peer has closed
        // ANCHOR: fin
        self.rcv.nxt += 1;
        self.rcv.wnd = self.rcv.wnd.saturating_sub(1);
        self.ack_now = true;
        self.changed = true;
        match self.state {
            TcpState::Established => self.transition(TcpState::CloseWait),
            // "If our FIN has been ACKed (perhaps in this segment), then enter
            // TIME-WAIT …; otherwise, enter the CLOSING state." The former was
            // done by the fifth check: then we are in FIN-WAIT-2.
            TcpState::FinWait1 => self.transition(TcpState::Closing),
            TcpState::FinWait2 => self.enter_time_wait(cx),
            _ => {}
        }
        // ANCHOR_END: fin
        // END 7.14
    }
}
