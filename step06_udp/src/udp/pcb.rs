//! Control blocks: who has which port, and what waits for him.
//!
//! Pure logic: it cannot send, lock or tell the time.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};

use log::debug;

use crate::ip::Parameters;
use crate::udp::message::{Arrival, ErrorReport};

/// The ports that are given to who does not ask for one (RFC 6335 §6).
pub const EPHEMERAL: std::ops::RangeInclusive<u16> = 49152..=65535;

// ANCHOR: limits
/// How many octets may wait for one socket; each datagram counts with
/// [`OVERHEAD`] more.
pub const QUEUE_LIMIT: usize = 208 * 1024;

/// What a queued datagram costs besides its data, in octets.
const OVERHEAD: usize = 256;
// ANCHOR_END: limits

/// How many error reports wait for one socket; the oldest goes for a new one.
pub const REPORT_LIMIT: usize = 16;

/// Names a control block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id(u64);

impl Id {
    /// What sleepers sleep for.
    pub(super) fn key(self) -> u64 {
        self.0
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

// ANCHOR: pcb
/// A socket's control block.
#[derive(Debug)]
pub struct Pcb {
    /// Its own address; 0.0.0.0 for all of the host's.
    pub local: SocketAddrV4,
    /// The only one that it talks to, if it is connected.
    pub remote: Option<SocketAddrV4>,
    /// It may send to broadcast addresses.
    pub broadcast: bool,
    /// What it asks of IP for what it sends.
    pub parameters: Parameters,
    /// What went wrong with what was sent, not told yet.
    pub error: Option<io::ErrorKind>,
    /// The same for a socket that is not connected: it must ask.
    pub reports: VecDeque<ErrorReport>,
    queue: VecDeque<Arrival>,
    queued: usize,
}
// ANCHOR_END: pcb

/// What has become of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It waits for this socket.
    Queued(Id),
    /// It was dropped: too much waits already.
    QueueFull,
    /// It was dropped: nobody has the port.
    NoSuchPort,
}

/// The table of control blocks.
#[derive(Debug, Default)]
pub struct State {
    pcbs: BTreeMap<Id, Pcb>,
    by_port: BTreeMap<u16, Vec<Id>>,
    next_id: u64,
}

// ANCHOR: overlap
/// True if a datagram for one could be meant for the other.
fn overlap(a: Ipv4Addr, b: Ipv4Addr) -> bool {
    a == b || a.is_unspecified() || b.is_unspecified()
}
// ANCHOR_END: overlap

impl State {
    /// Opens a control block for `local`. Port 0 asks for any free port;
    /// `random` decides which, so that nobody outside can guess it (RFC 6056).
    ///
    /// # Errors
    /// `AddrInUse`: another socket has it, or all ports are taken.
    pub fn open(&mut self, mut local: SocketAddrV4, random: u64) -> io::Result<Id> {
        // EXERCISE 6.5: A port of one's own
        // ANCHOR: bind
        if local.port() == 0 {
            let port = self.free_port(*local.ip(), random);
            local.set_port(port.ok_or(io::ErrorKind::AddrInUse)?);
            debug!(target: "udp::bind", "dynamic assign local port, port={}", local.port());
        } else if let Some((id, exist)) = self.conflict(local) {
            debug!(target: "udp::bind", "already in use, id={id}, want={local}, exist={exist}");
            return Err(io::ErrorKind::AddrInUse.into());
        }
        // ANCHOR_END: bind
        let id = Id(self.next_id);
        self.next_id += 1;
        self.by_port.entry(local.port()).or_default().push(id);
        let pcb = Pcb {
            local,
            remote: None,
            broadcast: false,
            parameters: Parameters::default(),
            error: None,
            reports: VecDeque::new(),
            queue: VecDeque::new(),
            queued: 0,
        };
        self.pcbs.insert(id, pcb);
        debug!(target: "udp::bind", "bound, id={id}, local={local}");
        Ok(id)
        // END 6.5
    }

    // ANCHOR: conflict
    /// Another socket that would get what is meant for `local`.
    fn conflict(&self, local: SocketAddrV4) -> Option<(Id, SocketAddrV4)> {
        // EXERCISE 6.5: A port of one's own
        let ids = self.by_port.get(&local.port())?.iter();
        let mut bound = ids.filter_map(|id| Some((*id, self.pcbs.get(id)?.local)));
        bound.find(|(_, exist)| overlap(*exist.ip(), *local.ip()))
        // END 6.5
    }
    // ANCHOR_END: conflict

