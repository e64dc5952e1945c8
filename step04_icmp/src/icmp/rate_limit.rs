//! How many error messages a host sends at most (RFC 1122 §3.2.2; RFC 1812 §4.3.2.8).

use std::time::Duration;

use crate::time::Time;

/// A bucket of tokens: each message takes one, and time puts them back.
/// A burst may empty it; in the long run one message per interval is sent.
#[derive(Debug)]
pub struct TokenBucket {
    size: u32,
    tokens: u32,
    interval: Duration,
    filled: Time,
}

impl TokenBucket {
    /// A full bucket of `size` tokens; one comes back every `interval`.
    pub fn new(size: u32, interval: Duration) -> Self {
        Self {
            size,
            tokens: size,
            interval,
            filled: Time::ZERO,
        }
    }

    // ANCHOR: take
    /// Takes a token; false if there is none at `now`.
    pub fn take(&mut self, now: Time) -> bool {
        // EXERCISE 4.7: A bucket of tokens
        let intervals = now.since(self.filled).as_nanos() / self.interval.as_nanos().max(1);
        let refill = u32::try_from(intervals).unwrap_or(u32::MAX);
        self.tokens = self.tokens.saturating_add(refill).min(self.size);
        if self.tokens == self.size {
            self.filled = now;
        } else {
            self.filled += self.interval.saturating_mul(refill);
        }
        let there = self.tokens > 0;
        self.tokens = self.tokens.saturating_sub(1);
        there
        // END 4.7
    }
    // ANCHOR_END: take
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_one_per_interval() {
        let mut bucket = TokenBucket::new(3, Duration::from_millis(10));
        let mut take = |ms| bucket.take(Time::from_millis(ms));
        assert!(take(0) && take(0) && take(0));
        assert!(!take(0) && !take(9));
        assert!(take(10) && !take(19));
        assert!(take(20));
        // A long pause fills the bucket, and not more.
        assert!(take(10_000) && take(10_000) && take(10_000) && !take(10_000));
    }
}
