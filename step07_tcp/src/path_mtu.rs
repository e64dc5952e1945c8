//! Path MTU discovery (RFC 1191, RFC 9293 §3.7.5): the longest datagram that
//! the whole way to the peer can carry.
//!
//! Segments leave with "don't fragment". A router that cannot pass one on
//! reports so by ICMP, with the MTU of the next link; the segment is cut
//! smaller and sent again at once. Such a report can be forged: it must be
//! about a segment in flight, and what it says must fit what we know (RFC 5927
//! §7). A router that drops and says nothing, a black hole, is found by the
//! retransmission timer (RFC 2923 §2.1).

use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;
use std::time::Duration;

use crate::seq::{SeqNumber, octets};
use crate::syn_options::HEADERS;
use crate::tcb::{Context, Tcb};
use crate::time::Time;
use crate::timers::Timer;

/// The MTUs of links that exist, to guess with when a router does not tell
/// (RFC 1191 §7.1), and 1280, which nearly every tunnel carries.
const PLATEAUS: [usize; 11] = [
    65_535, 32_000, 17_914, 8166, 4352, 2002, 1492, 1280, 1006, 508, 296,
];
/// We go no lower: a forged report could make each octet cost forty. If the
/// way carries less than that, routers may fragment.
const FLOOR: usize = 552;
/// After a decrease, and after an increase that went well, a larger MTU is
/// tried (RFC 1191 §6.3: at least 5 minutes, at least 1 minute).
const AFTER_DECREASE: Duration = Duration::from_secs(600);
const AFTER_INCREASE: Duration = Duration::from_secs(120);
/// As many timeouts in a row of a segment that is longer than any that has
/// arrived make a black hole likely.
const BLACK_HOLE: u32 = 3;
/// As many, if others of its length have arrived: then it is more likely that
/// the network is just bad.
const NEW_BLACK_HOLE: u32 = 6;
/// How many destinations are remembered.
const CACHE: usize = 256;

/// The largest of the table that is less than `mtu`.
fn plateau_below(mtu: usize) -> usize {
    let mut below = PLATEAUS.into_iter().filter(|&plateau| plateau < mtu);
    below.next().unwrap_or(FLOOR)
}

/// The smallest of the table that is more than `mtu`.
fn plateau_above(mtu: usize) -> usize {
    let mut above = PLATEAUS.into_iter().rev().filter(|&plateau| plateau > mtu);
    above.next().unwrap_or(usize::MAX)
}

/// A report that a datagram of ours was too long for the next link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooBig {
    /// Its total length.
    pub len: u16,
    /// The MTU of the next link; 0: the router does not know of RFC 1191.
    pub mtu: u16,
}

impl fmt::Display for TooBig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "len={}, mtu={}", self.len, self.mtu)
    }
}

impl TooBig {
    /// The MTU to be taken.
    fn mtu(self) -> usize {
        match self.mtu {
            0 => plateau_below(self.len.into()),
            mtu => mtu.into(),
        }
    }
}

/// What one connection knows of its way.
#[derive(Clone, Copy, Debug)]
pub struct PathMtu {
    /// What we take it to be.
    mtu: usize,
    /// That of the first link.
    first_hop: usize,
    /// Segments leave with "don't fragment".
    dont_fragment: bool,
    /// Text of this length has arrived in one segment.
    arrived: u32,
    /// The longest segment in flight that is longer than that: its end, the
    /// length of its text.
    longest: Option<(SeqNumber, u32)>,
    /// A report that contradicts what has arrived: it counts if the segment
    /// that it is about is not acknowledged before the next timeout.
    doubtful: Option<(SeqNumber, TooBig)>,
}

impl PathMtu {
    /// At the start of a connection over a first link with this MTU.
    pub fn new(first_hop: usize, enabled: bool) -> Self {
        Self {
            mtu: first_hop,
            first_hop,
            dont_fragment: enabled,
            arrived: 0,
            longest: None,
            doubtful: None,
        }
    }

