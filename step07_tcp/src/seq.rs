//! Sequence numbers (RFC 9293 §3.4).
//!
//! A sequence number is a position on a circle of 2³² octets: after 4294967295
//! comes 0. Which of two numbers is "smaller" depends on which way round is
//! shorter, so [`SeqNumber`] has no `Ord`: a sort or a `<` by value would be
//! right for most connections and wrong for the one that wraps.
//!
//! ```
//! use step07_tcp::seq::SeqNumber;
//!
//! let last = SeqNumber::new(u32::MAX);
//! let next = last + 1;
//! assert_eq!(next, SeqNumber::new(0));
//! assert!(last.lt(next));
//! assert_eq!(next.since(last), 1);
//! ```

use std::fmt;
use std::ops::{Add, AddAssign, Sub};

// ANCHOR: type
/// A position in the sequence space of one direction of a connection.
///
/// All arithmetic is modulo 2³² and never panics. Comparisons are meaningful
/// for numbers less than 2³¹ apart, which all that belong to one window are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SeqNumber(u32);
// ANCHOR_END: type

impl SeqNumber {
    /// The number as it stands in a header.
    pub const fn new(value: u32) -> Self {
        Self(value)
    }

    /// The number to be put into a header.
    pub const fn value(self) -> u32 {
        self.0
    }

    // ANCHOR: lt
    /// `self < other`: it is nearer to go forward from `self` to `other` than back.
    pub fn lt(self, other: Self) -> bool {
        // EXERCISE 7.3: Which is earlier?
        // Bit 31 of the difference says which half of the circle it lies in.
        self.0.wrapping_sub(other.0) >> 31 == 1
        // END 7.3
    }
    // ANCHOR_END: lt

    /// `self =< other`.
    pub fn le(self, other: Self) -> bool {
        self.0 == other.0 || self.lt(other)
    }

    /// `self > other`.
    pub fn gt(self, other: Self) -> bool {
        other.lt(self)
    }

    /// `self >= other`.
    pub fn ge(self, other: Self) -> bool {
        other.le(self)
    }

    /// The octets from `earlier` forward to `self`. The caller knows that
    /// `earlier` is not the later one; the distance is modulo 2³² in any case.
    pub const fn since(self, earlier: Self) -> u32 {
        self.0.wrapping_sub(earlier.0)
    }

    // ANCHOR: since
    /// The octets from `earlier` forward to `self`, or 0 if `self` lies before it.
    pub fn saturating_since(self, earlier: Self) -> u32 {
        if self.lt(earlier) {
            0
        } else {
            self.since(earlier)
        }
    }
    // ANCHOR_END: since

    // ANCHOR: window
    /// `start =< self < start + size`: the test of all windows.
    pub const fn in_window(self, start: Self, size: u32) -> bool {
        self.since(start) < size
    }
    // ANCHOR_END: window

    /// The later of two.
    #[must_use]
    pub fn later(self, other: Self) -> Self {
        if self.lt(other) { other } else { self }
    }
}

// ANCHOR: add
impl Add<u32> for SeqNumber {
    type Output = Self;

    fn add(self, octets: u32) -> Self {
        Self(self.0.wrapping_add(octets))
    }
}
// ANCHOR_END: add

impl AddAssign<u32> for SeqNumber {
    fn add_assign(&mut self, octets: u32) {
        *self = *self + octets;
    }
}

impl Sub<u32> for SeqNumber {
    type Output = Self;

    fn sub(self, octets: u32) -> Self {
        Self(self.0.wrapping_sub(octets))
    }
}

impl fmt::Display for SeqNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A length in memory as a length in sequence space. Nothing that TCP holds
/// comes near 4 GiB, so saturation is the honest answer to the impossible.
pub(crate) fn octets(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_goes_round_the_circle() {
        for start in [0, 1, 0x7fff_ffff, 0x8000_0000, u32::MAX - 1, u32::MAX] {
            let a = SeqNumber::new(start);
            for distance in [1, 2, 0xffff, 0x7fff_ffff] {
                let b = a + distance;
                assert!(a.lt(b) && a.le(b) && b.gt(a) && b.ge(a), "{a} before {b}");
                assert!(
                    !b.lt(a) && !b.le(a) && !a.gt(b) && !a.ge(b),
                    "{a} before {b}"
                );
                assert_eq!(b.since(a), distance);
                assert_eq!(a.saturating_since(b), 0);
                assert_eq!(a.later(b), b);
                assert_eq!(b - distance, a);
            }
            assert!(a.le(a) && a.ge(a) && !a.lt(a) && !a.gt(a));
        }
    }

    #[test]
    fn window_includes_its_left_edge_only() {
        let start = SeqNumber::new(u32::MAX - 1);
        assert!(start.in_window(start, 1));
        assert!((start + 3).in_window(start, 4));
        assert!(!(start + 4).in_window(start, 4));
        assert!(!(start - 1).in_window(start, 4));
        assert!(!start.in_window(start, 0));
    }

    #[test]
    fn displays_the_number() {
        assert_eq!(format!("{:>5}", SeqNumber::new(42)), "   42");
    }
}
