//! What the C original keeps in globals: the clock, the random numbers, the
//! way to wake the main loop. Every host has one [`Env`] of its own, so that
//! two hosts can live in one process, and a simulation can make both repeat
//! themselves.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::interrupt::Doorbell;
use crate::time::Time;

/// The Unix time at which every manual clock starts: 2026-01-01 00:00:00 UTC.
const MANUAL_EPOCH: Duration = Duration::from_secs(1_767_225_600);

// ANCHOR: clock
/// A clock.
#[derive(Clone, Debug)]
enum Clock {
    /// Runs by itself.
    System(Instant),
    /// Stands still until it is advanced by hand. Hosts on one wire share it.
    Manual(Arc<AtomicU64>),
}
// ANCHOR_END: clock

/// The surroundings of a host: time, randomness, and the main loop's doorbell.
#[derive(Debug)]
pub struct Env {
    name: String,
    clock: Clock,
    /// How far the random numbers have come, and from where.
    random: AtomicU64,
    /// The key of random numbers that nobody can guess.
    secret: Option<RandomState>,
    doorbell: Arc<Doorbell>,
}

impl Env {
    /// The real world: time passes by itself, random numbers are unpredictable.
    pub fn system() -> Arc<Self> {
        let secret = Some(RandomState::new());
        Self::with("", Clock::System(Instant::now()), 0, secret)
    }

    /// A world in which nothing happens by itself: the clock stands at zero
    /// until [`advance`](Self::advance), random numbers follow from `seed`.
    pub fn manual(seed: u64) -> Arc<Self> {
        Self::with("", Clock::Manual(Arc::default()), seed, None)
    }

    /// A second host in the same world: same clock, other name, other seed.
    /// Its name stands in its log lines.
    pub fn host(&self, name: &str, seed: u64) -> Arc<Self> {
        Self::with(name, self.clock.clone(), seed, None)
    }

    fn with(name: &str, clock: Clock, seed: u64, secret: Option<RandomState>) -> Arc<Self> {
        Arc::new(Self {
            name: name.to_owned(),
            clock,
            random: AtomicU64::new(seed),
            secret,
            doorbell: Arc::default(),
        })
    }

    /// The host's name; empty if there is only one.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// True if time passes only by [`advance`](Self::advance).
    pub fn is_manual(&self) -> bool {
        matches!(self.clock, Clock::Manual(_))
    }

    // ANCHOR: now
    /// The time.
    pub fn now(&self) -> Time {
        match &self.clock {
            Clock::System(start) => Time::ZERO + start.elapsed(),
            Clock::Manual(nanos) => Time::from_nanos(nanos.load(Ordering::SeqCst)),
        }
    }
    // ANCHOR_END: now

    /// The time since 1970-01-01 00:00:00 UTC, for people and capture files.
    pub fn unix_time(&self) -> Duration {
        match &self.clock {
            Clock::System(_) => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default(),
            Clock::Manual(_) => MANUAL_EPOCH + self.now().since(Time::ZERO),
        }
    }

    /// Turns a manual clock forward. A system clock takes no notice.
    pub fn advance(&self, by: Duration) {
        self.advance_to(self.now() + by);
    }

    /// Turns a manual clock forward to `time`, never backward.
    pub fn advance_to(&self, time: Time) {
        if let Clock::Manual(nanos) = &self.clock {
            nanos.fetch_max(time.as_nanos(), Ordering::SeqCst);
        }
    }

    /// A random number. The state is a mere counter, so that any thread can
    /// draw without a lock. From a seed follow the numbers of SplitMix64, which
    /// can be told from one of them; in the real world a hash with a secret key
    /// of 128 bits is taken, so that those who see some cannot tell the others.
    pub fn random(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let state = self.random.fetch_add(STEP, Ordering::Relaxed);
        if let Some(secret) = &self.secret {
            return secret.hash_one(state);
        }
        let mut z = state.wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Wakes the main loop, so that it looks at its deadlines again. To be
    /// called by an application thread that has made one earlier.
    pub fn wake(&self) {
        self.doorbell.ring();
    }

    pub(crate) fn doorbell(&self) -> &Arc<Doorbell> {
        &self.doorbell
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_is_shared_and_never_goes_back() {
        let env = Env::manual(1);
        let other = env.host("b", 2);
        env.advance(Duration::from_secs(2));
        assert_eq!(other.now(), Time::from_millis(2000));
        other.advance_to(Time::from_millis(5));
        assert_eq!(env.now(), Time::from_millis(2000));
        assert_eq!(env.unix_time(), MANUAL_EPOCH + Duration::from_secs(2));
    }

    #[test]
    fn a_seed_repeats_itself() {
        let draw = |seed| -> Vec<u64> {
            let env = Env::manual(seed);
            (0..4).map(|_| env.random()).collect()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        // The first number that SplitMix64 gives for the seed 0.
        assert_eq!(draw(0)[0], 0xe220_a839_7b1d_cdaf);
    }

    #[test]
    fn the_real_world_does_not_repeat_itself() {
        let draw = || -> [u64; 4] {
            let env = Env::system();
            [(); 4].map(|()| env.random())
        };
        let (one, two) = (draw(), draw());
        assert!(one.iter().all(|number| !two.contains(number)));
        // What SplitMix64 would make of its seed.
        assert_ne!(one[0], 0xe220_a839_7b1d_cdaf);
    }

    #[test]
    fn a_system_clock_runs() {
        let env = Env::system();
        let before = env.now();
        env.advance(Duration::from_secs(3600));
        assert!(env.now() >= before);
        assert!(env.now() < before + Duration::from_secs(3600));
    }
}
