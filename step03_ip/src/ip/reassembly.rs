//! Fragments become datagrams again (RFC 791 §3.2, RFC 815).
//!
//! Pure logic: it cannot send, lock or tell the time. Fragments may come in
//! any order and more than once. Two that overlap without being equal are no
//! accident but an attack, or damage: their datagram is dropped, with whatever
//! else of it still comes (as RFC 5722 has it for IPv6).

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use crate::checksum::checksum;
use crate::ip::header::{Header, IpProtocol};
use crate::packet::Packet;
use crate::time::Time;

// ANCHOR: limits
/// How long the rest of a datagram is waited for (RFC 1122 §3.3.2: 60 to 120 s).
pub const TIMEOUT: Duration = Duration::from_secs(60);
/// How many octets all fragments together may occupy: four of the longest datagrams.
pub const MEMORY_LIMIT: usize = 4 * 65_535;
/// What a fragment costs besides its octets.
const OVERHEAD: usize = 256;
/// What a datagram costs besides its fragments: its places in the maps.
const PARTIAL_OVERHEAD: usize = 1024;
// ANCHOR_END: limits
/// The longest datagram, in octets.
const MAX_LEN: usize = 65_535;

// ANCHOR: key
/// What fragments of one datagram have in common (RFC 791 §3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    src: Ipv4Addr,
    dst: Ipv4Addr,
    protocol: IpProtocol,
    id: u16,
}
// ANCHOR_END: key

// ANCHOR: partial
/// A datagram of which not all has come yet.
#[derive(Debug)]
struct Partial {
    deadline: Time,
    /// The device at which it began to arrive, by index.
    device: usize,
    /// Payloads by offset. No two overlap.
    pieces: BTreeMap<usize, Packet>,
    /// The fragment that begins at 0, as it came: it has the header for all,
    /// and an error message quotes it.
    first: Option<(Header, Packet)>,
    /// Length of the payload, once the last fragment has told it.
    len: Option<usize>,
    /// What it occupies.
    cost: usize,
    /// Fragments overlapped: nothing will come of it.
    spoilt: bool,
}
// ANCHOR_END: partial

/// What has become of a fragment.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was the last one missing: the datagram, its header before it.
    Whole(Header, Packet),
    /// It waits for the others.
    Held,
    /// It was there already.
    Duplicate,
    /// It cannot be part of any datagram: dropped.
    Malformed,
    /// It overlaps with another: dropped, with all its datagram.
    Overlap,
}

/// A datagram whose rest has not come in time.
#[derive(Debug)]
pub struct Expired {
    /// The device at which it began to arrive, by index.
    pub device: usize,
    /// Its first fragment, with its header before it, if it is there.
    pub first: Option<(Header, Packet)>,
}

/// All datagrams of which not all has come yet.
#[derive(Debug, Default)]
pub struct Reassembly {
    partials: BTreeMap<Key, Partial>,
    cost: usize,
}

impl Reassembly {
    /// Takes the fragment `packet`, whose header is `header`. Also says how
    /// many datagrams had to go for lack of room.
    pub fn insert(
        &mut self,
        header: &Header,
        packet: Packet,
        device: usize,
        now: Time,
    ) -> (Outcome, usize) {
        // ANCHOR: insert
        let (offset, more) = (header.fragment.offset(), header.fragment.more_fragments());
        let end = offset + usize::from(header.payload_len());
        // All but the last carry a multiple of 8 octets (RFC 791 §3.1).
        let cut_right =
            !more || (header.payload_len() > 0 && header.payload_len().is_multiple_of(8));
        if !cut_right || end + usize::from(header.header_len) > MAX_LEN {
            return (Outcome::Malformed, 0);
        }
        // ANCHOR_END: insert
        let key = Key {
            src: header.src,
            dst: header.dst,
            protocol: header.protocol,
            id: header.id,
        };
        // ANCHOR: enter
        // The first one is kept twice.
        let evicted = self.make_room(key, 2 * packet.len() + OVERHEAD + PARTIAL_OVERHEAD);
        let partial = self.partials.entry(key).or_insert_with(|| Partial {
            deadline: now + TIMEOUT,
            device,
            pieces: BTreeMap::new(),
            first: None,
            len: None,
            cost: 0,
            spoilt: false,
        });
        let before = partial.cost;
        partial.cost = before.max(PARTIAL_OVERHEAD);
        let outcome = partial.insert(header, packet, offset..end, more);
        self.cost = self.cost + partial.cost - before;
        if outcome == Outcome::Held
            && let Some((header, packet)) = partial.whole()
        {
            self.remove(key);
            return (Outcome::Whole(header, packet), evicted);
        }
        // ANCHOR_END: enter
        (outcome, evicted)
    }

