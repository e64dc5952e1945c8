//! Fast retransmit and fast recovery (RFC 5681 §3.2, RFC 6582 "NewReno").
//!
//! A receiver acknowledges every segment, also one that leaves a gap; three
//! times the same acknowledgment, then, say that something is missing while
//! others arrive. There is no need to wait for the timer.
//!
//! This is the simple form, for peers without SACK; with it, acknowledgments
//! say more, and [`rack`](crate::rack) makes use of that.

use crate::seq::SeqNumber;
use crate::tcb::{Context, Tcb};

/// DupThresh (RFC 5681 §3.2).
const THRESHOLD: u32 = 3;

/// What duplicate acknowledgments have told.
#[derive(Clone, Copy, Debug)]
pub struct Recovery {
    /// Duplicate acknowledgments in a row.
    duplicates: u32,
    /// Octets that have left the network without being acknowledged: one
    /// segment for each duplicate. Instead of inflating the congestion window
    /// as the RFC does, we take them off what is in flight; it comes to the same.
    departed: u32,
    /// `recover`: what had been sent when the last loss was found. A loss
    /// before that is the same event.
    recover: SeqNumber,
    active: bool,
}

impl Recovery {
    /// At the start of a connection.
    pub fn new(iss: SeqNumber) -> Self {
        Self {
            duplicates: 0,
            departed: 0,
            recover: iss,
            active: false,
        }
    }

    /// Octets that have left the network without being acknowledged.
    pub fn departed(&self) -> u32 {
        self.departed
    }

    /// Is a loss known of which not everything is repaired, be it by fast
    /// recovery or after a timeout?
    pub fn is_under_way(&self, una: SeqNumber) -> bool {
        una.lt(self.recover)
    }

    /// Recovery begins; it lasts until everything before `nxt` has arrived.
    pub fn enter(&mut self, nxt: SeqNumber) {
        self.active = true;
        self.recover = nxt;
    }

    /// Has everything arrived that was outstanding at its beginning?
    pub fn is_over(&self, una: SeqNumber) -> bool {
        self.active && una.ge(self.recover)
    }

    /// It has ended.
    pub fn leave(&mut self) {
        self.active = false;
    }

    /// Nothing was lost: recovery is over where it stands.
    pub fn end_at(&mut self, una: SeqNumber) {
        self.active = false;
        self.recover = una;
    }

    /// A timeout ends fast recovery (RFC 6582 §3.2 step 4).
    pub fn timeout(&mut self, nxt: SeqNumber) {
        *self = Self {
            duplicates: 0,
            departed: 0,
            recover: nxt,
            active: false,
        };
    }
}

impl Tcb {
    /// An acknowledgment outside of recovery.
    pub(crate) fn open_window(&mut self, acked: u32, flight: u32, cx: &Context<'_>) {
        let srtt = self.rto.smoothed().unwrap_or_default();
        self.congestion.acknowledged(acked, flight, cx.now, srtt);
    }

    // ANCHOR: duplicate
    /// A duplicate acknowledgment has arrived.
    pub(crate) fn duplicate_acknowledgment(&mut self, cx: &mut Context<'_>) {
        self.recovery.duplicates += 1;
        self.recovery.departed = self.recovery.departed.saturating_add(self.mss);
        let new_loss = !self.recovery.active && self.snd.una.gt(self.recovery.recover);
        if self.recovery.duplicates == THRESHOLD && new_loss {
            self.recovery.active = true;
            self.recovery.recover = self.snd.nxt;
            self.congestion.loss(self.flight());
            cx.counters.fast_retransmissions.inc();
            self.queue.lose_first();
            self.retransmit_first_lost(cx);
        }
    }
    // ANCHOR_END: duplicate

    /// `acked` new octets were acknowledged; `flight` had been outstanding.
    pub(crate) fn new_acknowledgment(&mut self, acked: u32, flight: u32, cx: &mut Context<'_>) {
        self.recovery.duplicates = 0;
        if !self.recovery.active {
            self.recovery.departed = 0;
            self.open_window(acked, flight, cx);
        } else if self.snd.una.ge(self.recovery.recover) {
            self.recovery.departed = 0;
            self.recovery.active = false;
            self.congestion.recovered(self.flight());
        } else {
            // A partial acknowledgment: the next gap was lost at the same time.
            // All of it but the segment that filled the gap had departed before.
            let departed = acked.saturating_sub(self.mss);
            self.recovery.departed = self.recovery.departed.saturating_sub(departed);
            self.queue.lose_first();
            self.retransmit_first_lost(cx);
        }
    }
}
