//! What is sent, and when (RFC 9293 §3.8.6): window, Nagle, silly-window
//! avoidance of the sender and of the receiver, delayed acknowledgments.

use crate::diffserv::Service;
use crate::flags::Flags;
use crate::options::SackBlocks;
use crate::packet::Packet;
use crate::segment::{Outgoing, Segment};
use crate::seq::{SeqNumber, octets};
use crate::tcb::{Context, Tcb, TcpState};
use crate::timers::Timer;
use crate::window_scale::WindowScale;

impl Tcb {
    // ANCHOR: output
    /// Sends everything that may be sent now. Called whenever that may have
    /// changed: a segment has arrived, the user has written, a timer has expired.
    pub(crate) fn output(&mut self, cx: &mut Context<'_>) {
        if self.state == TcpState::Closed {
            return;
        }
        self.send_lost(cx);
        if self.has_unsent() {
            if self.queue.is_empty() && cx.now.since(self.last_sent) > self.rto.timeout() {
                self.congestion.idle();
            }
            while let Some(len) = self.sendable() {
                self.send_text(len, cx);
            }
        }
        self.arm_persist(cx);
        self.schedule_probe(cx);
        if self.ack_due && !cx.in_turn && !self.left_to_reader(cx) {
            self.ack_now = true;
        }
        if self.ack_now {
            self.send_ack(cx);
        }
    }
    // ANCHOR_END: output

    // ANCHOR: left_to_reader
    /// Leaves an acknowledgment to the user who is about to be woken: it then
    /// offers the room that reading has made, and is sent by the user's thread,
    /// while the main loop goes on. If the user is slow, the timer sends it.
    fn left_to_reader(&mut self, cx: &Context<'_>) -> bool {
        let delay = cx.config.delayed_ack;
        let left = self.reader_waits && self.receive_buffer.readable() > 0 && !delay.is_zero();
        if left && !self.timers.is_running(Timer::DelayedAck) {
            self.timers.set(Timer::DelayedAck, cx.now + delay);
        }
        left
    }
    // ANCHOR_END: left_to_reader

    /// Sends lost segments again, as far as the congestion window allows.
    fn send_lost(&mut self, cx: &mut Context<'_>) {
        while let Some(len) = self.queue.first_lost() {
            if self.in_network() > 0 && self.congestion_room() < len {
                break;
            }
            self.retransmit_first_lost(cx);
        }
    }

    /// Is there text, or a FIN, that was never sent and may be?
    pub(crate) fn has_unsent(&self) -> bool {
        let open = self.state.is_synchronized() && self.state != TcpState::TimeWait;
        open && !self.fin_sent() && (self.unsent() > 0 || self.send_buffer.is_closed())
    }

    /// Octets of text that were never sent.
    fn unsent(&self) -> u32 {
        self.send_buffer.end().saturating_since(self.snd.nxt)
    }

    // ANCHOR: window_room
    /// How much the peer's window still takes.
    pub(crate) fn window_room(&self) -> u32 {
        (self.snd.una + self.snd.wnd).saturating_since(self.snd.nxt)
    }
    // ANCHOR_END: window_room

    /// Octets that are in the network, by all that we know.
    fn in_network(&self) -> u32 {
        self.queue.pipe().saturating_sub(self.recovery.departed())
    }

    // ANCHOR: congestion_room
    /// How much the congestion window still takes.
    fn congestion_room(&self) -> u32 {
        let window = self.prr.map(|prr| prr.window());
        let window = window.unwrap_or_else(|| self.congestion.window());
        window.saturating_sub(self.in_network())
    }
    // ANCHOR_END: congestion_room

