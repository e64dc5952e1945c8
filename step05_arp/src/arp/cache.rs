//! The cache of neighbours, and what is done about those that are not in it.
//!
//! Pure logic: it cannot send, lock or tell the time. It says what is to be
//! sent, and [`Arp`](super::Arp) does it.

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;
use std::time::Duration;

use log::debug;

use crate::arp::entry::{Entry, life};
use crate::ethernet::MacAddr;
use crate::packet::Packet;
use crate::time::Time;

// ANCHOR: times
/// How long an address is believed after it was last heard, unless another
/// time is asked for (the original's 30 s).
pub const CACHE_TIMEOUT: Duration = Duration::from_secs(30);
/// How lately a packet must have been sent to it for that.
const IN_USE: Duration = Duration::from_secs(10);
/// How long an answer is waited for before the request is repeated
/// (RFC 1122 §2.3.2.1: at most one request a second per address).
pub const REQUEST_INTERVAL: Duration = Duration::from_secs(1);
/// How many requests are sent before the neighbour counts as unreachable.
pub const MAX_REQUESTS: u32 = 3;
/// How long a neighbour that has not answered counts as unreachable before it
/// is asked again.
pub const FAILURE_TIMEOUT: Duration = Duration::from_secs(1);
/// How often at most this host defends its address (RFC 5227 §2.4, DEFEND_INTERVAL).
pub const DEFEND_INTERVAL: Duration = Duration::from_secs(10);
// ANCHOR_END: times
/// How many neighbours are remembered.
pub const CACHE_LIMIT: usize = 256;
/// How many packets wait for one address (RFC 1122 §2.3.2.2: at least one):
/// the fragments of the longest datagram, and a few more.
pub const WAITING_LIMIT: usize = 64;

// ANCHOR: key
/// A neighbour: the device that it is behind (by index), and its address.
pub type Key = (usize, Ipv4Addr);
// ANCHOR_END: key

// ANCHOR: resolution
/// What is to be done with a packet for a neighbour.
#[derive(Debug, PartialEq, Eq)]
pub enum Resolution {
    /// The address is known: send it.
    Send(MacAddr, Packet),
    /// The packet waits; a request is to be sent.
    Request,
    /// The packet waits; a request is under way.
    Wait,
    /// The packet waits, and the one that has waited longest is lost for it
    /// (RFC 1122 §2.3.2.2: the latest is to be saved).
    QueueFull,
    /// The packet is lost: the neighbour has just been asked for in vain.
    Unreachable,
}
// ANCHOR_END: resolution

/// A neighbour was forgotten to make room for another: so many packets that
/// waited for its address are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evicted(pub usize);

// ANCHOR: expiry
/// What a timer has found.
#[derive(Debug, PartialEq, Eq)]
pub enum Expiry {
    /// A request is to be repeated.
    Request(Key),
    /// A neighbour that is in use is to be asked whether it is still there.
    Probe(Key, MacAddr),
    /// Nobody has answered: these packets are lost.
    Unresolved(Key, VecDeque<Packet>),
    /// An address has not been heard for too long, and is forgotten.
    Expired(Key),
}
// ANCHOR_END: expiry

/// The cache.
#[derive(Debug)]
pub struct Cache {
    timeout: Duration,
    entries: BTreeMap<Key, Entry>,
    /// When this host has defended its address on a device.
    defended: BTreeMap<usize, Time>,
    /// The earliest deadline of all entries.
    deadline: Option<Time>,
}

impl Default for Cache {
    fn default() -> Self {
        Self::new(CACHE_TIMEOUT)
    }
}

impl Cache {
    /// An empty cache, in which addresses are believed for `timeout`.
    pub fn new(timeout: Duration) -> Self {
        Self {
            timeout,
            entries: BTreeMap::new(),
            defended: BTreeMap::new(),
            deadline: None,
        }
    }