    // ANCHOR: free_port
    fn free_port(&self, addr: Ipv4Addr, random: u64) -> Option<u16> {
        // EXERCISE 6.6: A port that nobody can guess
        let (first, last) = (*EPHEMERAL.start(), *EPHEMERAL.end());
        let count = u64::from(last - first) + 1;
        let start = random % count;
        let ports = (0..count).map(|n| first + u16::try_from((start + n) % count).unwrap_or(0));
        let mut free = ports.filter(|port| self.conflict(SocketAddrV4::new(addr, *port)).is_none());
        free.next()
        // END 6.6
    }
    // ANCHOR_END: free_port

    /// Closes a control block; what waits for it is lost.
    pub fn close(&mut self, id: Id) {
        if let Some(pcb) = self.pcbs.remove(&id) {
            let port = pcb.local.port();
            if let Some(ids) = self.by_port.get_mut(&port) {
                ids.retain(|other| *other != id);
                if ids.is_empty() {
                    self.by_port.remove(&port);
                }
            }
            debug!(target: "udp::close", "closed, id={id}, local={}", pcb.local);
        }
    }

    /// The control block `id`.
    ///
    /// # Errors
    /// `NotConnected`: it was closed.
    pub fn get(&mut self, id: Id) -> io::Result<&mut Pcb> {
        self.pcbs.get_mut(&id).ok_or_else(|| {
            debug!(target: "udp::pcb", "pcb not found, id={id}");
            io::ErrorKind::NotConnected.into()
        })
    }

    // ANCHOR: select
    /// Who gets a datagram from `remote` to `local`: the most specific socket,
    /// that is, one connected to `remote`, else one bound to the very address,
    /// else one bound to all.
    fn select(&self, local: SocketAddrV4, remote: SocketAddrV4) -> Option<Id> {
        // EXERCISE 6.7: Whose datagram is it?
        let ids = self.by_port.get(&local.port())?.iter();
        let rated = ids.filter_map(|id| {
            let pcb = self.pcbs.get(id)?;
            let addressed = overlap(*pcb.local.ip(), *local.ip());
            let expected = pcb.remote.is_none_or(|expected| expected == remote);
            let specific = (pcb.remote.is_some(), pcb.local.ip() == local.ip());
            (addressed && expected).then_some((specific, *id))
        });
        rated.max().map(|(_, id)| id)
        // END 6.7
    }
    // ANCHOR_END: select

    // ANCHOR: deliver
    /// Queues a datagram to `local` for whom it is meant.
    pub fn deliver(&mut self, local: SocketAddrV4, arrival: Arrival) -> Delivery {
        // EXERCISE 6.7: Whose datagram is it?
        let id = self.select(local, arrival.from);
        let Some((id, pcb)) = id.and_then(|id| Some((id, self.pcbs.get_mut(&id)?))) else {
            return Delivery::NoSuchPort;
        };
        let cost = arrival.data.len() + OVERHEAD;
        if pcb.queued + cost > QUEUE_LIMIT {
            debug!(target: "udp::input", "queue is full, id={id}, num={}", pcb.queue.len());
            return Delivery::QueueFull;
        }
        pcb.queued += cost;
        pcb.queue.push_back(arrival);
        debug!(target: "udp::input", "queue pushed: id={id}, num={}", pcb.queue.len());
        Delivery::Queued(id)
        // END 6.7
    }
    // ANCHOR_END: deliver

    /// Notes an error about a datagram that was sent from `local`. A connected
    /// socket fails with it; another one, which talks to many, has to ask for
    /// the report (RFC 1122 §4.1.3.3). Returns whose it is, and whether an older
    /// report was lost for it.
    pub fn error(&mut self, local: SocketAddrV4, report: ErrorReport) -> Option<(Id, bool)> {
        let id = self.select(local, report.to)?;
        let pcb = self.pcbs.get_mut(&id)?;
        if pcb.remote.is_some() {
            pcb.error = Some(report.kind);
            return Some((id, false));
        }
        let full = pcb.reports.len() >= REPORT_LIMIT;
        if full {
            pcb.reports.pop_front();
        }
        pcb.reports.push_back(report);
        Some((id, full))
    }

    /// The sockets, for the status page: local, remote, octets waiting.
    pub fn iter(&self) -> impl Iterator<Item = (SocketAddrV4, Option<SocketAddrV4>, usize)> {
        self.pcbs
            .values()
            .map(|pcb| (pcb.local, pcb.remote, pcb.queued))
    }
}

impl Pcb {
    /// Takes the next datagram, with its sender.
    pub fn pop(&mut self) -> Option<Arrival> {
        let arrival = self.queue.pop_front()?;
        self.queued -= arrival.data.len() + OVERHEAD;
        Some(arrival)
    }

    /// Looks at the next datagram, and leaves it.
    pub fn peek(&self) -> Option<&Arrival> {
        self.queue.front()
    }

