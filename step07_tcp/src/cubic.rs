//! CUBIC (RFC 9438): what most of the Internet uses.
//!
//! One segment per round trip is little where a round trip is long and the
//! window large: after a loss at 10,000 segments NewReno needs 5,000 round
//! trips to come back. CUBIC's window is a function of *time*: fast back to
//! where the loss was, slow around it, then fast beyond.
//!
//! ```text
//!  cwnd                             /
//!  W_max ─ ─ ─ ─ ─ ─ ─ ─ ___---─── '   W_cubic(t) = C·(t−K)³ + W_max
//!                   . '
//!                 /
//!  0.7·W_max ─ ─ /
//!               epoch starts       K             t
//! ```

use std::time::Duration;

use crate::congestion::{CongestionControl, SLOW_START_STEP, initial_window};
use crate::time::Time;

/// C, in segments per second cubed (RFC 9438 §4.6).
const C: f64 = 0.4;
/// β_cubic: what remains of the window after a loss (§4.6).
const BETA: f64 = 0.7;
/// α_cubic: with it W_est grows as NewReno's window would, on average (§4.3).
const ALPHA: f64 = 3.0 * (1.0 - BETA) / (1.0 + BETA);

/// The state of CUBIC. Windows are in segments, as in the RFC.
#[derive(Debug)]
pub struct Cubic {
    mss: u32,
    cwnd: f64,
    ssthresh: f64,
    /// W_max: the window just before the last loss.
    w_max: f64,
    /// cwnd_prior: the same, without fast convergence.
    cwnd_prior: f64,
    /// The present stretch of congestion avoidance.
    epoch: Option<Epoch>,
    /// The window, ssthresh and W_max before the last timeout.
    before_timeout: (f64, f64, f64),
}

/// Congestion avoidance from one loss to the next.
#[derive(Clone, Copy, Debug)]
struct Epoch {
    start: Time,
    /// K: how long the window takes to W_max, in seconds.
    k: f64,
    /// W_max as this epoch began.
    w_max: f64,
    /// W_est: what NewReno's window would be.
    w_est: f64,
}

// ANCHOR: w_cubic
impl Epoch {
    /// W_cubic(t)
    fn w_cubic(&self, t: Duration) -> f64 {
        C * (t.as_secs_f64() - self.k).powi(3) + self.w_max
    }
}
// ANCHOR_END: w_cubic

impl Cubic {
    /// The state at the start of a connection.
    pub fn new(mss: u32) -> Self {
        Self {
            mss,
            cwnd: f64::from(initial_window(mss)) / f64::from(mss),
            ssthresh: f64::INFINITY,
            w_max: 0.0,
            cwnd_prior: 0.0,
            epoch: None,
            before_timeout: (0.0, 0.0, 0.0),
        }
    }

    fn segments(&self, octets: u32) -> f64 {
        f64::from(octets) / f64::from(self.mss)
    }

    fn octets(&self, segments: f64) -> u32 {
        // A cast of floats saturates, which is what is wanted of infinity.
        #[allow(clippy::cast_possible_truncation)]
        let octets = (segments * f64::from(self.mss)).round() as u32;
        octets
    }

    // ANCHOR: cubic_reduce
    /// What a loss means for the epochs to come (§4.6, §4.7).
    fn reduce(&mut self, flight: u32) {
        self.epoch = None;
        self.cwnd_prior = self.cwnd;
        // Fast convergence: if not even the last maximum was reached, somebody
        // else needs room.
        self.w_max = if self.cwnd < self.w_max {
            self.cwnd * (1.0 + BETA) / 2.0
        } else {
            self.cwnd
        };
        self.ssthresh = (self.segments(flight) * BETA).max(2.0);
    }
    // ANCHOR_END: cubic_reduce

    /// Congestion avoidance (§4.2 to §4.5).
    fn avoid_congestion(&mut self, acked: f64, now: Time, srtt: Duration) {
        let (cwnd, w_max) = (self.cwnd, self.w_max);
        let epoch = self.epoch.get_or_insert_with(|| {
            let reached = cwnd >= w_max;
            Epoch {
                start: now,
                k: if reached {
                    0.0
                } else {
                    ((w_max - cwnd) / C).cbrt()
                },
                w_max: if reached { cwnd } else { w_max },
                w_est: cwnd,
            }
        });
        let alpha = if epoch.w_est < self.cwnd_prior {
            ALPHA
        } else {
            1.0
        };
        epoch.w_est += alpha * acked / cwnd;
        // ANCHOR: cubic_grow
        let t = now.since(epoch.start);
        if epoch.w_cubic(t) < epoch.w_est {
            // Where NewReno would be faster, be as fast (§4.3).
            self.cwnd = cwnd.max(epoch.w_est);
        } else {
            // Half as much again in a round trip is the most.
            let target = epoch.w_cubic(t + srtt).clamp(cwnd, 1.5 * cwnd);
            self.cwnd += (target - cwnd) / cwnd * acked;
        }
        // ANCHOR_END: cubic_grow
    }
}

impl CongestionControl for Cubic {
    fn window(&self) -> u32 {
        self.octets(self.cwnd)
    }

    fn slow_start_threshold(&self) -> Option<u32> {
        Some(self.octets(self.ssthresh))
    }

    fn acknowledged(&mut self, acked: u32, flight: u32, now: Time, srtt: Duration) {
        // A window that is not used proves nothing about the network (§5.8).
        if flight < self.window() / 2 {
            self.epoch = None;
            return;
        }
        let acked = self.segments(acked);
        if self.cwnd < self.ssthresh {
            // As NewReno.
            self.cwnd += acked.min(f64::from(SLOW_START_STEP));
        } else {
            self.avoid_congestion(acked, now, srtt);
        }
    }

