//! A TCB in LISTEN state: all it has is an address, and who waits in front of it.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddrV4;

use crate::tcb::Id;
use crate::time::Time;

/// One that waits for connection requests.
#[derive(Clone, Debug)]
pub(crate) struct Listener {
    /// Where it listens; 0.0.0.0 for all addresses of this host.
    pub local: SocketAddrV4,
    /// The only peer it listens for, if it is not open to all.
    pub remote: Option<SocketAddrV4>,
    /// The connections that it has made. `None` for the passive OPEN of RFC
    /// 9293 §3.9.1, whose TCB becomes the one connection itself.
    pub backlog: Option<Backlog>,
}

impl Listener {
    /// Does it listen for segments from `remote` to `local`? The more exactly,
    /// the higher the number.
    pub fn matches(&self, local: SocketAddrV4, remote: SocketAddrV4) -> Option<u8> {
        // ANCHOR: matches
        let any = self.local.ip().is_unspecified();
        let for_us = self.local.port() == local.port() && (any || self.local.ip() == local.ip());
        let from_peer = self.remote.is_none_or(|peer| peer == remote);
        (for_us && from_peer).then_some(2 * u8::from(self.remote.is_some()) + u8::from(!any))
        // ANCHOR_END: matches
    }

    /// Could a segment be for both? Then the second may not be opened. 0.0.0.0
    /// overlaps with every address, whichever of the two came first.
    pub fn overlaps(&self, other: &Self) -> bool {
        let (a, b) = (self.local, other.local);
        let any = a.ip().is_unspecified() || b.ip().is_unspecified();
        a.port() == b.port() && (any || a.ip() == b.ip()) && self.remote == other.remote
    }
}

// ANCHOR: backlog
/// The connections of a listening socket that nobody has accepted yet.
///
/// Nobody is let in while `limit` of them are `ready`. Those who are half-open
/// have a queue of their own, so that a flood of requests does not keep others
/// from being accepted.
#[derive(Clone, Debug)]
pub(crate) struct Backlog {
    limit: usize,
    half_open_limit: usize,
    /// Cookies were sent, and may come back until then.
    pub cookies_until: Option<Time>,
    /// In SYN-RECEIVED, oldest first.
    half_open: VecDeque<Id>,
    /// Established, oldest first.
    ready: VecDeque<Id>,
}
// ANCHOR_END: backlog

impl Backlog {
    /// An empty one. A listener with room for nobody would be none, so there
    /// is room for one at least.
    pub fn new(limit: usize, half_open_limit: usize) -> Self {
        Self {
            limit: limit.max(1),
            half_open_limit: half_open_limit.max(1),
            cookies_until: None,
            half_open: VecDeque::new(),
            ready: VecDeque::new(),
        }
    }

    /// Are there as many to be accepted as may be?
    pub fn is_full(&self) -> bool {
        self.ready.len() >= self.limit
    }

    /// Are there as many half-open ones as may be?
    pub fn is_flooded(&self) -> bool {
        self.half_open.len() >= self.half_open_limit
    }

    pub fn oldest_half_open(&self) -> Option<Id> {
        self.half_open.front().copied()
    }

    pub fn add(&mut self, child: Id) {
        self.half_open.push_back(child);
    }

    /// A child has become established. False if it had been before.
    pub fn promote(&mut self, child: Id) -> bool {
        let waiting = self.half_open.iter().position(|&id| id == child);
        if let Some(place) = waiting {
            self.half_open.remove(place);
            self.ready.push_back(child);
        }
        waiting.is_some()
    }

    /// A child is gone.
    pub fn remove(&mut self, child: Id) {
        self.half_open.retain(|&id| id != child);
        self.ready.retain(|&id| id != child);
    }

    /// The next child to be accepted.
    pub fn accept(&mut self) -> Option<Id> {
        self.ready.pop_front()
    }

    /// How many can be accepted.
    pub fn ready(&self) -> usize {
        self.ready.len()
    }

    /// All children.
    pub fn children(&self) -> impl Iterator<Item = Id> + '_ {
        self.half_open.iter().chain(&self.ready).copied()
    }
}

/// All listeners, and where they listen.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    by_id: BTreeMap<Id, Listener>,
    /// On one port there are few.
    by_port: BTreeMap<u16, Vec<Id>>,
}