    /// Limits the socket to `remote`; what others have sent is dropped.
    pub fn connect(&mut self, local: Ipv4Addr, remote: SocketAddrV4) {
        self.local.set_ip(local);
        self.remote = Some(remote);
        self.queue.retain(|arrival| arrival.from == remote);
        let costs = self.queue.iter();
        self.queued = costs.map(|arrival| arrival.data.len() + OVERHEAD).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ip::Options;
    use crate::packet::Packet;

    fn addr(text: &str) -> SocketAddrV4 {
        text.parse().unwrap()
    }

    fn arrival(from: SocketAddrV4, len: usize) -> Arrival {
        Arrival {
            from,
            to: Ipv4Addr::new(192, 0, 2, 2),
            tos: 0,
            options: Options::NONE,
            data: Packet::zeroed(len),
        }
    }

    fn report(to: SocketAddrV4) -> ErrorReport {
        ErrorReport {
            to,
            from: *to.ip(),
            kind: io::ErrorKind::ConnectionRefused,
        }
    }

    #[test]
    fn overlapping_addresses_conflict_both_ways() {
        for (first, second, conflict) in [
            ("0.0.0.0:7", "0.0.0.0:7", true),
            ("0.0.0.0:7", "192.0.2.2:7", true),
            ("192.0.2.2:7", "0.0.0.0:7", true),
            ("192.0.2.2:7", "127.0.0.1:7", false),
            ("192.0.2.2:7", "192.0.2.2:8", false),
        ] {
            let mut state = State::default();
            let id = state.open(addr(first), 0).unwrap();
            let kind = state
                .open(addr(second), 0)
                .map(|_| ())
                .map_err(|e| e.kind());
            let expected = if conflict {
                Err(io::ErrorKind::AddrInUse)
            } else {
                Ok(())
            };
            assert_eq!(kind, expected, "{first} and {second}");
            state.close(id);
            assert!(
                !conflict || state.open(addr(second), 0).is_ok(),
                "free again"
            );
        }
    }

    #[test]
    fn the_most_specific_socket_gets_it() {
        let mut state = State::default();
        let wild = state.open(addr("0.0.0.0:7"), 0).unwrap();
        let (here, peer, other) = (
            addr("192.0.2.2:7"),
            addr("192.0.2.1:9"),
            addr("192.0.2.1:10"),
        );
        assert_eq!(state.select(here, peer), Some(wild));
        state.get(wild).unwrap().connect(*here.ip(), peer);
        assert_eq!(state.select(here, peer), Some(wild));
        assert_eq!(state.select(here, other), None, "connected to another");
        assert_eq!(state.deliver(here, arrival(other, 1)), Delivery::NoSuchPort);
        assert_eq!(state.error(here, report(peer)), Some((wild, false)));
        assert_eq!(state.error(here, report(other)), None);
    }

    #[test]
    fn queues_are_bounded_by_octets() {
        let mut state = State::default();
        let id = state.open(addr("0.0.0.0:7"), 0).unwrap();
        let (here, peer) = (addr("192.0.2.2:7"), addr("192.0.2.1:9"));
        let mut queued = 0;
        while state.deliver(here, arrival(peer, 1000)) != Delivery::QueueFull {
            queued += 1;
        }
        assert_eq!(queued, QUEUE_LIMIT / (1000 + OVERHEAD));
        // Empty datagrams are not free either.
        assert!(state.get(id).unwrap().pop().is_some());
        let empty = (0..100_000)
            .take_while(|_| state.deliver(here, arrival(peer, 0)) != Delivery::QueueFull);
        assert!(empty.count() < 10);
        while state.get(id).unwrap().pop().is_some() {}
        assert_eq!(state.get(id).unwrap().queued, 0);
    }

    #[test]
    fn reports_are_bounded_and_the_latest_stay() {
        let mut state = State::default();
        let id = state.open(addr("0.0.0.0:7"), 0).unwrap();
        for port in 1..=100 {
            let peer = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), port);
            assert_eq!(
                state.error(addr("192.0.2.2:7"), report(peer)),
                Some((id, usize::from(port) > REPORT_LIMIT))
            );
        }
        let reports = &state.get(id).unwrap().reports;
        assert_eq!(reports.len(), REPORT_LIMIT);
        assert_eq!(reports.back().unwrap().to.port(), 100);
    }

    #[test]
    fn ephemeral_ports_run_out() {
        let mut state = State::default();
        let any = addr("0.0.0.0:0");
        for n in 0..16384 {
            let id = state.open(any, n * 7919).unwrap();
            assert!(EPHEMERAL.contains(&state.get(id).unwrap().local.port()));
        }
        assert_eq!(
            state.open(any, 1).unwrap_err().kind(),
            io::ErrorKind::AddrInUse
        );
    }
}