    /// How long an address is believed.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Decides about `packet`, which is for the neighbour `key`.
    pub fn resolve(
        &mut self,
        key: Key,
        packet: Packet,
        now: Time,
    ) -> (Resolution, Option<Evicted>) {
        // EXERCISE 5.12: Known, asked for, or unknown
        match self.entries.get_mut(&key) {
            // ANCHOR: resolve_known
            Some(Entry::Resolved { ha, used, .. }) => {
                *used = now;
                (Resolution::Send(*ha, packet), None)
            }
            Some(Entry::Static { ha }) => (Resolution::Send(*ha, packet), None),
            // ANCHOR_END: resolve_known
            // ANCHOR: waiting
            Some(Entry::Incomplete { waiting, .. }) => {
                waiting.push_back(packet);
                if waiting.len() <= WAITING_LIMIT {
                    return (Resolution::Wait, None);
                }
                waiting.pop_front();
                (Resolution::QueueFull, None)
            }
            Some(Entry::Failed { at }) if now < *at + FAILURE_TIMEOUT => {
                (Resolution::Unreachable, None)
            }
            // ANCHOR_END: waiting
            // ANCHOR: asking
            Some(Entry::Failed { .. }) | None => {
                debug!(target: "arp::resolve", "cache not found, pa={}", key.1);
                self.entries.remove(&key);
                let evicted = self.make_room();
                let entry = Entry::Incomplete {
                    requested: now,
                    requests: 1,
                    waiting: VecDeque::from([packet]),
                };
                self.entries.insert(key, entry);
                self.update_deadline();
                (Resolution::Request, evicted)
            }
        }
        // ANCHOR_END: asking
        // END 5.12
    }

    // ANCHOR: update
    /// Notes that `key` is at `ha`, if it is in the cache already. Returns the
    /// packets that waited for that; `None` if it was not in the cache.
    pub fn update(&mut self, key: Key, ha: MacAddr, now: Time) -> Option<VecDeque<Packet>> {
        // EXERCISE 5.9: Remember an address
        let entry = self.entries.get_mut(&key)?;
        if matches!(entry, Entry::Static { .. }) {
            return Some(VecDeque::new());
        }
        debug!(target: "arp::cache_update", "UPDATE: pa={}, ha={ha}", key.1);
        let used = match entry {
            Entry::Resolved { used, .. } => *used,
            _ => now,
        };
        let before = std::mem::replace(entry, Entry::heard(ha, now, used));
        self.update_deadline();
        Some(before.into_waiting())
        // END 5.9
    }
    // ANCHOR_END: update

    // ANCHOR: insert
    /// Notes that `key` is at `ha`; another entry may have to go for it.
    pub fn insert(&mut self, key: Key, ha: MacAddr, now: Time) -> Option<Evicted> {
        // EXERCISE 5.9: Remember an address
        debug!(target: "arp::cache_insert", "INSERT: pa={}, ha={ha}", key.1);
        let evicted = self.make_room();
        self.entries.insert(key, Entry::heard(ha, now, now));
        self.update_deadline();
        evicted
        // END 5.9
    }
    // ANCHOR_END: insert

    /// Enters an address by hand. Returns the packets that waited for it.
    pub fn insert_static(&mut self, key: Key, ha: MacAddr) -> VecDeque<Packet> {
        let before = self.entries.insert(key, Entry::Static { ha });
        self.update_deadline();
        before.map(Entry::into_waiting).unwrap_or_default()
    }

    /// All neighbours that are known.
    pub fn iter(&self) -> impl Iterator<Item = (Key, MacAddr)> {
        self.entries.iter().filter_map(|(key, entry)| match entry {
            Entry::Resolved { ha, .. } | Entry::Static { ha } => Some((*key, *ha)),
            Entry::Incomplete { .. } | Entry::Failed { .. } => None,
        })
    }

    /// Somebody else uses an address of ours on `device`: true if it is time
    /// to say something about it.
    pub fn defend(&mut self, device: usize, now: Time) -> bool {
        let last = self.defended.get(&device);
        let due = last.is_none_or(|last| now >= *last + DEFEND_INTERVAL);
        if due {
            self.defended.insert(device, now);
        }
        due
    }

