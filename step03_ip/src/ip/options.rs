//! Options of the IPv4 header (RFC 791 §3.1).
//!
//! A host passes them up, sends what it is told to send, and ignores those that
//! it does not know (RFC 1122 §3.2.1.8). It records its address and its time
//! where an echo asks for them ([`Options::reflect`]).

use std::fmt;
use std::net::Ipv4Addr;
use std::ops::Deref;
use std::time::Duration;

/// The most octets of options that a header has room for.
pub const MAX_LEN: usize = 40;

// ANCHOR: kinds
/// Ends the list.
const END: u8 = 0;
/// Fills a gap.
const NO_OPERATION: u8 = 1;
/// Each host on the way enters its address.
const RECORD_ROUTE: u8 = 7;
/// Each host on the way enters its time.
const TIMESTAMP: u8 = 68;
/// The way is given, with freedom between the stations.
const LOOSE_SOURCE_ROUTE: u8 = 131;
/// The way is given.
const STRICT_SOURCE_ROUTE: u8 = 137;
/// Set in the kinds that all fragments carry.
const COPIED: u8 = 0x80;
// ANCHOR_END: kinds

// ANCHOR: problem
/// Why a datagram with options cannot be delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// They make no sense at this octet of the header: what a Parameter
    /// Problem points at (RFC 792).
    Malformed(u8),
    /// A source route goes on from here. This host is no gateway.
    SourceRoute,
}
// ANCHOR_END: problem

// ANCHOR: items
/// An option: its place in the list, its kind, and all its octets.
type Item<'a> = (usize, u8, &'a [u8]);

/// The options but "end" and "no operation", one after the other.
fn items(options: &[u8]) -> impl Iterator<Item = Result<Item<'_>, Problem>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while options.get(at) == Some(&NO_OPERATION) {
            at += 1;
        }
        let kind = *options.get(at).filter(|kind| **kind != END)?;
        let start = at;
        let len = usize::from(options.get(start + 1).copied().unwrap_or(0));
        let item = options.get(start..start + len).filter(|_| len >= 2);
        at = item.map_or(options.len(), |item| start + item.len());
        Some(match item {
            Some(item) => Ok((start, kind, item)),
            // Its length is wrong, or not even there.
            None => Err(malformed((start + 1).min(options.len() - 1))),
        })
    })
}
// ANCHOR_END: items

/// 40 octets of options at most, behind 20 of header.
fn malformed(at: usize) -> Problem {
    Problem::Malformed(u8::try_from(20 + at).unwrap_or(20))
}

/// Walks through the options of a datagram that has arrived.
///
/// # Errors
/// The first that keeps it from being delivered.
pub fn check(options: &[u8]) -> Result<(), Problem> {
    // EXERCISE 3.15: Options that keep a datagram out
    // ANCHOR: check
    for item in items(options) {
        let (at, kind, item) = item?;
        let smallest = match kind {
            RECORD_ROUTE | LOOSE_SOURCE_ROUTE | STRICT_SOURCE_ROUTE => 4,
            TIMESTAMP => 5,
            _ => continue,
        };
        // The pointer counts from 1: it is at least the first octet of the data.
        let pointer = *item.get(2).ok_or(malformed(at + 1))?;
        if pointer < smallest {
            return Err(malformed(at + 2));
        }
        let is_route = kind != RECORD_ROUTE && kind != TIMESTAMP;
        if is_route && usize::from(pointer) <= item.len() {
            return Err(Problem::SourceRoute);
        }
    }
    Ok(())
    // ANCHOR_END: check
    // END 3.15
}

/// The options of one header, padded to whole words of 4 octets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Options {
    octets: [u8; MAX_LEN],
    len: usize,
}

/// More octets than a header has room for, or options that are not well-formed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadOptions;

impl fmt::Display for BadOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a list of IP options of at most 40 octets")
    }
}

impl std::error::Error for BadOptions {}

impl Options {
    /// No options.
    pub const NONE: Self = Self {
        octets: [END; MAX_LEN],
        len: 0,
    };

    // ANCHOR: new
    /// The options `octets`, as they stand in a header.
    ///
    /// # Errors
    /// They are more than [`MAX_LEN`], or cut off.
    pub fn new(octets: &[u8]) -> Result<Self, BadOptions> {
        if items(octets).any(|item| item.is_err()) {
            return Err(BadOptions);
        }
        let mut options = Self::NONE;
        options.push(octets).then_some(options).ok_or(BadOptions)
    }

