//! OTHER STATES (RFC 9293 §3.10.7.4): the first four of eight checks.

use std::io;

use crate::segment::Segment;
use crate::tcb::{Context, Opened, Tcb, TcpState};

use super::Check;

impl Tcb {
    // ANCHOR: checks
    /// SYN-RECEIVED and all synchronized states.
    pub(crate) fn segment_arrives_otherwise(&mut self, segment: Segment, cx: &mut Context<'_>) {
        if self.check_timestamps(&segment, cx) == Check::Done
            || self.first_check_sequence_number(&segment, cx) == Check::Done
        {
            return;
        }
        self.take_timestamp(&segment, cx);
        if self.second_check_rst(&segment, cx) == Check::Done
            // Third, check security: obsolete.
            || self.fourth_check_syn(&segment, cx) == Check::Done
            || self.fifth_check_ack(&segment, cx) == Check::Done
        {
            return;
        }
        self.sixth_to_eighth(segment, cx);
    }
    // ANCHOR_END: checks

    /// First, check the sequence number. "Segments are processed in sequence";
    /// what does not touch the window is answered with an ACK, so that a peer
    /// that is out of step finds back.
    // ANCHOR: sequence
    fn first_check_sequence_number(&mut self, segment: &Segment, cx: &mut Context<'_>) -> Check {
        if self.is_acceptable(segment) {
            return Check::Continue;
        }
        // "If the RCV.WND is zero, no segments will be acceptable, but special
        // allowance should be made to accept valid ACKs, URGs, and RSTs":
        // the text of a window probe is refused, but what it acknowledges counts.
        let probe = self.rcv.wnd == 0 && segment.seq == self.rcv.nxt;
        if probe && !segment.flags.syn() {
            self.ack_now = !segment.flags.rst();
            return Check::Continue;
        }
        cx.counters.outside_window.inc();
        if segment.flags.rst() {
            return Check::Done;
        }
        // ANCHOR_END: sequence
        if self.state == TcpState::SynReceived && segment.seq == self.irs && !segment.flags.ack() {
            // The peer repeats its SYN: it has not got our SYN,ACK.
            self.queue.lose_first();
            self.retransmit_first_lost(cx);
            return Check::Done;
        }
        if self.state == TcpState::TimeWait && segment.flags.fin() {
            // "The only thing that can arrive in this state is a retransmission
            // of the remote FIN. Acknowledge it, and restart the 2 MSL timeout."
            self.start_time_wait_timer(cx);
        }
        if segment.end().le(self.rcv.nxt) {
            self.report_duplicate(segment);
        }
        self.answer_unacceptable(segment, cx);
        Check::Done
    }

    /// "If an incoming segment is not acceptable, an acknowledgment should
    /// be sent in reply": `<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>`.
    pub(crate) fn answer_unacceptable(&mut self, segment: &Segment, cx: &mut Context<'_>) {
        if segment.payload.is_empty() {
            // Two ends that disagree could go on with that for ever: not too often.
            self.send_challenge_ack(cx);
        } else {
            self.ack_now = true;
        }
    }

    // ANCHOR: acceptable
    /// The four cases of RFC 9293 §3.4 (table 5).
    fn is_acceptable(&self, segment: &Segment) -> bool {
        // EXERCISE 7.7: Is it acceptable?
        let (nxt, wnd) = (self.rcv.nxt, self.rcv.wnd);
        match (segment.len(), wnd) {
            (0, 0) => segment.seq == nxt,
            (0, _) => segment.seq.in_window(nxt, wnd),
            (_, 0) => false,
            // "RCV.NXT =< SEG.SEQ+SEG.LEN-1 < RCV.NXT+RCV.WND" would refuse a
            // segment that begins before the window and ends behind it. All of
            // the window is in it, so it is taken.
            (_, _) => segment.seq.lt(nxt + wnd) && segment.end().gt(nxt),
        }
        // END 7.7
    }
    // ANCHOR_END: acceptable

    /// Second, check the RST bit, as RFC 5961 §3.2 has it: only a reset
    /// exactly at the window's edge counts, others are asked to prove it.
    fn second_check_rst(&mut self, segment: &Segment, cx: &mut Context<'_>) -> Check {
        // ANCHOR: exact_reset
        if !segment.flags.rst() {
            return Check::Continue;
        }
        if self.ignores_reset(cx) {
            return Check::Done;
        }
        if segment.seq != self.rcv.nxt {
            cx.counters.inexact_reset.inc();
            self.send_challenge_ack(cx);
            return Check::Done;
        }
        // ANCHOR_END: exact_reset
        // ANCHOR: reset
        cx.counters.resets_received.inc();
        match self.state {
            TcpState::SynReceived => self.abandon(io::ErrorKind::ConnectionRefused),
            // "Any outstanding RECEIVEs and SEND should receive "reset" responses."
            TcpState::Established
            | TcpState::FinWait1
            | TcpState::FinWait2
            | TcpState::CloseWait => self.fail(io::ErrorKind::ConnectionReset),
            // Both have closed: nobody is left to be told.
            _ => self.transition(TcpState::Closed),
        }
        // ANCHOR_END: reset
        Check::Done
    }

    /// The handshake has failed. "If this connection was initiated with a
    /// passive OPEN … then return this connection to LISTEN state … The user
    /// need not be informed." A listening socket is in that state all the time:
    /// its child just goes.
    // ANCHOR: abandon
    pub(crate) fn abandon(&mut self, error: io::ErrorKind) {
        match (self.state, &self.opened) {
            (TcpState::SynReceived, Opened::Passively(_)) => self.transition(TcpState::Listen),
            (TcpState::SynReceived, Opened::ByListener) => self.transition(TcpState::Closed),
            _ => self.fail(error),
        }
    }
    // ANCHOR_END: abandon

    /// Fourth, check the SYN bit. A SYN here is an old duplicate, a peer that
    /// has forgotten the connection, or an attack: a challenge ACK sorts them
    /// out (RFC 5961 §4.2).
    fn fourth_check_syn(&mut self, segment: &Segment, cx: &mut Context<'_>) -> Check {
        if !segment.flags.syn() {
            return Check::Continue;
        }
        cx.counters.unexpected_syn.inc();
        let passive = !matches!(self.opened, Opened::Actively);
        if self.state == TcpState::SynReceived && passive {
            self.abandon(io::ErrorKind::ConnectionReset);
        } else {
            self.send_challenge_ack(cx);
        }
        Check::Done
    }

    /// The steps behind the acknowledgment.
    pub(crate) fn sixth_to_eighth(&mut self, segment: Segment, cx: &mut Context<'_>) {
        self.sixth_check_urg(&segment, cx);
        self.seventh_process_text(segment, cx);
        self.eighth_check_fin(cx);
    }
}