    /// What the way carries, by all that we know.
    pub fn mtu(&self) -> usize {
        self.mtu
    }

    /// Must a segment not be cut on its way?
    pub fn dont_fragment(&self) -> bool {
        self.dont_fragment
    }

    /// Another connection has found out that the way carries only `mtu`.
    pub fn start_with(&mut self, mtu: usize) {
        if self.dont_fragment {
            self.set(mtu);
        }
    }

    fn set(&mut self, mtu: usize) {
        self.dont_fragment = mtu >= FLOOR;
        self.mtu = mtu.max(FLOOR).min(self.first_hop);
        (self.longest, self.doubtful) = (None, None);
    }

    /// Text of `len` octets that ends at `end` is sent in one segment.
    pub fn sent(&mut self, end: SeqNumber, len: u32) {
        let longest = self.longest.map_or(self.arrived, |(_, longest)| longest);
        if len > longest {
            self.longest = Some((end, len));
        }
    }

    /// All before `una` has arrived.
    pub fn acknowledged(&mut self, una: SeqNumber) {
        if let Some((end, len)) = self.longest
            && end.le(una)
        {
            self.arrived = self.arrived.max(len);
            self.longest = None;
        }
        self.doubtful = self.doubtful.filter(|(seq, _)| seq.ge(una));
    }
}

impl Tcb {
    /// ICMP says that a segment, which began at `seq` and is in flight, was too
    /// long for the way.
    pub(crate) fn fragmentation_needed(
        &mut self,
        seq: SeqNumber,
        report: TooBig,
        cx: &mut Context<'_>,
    ) {
        // ANCHOR: credible
        let path = &mut self.path_mtu;
        // A router that tells the truth names less than what did not pass; and
        // we have sent nothing longer than what we take the way to carry.
        let credible = usize::from(report.mtu) < report.len.into()
            && usize::from(report.len) <= path.mtu
            && report.mtu() < path.mtu;
        if !path.dont_fragment || !credible {
            cx.counters.path_mtu_ignored.inc();
            return;
        }
        // Longer ones have arrived. The way may have changed, or somebody lies:
        // time will tell (RFC 5927 §7.2).
        if path.arrived + octets(HEADERS) > octets(report.mtu()) {
            path.doubtful = Some((seq, report));
            return;
        }
        self.lower_path_mtu(report.mtu(), cx);
        self.output(cx);
        // ANCHOR_END: credible
    }

    /// The retransmission timer has expired. Something may be wrong with the way.
    pub(crate) fn suspect_path_mtu(&mut self, cx: &mut Context<'_>) {
        let path = &self.path_mtu;
        if !path.dont_fragment {
            return;
        }
        if let Some((_, report)) = path.doubtful {
            self.lower_path_mtu(report.mtu(), cx);
        } else if let Some(len) = self.queue.first_lost() {
            let enough = if len > path.arrived {
                BLACK_HOLE
            } else {
                NEW_BLACK_HOLE
            };
            // First what nearly all ways carry, then what all do.
            let mtu = if path.mtu > 1280 { 1280 } else { FLOOR - 1 };
            if self.timeouts >= enough && len + octets(HEADERS) > octets(mtu) {
                cx.counters.black_holes.inc();
                self.lower_path_mtu(mtu, cx);
            }
        }
    }

    /// The way carries `mtu` octets and no more. What is in flight and longer
    /// is lost: cut to the new length it is sent again, and that says nothing
    /// about congestion (RFC 1191 §6.5).
    fn lower_path_mtu(&mut self, mtu: usize, cx: &mut Context<'_>) {
        self.path_mtu.set(mtu);
        self.path_mtu.arrived = 0;
        log::debug!(
            target: "tcp::path_mtu",
            "mtu={}, dont_fragment={}, local={}, foreign={}",
            self.path_mtu.mtu, self.path_mtu.dont_fragment, self.local, self.remote
        );
        cx.counters.path_mtu_lowered.inc();
        if cx.path_mtus.remember(*self.remote.ip(), mtu, cx.now) {
            cx.counters.path_mtu_evicted.inc();
        }
        self.timers.set(Timer::PathMtu, cx.now + AFTER_DECREASE);
        self.use_path_mtu();
        self.queue.cut_and_lose_longer(self.mss);
    }