impl Listeners {
    pub fn insert(&mut self, id: Id, listener: Listener) {
        self.by_port
            .entry(listener.local.port())
            .or_default()
            .push(id);
        self.by_id.insert(id, listener);
    }

    pub fn remove(&mut self, id: Id) -> Option<Listener> {
        let listener = self.by_id.remove(&id)?;
        let port = listener.local.port();
        if let Some(ids) = self.by_port.get_mut(&port) {
            ids.retain(|&other| other != id);
            if ids.is_empty() {
                self.by_port.remove(&port);
            }
        }
        Some(listener)
    }

    pub fn get(&self, id: Id) -> Option<&Listener> {
        self.by_id.get(&id)
    }

    /// The backlog of a listening socket; `None` if it is not one.
    pub fn backlog(&self, id: Id) -> Option<&Backlog> {
        self.by_id.get(&id)?.backlog.as_ref()
    }

    /// The same, to be changed.
    pub fn backlog_mut(&mut self, id: Id) -> Option<&mut Backlog> {
        self.by_id.get_mut(&id)?.backlog.as_mut()
    }

    /// Who listens for segments from `remote` to `local`.
    pub fn find(&self, local: SocketAddrV4, remote: SocketAddrV4) -> Option<Id> {
        let matching =
            |(id, listener): (Id, &Listener)| Some((listener.matches(local, remote)?, id));
        self.on_port(local.port())
            .filter_map(matching)
            .max_by_key(|&(grade, _)| grade)
            .map(|(_, id)| id)
    }

    /// Is there one that could take segments meant for `other`?
    pub fn conflicts_with(&self, other: &Listener) -> bool {
        self.on_port(other.local.port())
            .any(|(_, listener)| listener.overlaps(other))
    }

    /// Does anyone listen on this port?
    pub fn uses_port(&self, port: u16) -> bool {
        self.by_port.contains_key(&port)
    }

    pub fn iter(&self) -> impl Iterator<Item = (Id, &Listener)> {
        self.by_id.iter().map(|(&id, listener)| (id, listener))
    }

    fn on_port(&self, port: u16) -> impl Iterator<Item = (Id, &Listener)> {
        let ids = self.by_port.get(&port).into_iter().flatten();
        ids.filter_map(|&id| Some((id, self.by_id.get(&id)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listener(local: &str, remote: Option<&str>) -> Listener {
        let remote = remote.map(|remote| remote.parse().unwrap());
        Listener {
            local: local.parse().unwrap(),
            remote,
            backlog: None,
        }
    }

    #[test]
    fn overlap_is_the_same_from_both_sides() {
        let any = listener("0.0.0.0:7", None);
        let one = listener("192.0.2.2:7", None);
        let two = listener("192.0.2.3:7", None);
        let other_port = listener("0.0.0.0:8", None);
        let for_peer = listener("0.0.0.0:7", Some("192.0.2.1:9"));
        for (a, b, expected) in [
            (&any, &one, true),
            (&one, &one, true),
            (&one, &two, false),
            (&any, &other_port, false),
            (&any, &for_peer, false),
        ] {
            assert_eq!(a.overlaps(b), expected, "{a:?} {b:?}");
            assert_eq!(b.overlaps(a), expected, "{b:?} {a:?}");
        }
    }

    #[test]
    fn the_more_exact_match_wins() {
        let local = "192.0.2.2:7".parse().unwrap();
        let peer = "192.0.2.1:9".parse().unwrap();
        let grade = |listener: Listener| listener.matches(local, peer);
        assert_eq!(grade(listener("0.0.0.0:7", None)), Some(0));
        assert_eq!(grade(listener("192.0.2.2:7", None)), Some(1));
        assert_eq!(grade(listener("0.0.0.0:7", Some("192.0.2.1:9"))), Some(2));
        assert_eq!(grade(listener("192.0.2.2:7", Some("192.0.2.1:9"))), Some(3));
        assert_eq!(grade(listener("192.0.2.2:7", Some("192.0.2.1:8"))), None);
        assert_eq!(grade(listener("192.0.2.3:7", None)), None);
        assert_eq!(grade(listener("0.0.0.0:8", None)), None);
    }
}