    fn loss(&mut self, flight: u32) {
        self.reduce(flight);
        self.cwnd = self.ssthresh;
    }

    fn recovered(&mut self, flight: u32) {
        // Not all at once after a long recovery, as NewReno.
        let flight = self.segments(flight).max(1.0) + 1.0;
        self.cwnd = self.ssthresh.min(flight);
    }

    fn timeout(&mut self, flight: u32, again: bool) {
        if !again {
            self.before_timeout = (self.cwnd, self.ssthresh, self.w_max);
            self.reduce(flight);
        }
        self.epoch = None;
        self.cwnd = 1.0;
    }

    fn undo_timeout(&mut self) {
        let (cwnd, ssthresh, w_max) = self.before_timeout;
        self.cwnd = self.cwnd.max(cwnd);
        self.ssthresh = self.ssthresh.max(ssthresh);
        self.w_max = w_max;
    }

    fn handshake_was_slow(&mut self) {
        self.cwnd = 1.0;
    }

    fn set_mss(&mut self, mss: u32) {
        // As many segments as before, but not more octets than before.
        let ratio = (f64::from(self.mss) / f64::from(mss)).min(1.0);
        self.cwnd = (self.cwnd * ratio).max(1.0);
        self.ssthresh = (self.ssthresh * ratio).max(2.0);
        self.epoch = None;
        self.mss = mss;
    }

    fn idle(&mut self) {
        self.epoch = None;
        self.cwnd = self.cwnd.min(self.segments(initial_window(self.mss)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MSS: u32 = 1000;

    /// In congestion avoidance after a loss with so many segments in flight.
    fn after_loss(segments: u32) -> Cubic {
        let mut cubic = Cubic::new(MSS);
        cubic.cwnd = f64::from(segments);
        cubic.loss(segments * MSS);
        cubic.recovered(u32::MAX);
        cubic
    }

    /// Acknowledges whole windows, one for each round trip; gives the windows in segments.
    fn run(cubic: &mut Cubic, rtt: Duration, rounds: u32) -> Vec<u32> {
        let mut windows = vec![];
        for round in 0..rounds {
            for _ in 0..cubic.window() / MSS {
                let now = Time::ZERO + rtt * round;
                cubic.acknowledged(MSS, cubic.window(), now, rtt);
            }
            windows.push(cubic.window() / MSS);
        }
        windows
    }

    #[test]
    fn loss_leaves_seven_tenths() {
        let cubic = after_loss(100);
        assert_eq!(cubic.window(), 70 * MSS);
        assert_eq!(cubic.slow_start_threshold(), Some(70 * MSS));
        assert_eq!(Cubic::new(MSS).slow_start_threshold(), Some(u32::MAX));
    }

    #[test]
    fn fast_then_flat_then_fast_again() {
        // K = ∛(300/0.4) = 9.1 s for W_max = 1000: the plateau is round 91.
        let mut cubic = after_loss(1000);
        let windows = run(&mut cubic, Duration::from_millis(100), 150);
        let growth = |round: usize| windows[round + 10] - windows[round];
        assert!((990..=1010).contains(&windows[90]), "{}", windows[90]);
        assert!(growth(0) > 60, "{}", growth(0));
        // Around the plateau only what NewReno's average would be, if anything.
        assert!(growth(85) < 12, "{}", growth(85));
        assert!(growth(139) > 25, "{}", growth(139));
    }

    #[test]
    fn short_round_trips_grow_as_newreno_does() {
        // About half a segment per round trip (α = 9/17) up to the old 20, then one.
        let mut cubic = after_loss(20);
        let windows = run(&mut cubic, Duration::from_millis(1), 20);
        assert!((26..=29).contains(&windows[19]), "{}", windows[19]);
    }

    #[test]
    fn growth_is_bounded_in_a_round_trip() {
        let mut cubic = after_loss(10);
        // An hour later the function is beyond everything.
        cubic.acknowledged(MSS, 10 * MSS, Time::ZERO, Duration::from_millis(100));
        let before = cubic.window();
        let now = Time::ZERO + Duration::from_secs(3600);
        for _ in 0..before / MSS {
            cubic.acknowledged(MSS, 10 * MSS, now, Duration::from_millis(100));
        }
        assert!(cubic.window() <= before * 5 / 3, "{}", cubic.window());
    }

    #[test]
    fn second_loss_below_the_maximum_makes_room_for_others() {
        let mut cubic = after_loss(100);
        cubic.loss(70 * MSS);
        assert!((cubic.w_max - 70.0 * 0.85).abs() < 0.01);
    }

    #[test]
    fn timeout_starts_slowly_and_then_from_where_slow_start_ends() {
        let mut cubic = after_loss(100);
        cubic.timeout(70 * MSS, false);
        cubic.timeout(MSS, true);
        assert_eq!(cubic.window(), MSS);
        assert_eq!(cubic.slow_start_threshold(), Some(49 * MSS));
        let windows = run(&mut cubic, Duration::from_millis(10), 10);
        assert_eq!(windows[..3], [2, 4, 8]);
        assert!((49..=55).contains(&windows[9]), "{}", windows[9]);
    }

    #[test]
    fn idle_time_is_not_growth() {
        let mut cubic = after_loss(100);
        run(&mut cubic, Duration::from_millis(100), 3);
        cubic.idle();
        assert_eq!(cubic.window(), initial_window(MSS));
        // Nor is time in which the window was not used.
        let mut cubic = after_loss(100);
        let before = cubic.window();
        for second in 0..100 {
            let now = Time::ZERO + Duration::from_secs(second);
            cubic.acknowledged(MSS, MSS, now, Duration::from_millis(10));
        }
        assert_eq!(cubic.window(), before);
    }
}
