//! SEGMENT ARRIVES (RFC 9293 §3.10.7), clause by clause.
//!
//! | state | file |
//! |---|---|
//! | CLOSED (§3.10.7.1) | [`closed`] |
//! | LISTEN (§3.10.7.2) | [`listen`] |
//! | SYN-SENT (§3.10.7.3) | [`syn_sent`] |
//! | otherwise (§3.10.7.4), first to fourth | [`otherwise`] |
//! | … fifth: the ACK field | [`acknowledgment`] |
//! | … sixth to eighth: URG, text, FIN | [`text`] |

pub(crate) mod acknowledgment;
pub(crate) mod closed;
pub(crate) mod listen;
pub(crate) mod otherwise;
pub(crate) mod syn_sent;
pub(crate) mod text;

use std::net::SocketAddrV4;

use crate::segment::{Outgoing, Segment};
use crate::state::State;
use crate::tcb::{Context, Id, Owner, Tcb, TcpState};
use crate::time::Time;

/// What a check says about a segment: go on with the next check, or it is
/// done with, "drop the segment and return".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    /// To the next check.
    Continue,
    /// The segment needs no further check.
    Done,
}

impl State {
    /// A segment with a right checksum has arrived from `remote` for `local`,
    /// over an interface with the given MTU. What it makes us send is added to `out`.
    pub fn segment_arrives(
        &mut self,
        local: SocketAddrV4,
        remote: SocketAddrV4,
        segment: Segment,
        mtu: usize,
        now: Time,
        out: &mut Vec<Outgoing>,
    ) {
        self.counters.segments_received.inc();
        // TCP is for two: whoever sends to many, or claims to be many, is not
        // answered (RFC 9293 §3.9.2.3, MUST-57, MUST-63).
        if !is_unicast(local) || !is_unicast(remote) {
            log::debug!(target: "tcp::segment_arrives", "only supports unicast, src={remote}, dst={local}");
            self.counters.not_unicast.inc();
            return;
        }
        // ANCHOR: connection
        let mut beyond = None;
        if let Some(id) = self.connection(local, remote) {
            beyond = self.give_way(id, &segment);
            if self.brings_cookie(id, &segment, now) {
                self.discard(id);
            } else if beyond.is_none() {
                if self.must_wait_outside(id, &segment) {
                    log::debug!(target: "tcp::segment_arrives", "backlog is full, foreign={remote}");
                    self.counters.backlog_full.inc();
                    return;
                }
                self.with(id, now, out, |tcb, cx| tcb.segment_arrives(segment, cx));
                return;
            }
        }
        // ANCHOR_END: connection
        // ANCHOR: nobody
        let listener = self.listeners.find(local, remote);
        if let Some(id) = listener.filter(|_| !self.down) {
            let arrival = listen::Arrival {
                local,
                remote,
                segment,
                mtu,
                beyond,
            };
            self.segment_arrives_in_listen(id, arrival, now, out);
        } else {
            self.segment_arrives_in_closed(local, remote, &segment, out);
        }
        // ANCHOR_END: nobody
    }

    /// Would this segment establish one more child than the backlog of its
    /// listener has room for? (There was room when its SYN came, but others were
    /// faster.) The peer believes that it is connected, and will ask again.
    fn must_wait_outside(&self, id: Id, segment: &Segment) -> bool {
        let Some(tcb) = self.tcbs.get(&id) else {
            return false;
        };
        let Owner::Listener(listener) = tcb.owner else {
            return false;
        };
        // ANCHOR: wait_outside
        let establishes = segment.flags.ack() && !segment.flags.rst() && !segment.flags.syn();
        let backlog = self.listeners.backlog(listener);
        tcb.state == TcpState::SynReceived
            && establishes
            && backlog.is_some_and(|backlog| backlog.is_full())
        // ANCHOR_END: wait_outside
    }
}

impl Tcb {
    // ANCHOR: tcb
    /// A segment for this connection has arrived.
    pub(crate) fn segment_arrives(&mut self, segment: Segment, cx: &mut Context<'_>) {
        self.heard(cx.now);
        match self.state {
            // A TCB in LISTEN is a `Listener`, one in CLOSED receives nothing.
            TcpState::Closed | TcpState::Listen => {}
            TcpState::SynSent => self.segment_arrives_in_syn_sent(segment, cx),
            _ => self.segment_arrives_otherwise(segment, cx),
        }
        self.output(cx);
    }
    // ANCHOR_END: tcb
}

/// Can this be one end of a connection?
pub(crate) fn is_unicast(end: SocketAddrV4) -> bool {
    let ip = end.ip();
    !ip.is_multicast() && !ip.is_broadcast() && !ip.is_unspecified()
}
