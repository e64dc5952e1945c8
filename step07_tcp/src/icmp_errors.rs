//! What ICMP and the floors below report about our segments (RFC 9293 §3.9.2.2).

use std::io;
use std::net::SocketAddrV4;

use crate::path_mtu::TooBig;
use crate::segment::Outgoing;
use crate::seq::SeqNumber;
use crate::state::State;
use crate::tcb::{Context, Tcb, TcpState};
use crate::time::Time;

/// An error about a segment of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IcmpError {
    /// It may pass: network or host unreachable, time exceeded. "SHOULD make
    /// the information available to the application", MUST NOT abort (MUST-56).
    Soft(io::ErrorKind),
    /// It will not pass: protocol or port unreachable. SHOULD abort; but anyone
    /// could forge it, so a connection that once worked takes it as soft
    /// (RFC 5927 §5.2).
    Hard(io::ErrorKind),
    /// It was longer than a link on its way carries, and must not be cut.
    FragmentationNeeded(TooBig),
}

impl State {
    /// An ICMP error quotes a segment from `local` to `remote` with the
    /// sequence number `seq`. One that is not in flight is none of ours
    /// (RFC 5927 §4.1).
    pub fn icmp_error(
        &mut self,
        local: SocketAddrV4,
        remote: SocketAddrV4,
        seq: SeqNumber,
        error: IcmpError,
        now: Time,
        out: &mut Vec<Outgoing>,
    ) {
        if let Some(id) = self.connection(local, remote) {
            self.with(id, now, out, |tcb, cx| tcb.icmp_error(seq, error, cx));
        } else {
            self.counters.icmp_not_in_flight.inc();
        }
    }

    /// A segment from `local` to `remote` could not leave this host: no route,
    /// or no answer to ARP. An attempt to connect fails; a connection that
    /// exists goes on trying.
    pub fn unreachable(
        &mut self,
        local: SocketAddrV4,
        remote: SocketAddrV4,
        error: io::ErrorKind,
        now: Time,
        out: &mut Vec<Outgoing>,
    ) {
        if let Some(id) = self.connection(local, remote) {
            self.with(id, now, out, |tcb, _| {
                if tcb.state.is_synchronized() {
                    tcb.soft_error = Some(error);
                } else {
                    tcb.abandon(error);
                }
            });
        }
    }
}

impl Tcb {
    // ANCHOR: icmp_error
    fn icmp_error(&mut self, seq: SeqNumber, error: IcmpError, cx: &mut Context<'_>) {
        if !seq.in_window(self.snd.una, self.snd.max.since(self.snd.una)) {
            cx.counters.icmp_not_in_flight.inc();
            return;
        }
        match error {
            IcmpError::Hard(kind) if self.state == TcpState::SynSent => self.fail(kind),
            IcmpError::Hard(kind) | IcmpError::Soft(kind) => self.soft_error = Some(kind),
            IcmpError::FragmentationNeeded(report) => self.fragmentation_needed(seq, report, cx),
        }
    }
    // ANCHOR_END: icmp_error
}