    // ANCHOR: make_room
    /// Lets the oldest datagrams go until there is room for `cost` more; the
    /// one that it is for (tiny pieces can make it large) goes last.
    fn make_room(&mut self, current: Key, cost: usize) -> usize {
        let mut evicted = 0;
        while self.cost + cost > MEMORY_LIMIT {
            let age = |(key, partial): &(&Key, &Partial)| (**key == current, partial.deadline);
            let Some((&oldest, _)) = self.partials.iter().min_by_key(age) else {
                break;
            };
            self.remove(oldest);
            evicted += 1;
        }
        evicted
    }
    // ANCHOR_END: make_room

    fn remove(&mut self, key: Key) -> Option<Partial> {
        let partial = self.partials.remove(&key)?;
        self.cost -= partial.cost;
        Some(partial)
    }

    /// When [`expire`](Self::expire) will find something.
    pub fn deadline(&self) -> Option<Time> {
        self.partials.values().map(|partial| partial.deadline).min()
    }

    // ANCHOR: expire
    /// The next datagram whose time is over at `now`.
    pub fn expire(&mut self, now: Time) -> Option<Expired> {
        let mut partials = self.partials.iter();
        let (&key, _) = partials.find(|(_, partial)| partial.deadline <= now)?;
        let partial = self.remove(key)?;
        Some(Expired {
            device: partial.device,
            first: partial.first.filter(|_| !partial.spoilt),
        })
    }
    // ANCHOR_END: expire

    /// What all fragments together occupy, in octets.
    pub fn cost(&self) -> usize {
        self.cost
    }
}

impl Partial {
    fn insert(
        &mut self,
        header: &Header,
        mut packet: Packet,
        range: std::ops::Range<usize>,
        more: bool,
    ) -> Outcome {
        // ANCHOR: piece
        if self.spoilt {
            return Outcome::Overlap;
        }
        let mut payload = packet.clone();
        if !payload.pull(header.header_len.into()) {
            return Outcome::Malformed;
        }
        if self
            .pieces
            .get(&range.start)
            .is_some_and(|piece| **piece == *payload)
        {
            return Outcome::Duplicate;
        }
        // ANCHOR_END: piece
        // ANCHOR: spoil
        if self.overlaps(&range, more) {
            self.spoilt = true;
            self.pieces.clear();
            self.first = None;
            self.cost = PARTIAL_OVERHEAD;
            return Outcome::Overlap;
        }
        if !more {
            self.len = Some(range.end);
        }
        self.cost += packet.len() + OVERHEAD;
        if range.start == 0 {
            // The driver's buffer is as long as the longest frame.
            packet.shrink_to_fit();
            self.cost += packet.len();
            self.first = Some((*header, packet));
        }
        self.pieces.insert(range.start, payload);
        Outcome::Held
        // ANCHOR_END: spoil
    }

    // ANCHOR: overlaps
    /// True if the range lies over another, or over the end of the datagram.
    fn overlaps(&self, range: &std::ops::Range<usize>, more: bool) -> bool {
        // EXERCISE 3.17: Pieces become a datagram
        let before = self.pieces.range(..range.end).next_back();
        let over_another = before.is_some_and(|(start, piece)| start + piece.len() > range.start);
        let last = self.pieces.last_key_value();
        let highest = last.map_or(0, |(start, piece)| start + piece.len());
        let over_the_end = match self.len {
            Some(len) => range.end > len || !more && range.end != len,
            None => !more && highest > range.end,
        };
        over_another || over_the_end
        // END 3.17
    }
    // ANCHOR_END: overlaps

