//! The cache of neighbours, and what is done about those that are not in it.
//!
//! Pure logic: it cannot send, lock or tell the time. It says what is to be
//! sent, and [`Arp`](super::Arp) does it.

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;
use std::time::Duration;

use log::debug;

use crate::ethernet::MacAddr;
use crate::packet::Packet;
use crate::time::Time;

/// How long an address is believed after it was last heard (the original's 30 s).
pub const CACHE_TIMEOUT: Duration = Duration::from_secs(30);
/// When a neighbour that is still talked to is asked whether it is still there
/// (RFC 1122 §2.3.2.1: unicast poll), before its entry expires.
pub const PROBE_AFTER: Duration = Duration::from_secs(25);
/// How lately a packet must have been sent to it for that.
const IN_USE: Duration = Duration::from_secs(10);
/// How long an answer is waited for before the request is repeated
/// (RFC 1122 §2.3.2.1: at most one request a second per address).
pub const REQUEST_INTERVAL: Duration = Duration::from_secs(1);
/// How many requests are sent before the neighbour counts as unreachable.
pub const MAX_REQUESTS: u32 = 3;
/// How many neighbours are remembered.
pub const CACHE_LIMIT: usize = 256;
/// How many packets wait for one address (RFC 1122 §2.3.2.2: at least one):
/// the fragments of the longest datagram, and a few more.
pub const WAITING_LIMIT: usize = 64;

/// A neighbour: the device that it is behind (by index), and its address.
pub type Key = (usize, Ipv4Addr);

#[derive(Debug)]
enum Entry {
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
    },
    /// Entered by hand: never changes, never expires.
    Static { ha: MacAddr },
}

impl Entry {
    /// A neighbour that was heard at `now`.
    fn heard(ha: MacAddr, now: Time, used: Time) -> Self {
        Self::Resolved {
            ha,
            updated: now,
            used,
            probes: 0,
        }
    }

    /// When it was asked for or heard last; `None`: it is not to be forgotten.
    fn touched(&self) -> Option<Time> {
        match self {
            Self::Incomplete { requested, .. } => Some(*requested),
            Self::Resolved { updated, .. } => Some(*updated),
            Self::Static { .. } => None,
        }
    }

    /// What waits for its address.
    fn into_waiting(self) -> VecDeque<Packet> {
        match self {
            Self::Incomplete { waiting, .. } => waiting,
            _ => VecDeque::new(),
        }
    }

    /// When something is to be done about it.
    fn deadline(&self) -> Option<Time> {
        match self {
            Self::Incomplete { requested, .. } => Some(*requested + REQUEST_INTERVAL),
            Self::Resolved {
                updated, probes, ..
            } => {
                let probe = PROBE_AFTER + REQUEST_INTERVAL * *probes;
                Some(*updated + probe.min(CACHE_TIMEOUT))
            }
            Self::Static { .. } => None,
        }
    }
}

/// What is to be done with a packet for a neighbour.
#[derive(Debug, PartialEq, Eq)]
pub enum Resolution {
    /// The address is known: send it.
    Send(MacAddr, Packet),
    /// The packet waits; a request is to be sent.
    Request,
    /// The packet waits; a request is under way.
    Wait,
    /// The packet is lost: too many wait already.
    QueueFull,
}

/// A neighbour was forgotten to make room for another: so many packets that
/// waited for its address are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evicted(pub usize);

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

/// The cache.
#[derive(Debug, Default)]
pub struct Cache {
    entries: BTreeMap<Key, Entry>,
    /// The earliest deadline of all entries.
    deadline: Option<Time>,
}

