//! The retransmission timeout (RFC 6298).
//!
//! Too short, and the network is filled with copies of what was only late; too
//! long, and a loss stalls the connection. [`FixedRto`] is the guide's simple
//! form; [`AdaptiveRto`] measures. A connection holds one of them behind
//! [`RetransmissionTimeout`].

use std::fmt;
use std::time::Duration;

// ANCHOR: rto_trait
/// How long to wait for an acknowledgment before sending again.
pub trait RetransmissionTimeout: fmt::Debug + Send {
    /// The timeout as it is now: RTO.
    fn timeout(&self) -> Duration;

    /// A round trip has been measured, and not on a repeated segment whose
    /// acknowledgment does not say which copy it is for (Karn's algorithm,
    /// RFC 6298 §3). `expected` such samples come from one window: each counts
    /// for less, so that the memory reaches equally far (RFC 7323 appendix G).
    fn sample(&mut self, rtt: Duration, expected: u32);

    /// New data has been acknowledged, with or without a measurement.
    fn progress(&mut self) {}

    /// The timeout has passed in vain (RFC 6298 §5.5).
    fn back_off(&mut self);
    // ANCHOR_END: rto_trait

    /// The handshake is over. If it took a retransmission, the guess for the
    /// first timeout was too short (RFC 6298 §5.7).
    fn handshake_done(&mut self) {}

    /// The smoothed round-trip time, if it is known.
    fn smoothed(&self) -> Option<Duration> {
        None
    }
}

/// Which [`RetransmissionTimeout`] new connections get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RtoPolicy {
    /// The same for all, doubled at each retransmission: the guide's simple form.
    Fixed(Duration),
    /// From measurements, between two bounds.
    Adaptive {
        /// Before anything is measured: 1 s (RFC 6298 §2.1).
        initial: Duration,
        /// RFC 6298 §2.4 asks for 1 s; all current systems take less, but
        /// more than the delayed acknowledgment of a peer.
        min: Duration,
        /// At least 60 s (RFC 6298 §2.5).
        max: Duration,
    },
}

impl Default for RtoPolicy {
    fn default() -> Self {
        Self::Adaptive {
            initial: Duration::from_secs(1),
            min: Duration::from_millis(200),
            max: Duration::from_secs(60),
        }
    }
}

impl RtoPolicy {
    // ANCHOR: rto_start
    /// The timeout of a connection that begins.
    pub fn start(self) -> Box<dyn RetransmissionTimeout> {
        match self {
            Self::Fixed(timeout) => Box::new(FixedRto::new(timeout)),
            Self::Adaptive { initial, min, max } => Box::new(AdaptiveRto::new(initial, min, max)),
        }
    }
    // ANCHOR_END: rto_start
}

/// A timeout that knows nothing of the network but doubles while it is in vain.
#[derive(Debug)]
pub struct FixedRto {
    start: Duration,
    current: Duration,
}

impl FixedRto {
    /// A timeout that starts, and starts again after each progress, with `start`.
    pub fn new(start: Duration) -> Self {
        Self {
            start,
            current: start,
        }
    }
}

// ANCHOR: rto_fixed
impl RetransmissionTimeout for FixedRto {
    fn timeout(&self) -> Duration {
        self.current
    }

    fn sample(&mut self, _rtt: Duration, _expected: u32) {}

    fn progress(&mut self) {
        self.current = self.start;
    }

    fn back_off(&mut self) {
        self.current = self.current.saturating_mul(2);
    }
}
// ANCHOR_END: rto_fixed

/// The clock granularity G of RFC 6298. Our clock is finer, but a variance of
/// zero must not make the timeout equal to the round-trip time.
const GRANULARITY: Duration = Duration::from_millis(1);

/// After a retransmitted SYN (RFC 6298 §5.7).
const AFTER_SLOW_HANDSHAKE: Duration = Duration::from_secs(3);

/// A timeout from the smoothed round-trip time and its variation (RFC 6298 §2).
#[derive(Debug)]
pub struct AdaptiveRto {
    /// SRTT and RTTVAR, from the first measurement on.
    estimate: Option<(Duration, Duration)>,
    rto: Duration,
    backed_off: bool,
    min: Duration,
    max: Duration,
}

impl AdaptiveRto {
    /// An estimator that has measured nothing yet.
    pub fn new(initial: Duration, min: Duration, max: Duration) -> Self {
        Self {
            estimate: None,
            rto: initial,
            backed_off: false,
            min,
            max,
        }
    }
}

impl RetransmissionTimeout for AdaptiveRto {
    fn timeout(&self) -> Duration {
        self.rto
    }