    // ANCHOR: whole
    /// The datagram, if all of it is there.
    fn whole(&mut self) -> Option<(Header, Packet)> {
        // EXERCISE 3.17: Pieces become a datagram
        let len = self.len?;
        if self.pieces.values().map(|piece| piece.len()).sum::<usize>() != len {
            return None;
        }
        let (first, fragment) = self.first.take()?;
        let header_len = usize::from(first.header_len);
        let mut packet = Packet::new(fragment.get(..header_len)?);
        let total_len = u16::try_from(header_len + len).ok()?;
        packet[2..4].copy_from_slice(&total_len.to_be_bytes());
        packet[6..8].fill(0);
        packet[10..12].fill(0);
        let sum = checksum(&packet);
        packet[10..12].copy_from_slice(&sum.to_be_bytes());
        for piece in self.pieces.values() {
            packet.append(piece);
        }
        let header = Header::parse(&packet).ok()?;
        Some((header, packet))
        // END 3.17
    }
    // ANCHOR_END: whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ip::header::{Fragment, MIN_LEN};

    const NOW: Time = Time::ZERO;

    /// The fragment with `payload` at `offset` of the datagram `id`.
    fn fragment(id: u16, offset: u16, more: bool, payload: &[u8]) -> (Header, Packet) {
        let flags = if more { Fragment::MF } else { 0 };
        let header = Header {
            header_len: 20,
            tos: 0,
            total_len: u16::try_from(MIN_LEN + payload.len()).unwrap(),
            id,
            fragment: Fragment(flags | (offset / 8)),
            ttl: 64,
            protocol: IpProtocol::UDP,
            checksum: 0,
            src: Ipv4Addr::new(192, 0, 2, 1),
            dst: Ipv4Addr::new(192, 0, 2, 2),
        };
        let mut packet = Packet::new(payload);
        header.emit(packet.prepend(MIN_LEN).first_chunk_mut().unwrap());
        (Header::parse(&packet).unwrap(), packet)
    }

    fn insert(to: &mut Reassembly, (header, packet): (Header, Packet)) -> Outcome {
        to.insert(&header, packet, 1, NOW).0
    }

    fn payload(outcome: &Outcome) -> &[u8] {
        match outcome {
            Outcome::Whole(header, packet) => &packet[header.header_len.into()..],
            other => panic!("not whole: {other:?}"),
        }
    }

    #[test]
    fn in_any_order_and_more_than_once() {
        let parts = || {
            [
                fragment(1, 0, true, b"01234567"),
                fragment(1, 8, true, b"89abcdef"),
                fragment(1, 16, false, b"xyz"),
            ]
        };
        for order in [
            [0, 1, 2],
            [0, 2, 1],
            [1, 0, 2],
            [1, 2, 0],
            [2, 0, 1],
            [2, 1, 0],
        ] {
            let mut reassembly = Reassembly::default();
            let mut parts = parts().map(Some);
            let mut outcome = Outcome::Held;
            for at in order {
                assert_eq!(outcome, Outcome::Held, "{order:?}");
                let part = parts[at].take().unwrap();
                outcome = insert(&mut reassembly, part.clone());
                if outcome == Outcome::Held {
                    assert_eq!(insert(&mut reassembly, part), Outcome::Duplicate);
                }
            }
            assert_eq!(payload(&outcome), b"0123456789abcdefxyz");
            assert_eq!(reassembly.cost(), 0);
            assert_eq!(reassembly.deadline(), None);
        }
    }

