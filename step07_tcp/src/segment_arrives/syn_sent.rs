//! SYN-SENT STATE (RFC 9293 §3.10.7.3): the answer to our request, or a
//! request that crossed it.

use std::io;

use crate::flags::Flags;
use crate::segment::Segment;
use crate::tcb::{Context, Tcb, TcpState};

use super::closed::reset_for;

impl Tcb {
    pub(crate) fn segment_arrives_in_syn_sent(&mut self, segment: Segment, cx: &mut Context<'_>) {
        // ANCHOR: syn_sent_ack
        // First, check the ACK bit: "If SEG.ACK =< ISS or SEG.ACK > SND.NXT,
        // send a reset (unless the RST bit is set, if so drop the segment and return)".
        let has_ack = segment.flags.ack();
        if has_ack && (segment.ack.le(self.iss) || segment.ack.gt(self.snd.nxt)) {
            cx.counters.bad_acknowledgment.inc();
            if !segment.flags.rst() {
                self.send_reset_for(&segment, cx);
            }
            return;
        }
        // ANCHOR_END: syn_sent_ack
        // ANCHOR: syn_sent_rst
        // Second, check the RST bit: "If the ACK was acceptable, then signal to
        // the user "error: connection reset", … enter CLOSED state".
        if segment.flags.rst() {
            if has_ack {
                cx.counters.resets_received.inc();
                self.fail(io::ErrorKind::ConnectionRefused);
            } else {
                cx.counters.inexact_reset.inc();
            }
            return;
        }
        // ANCHOR_END: syn_sent_rst
        // Third, check the security: obsolete.
        // Fourth, check the SYN bit.
        if segment.flags.syn() {
            self.syn_in_syn_sent(segment, cx);
            return;
        }
        // Fifth, "if neither of the SYN or RST bits is set, then drop the segment".
        cx.counters.not_syn.inc();
    }

    // ANCHOR: simultaneous
    /// The peer's SYN, with an acceptable ACK or without any.
    fn syn_in_syn_sent(&mut self, mut segment: Segment, cx: &mut Context<'_>) {
        self.take_syn(&segment, cx);
        if !segment.flags.ack() {
            // "Otherwise, enter SYN-RECEIVED, form a SYN,ACK segment
            // <SEQ=ISS><ACK=RCV.NXT><CTL=SYN,ACK> and send it": both ends have
            // opened at the same time.
            self.transition(TcpState::SynReceived);
            self.queue.lose_all();
            self.retransmit_first_lost(cx);
            self.take_text(segment, cx);
            return;
        }
        // ANCHOR_END: simultaneous
        // ANCHOR: syn_ack
        // EXERCISE 7.13: The SYN is answered
        // "SND.UNA should be advanced to equal SEG.ACK … any segments on the
        // retransmission queue that are thereby acknowledged should be removed."
        self.advance_una(&segment, cx);
        // "If SND.UNA > ISS (our SYN has been ACKed), change the connection
        // state to ESTABLISHED, form an ACK segment and send it." Our first
        // text may carry it.
        self.establish(cx);
        self.ack_now = true;
        // "If there are other controls or text in the segment, then continue
        // processing at the sixth step under Section 3.10.7.4".
        segment.flags = segment.flags - Flags::SYN;
        segment.seq += 1;
        self.sixth_to_eighth(segment, cx);
        // END 7.13
        // ANCHOR_END: syn_ack
    }

    /// Answers a segment that acknowledges what we never sent.
    pub(crate) fn send_reset_for(&mut self, segment: &Segment, cx: &mut Context<'_>) {
        cx.counters.resets_sent.inc();
        cx.counters.segments_sent.inc();
        cx.out.push(reset_for(self.local, self.remote, segment));
    }
}