    // ANCHOR: rto_sample
    fn sample(&mut self, rtt: Duration, expected: u32) {
        // EXERCISE 7.11: How long to wait
        // 1/alpha and 1/beta
        let n = expected.clamp(1, 1 << 16);
        let (a, b) = (8 * n, 4 * n);
        let (srtt, rttvar) = match self.estimate {
            // (2.2) the first measurement R
            None => (rtt, rtt / 2),
            // (2.3) RTTVAR <- 3/4 RTTVAR + 1/4 |SRTT - R'|, SRTT <- 7/8 SRTT + 1/8 R'
            Some((srtt, rttvar)) => (
                (srtt * (a - 1) + rtt) / a,
                (rttvar * (b - 1) + srtt.abs_diff(rtt)) / b,
            ),
        };
        self.estimate = Some((srtt, rttvar));
        self.backed_off = false;
        self.rto = (srtt + GRANULARITY.max(rttvar * 4))
            .max(self.min)
            .min(self.max);
        // END 7.11
    }
    // ANCHOR_END: rto_sample

    // ANCHOR: rto_back_off
    fn back_off(&mut self) {
        // Stays until the next measurement: that is the other half of Karn's algorithm.
        self.backed_off = true;
        self.rto = self.rto.saturating_mul(2).min(self.max);
    }

    fn handshake_done(&mut self) {
        if self.backed_off {
            self.backed_off = false;
            self.rto = AFTER_SLOW_HANDSHAKE.max(self.min).min(self.max);
        }
    }
    // ANCHOR_END: rto_back_off

    fn smoothed(&self) -> Option<Duration> {
        self.estimate.map(|(srtt, _)| srtt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn adaptive() -> AdaptiveRto {
        AdaptiveRto::new(ms(1000), ms(200), ms(60_000))
    }

    #[test]
    fn first_measurement_then_smoothing() {
        let mut rto = adaptive();
        assert_eq!(rto.timeout(), ms(1000));
        rto.sample(ms(400), 1);
        assert_eq!(rto.timeout(), ms(400 + 4 * 200));
        rto.sample(ms(480), 1);
        // RTTVAR = 3/4·200 + 1/4·80 = 170, SRTT = 7/8·400 + 1/8·480 = 410
        assert_eq!(rto.timeout(), ms(410 + 4 * 170));
        assert_eq!(rto.smoothed(), Some(ms(410)));
    }

    #[test]
    fn many_samples_of_one_window_count_as_one() {
        let (mut one, mut many) = (adaptive(), adaptive());
        for rto in [&mut one, &mut many] {
            rto.sample(ms(100), 1);
        }
        one.sample(ms(200), 1);
        for _ in 0..50 {
            many.sample(ms(200), 50);
        }
        let difference = one.smoothed().unwrap().abs_diff(many.smoothed().unwrap());
        assert!(difference < ms(1), "{difference:?}");
    }

    #[test]
    fn bounds_hold() {
        let mut rto = adaptive();
        rto.sample(ms(1), 1);
        assert_eq!(rto.timeout(), ms(200));
        for _ in 0..20 {
            rto.back_off();
        }
        assert_eq!(rto.timeout(), ms(60_000));
    }

    #[test]
    fn steady_round_trips_leave_room_for_the_clock() {
        let mut rto = AdaptiveRto::new(ms(1000), ms(1), ms(60_000));
        for _ in 0..200 {
            rto.sample(ms(50), 1);
        }
        assert!(rto.timeout() >= ms(51));
    }

    #[test]
    fn backed_off_until_measured() {
        let mut rto = adaptive();
        rto.sample(ms(100), 1);
        rto.back_off();
        rto.progress();
        assert_eq!(rto.timeout(), ms(600));
        rto.sample(ms(100), 1);
        assert!(rto.timeout() < ms(300));
    }

    #[test]
    fn repeated_syn_leaves_three_seconds() {
        let mut rto = adaptive();
        rto.handshake_done();
        assert_eq!(rto.timeout(), ms(1000));
        rto.back_off();
        rto.handshake_done();
        assert_eq!(rto.timeout(), ms(3000));
    }

    #[test]
    fn fixed_doubles_and_returns() {
        let mut rto = FixedRto::new(ms(200));
        rto.sample(ms(5000), 1);
        assert_eq!(rto.timeout(), ms(200));
        rto.back_off();
        rto.back_off();
        assert_eq!(rto.timeout(), ms(800));
        rto.progress();
        assert_eq!(rto.timeout(), ms(200));
    }
}
