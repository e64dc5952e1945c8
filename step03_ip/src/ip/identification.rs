//! The identification of a datagram, by which its fragments know each other
//! (RFC 791 §3.2, RFC 6864).
//!
//! A counter, as in the original, tells everybody who gets a datagram how many
//! others this host has sent: enough to scan a third host by it without being
//! seen, and to forge a fragment that fits (RFC 7739 §3, §4). So only the
//! hosts of a simulation count, whose logs are to be read and repeated.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::env::Env;

/// Where the original's counter starts.
const FIRST: u64 = 128;

// ANCHOR: identifications
/// Gives every datagram that can be fragmented a number of its own.
#[derive(Debug)]
pub struct Identifications {
    /// How many were given. As long as it is below 2^16 they are all different.
    given: AtomicU64,
    /// `None`: they are given in their order.
    key: Option<RandomState>,
}
// ANCHOR_END: identifications

impl Identifications {
    /// As is right for a host in `env`: in order on a manual clock, otherwise
    /// so that nobody can guess them.
    pub fn new(env: &Env) -> Self {
        if env.is_manual() {
            Self::in_order()
        } else {
            Self::unpredictable()
        }
    }

    /// 128, 129, …, as in the original.
    pub fn in_order() -> Self {
        Self {
            given: AtomicU64::new(FIRST),
            key: None,
        }
    }

    /// All 65,536 numbers in an order that a secret key decides, then all
    /// again in another order.
    pub fn unpredictable() -> Self {
        Self {
            given: AtomicU64::new(0),
            key: Some(RandomState::new()),
        }
    }

    // ANCHOR: next
    /// The next. A datagram that nobody may fragment needs none, and may have
    /// any (RFC 6864 §4.1): zero tells nothing.
    pub fn next(&self, dont_fragment: bool) -> u16 {
        match &self.key {
            Some(_) if dont_fragment => 0,
            Some(key) => permuted(key, self.given.fetch_add(1, Ordering::Relaxed)),
            None => {
                let [low, high, ..] = self.given.fetch_add(1, Ordering::Relaxed).to_le_bytes();
                u16::from_le_bytes([low, high])
            }
        }
    }
    // ANCHOR_END: next
}

// ANCHOR: permuted
/// The place of `count` among 2^16: a Feistel network of four rounds around a
/// keyed hash. It can be run backward, so no two places are the same; and
/// nobody who does not have the key can tell it from a shuffle (Luby, Rackoff).
/// What is above the 16 bits chooses the shuffle.
fn permuted(key: &RandomState, count: u64) -> u16 {
    let [mut left, mut right, ..] = count.to_le_bytes();
    let shuffle = count >> 16;
    for round in 0..4_u8 {
        let [mix, ..] = key.hash_one((shuffle, round, right)).to_le_bytes();
        (left, right) = (right, left ^ mix);
    }
    u16::from_le_bytes([left, right])
}
// ANCHOR_END: permuted

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_simulation_counts_as_the_original() {
        let ids = Identifications::new(&Env::manual(1));
        assert_eq!([ids.next(false), ids.next(true)], [128, 129]);
        let last = Identifications::in_order();
        last.given.store(65_535, Ordering::Relaxed);
        assert_eq!([last.next(false), last.next(false)], [65_535, 0]);
    }

    #[test]
    fn unpredictable_ones_are_all_different() {
        let ids = Identifications::new(&Env::system());
        let all = |_| -> Vec<u16> { (0..=u16::MAX).map(|_| ids.next(false)).collect() };
        let [first, second] = [(), ()].map(all);
        for round in [&first, &second] {
            assert_eq!(round.iter().collect::<BTreeSet<_>>().len(), 65_536);
        }
        assert_ne!(first, second);
    }

    /// From one to the next any distance is as good as any other: the steps
    /// fall into 256 classes, 256 into each, give or take eight times the
    /// standard deviation of 16. (A counter has all of them in one class.)
    #[test]
    fn one_tells_nothing_about_the_next() {
        let ids = Identifications::unpredictable();
        let all: Vec<u16> = (0..=u16::MAX).map(|_| ids.next(false)).collect();
        let mut classes = [0; 256];
        for pair in all.windows(2) {
            classes[usize::from(pair[1].wrapping_sub(pair[0]) >> 8)] += 1;
        }
        assert!(
            classes.iter().all(|n| (128..384).contains(n)),
            "{classes:?}"
        );
    }

    #[test]
    fn what_cannot_be_fragmented_tells_nothing() {
        let ids = Identifications::unpredictable();
        assert_eq!([(); 3].map(|()| ids.next(true)), [0; 3]);
    }
}