    /// Appends what starts where a word starts. False if there is no room.
    fn push(&mut self, octets: &[u8]) -> bool {
        let end = self.len + octets.len();
        let Some(room) = self.octets.get_mut(self.len..end) else {
            return false;
        };
        room.copy_from_slice(octets);
        self.len = end.next_multiple_of(4);
        true
    }
    // ANCHOR_END: new

    // ANCHOR: copied
    /// Those that all fragments carry; the others are in the first only.
    #[must_use]
    pub fn copied(&self) -> Self {
        let mut copied = Self::NONE;
        let all = items(self).flatten();
        for (_, _, item) in all.filter(|(_, kind, _)| kind & COPIED != 0) {
            copied.push(item);
        }
        copied
    }
    // ANCHOR_END: copied

    // ANCHOR: reflect
    /// What the answer to an echo carries: where `self` asks for a route or
    /// for times to be recorded, what has been recorded on the way here, and
    /// this host's `addr` and its `time` of day (RFC 1122 §3.2.2.6). Source
    /// routes are not reversed: nobody is to direct our answers.
    #[must_use]
    pub fn reflect(&self, addr: Ipv4Addr, time: Duration) -> Self {
        let mut reflected = Self::NONE;
        for (_, kind, item) in items(self).flatten() {
            let mut record = [END; MAX_LEN];
            let Some(record) = record.get_mut(..item.len()) else {
                continue;
            };
            record.copy_from_slice(item);
            // ANCHOR_END: reflect
            // ANCHOR: reflect_entry
            let fits = match kind {
                RECORD_ROUTE => {
                    enter(record, &addr.octets());
                    true
                }
                TIMESTAMP => enter_time(record, addr, time),
                _ => false,
            };
            // Where padding has taken the room of the last, it stays out.
            if fits {
                reflected.push(record);
            }
        }
        reflected
        // ANCHOR_END: reflect_entry
    }
}

// ANCHOR: enter
/// Enters `entry` where the pointer of `record` points, and moves that on.
/// False if there is no room left.
fn enter(record: &mut [u8], entry: &[u8]) -> bool {
    let Some(&pointer) = record.get(2) else {
        return false;
    };
    let start = usize::from(pointer.max(1)) - 1;
    let Some(room) = record.get_mut(start..start + entry.len()) else {
        return false;
    };
    room.copy_from_slice(entry);
    record[2] = u8::try_from(start + entry.len() + 1).unwrap_or(u8::MAX);
    true
}
// ANCHOR_END: enter

/// Enters milliseconds since midnight UT, in the form that the option asks
/// for. False if so many found no room that they cannot be counted.
fn enter_time(record: &mut [u8], addr: Ipv4Addr, time: Duration) -> bool {
    const DAY: u128 = 24 * 60 * 60 * 1000;
    let time = u32::try_from(time.as_millis() % DAY).unwrap_or(0);
    let both = [addr.octets(), time.to_be_bytes()].concat();
    let Some(&[_, _, pointer, flags]) = record.first_chunk() else {
        return false;
    };
    // ANCHOR: stamp
    let entered = match flags & 0x0f {
        0 => enter(record, &both[4..]),
        1 => enter(record, &both),
        3 => {
            let start = usize::from(pointer.max(1)) - 1;
            // Only who is asked for by name.
            match record.get(start..start + 4) {
                Some(asked) if asked == addr.octets() => enter(record, &both),
                _ => true,
            }
        }
        _ => true,
    };
    if !entered {
        // The high half counts those that found no room.
        let Some(counted) = flags.checked_add(0x10) else {
            return false;
        };
        record[3] = counted;
    }
    // ANCHOR_END: stamp
    true
}

impl Default for Options {
    fn default() -> Self {
        Self::NONE
    }
}

impl Deref for Options {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.octets[..self.len]
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Options({:02x?})", &**self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
    /// Noon, and 5 milliseconds.
    const NOON: Duration = Duration::from_millis(3 * 86_400_000 + 43_200_005);

