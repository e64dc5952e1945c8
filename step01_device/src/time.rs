//! Points in time.
//!
//! A [`Time`] has no `now()`: only [`Env`](crate::env::Env) tells the time, so
//! that a simulation can turn the clock by hand and play the same scene twice.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};
use std::time::Duration;

/// A point in time, in nanoseconds since its clock was started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(u64);

impl Time {
    /// The moment at which the clock was started.
    pub const ZERO: Self = Self(0);

    /// The point that lies `nanos` nanoseconds after the start of the clock.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// The point that lies `millis` milliseconds after the start of the clock.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// Nanoseconds since the start of the clock.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Milliseconds since the start of the clock, rounded down.
    pub const fn as_millis(self) -> u64 {
        self.0 / 1_000_000
    }

    /// The time that has passed since `earlier`; zero if `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// A duration in whole nanoseconds; 584 years are enough for any timer.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl Add<Duration> for Time {
    type Output = Self;

    /// Saturates at the end of time, so that no deadline can overflow.
    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(nanos(duration)))
    }
}

impl AddAssign<Duration> for Time {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

impl Sub for Time {
    type Output = Duration;

    /// Same as [`Time::since`]: never negative.
    fn sub(self, earlier: Self) -> Duration {
        self.since(earlier)
    }
}

/// Shown as the original's log does: `HH:MM:SS.mmm`.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.as_millis();
        let (seconds, millis) = (millis / 1000, millis % 1000);
        let (minutes, seconds) = (seconds / 60, seconds % 60);
        let (hours, minutes) = (minutes / 60, minutes % 60);
        write!(f, "{:02}:{minutes:02}:{seconds:02}.{millis:03}", hours % 24)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_is_clock_like() {
        let time = Time::ZERO + Duration::from_millis(3_723_004);
        assert_eq!(time.to_string(), "01:02:03.004");
    }

    #[test]
    fn arithmetic_saturates() {
        let early = Time::from_millis(1);
        let late = Time::from_millis(5);
        assert_eq!(late - early, Duration::from_millis(4));
        assert_eq!(early - late, Duration::ZERO);
        assert_eq!(late + Duration::MAX, Time::from_nanos(u64::MAX));
    }
}