    /// Nothing that went by way of this neighbour was answered: it is asked
    /// at once whether it is still there, and forgotten if it is not (RFC 1122
    /// §2.3.2.1, the advice from above).
    pub fn doubt(&mut self, key: Key, now: Time) {
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.doubt(now);
        }
        self.update_deadline();
    }

    /// The earliest time at which [`expire`](Self::expire) will find something.
    pub fn deadline(&self) -> Option<Time> {
        self.deadline
    }

    /// Does what is due at `now`, one entry after the other.
    pub fn expire(&mut self, now: Time) -> Option<Expiry> {
        // EXERCISE 5.15: Time passes
        // ANCHOR: due
        if self.deadline.is_none_or(|deadline| deadline > now) {
            return None;
        }
        let timeout = self.timeout;
        let is_due = |entry: &Entry| entry.deadline(timeout).is_some_and(|due| due <= now);
        let (key, entry) = self.entries.iter_mut().find(|(_, entry)| is_due(entry))?;
        let key = *key;
        // ANCHOR_END: due
        let expiry = match entry {
            // ANCHOR: expire_cases
            Entry::Incomplete {
                requested,
                requests,
                ..
            } if *requests < MAX_REQUESTS => {
                *requested = now;
                *requests += 1;
                Expiry::Request(key)
            }
            Entry::Resolved {
                ha,
                updated,
                used,
                probes,
                doubted,
            } if now < *updated + life(timeout, *doubted) => {
                *probes += 1;
                let (ha, in_use) = (*ha, now.since(*used) <= IN_USE);
                self.update_deadline();
                if !in_use {
                    return self.expire(now);
                }
                return Some(Expiry::Probe(key, ha));
            }
            // ANCHOR_END: expire_cases
            // ANCHOR: expire_rest
            _ => match self.delete(key)? {
                Entry::Incomplete { waiting, .. } => {
                    self.entries.insert(key, Entry::Failed { at: now });
                    Expiry::Unresolved(key, waiting)
                }
                _ => Expiry::Expired(key),
            },
        };
        self.update_deadline();
        Some(expiry)
        // ANCHOR_END: expire_rest
        // END 5.15
    }

    // ANCHOR: delete
    fn delete(&mut self, key: Key) -> Option<Entry> {
        let entry = self.entries.remove(&key)?;
        let ha = match &entry {
            Entry::Resolved { ha, .. } | Entry::Static { ha } => *ha,
            Entry::Incomplete { .. } | Entry::Failed { .. } => MacAddr::ANY,
        };
        debug!(target: "arp::cache_delete", "DELETE: pa={}, ha={ha}", key.1);
        Some(entry)
    }
    // ANCHOR_END: delete

    // ANCHOR: make_room
    /// Evicts the entry that was not touched for longest. (Not the one whose
    /// deadline is the first: that would be one that is just being asked for.)
    fn make_room(&mut self) -> Option<Evicted> {
        if self.entries.len() < CACHE_LIMIT {
            return None;
        }
        // EXERCISE 5.10: When the cache is full
        let entries = self.entries.iter();
        let candidates = entries.filter_map(|(key, entry)| Some((entry.touched()?, *key)));
        let (_, oldest) = candidates.min()?;
        let lost = self.delete(oldest)?.into_waiting();
        Some(Evicted(lost.len()))
        // END 5.10
    }
    // ANCHOR_END: make_room

    // ANCHOR: update_deadline
    fn update_deadline(&mut self) {
        let entries = self.entries.values();
        let deadlines = entries.filter_map(|entry| entry.deadline(self.timeout));
        self.deadline = deadlines.min();
    }
    // ANCHOR_END: update_deadline
}

mod waiting;

pub use waiting::WAITING_MEMORY;

#[cfg(test)]
mod tests;