    /// The length of the text of the next segment, if it should be sent now:
    /// the sender's algorithm of RFC 9293 §3.8.6.2.1 with Nagle's (§3.7.4).
    fn sendable(&self) -> Option<u32> {
        if !self.has_unsent() {
            return None;
        }
        // ANCHOR: least
        let room = self.window_room().min(self.congestion_room());
        let unsent = self.unsent();
        let limit = self.text_limit();
        let len = unsent.min(room).min(limit);
        // A FIN takes a sequence number, and so room.
        let fin = self.send_buffer.is_closed() && len == unsent && room > len;
        if len == 0 && !fin {
            return None;
        }
        // ANCHOR_END: least
        // ANCHOR: rules
        // EXERCISE 7.10: Now, or later?
        // (1) a full segment
        let full = len == limit;
        // (2) all there is, if no answer is awaited that more could be written before
        let may_be_small = self.nodelay || self.snd.nxt == self.snd.una;
        let all = len == unsent && (may_be_small || self.send_buffer.is_closed());
        // (3) half of the peer's largest window: it may never offer a full segment
        let much = may_be_small && len >= self.snd.max_wnd / 2 && len > 0;
        // (4), the override timeout, is the persist timer.
        (full || all || much).then_some(len)
        // END 7.10
        // ANCHOR_END: rules
    }

    // ANCHOR: send_text
    /// Sends the next `len` octets of text; with a FIN, if they are the last.
    fn send_text(&mut self, len: u32, cx: &mut Context<'_>) {
        let last = len == self.unsent();
        let fin = last && self.send_buffer.is_closed() && self.window_room() > len;
        let mut flags = Flags::ACK;
        if last && len > 0 {
            flags |= Flags::PSH;
        }
        if fin {
            flags |= Flags::FIN;
        }
        let seq = self.snd.nxt;
        let payload = self.send_buffer.copy(seq, len);
        self.path_mtu.sent(seq + len, len);
        self.enqueue(len + u32::from(fin), flags, cx);
        self.send_segment(seq, flags, payload, cx);
    }
    // ANCHOR_END: send_text

    /// Sends what the window takes, however little.
    pub(crate) fn send_anyway(&mut self, cx: &mut Context<'_>) {
        let len = self.unsent().min(self.window_room());
        let len = len.min(self.text_limit());
        self.send_text(len, cx);
    }

    /// Sends our SYN, or SYN,ACK.
    pub(crate) fn send_syn(&mut self, flags: Flags, cx: &mut Context<'_>) {
        self.enqueue(1, flags, cx);
        self.send_segment(self.iss, flags, Packet::zeroed(0), cx);
    }

    /// `<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>`
    pub(crate) fn send_ack(&mut self, cx: &mut Context<'_>) {
        self.send_segment(self.snd.nxt, Flags::ACK, Packet::zeroed(0), cx);
    }

    /// The same in answer to a segment that may be forged: not too often (RFC 5961 §3, §7).
    pub(crate) fn send_challenge_ack(&mut self, cx: &mut Context<'_>) {
        if self.challenge_allowed(cx.now) {
            cx.counters.challenge_acks.inc();
            self.send_ack(cx);
        } else {
            cx.counters.challenge_acks_limited.inc();
        }
    }

    /// `<SEQ=SND.NXT><CTL=RST>`
    pub(crate) fn send_reset(&mut self, cx: &mut Context<'_>) {
        cx.counters.resets_sent.inc();
        self.send_segment(self.snd.nxt, Flags::RST, Packet::zeroed(0), cx);
    }

    /// The one way out for the segments of a connection.
    pub(crate) fn send_segment(
        &mut self,
        seq: SeqNumber,
        flags: Flags,
        payload: Packet,
        cx: &mut Context<'_>,
    ) {
        // ANCHOR: segment
        let mut segment = Segment {
            seq,
            flags,
            payload,
            ..Segment::default()
        };
        if flags.syn() {
            segment.options = self.syn_options(cx);
        } else if self.clock.is_agreed() && !flags.rst() {
            segment.options.timestamps = Some(self.clock.option(cx.now));
        }
        // ANCHOR_END: segment
        // ANCHOR: ack
        if flags.ack() {
            segment.ack = self.rcv.nxt;
            self.clock.ack_sent(self.rcv.nxt);
            self.rcv.wnd = self.rounded(self.offered_window());
            // What does not fit beside the text needs a segment of its own.
            let text = octets(segment.payload.len());
            let blocks = if flags.syn() {
                Some(SackBlocks::default())
            } else {
                self.sack_blocks(text)
            };
            self.ack_now = blocks.is_none();
            self.ack_due = false;
            segment.options.sack = blocks.unwrap_or_default();
            self.unacknowledged = 0;
            self.timers.stop(Timer::DelayedAck);
        }
        // ANCHOR_END: ack
        if !flags.rst() {
            // The window of a SYN is never scaled (RFC 7323 §2.2).
            let scale = if flags.syn() {
                WindowScale::default()
            } else {
                self.scale
            };
            segment.window = scale.scale(self.rcv.wnd);
        }
        self.point_to_urgent(&mut segment);
        self.last_sent = cx.now;
        cx.counters.segments_sent.inc();
        cx.out.push(Outgoing {
            local: self.local,
            remote: self.remote,
            service: Service {
                dont_fragment: self.path_mtu.dont_fragment(),
                ..self.service
            },
            segment,
        });
    }