impl Cache {
    // ANCHOR: resolve
    /// Decides about `packet`, which is for the neighbour `key`.
    pub fn resolve(
        &mut self,
        key: Key,
        packet: Packet,
        now: Time,
    ) -> (Resolution, Option<Evicted>) {
        match self.entries.get_mut(&key) {
            Some(Entry::Resolved { ha, used, .. }) => {
                *used = now;
                (Resolution::Send(*ha, packet), None)
            }
            Some(Entry::Static { ha }) => (Resolution::Send(*ha, packet), None),
            Some(Entry::Incomplete { waiting, .. }) if waiting.len() >= WAITING_LIMIT => {
                (Resolution::QueueFull, None)
            }
            Some(Entry::Incomplete { waiting, .. }) => {
                waiting.push_back(packet);
                (Resolution::Wait, None)
            }
            None => {
                debug!(target: "arp::resolve", "cache not found, pa={}", key.1);
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
    }
    // ANCHOR_END: resolve

    // ANCHOR: update
    /// Notes that `key` is at `ha`, if it is in the cache already. Returns the
    /// packets that waited for that; `None` if it was not in the cache.
    pub fn update(&mut self, key: Key, ha: MacAddr, now: Time) -> Option<VecDeque<Packet>> {
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
    }
    // ANCHOR_END: update

    /// Notes that `key` is at `ha`; another entry may have to go for it.
    pub fn insert(&mut self, key: Key, ha: MacAddr, now: Time) -> Option<Evicted> {
        debug!(target: "arp::cache_insert", "INSERT: pa={}, ha={ha}", key.1);
        let evicted = self.make_room();
        self.entries.insert(key, Entry::heard(ha, now, now));
        self.update_deadline();
        evicted
    }

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
            Entry::Incomplete { .. } => None,
        })
    }

    /// The earliest time at which [`expire`](Self::expire) will find something.
    pub fn deadline(&self) -> Option<Time> {
        self.deadline
    }

    // ANCHOR: expire
    /// Does what is due at `now`, one entry after the other.
    pub fn expire(&mut self, now: Time) -> Option<Expiry> {
        if self.deadline.is_none_or(|deadline| deadline > now) {
            return None;
        }
        let is_due = |entry: &Entry| entry.deadline().is_some_and(|deadline| deadline <= now);
        let (key, entry) = self.entries.iter_mut().find(|(_, entry)| is_due(entry))?;
        let key = *key;
        let expiry = match entry {
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
            } if now < *updated + CACHE_TIMEOUT => {
                *probes += 1;
                let (ha, in_use) = (*ha, now.since(*used) <= IN_USE);
                self.update_deadline();
                if !in_use {
                    return self.expire(now);
                }
                return Some(Expiry::Probe(key, ha));
            }
            _ => match self.delete(key)? {
                Entry::Incomplete { waiting, .. } => Expiry::Unresolved(key, waiting),
                _ => Expiry::Expired(key),
            },
        };
        self.update_deadline();
        Some(expiry)
    }
    // ANCHOR_END: expire

    fn delete(&mut self, key: Key) -> Option<Entry> {
        let entry = self.entries.remove(&key)?;
        let ha = match &entry {
            Entry::Resolved { ha, .. } | Entry::Static { ha } => *ha,
            Entry::Incomplete { .. } => MacAddr::ANY,
        };
        debug!(target: "arp::cache_delete", "DELETE: pa={}, ha={ha}", key.1);
        Some(entry)
    }

    /// Evicts the entry that was not touched for longest. (Not the one whose
    /// deadline is the first: that would be one that is just being asked for.)
    fn make_room(&mut self) -> Option<Evicted> {
        if self.entries.len() < CACHE_LIMIT {
            return None;
        }
        let entries = self.entries.iter();
        let candidates = entries.filter_map(|(key, entry)| Some((entry.touched()?, *key)));
        let (_, oldest) = candidates.min()?;
        let lost = self.delete(oldest)?.into_waiting();
        Some(Evicted(lost.len()))
    }

    fn update_deadline(&mut self) {
        self.deadline = self.entries.values().filter_map(Entry::deadline).min();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HA: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);

    fn key(n: u8) -> Key {
        (1, Ipv4Addr::new(192, 0, 2, n))
    }

    fn ms(ms: u64) -> Time {
        Time::from_millis(ms)
    }

    #[test]
    fn a_packet_waits_for_its_resolution() {
        let mut cache = Cache::default();
        let packet = |n| Packet::new(&[n]);
        assert_eq!(
            cache.resolve(key(1), packet(1), ms(0)).0,
            Resolution::Request
        );
        assert_eq!(cache.resolve(key(1), packet(2), ms(0)).0, Resolution::Wait);
        assert_eq!(cache.update(key(2), HA, ms(5)), None, "not asked for");
        let waited = cache.update(key(1), HA, ms(5)).unwrap();
        assert_eq!(waited, [packet(1), packet(2)]);
        assert_eq!(
            cache.resolve(key(1), packet(3), ms(6)).0,
            Resolution::Send(HA, packet(3))
        );
        // The same address on another device is another neighbour.
        let elsewhere = (2, key(1).1);
        assert_eq!(
            cache.resolve(elsewhere, packet(4), ms(6)).0,
            Resolution::Request
        );
    }

    #[test]
    fn requests_are_repeated_and_then_given_up() {
        let mut cache = Cache::default();
        cache.resolve(key(1), Packet::new(b"x"), ms(0));
        assert_eq!(cache.expire(ms(999)), None);
        for n in 1..MAX_REQUESTS {
            let at = cache.deadline().unwrap();
            assert_eq!(at, ms(1000 * u64::from(n)));
            assert_eq!(cache.expire(at), Some(Expiry::Request(key(1))));
            assert_eq!(cache.expire(at), None);
        }
        let lost = VecDeque::from([Packet::new(b"x")]);
        assert_eq!(
            cache.expire(ms(3000)),
            Some(Expiry::Unresolved(key(1), lost))
        );
        assert_eq!(cache.deadline(), None);
        // Forgotten: the next packet asks again.
        assert_eq!(
            cache.resolve(key(1), Packet::new(b"y"), ms(3001)).0,
            Resolution::Request
        );
    }

    #[test]
    fn addresses_expire_unless_they_are_heard_again_or_static() {
        let mut cache = Cache::default();
        cache.insert(key(1), HA, ms(0));
        cache.insert(key(2), HA, ms(0));
        cache.insert_static(key(3), HA);
        cache.update(key(2), HA, ms(10_000));
        assert_eq!(cache.expire(ms(30_000)), Some(Expiry::Expired(key(1))));
        assert_eq!(cache.expire(ms(30_000)), None);
        assert_eq!(cache.expire(ms(40_000)), Some(Expiry::Expired(key(2))));
        assert_eq!(cache.expire(ms(1_000_000)), None);
        // Static entries do not change either.
        cache.update(key(3), MacAddr::ANY, ms(2));
        assert_eq!(cache.iter().collect::<Vec<_>>(), [(key(3), HA)]);
    }

    #[test]
    fn who_is_talked_to_is_asked_before_he_is_forgotten() {
        let mut cache = Cache::default();
        cache.insert(key(1), HA, ms(0));
        cache.insert(key(2), HA, ms(0));
        cache.resolve(key(1), Packet::new(b"x"), ms(20_000));
        assert_eq!(cache.expire(ms(24_999)), None);
        assert_eq!(cache.expire(ms(25_000)), Some(Expiry::Probe(key(1), HA)));
        assert_eq!(cache.expire(ms(25_000)), None, "once a second");
        assert_eq!(cache.expire(ms(26_000)), Some(Expiry::Probe(key(1), HA)));
        // It answers: another half minute. The other one was not asked.
        cache.update(key(1), HA, ms(26_001));
        assert_eq!(cache.expire(ms(30_000)), Some(Expiry::Expired(key(2))));
        assert_eq!(cache.expire(ms(50_000)), None);
        // Nothing was sent to it lately: it is forgotten in silence.
        assert_eq!(cache.expire(ms(56_001)), Some(Expiry::Expired(key(1))));
    }

    #[test]
    fn cache_and_queue_are_bounded() {
        let mut cache = Cache::default();
        cache.insert_static(key(0), HA);
        for n in 0..1000u32 {
            let neighbour = (1, Ipv4Addr::from_bits(0x0a00_0000 + n));
            let evicted = cache.insert(neighbour, HA, ms(n.into()));
            assert_eq!(evicted.is_some(), n as usize + 1 >= CACHE_LIMIT, "{n}");
        }
        assert_eq!(cache.entries.len(), CACHE_LIMIT);
        assert!(cache.entries.contains_key(&key(0)), "static entries stay");
        for n in 0..WAITING_LIMIT + 3 {
            let (resolution, _) = cache.resolve(key(9), Packet::new(b"x"), ms(2000));
            assert_eq!(resolution == Resolution::QueueFull, n >= WAITING_LIMIT);
        }
    }
}
