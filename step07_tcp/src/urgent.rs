//! Urgent data (RFC 9293 §3.8.5, RFC 6093).
//!
//! The urgent pointer says where in the stream something important ends, so
//! that the reader may hurry to that place. Nothing is taken out of the stream:
//! the "out-of-band data" of other systems is a misreading of the pointer (RFC
//! 6093 §3). New applications SHOULD NOT use it (SHLD-13); but every TCP has to
//! be able to (MUST-30).

use std::io;

use crate::flags::Flags;
use crate::segment::{Outgoing, Segment};
use crate::seq::octets;
use crate::state::State;
use crate::tcb::{Context, Id, Tcb};
use crate::tcp_stream::TcpStream;
use crate::time::Time;

impl State {
    /// SEND with the URGENT flag (§3.9.1): what is taken of `data`, and all
    /// that was written before it, is urgent.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_urgent(
        &mut self,
        id: Id,
        data: &[u8],
        now: Time,
        out: &mut Vec<Outgoing>,
    ) -> io::Result<usize> {
        self.on_connection(id, now, out, |tcb, cx| {
            let end = tcb.send_buffer.end() + octets(data.len().min(tcb.send_buffer.room()));
            let before = tcb.snd.up.replace(end);
            let result = tcb.send(data, cx);
            if result.is_err() {
                tcb.snd.up = before;
            }
            result
        })
    }
}

impl Tcb {
    /// "If the urgent flag is set, then SND.UP <- SND.NXT-1": the pointer of
    /// RFC 1011 and 1122, which goes to the octet behind the urgent data
    /// (MUST-62). A segment that begins before that tells it.
    pub(crate) fn point_to_urgent(&mut self, segment: &mut Segment) {
        self.snd.up = self.snd.up.filter(|up| up.gt(self.snd.una));
        let Some(up) = self.snd.up.filter(|up| up.gt(segment.seq)) else {
            return;
        };
        if segment.flags.syn() || segment.flags.rst() {
            return;
        }
        segment.flags |= Flags::URG;
        // Farther than the field reaches: the next segments will tell (MUST-31).
        segment.urgent_pointer = u16::try_from(up.since(segment.seq)).unwrap_or(u16::MAX);
    }

    /// Sixth, check the URG bit: "RCV.UP <- max(RCV.UP, SEG.UP), and signal the
    /// user that the remote side has urgent data if the urgent pointer (RCV.UP)
    /// is in advance of the data consumed" (MUST-32). The signal is a wake-up;
    /// [`Status::urgent`](crate::status::Status::urgent) tells the rest.
    pub(crate) fn sixth_check_urg(&mut self, segment: &Segment, cx: &Context<'_>) {
        if !segment.flags.urg() || !self.state.can_receive() {
            return;
        }
        let up = segment.seq + u32::from(segment.urgent_pointer);
        let consumed = self.rcv.nxt - octets(self.receive_buffer.readable());
        let latest = self.rcv.up.unwrap_or(consumed);
        if up.gt(latest) {
            cx.counters.urgent.inc();
            self.rcv.up = Some(up);
            self.changed = true;
        }
    }

    /// How many octets from the next that is read on are urgent (MUST-33).
    pub(crate) fn urgent(&self) -> u32 {
        let consumed = self.rcv.nxt - octets(self.receive_buffer.readable());
        self.rcv.up.map_or(0, |up| up.saturating_since(consumed))
    }

    /// The user has read: what was urgent may be consumed.
    pub(crate) fn forget_urgent(&mut self) {
        if self.urgent() == 0 {
            self.rcv.up = None;
        }
    }
}

impl TcpStream {
    /// Writes, without waiting, and tells the peer that it is urgent. Only for
    /// old protocols that want it.
    ///
    /// # Errors
    /// As for writing; `WouldBlock`: there is no room.
    pub fn send_urgent(&self, data: &[u8]) -> io::Result<usize> {
        self.call(|id, state, now, out| state.send_urgent(id, data, now, out))
    }

    /// How many octets, from the next that is read on, the peer calls urgent;
    /// they may not all have arrived. They are read like all others.
    ///
    /// # Errors
    /// `NotConnected`.
    pub fn urgent(&self) -> io::Result<u32> {
        self.call(|id, state, _, _| {
            let status = state.status(id).ok_or(io::ErrorKind::NotConnected)?;
            Ok(status.urgent)
        })
    }
}