    /// The window to be offered: its right edge moves only by so much that a
    /// full segment, or half of the buffer, fits in (RFC 9293 §3.8.6.2.2); and
    /// never to the left.
    // ANCHOR: offered
    fn offered_window(&self) -> u32 {
        let room = octets(self.receive_buffer.room()).min(self.scale.max_window());
        let growth = room.saturating_sub(self.rcv.wnd);
        let step = octets(self.receive_buffer.capacity() / 2).min(self.receive_mss());
        if growth >= step { room } else { self.rcv.wnd }
    }
    // ANCHOR_END: offered

    /// A window in whole units of the scale, rounded up if there is room for
    /// that: rounded down, its right edge would seem to move to the left
    /// (RFC 7323 §2.4). Without room it does, and what was allowed is taken
    /// all the same.
    fn rounded(&self, window: u32) -> u32 {
        let units = window.next_multiple_of(1 << self.scale.receive);
        let room = octets(self.receive_buffer.room()).min(self.scale.max_window());
        if units <= room { units } else { window }
    }

    // ANCHOR: update
    /// The user has read: tells the peer, if that at least doubles what it may
    /// send. For less, a steady flow would be answered twice.
    pub(crate) fn update_window(&mut self, cx: &mut Context<'_>) {
        let growth = self.offered_window().saturating_sub(self.rcv.wnd);
        if growth > 0 && growth >= self.rcv.wnd && self.state.can_receive() {
            self.send_ack(cx);
        }
    }
    // ANCHOR_END: update

    /// Text has arrived in order and will be acknowledged: at least every
    /// second segment at once, the others when the timer expires, if nothing
    /// that is sent anyway carries the acknowledgment (RFC 9293 §3.8.6.3).
    ///
    /// "At once" is the end of the turn: for segments that have arrived
    /// together one acknowledgment is enough, as if they had been one. But not
    /// for more than an eighth of our buffer: a sender that still starts slowly
    /// needs acknowledgments to become faster.
    // ANCHOR: schedule_ack
    pub(crate) fn schedule_ack(&mut self, len: u32, cx: &Context<'_>) {
        // What was not cut for us counts as what it would have been cut into.
        self.unacknowledged += len.div_ceil(self.receive_mss()).max(1);
        let much = octets(self.receive_buffer.capacity() / 8);
        if self.unacknowledged >= 2 || cx.config.delayed_ack.is_zero() {
            self.ack_due = true;
            self.ack_now |= self.unacknowledged.saturating_mul(self.receive_mss()) >= much;
        } else {
            self.timers
                .set(Timer::DelayedAck, cx.now + cx.config.delayed_ack);
        }
    }
    // ANCHOR_END: schedule_ack

    /// A timer, or several, have expired.
    pub(crate) fn on_timer(&mut self, cx: &mut Context<'_>) {
        for timer in Timer::ALL {
            if !self.timers.expired(timer, cx.now) {
                continue;
            }
            match timer {
                Timer::Retransmission => self.retransmission_timeout(cx),
                Timer::Reordering => self.reordering_timeout(cx),
                Timer::TailLossProbe => self.probe_timeout(cx),
                Timer::Persist => self.persist_timeout(cx),
                Timer::DelayedAck => self.ack_now = true,
                Timer::TimeWait => self.time_wait_timeout(),
                Timer::FinWait2 => self.transition(TcpState::Closed),
                Timer::PathMtu => self.raise_path_mtu(cx),
                Timer::KeepAlive => self.keep_alive_timeout(cx),
            }
        }
        self.output(cx);
    }
}
