//! What the cache knows of one neighbour.

use std::collections::VecDeque;
use std::time::Duration;

use crate::arp::cache::REQUEST_INTERVAL;
use crate::ethernet::MacAddr;
use crate::packet::Packet;
use crate::time::Time;

/// What is known of one neighbour.
// ANCHOR: entry
#[derive(Debug)]
pub(super) enum Entry {
    /// Asked for, not answered yet.
    Incomplete {
        requested: Time,
        requests: u32,
        waiting: VecDeque<Packet>,
    },
    /// Heard from.
    Resolved {
        ha: MacAddr,
        updated: Time,
        /// When a packet was sent to it last.
        used: Time,
        /// How many polls were due since it was heard.
        probes: u32,
        /// Since `updated` it is doubted that it is still there.
        doubted: bool,
    },
    /// Asked for in vain. It stays until somebody asks again, or until its
    /// place is needed: nothing is to be done about it.
    Failed { at: Time },
    /// Entered by hand: never changes, never expires.
    Static { ha: MacAddr },
}
// ANCHOR_END: entry

impl Entry {
    /// A neighbour that was heard at `now`.
    pub(super) fn heard(ha: MacAddr, now: Time, used: Time) -> Self {
        Self::Resolved {
            ha,
            updated: now,
            used,
            probes: 0,
            doubted: false,
        }
    }

    /// Somebody doubts that it is still there: only the time for polls is left.
    pub(super) fn doubt(&mut self, now: Time) {
        if let Self::Resolved {
            updated,
            used,
            probes: 0,
            doubted: doubted @ false,
            ..
        } = self
        {
            (*updated, *used, *doubted) = (now, now, true);
        }
    }

    /// When it was asked for, heard, or sent to last: strangers who make
    /// themselves known do not push out whom we talk to. `None`: it is not to
    /// be forgotten.
    pub(super) fn touched(&self) -> Option<Time> {
        match self {
            Self::Incomplete { requested, .. } => Some(*requested),
            Self::Resolved { updated, used, .. } => Some(*updated.max(used)),
            Self::Failed { at } => Some(*at),
            Self::Static { .. } => None,
        }
    }

    /// What waits for its address.
    pub(super) fn into_waiting(self) -> VecDeque<Packet> {
        match self {
            Self::Incomplete { waiting, .. } => waiting,
            _ => VecDeque::new(),
        }
    }

    /// The queue for its address, if it is being asked for.
    pub(super) fn waiting_mut(&mut self) -> Option<&mut VecDeque<Packet>> {
        match self {
            Self::Incomplete { waiting, .. } => Some(waiting),
            _ => None,
        }
    }

    /// When something is to be done about it, if an address is believed for
    /// `timeout`.
    // ANCHOR: deadline
    pub(super) fn deadline(&self, timeout: Duration) -> Option<Time> {
        match self {
            Self::Incomplete { requested, .. } => Some(*requested + REQUEST_INTERVAL),
            Self::Resolved {
                updated,
                probes,
                doubted,
                ..
            } => {
                let life = life(timeout, *doubted);
                let probe = life.saturating_sub(POLLING) + REQUEST_INTERVAL * *probes;
                Some(*updated + probe.min(life))
            }
            Self::Failed { .. } | Self::Static { .. } => None,
        }
    }
    // ANCHOR_END: deadline
}

/// For how long a neighbour that is still talked to is asked whether it is
/// still there before its entry expires (RFC 1122 §2.3.2.1: unicast poll).
const POLLING: Duration = REQUEST_INTERVAL.saturating_mul(5);

/// How long an address is believed.
pub(super) fn life(timeout: Duration, doubted: bool) -> Duration {
    if doubted {
        timeout.min(POLLING)
    } else {
        timeout
    }
}
