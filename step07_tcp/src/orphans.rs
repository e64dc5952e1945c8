//! Connections that no user holds any more, and how many of them there may be.
//!
//! After CLOSE a connection goes on by itself: what was written is delivered,
//! then it waits for the peer's end, then for 2MSL (RFC 9293 §3.6). The user
//! does not see it, and so no user can lose patience; a peer could keep as
//! many as it likes. Hence timers end what a peer can delay (FIN-WAIT-2, a
//! window that stays closed), and both orphans and TIME-WAIT are limited: the
//! oldest goes. RFC 6429 §4 leaves that to the host: memory that runs out is
//! worse than a connection that ends too early.

use std::collections::BTreeMap;

use crate::segment::Outgoing;
use crate::state::State;
use crate::tcb::{Context, Id, Owner, Tcb, TcpState};
use crate::time::Time;
use crate::timers::Timer;

/// Connections in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct ByAge {
    next: u64,
    by_place: BTreeMap<u64, Id>,
    places: BTreeMap<Id, u64>,
}

impl ByAge {
    /// Adds one, if it is not there.
    pub fn insert(&mut self, id: Id) {
        self.places.entry(id).or_insert_with(|| {
            self.next += 1;
            self.by_place.insert(self.next, id);
            self.next
        });
    }

    /// Removes one, if it is there.
    pub fn remove(&mut self, id: Id) {
        if let Some(place) = self.places.remove(&id) {
            self.by_place.remove(&place);
        }
    }

    /// The one that has been there longest, if there are more than `limit`.
    pub fn oldest_beyond(&self, limit: usize) -> Option<Id> {
        let oldest = self.by_place.values().next().copied();
        oldest.filter(|_| self.by_place.len() > limit)
    }
}

impl State {
    /// A connection has come to a new state or lost its user: keeps the lists,
    /// and their limits.
    pub(crate) fn limit_orphans(&mut self, id: Id, now: Time, out: &mut Vec<Outgoing>) {
        let Some(tcb) = self.tcbs.get(&id) else {
            return;
        };
        // ANCHOR: limits
        match (tcb.state, tcb.owner) {
            (TcpState::Closed | TcpState::Listen, _) => {}
            (TcpState::TimeWait, _) => {
                self.orphans.remove(id);
                self.time_waits.insert(id);
            }
            (_, Owner::Nobody) => self.orphans.insert(id),
            _ => {}
        }
        if let Some(oldest) = self.time_waits.oldest_beyond(self.config.max_time_wait) {
            self.counters.time_wait_evicted.inc();
            self.leave_time_wait(oldest);
        }
        if let Some(oldest) = self.orphans.oldest_beyond(self.config.max_orphans) {
            if self.orphan_warnings.is_due(now) {
                log::warn!(target: "tcp::orphans", "too many: the oldest are reset");
            }
            log::debug!(target: "tcp::orphans", "id={oldest} is reset");
            self.counters.orphans_evicted.inc();
            self.orphans.remove(oldest);
            self.with(oldest, now, out, Tcb::abort);
        }
        // ANCHOR_END: limits
    }
}

impl Tcb {
    // ANCHOR: fin_wait2
    /// In FIN-WAIT-2 only the peer can end the connection. If no user is left
    /// who could lose patience, a timer does.
    pub(crate) fn guard_fin_wait2(&mut self, cx: &Context<'_>) {
        if self.state == TcpState::FinWait2
            && self.owner == Owner::Nobody
            && !self.timers.is_running(Timer::FinWait2)
        {
            self.timers
                .set(Timer::FinWait2, cx.now + cx.config.fin_wait2_timeout);
        }
    }
    // ANCHOR_END: fin_wait2

    /// The peer lives, and keeps us waiting with a closed window, or one that
    /// it has drawn back before what we sent. That is not a reason to give up
    /// (RFC 9293 §3.8.6.1, MUST-37; §3.8.6, SHLD-17), as long as there is a user
    /// who can decide.
    pub(crate) fn tolerate_closed_window(&mut self, cx: &Context<'_>) {
        let edge = self.snd.una + self.snd.wnd;
        let closed = self.snd.wnd == 0 || edge.lt(self.snd.nxt);
        if closed && self.owner != Owner::Nobody {
            self.stalled_since = cx.now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_the_one_that_came_first() {
        let mut list = ByAge::default();
        for id in [7, 3, 9, 3, 7] {
            list.insert(Id(id));
        }
        assert_eq!(list.oldest_beyond(3), None);
        assert_eq!(list.oldest_beyond(2), Some(Id(7)));
        list.remove(Id(7));
        list.remove(Id(7));
        assert_eq!(list.oldest_beyond(1), Some(Id(3)));
        list.insert(Id(7));
        assert_eq!(list.oldest_beyond(2), Some(Id(3)));
        assert_eq!(list.oldest_beyond(3), None);
    }
}