    #[test]
    fn well_formed_options_pass() {
        assert_eq!(check(&[]), Ok(()));
        assert_eq!(check(&[0x94, 4, 0, 0]), Ok(())); // router alert
        assert_eq!(check(&[1, 1, 7, 3, 4, 0, 0xff, 0xff]), Ok(())); // an end, and then anything
        assert_eq!(check(&[131, 7, 8, 192, 0, 2, 1, 0]), Ok(())); // a source route that has ended
        assert_eq!(check(&[130, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), Ok(())); // security
        assert_eq!(check(&[136, 4, 0, 9]), Ok(())); // stream identifier
    }

    #[test]
    fn malformed_options_are_pointed_at() {
        for (options, at) in [
            ([7, 0, 0, 0], 21),
            ([1, 7, 1, 0], 22),
            ([1, 1, 1, 7], 23),
            ([7, 5, 4, 0], 21),
            ([7, 2, 0, 0], 21), // no pointer
            ([7, 3, 3, 0], 22), // a pointer to itself
            ([68, 4, 4, 0], 22),
        ] {
            assert_eq!(check(&options), Err(Problem::Malformed(at)), "{options:?}");
        }
    }

    #[test]
    fn a_source_route_that_goes_on_is_not_followed() {
        for kind in [LOOSE_SOURCE_ROUTE, STRICT_SOURCE_ROUTE] {
            let options = [kind, 7, 4, 203, 0, 113, 1, 0];
            assert_eq!(check(&options), Err(Problem::SourceRoute));
        }
    }

    #[test]
    fn options_are_padded_to_words_and_no_longer_than_a_header_can_be() {
        let options = Options::new(&[7, 7, 4, 0, 0, 0, 0]).unwrap();
        assert_eq!(*options, [7, 7, 4, 0, 0, 0, 0, 0]);
        assert!(Options::new(&[1; 40]).is_ok());
        assert_eq!(Options::new(&[1; 41]), Err(BadOptions));
        assert_eq!(Options::new(&[7, 7, 4]), Err(BadOptions));
        assert!(Options::NONE.is_empty());
    }

    #[test]
    fn fragments_carry_what_is_to_be_copied() {
        let options = Options::new(&[7, 7, 4, 0, 0, 0, 0, 0x94, 4, 0, 0]).unwrap();
        assert_eq!(*options.copied(), [0x94, 4, 0, 0]);
    }

    #[test]
    fn a_route_is_recorded_while_there_is_room() {
        let asked = Options::new(&[7, 11, 8, 192, 0, 2, 1, 0, 0, 0, 0]).unwrap();
        let answer = asked.reflect(HERE, NOON);
        assert_eq!(*answer, [7, 11, 12, 192, 0, 2, 1, 192, 0, 2, 2, 0]);
        // Full: reflected as it is.
        assert_eq!(answer.reflect(HERE, NOON), answer);
    }

    #[test]
    fn a_time_is_recorded_in_the_form_that_is_asked_for() {
        const AT: [u8; 4] = 43_200_005u32.to_be_bytes();
        let [a, b, c, d] = AT;
        let reflect = |octets: &[u8]| Options::new(octets).unwrap().reflect(HERE, NOON).to_vec();
        assert_eq!(
            reflect(&[68, 8, 5, 0, 0, 0, 0, 0]),
            [68, 8, 9, 0, a, b, c, d]
        );
        assert_eq!(
            reflect(&[68, 12, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
            [68, 12, 13, 1, 192, 0, 2, 2, a, b, c, d]
        );
        assert_eq!(
            reflect(&[68, 12, 5, 3, 192, 0, 2, 2, 0, 0, 0, 0]),
            [68, 12, 13, 3, 192, 0, 2, 2, a, b, c, d]
        );
        // Somebody else is asked for.
        let other = [68, 12, 5, 3, 192, 0, 2, 9, 0, 0, 0, 0];
        assert_eq!(reflect(&other), other);
        // No room: counted, up to 15.
        let full = [68, 8, 9, 0, 1, 2, 3, 4];
        assert_eq!(reflect(&full), [68, 8, 9, 0x10, 1, 2, 3, 4]);
        assert_eq!(reflect(&[68, 8, 9, 0xf0, 1, 2, 3, 4]), []);
    }

    #[test]
    fn nobody_directs_our_answers() {
        let route = [131, 7, 8, 192, 0, 2, 1];
        let reflected = Options::new(&route).unwrap().reflect(HERE, NOON);
        assert!(reflected.is_empty());
    }

    #[test]
    fn any_options_are_survived() {
        let env = crate::env::Env::manual(1);
        for _ in 0..100_000 {
            let len = usize::try_from(env.random() % 41).unwrap();
            let mut octets: Vec<u8> = (0..len).map(|_| env.random().to_le_bytes()[0]).collect();
            if let Some(first) = octets.first_mut() {
                *first = [7, 68, 131, 137, *first][usize::from(*first) % 5];
            }
            let _ = check(&octets);
            if let Ok(options) = Options::new(&octets) {
                assert!(options.len() <= MAX_LEN && options.len().is_multiple_of(4));
                let _ = check(&options.reflect(HERE, NOON));
                let _ = options.copied();
            }
        }
    }
}
