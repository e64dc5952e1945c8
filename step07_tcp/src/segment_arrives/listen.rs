//! LISTEN STATE (RFC 9293 §3.10.7.2): a segment for one who waits for requests.

use std::net::SocketAddrV4;

use crate::flags::Flags;
use crate::segment::{Outgoing, Segment};
use crate::seq::SeqNumber;
use crate::state::State;
use crate::tcb::{Context, Id, Opened, Owner, Tcb, TcpState};
use crate::time::Time;

use super::closed::reset_for;

/// A segment, and where it came from.
pub(crate) struct Arrival {
    pub local: SocketAddrV4,
    pub remote: SocketAddrV4,
    pub segment: Segment,
    pub mtu: usize,
    /// Our sequence numbers must start behind this one, which a connection
    /// between the same ends has used.
    pub beyond: Option<SeqNumber>,
}

/// Is there a place for another child of a listener?
enum Room {
    Free,
    /// Not in the queue of half-open ones.
    Flooded,
    Full,
}

impl State {
    /// The three checks of the LISTEN state, and what remains.
    pub(crate) fn segment_arrives_in_listen(
        &mut self,
        listener: Id,
        arrival: Arrival,
        now: Time,
        out: &mut Vec<Outgoing>,
    ) {
        let Arrival {
            local,
            remote,
            ref segment,
            ..
        } = arrival;
        // ANCHOR: rst_ack
        // First, check for a RST: "An incoming RST segment could not be valid
        // since it could not have been sent in response to anything sent by
        // this incarnation of the connection."
        if segment.flags.rst() {
            self.counters.reset_for_nobody.inc();
            return;
        }
        // Second, check for an ACK: "Any acknowledgment is bad if it arrives on
        // a connection still in the LISTEN state."
        // The exception is one that brings a cookie back.
        if segment.flags.ack() {
            if self.take_syn_cookie(listener, &arrival, now, out) {
                return;
            }
            self.counters.no_connection.inc();
            self.counters.resets_sent.inc();
            self.counters.segments_sent.inc();
            out.push(reset_for(local, remote, segment));
            return;
        }
        // ANCHOR_END: rst_ack
        // ANCHOR: syn
        // Third, check for a SYN.
        if segment.flags.syn() {
            match self.make_room(listener) {
                Room::Free => self.accept_syn(listener, arrival, now, out),
                Room::Flooded => self.send_syn_cookie(listener, &arrival, now, out),
                Room::Full => {
                    log::debug!(target: "tcp::segment_arrives", "backlog is full, foreign={remote}");
                    self.counters.backlog_full.inc();
                }
            }
            return;
        }
        // Fourth, other data or control: "drop the segment".
        self.counters.not_syn.inc();
        // ANCHOR_END: syn
    }

    /// Sees to it that the listener can have another child. Without cookies, a
    /// half-open one whose peer has let a whole retransmission timeout pass may
    /// be one of a flood, and must yield; others have the right to their place.
    fn make_room(&mut self, listener: Id) -> Room {
        let Some(backlog) = self.listeners.backlog(listener) else {
            return Room::Free;
        };
        if backlog.is_full() {
            return Room::Full;
        }
        if !backlog.is_flooded() {
            return Room::Free;
        }
        if self.config.syn_cookies {
            return Room::Flooded;
        }
        let silent = |id: &Id| self.tcbs.get(id).is_some_and(|tcb| tcb.timeouts > 0);
        let Some(oldest) = backlog.oldest_half_open().filter(silent) else {
            return Room::Full;
        };
        self.counters.half_open_evicted.inc();
        self.discard(oldest);
        Room::Free
    }

    /// Makes a connection of a request, in SYN-RECEIVED state.
    fn accept_syn(&mut self, id: Id, arrival: Arrival, now: Time, out: &mut Vec<Outgoing>) {
        let Arrival {
            local,
            remote,
            segment,
            mtu,
            beyond,
        } = arrival;
        // ANCHOR: child
        let isn = self.secret.initial_sequence_number(local, remote, now);
        let iss = beyond.map_or(isn, |beyond| isn.later(beyond));
        let who = if self.listeners.backlog(id).is_some() {
            let child = self.new_id();
            if let Some(backlog) = self.listeners.backlog_mut(id) {
                backlog.add(child);
            }
            (child, Owner::Listener(id), Opened::ByListener)
        } else if let Some(listener) = self.listeners.remove(id) {
            // The passive OPEN of the RFC: the TCB itself becomes the connection.
            (id, Owner::User, Opened::Passively(listener))
        } else {
            return;
        };
        // ANCHOR_END: child
        // ANCHOR: begin
        let mut tcb = Tcb::new(who, (local, remote), mtu, iss, &self.config);
        tcb.clock = self.secret.timestamp_clock(local, remote);
        tcb.state = TcpState::Listen;
        let id = self.insert(tcb, now);
        self.counters.passive_opens.inc();
        self.with(id, now, out, |tcb, cx| tcb.syn_in_listen(segment, cx));
        // ANCHOR_END: begin
    }
}

impl Tcb {
    /// "Set RCV.NXT to SEG.SEQ+1, IRS is set to SEG.SEQ …, ISS should be
    /// selected and a SYN segment sent of the form
    /// `<SEQ=ISS><ACK=RCV.NXT><CTL=SYN,ACK>`."
    // ANCHOR: syn_in_listen
    fn syn_in_listen(&mut self, segment: Segment, cx: &mut Context<'_>) {
        // EXERCISE 7.6: A SYN arrives
        self.take_syn(&segment, cx);
        self.transition(TcpState::SynReceived);
        self.send_syn(Flags::SYN | Flags::ACK, cx);
        // "Any other incoming control or data (combined with SYN) will be
        // processed in the SYN-RECEIVED state": text is kept for the time when
        // the connection is established. A FIN will be repeated.
        self.take_text(segment, cx);
        self.output(cx);
        // END 7.6
    }
    // ANCHOR_END: syn_in_listen

    /// What every first SYN tells: the peer's numbers, window and options.
    // ANCHOR: take_syn
    pub(crate) fn take_syn(&mut self, segment: &Segment, cx: &Context<'_>) {
        self.irs = segment.seq;
        self.rcv.nxt = segment.seq + 1;
        self.take_syn_options(&segment.options, cx);
        self.set_send_window(segment);
    }
    // ANCHOR_END: take_syn
}
