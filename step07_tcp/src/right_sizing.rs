//! Buffers that grow with their use ("dynamic right-sizing", Fisk and Feng 2001).
//!
//! A buffer must hold what one round trip brings, or it is what limits the
//! connection; more is waste. Nobody knows the size in advance: so it starts
//! small and follows what the connection does, up to a limit.

use crate::memory::Room;
use crate::seq::octets;
use crate::tcb::{Context, Tcb};
use crate::time::Time;

/// So far a send buffer may grow although what is in flight stands in queues, in
/// octets: less than the fast memory of a processor.
const SMALL: u32 = 512 * 1024;

/// What the user has read in the present round trip.
#[derive(Clone, Copy, Debug, Default)]
pub struct RightSizing {
    since: Time,
    read: usize,
}

impl Tcb {
    /// The user has read `len` octets: if so much is read in each round trip
    /// that the buffer is more than half used, the peer could send faster.
    pub(crate) fn grow_receive_buffer(&mut self, len: usize, cx: &Context<'_>) {
        self.right_sizing.read += len;
        if cx.room < Room::Plenty {
            return;
        }
        let Some(round_trip) = self.rto.smoothed() else {
            return;
        };
        if cx.now.since(self.right_sizing.since) < round_trip {
            return;
        }
        let wanted = self.right_sizing.read.saturating_mul(2);
        // A larger window than the header can announce is of no use.
        let limit = cx.config.receive_buffer_limit;
        let limit = limit.min(self.scale.max_window() as usize);
        self.receive_buffer.grow(wanted.min(limit));
        self.right_sizing = RightSizing {
            since: cx.now,
            read: 0,
        };
    }

    /// Text was acknowledged: the send buffer should hold twice what may be in
    /// flight, so that the user can write the next part while this one travels.
    // ANCHOR: grow_send
    pub(crate) fn grow_send_buffer(&mut self, cx: &Context<'_>) {
        if cx.room < Room::Plenty {
            return;
        }
        let may_fly = self.congestion.window().min(self.snd.wnd);
        let mut limit = octets(cx.config.send_buffer_limit);
        if self.stands_in_queues() {
            limit = limit.min(SMALL);
        }
        self.send_buffer
            .grow(limit.min(may_fly.saturating_mul(2)) as usize);
    }

    /// Has the round trip become much longer than it need be? Then more in
    /// flight would make it longer still, and nothing faster. A network that
    /// loses nothing does not say so in any other way.
    fn stands_in_queues(&self) -> bool {
        let Some(least) = self.rack.min_rtt() else {
            return false;
        };
        // The smoothed one is late when the window doubles each time, and the
        // last one is now and then short by chance.
        let smoothed = self.rto.smoothed().unwrap_or_default();
        smoothed.max(self.rack.rtt()) > least * 4
    }
    // ANCHOR_END: grow_send
}