    #[test]
    fn datagrams_do_not_mix() {
        let mut reassembly = Reassembly::default();
        insert(&mut reassembly, fragment(1, 0, true, b"aaaaaaaa"));
        insert(&mut reassembly, fragment(2, 0, true, b"bbbbbbbb"));
        let whole = insert(&mut reassembly, fragment(2, 8, false, b"B"));
        assert_eq!(payload(&whole), b"bbbbbbbbB");
        let whole = insert(&mut reassembly, fragment(1, 8, false, b"A"));
        assert_eq!(payload(&whole), b"aaaaaaaaA");
    }

    #[test]
    fn overlaps_spoil_the_datagram() {
        let cases = [
            fragment(1, 8, true, b"ABCDEFGH"), // same place, other octets
            fragment(1, 0, true, b"0123456789abcdef"), // around it
            fragment(1, 8, false, b"89abcdef-"), // ends elsewhere
            fragment(1, 32, true, b"beyond_!"), // beyond the end
            fragment(1, 0, false, b"short"),   // another end, before what is there
        ];
        for overlapping in cases {
            let mut reassembly = Reassembly::default();
            insert(&mut reassembly, fragment(1, 24, false, b"end"));
            insert(&mut reassembly, fragment(1, 8, true, b"89abcdef"));
            assert_eq!(insert(&mut reassembly, overlapping), Outcome::Overlap);
            // What still comes of it is dropped as well.
            assert_eq!(
                insert(&mut reassembly, fragment(1, 16, true, b"ghijklmn")),
                Outcome::Overlap
            );
            assert!(reassembly.expire(NOW + TIMEOUT).unwrap().first.is_none());
            assert_eq!(reassembly.cost(), 0);
        }
    }

    #[test]
    fn impossible_fragments() {
        let mut reassembly = Reassembly::default();
        for bad in [
            fragment(1, 0, true, b"seven!!"),
            fragment(1, 0, true, b""),
            fragment(1, 65_528, false, b"01234567"), // the "ping of death"
        ] {
            assert_eq!(insert(&mut reassembly, bad), Outcome::Malformed);
        }
        assert_eq!(reassembly.cost(), 0);
    }

    #[test]
    fn the_longest_datagram() {
        let mut reassembly = Reassembly::default();
        let len = MAX_LEN - MIN_LEN;
        let octets: Vec<u8> = (0..len).map(|n| n.to_le_bytes()[0]).collect();
        let mut outcome = Outcome::Held;
        for (n, piece) in octets.chunks(1480).enumerate() {
            let offset = n * 1480;
            let more = offset + piece.len() < len;
            outcome = insert(
                &mut reassembly,
                fragment(1, u16::try_from(offset).unwrap(), more, piece),
            );
        }
        assert_eq!(payload(&outcome), octets);
    }

    #[test]
    fn time_runs_out() {
        let mut reassembly = Reassembly::default();
        insert(&mut reassembly, fragment(1, 0, true, b"01234567"));
        insert(&mut reassembly, fragment(2, 8, true, b"89abcdef"));
        assert!(
            reassembly
                .expire(NOW + (TIMEOUT - Duration::from_nanos(1)))
                .is_none()
        );
        let first = reassembly.expire(NOW + TIMEOUT).unwrap();
        assert_eq!((first.device, first.first.unwrap().1.len()), (1, 28));
        assert!(reassembly.expire(NOW + TIMEOUT).unwrap().first.is_none());
        assert!(reassembly.expire(NOW + TIMEOUT).is_none());
    }

    #[test]
    fn memory_is_bounded() {
        let mut reassembly = Reassembly::default();
        let mut evicted = 0;
        for id in 0..5000 {
            let (header, packet) = fragment(id, 0, true, &[0; 1480]);
            evicted += reassembly
                .insert(&header, packet, 1, NOW + Duration::from_millis(id.into()))
                .1;
            assert!(reassembly.cost() <= MEMORY_LIMIT);
        }
        assert!(evicted > 4800);
        // One datagram in tiny pieces does not exceed the limit either.
        let mut reassembly = Reassembly::default();
        for n in 0..8000 {
            insert(&mut reassembly, fragment(1, n * 8, true, b"01234567"));
        }
        assert!(reassembly.cost() <= MEMORY_LIMIT, "{}", reassembly.cost());
    }
}
