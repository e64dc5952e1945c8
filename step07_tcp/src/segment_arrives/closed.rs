//! CLOSED STATE (RFC 9293 §3.10.7.1): a segment for nobody; and the form of
//! the resets that answer segments of no connection (§3.5.2).

use std::net::SocketAddrV4;

use crate::diffserv::Service;
use crate::flags::Flags;
use crate::packet::Packet;
use crate::segment::{Outgoing, Segment};
use crate::seq::SeqNumber;
use crate::state::State;

impl State {
    /// "All data in the incoming segment is discarded."
    pub(crate) fn segment_arrives_in_closed(
        &mut self,
        local: SocketAddrV4,
        remote: SocketAddrV4,
        segment: &Segment,
        out: &mut Vec<Outgoing>,
    ) {
        log::debug!(target: "tcp::segment_arrives", "no connection, local={local}, foreign={remote}");
        // ANCHOR: closed
        // "An incoming segment containing a RST is discarded."
        if segment.flags.rst() {
            self.counters.reset_for_nobody.inc();
            return;
        }
        // "An incoming segment not containing a RST causes a RST to be sent in response."
        self.counters.no_connection.inc();
        self.counters.resets_sent.inc();
        self.counters.segments_sent.inc();
        out.push(reset_for(local, remote, segment));
        // ANCHOR_END: closed
    }
}

/// The reset that makes the sender of `segment` believe it: its numbers come
/// from the segment itself.
// ANCHOR: reset
pub(crate) fn reset_for(local: SocketAddrV4, remote: SocketAddrV4, segment: &Segment) -> Outgoing {
    // EXERCISE 7.5: A reset that is believed
    let (seq, ack, flags) = if segment.flags.ack() {
        // <SEQ=SEG.ACK><CTL=RST>
        (segment.ack, SeqNumber::default(), Flags::RST)
    } else {
        // <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>
        (SeqNumber::default(), segment.end(), Flags::RST | Flags::ACK)
    };
    let reset = Segment {
        seq,
        ack,
        flags,
        payload: Packet::zeroed(0),
        ..Segment::default()
    };
    Outgoing {
        local,
        remote,
        service: Service::default(),
        segment: reset,
    }
    // END 7.5
}
// ANCHOR_END: reset