    /// The MSS follows from what the way carries.
    fn use_path_mtu(&mut self) {
        self.mss = self.effective_mss();
        self.congestion.set_mss(self.mss);
    }

    /// A larger MTU is tried: if it is too much, a router will say so.
    pub(crate) fn raise_path_mtu(&mut self, cx: &Context<'_>) {
        let path = &mut self.path_mtu;
        // What was sent in fragments was longer than what passed whole.
        path.set(plateau_above(path.mtu));
        if path.mtu < path.first_hop {
            self.timers.set(Timer::PathMtu, cx.now + AFTER_INCREASE);
        }
        self.use_path_mtu();
    }
}

/// What the ways to other hosts carry, as far as it is less than their first
/// link does: so that not each connection has to find it out (RFC 8201 §5.2).
#[derive(Debug, Default)]
pub struct PathMtus(BTreeMap<Ipv4Addr, (Time, usize)>);

impl PathMtus {
    /// Returns whether another had to go for it.
    fn remember(&mut self, destination: Ipv4Addr, mtu: usize, now: Time) -> bool {
        let full = self.0.len() >= CACHE && !self.0.contains_key(&destination);
        if full {
            let oldest = self.0.iter().min_by_key(|(_, (since, _))| *since);
            if let Some((&oldest, _)) = oldest {
                self.0.remove(&oldest);
            }
        }
        self.0.insert(destination, (now, mtu));
        full
    }

    /// What the way to `destination` carries, if that was found out lately.
    pub fn get(&self, destination: Ipv4Addr, now: Time) -> Option<usize> {
        let &(since, mtu) = self.0.get(&destination)?;
        (now.since(since) < AFTER_DECREASE).then_some(mtu)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plateaus_are_steps_down_and_up() {
        assert_eq!(plateau_below(1500), 1492);
        assert_eq!(plateau_below(1492), 1280);
        assert_eq!(plateau_below(296), FLOOR);
        assert_eq!(plateau_above(1280), 1492);
        assert_eq!(plateau_above(1492), 2002);
        assert_eq!(plateau_above(65_535), usize::MAX);
    }

    #[test]
    fn estimate_stays_between_the_floor_and_the_first_link() {
        let mut path = PathMtu::new(1500, true);
        path.set(9000);
        assert_eq!((path.mtu(), path.dont_fragment()), (1500, true));
        path.set(FLOOR);
        assert_eq!((path.mtu(), path.dont_fragment()), (FLOOR, true));
        path.set(68);
        assert_eq!((path.mtu(), path.dont_fragment()), (FLOOR, false));
        // A first link with less than the floor is what it is.
        let mut path = PathMtu::new(296, true);
        path.set(100);
        assert_eq!((path.mtu(), path.dont_fragment()), (296, false));
    }

    #[test]
    fn memory_is_bounded_and_forgets() {
        let mut known = PathMtus::default();
        for n in 0..1000 {
            let now = Time::from_millis(n.into());
            let full = known.remember(Ipv4Addr::from_bits(n), 1400, now);
            assert_eq!(full, n >= 256);
        }
        assert_eq!(known.0.len(), CACHE);
        let last = Ipv4Addr::from_bits(999);
        assert_eq!(known.get(last, Time::from_millis(1000)), Some(1400));
        assert_eq!(known.get(Ipv4Addr::from_bits(0), Time::ZERO), None);
        let later = Time::from_millis(999) + AFTER_DECREASE;
        assert_eq!(known.get(last, later), None);
    }
}
