//! Congestion control (RFC 5681): how much may be in the network at once.
//!
//! The peer's window says what the peer can take; nobody says what the network
//! between can take. Slow start finds it by doubling, congestion avoidance
//! goes on by one segment per round trip, a loss means that it was too much.
//! A connection holds its algorithm behind [`CongestionControl`].

use std::fmt;
use std::time::Duration;

use crate::cubic::Cubic;
use crate::time::Time;

// ANCHOR: trait
/// The congestion window and what moves it. Everything is counted in octets.
pub trait CongestionControl: fmt::Debug + Send {
    /// cwnd: how much may be in flight.
    fn window(&self) -> u32;

    /// ssthresh: where slow start ends, if the algorithm has it.
    fn slow_start_threshold(&self) -> Option<u32> {
        None
    }

    /// `acked` octets were acknowledged outside of loss recovery; `flight`
    /// octets had been outstanding before. A round trip takes about `srtt`.
    fn acknowledged(&mut self, acked: u32, flight: u32, now: Time, srtt: Duration);

    /// A segment was found lost by duplicate acknowledgments.
    fn loss(&mut self, flight: u32);

    /// All that was outstanding at the loss has been acknowledged.
    fn recovered(&mut self, flight: u32);

    /// The retransmission timer has expired; `again` if for the same segment as before.
    fn timeout(&mut self, flight: u32, again: bool);
    // ANCHOR_END: trait

    /// The last timeout was too early: the window is what it was (RFC 4015 §3.2).
    fn undo_timeout(&mut self) {}

    /// The handshake took a retransmission: the network may be full, and the
    /// initial window is one segment (RFC 5681 §3.1).
    fn handshake_was_slow(&mut self) {}

    /// Segments carry `mss` octets from now on. If that is less than before,
    /// the window shrinks with it: as many segments, not more of the smaller
    /// ones at once (RFC 5681 §3.1).
    fn set_mss(&mut self, _mss: u32) {}

    /// Nothing was sent for longer than a retransmission timeout (RFC 5681 §4.1).
    fn idle(&mut self) {}
}

/// Which [`CongestionControl`] new connections get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CongestionPolicy {
    /// No control: the guide's simple form.
    None,
    /// Slow start, congestion avoidance, fast retransmit and recovery.
    NewReno,
    /// The same with a window that is a function of time.
    #[default]
    Cubic,
}

impl CongestionPolicy {
    // ANCHOR: policy
    /// The state of a connection with segments of `mss` octets that begins.
    pub fn start(self, mss: u32) -> Box<dyn CongestionControl> {
        match self {
            Self::None => Box::new(Unlimited),
            Self::NewReno => Box::new(NewReno::new(mss)),
            Self::Cubic => Box::new(Cubic::new(mss)),
        }
    }
    // ANCHOR_END: policy
}

/// A network without limits.
#[derive(Debug)]
pub struct Unlimited;

// ANCHOR: unlimited
impl CongestionControl for Unlimited {
    fn window(&self) -> u32 {
        u32::MAX
    }

    fn acknowledged(&mut self, _acked: u32, _flight: u32, _now: Time, _srtt: Duration) {}
    fn loss(&mut self, _flight: u32) {}
    fn recovered(&mut self, _flight: u32) {}
    fn timeout(&mut self, _flight: u32, _again: bool) {}
}
// ANCHOR_END: unlimited

/// Slow start and congestion avoidance of RFC 5681, with the recovery of RFC 6582.
#[derive(Debug)]
pub struct NewReno {
    mss: u32,
    cwnd: u32,
    ssthresh: u32,
    /// Octets acknowledged since cwnd last grew in congestion avoidance.
    counted: u32,
    /// cwnd and ssthresh before the last timeout.
    before_timeout: (u32, u32),
}

impl NewReno {
    /// The state at the start of a connection.
    pub fn new(mss: u32) -> Self {
        Self {
            mss,
            cwnd: initial_window(mss),
            ssthresh: u32::MAX,
            counted: 0,
            before_timeout: (0, 0),
        }
    }

    /// Half of what was in flight, but never less than two segments (RFC 5681 equation 4).
    fn halve(&mut self, flight: u32) {
        self.ssthresh = (flight / 2).max(2 * self.mss);
        self.counted = 0;
    }
}

// ANCHOR: step
/// By how many segments an acknowledgment lets the window grow in slow start.
/// It may be delayed, and it may be one for all that arrived together; but one
/// for very many must not cause a burst (L of RFC 9406 §4.2, and of RFC 3465).
pub(crate) const SLOW_START_STEP: u32 = 8;
// ANCHOR_END: step

// ANCHOR: initial
/// IW: ten segments, unless they are very long (RFC 6928 §2).
pub(crate) fn initial_window(mss: u32) -> u32 {
    (10 * mss).min((2 * mss).max(14_600))
}
// ANCHOR_END: initial

impl CongestionControl for NewReno {
    fn window(&self) -> u32 {
        self.cwnd
    }

    fn slow_start_threshold(&self) -> Option<u32> {
        Some(self.ssthresh)
    }

    // ANCHOR: newreno_acknowledged
    fn acknowledged(&mut self, acked: u32, flight: u32, _now: Time, _srtt: Duration) {
        // EXERCISE 7.16: Slow start, and then carefully
        // A window that is not used proves nothing about the network (RFC 7661 §4).
        if flight < self.cwnd / 2 {
            return;
        }
        if self.cwnd < self.ssthresh {
            self.cwnd = self
                .cwnd
                .saturating_add(acked.min(SLOW_START_STEP * self.mss));
        } else {
            self.counted = self.counted.saturating_add(acked);
            if self.counted >= self.cwnd {
                self.counted -= self.cwnd;
                self.cwnd = self.cwnd.saturating_add(self.mss);
            }
        }
        // END 7.16
    }
    // ANCHOR_END: newreno_acknowledged

    // ANCHOR: newreno_loss
    fn loss(&mut self, flight: u32) {
        self.halve(flight);
        self.cwnd = self.ssthresh;
    }

    fn recovered(&mut self, flight: u32) {
        // Not all at once after a long recovery (RFC 6582 §3.2 step 3, option 1).
        self.cwnd = self
            .ssthresh
            .min(flight.max(self.mss).saturating_add(self.mss));
    }

    fn timeout(&mut self, flight: u32, again: bool) {
        if !again {
            self.before_timeout = (self.cwnd, self.ssthresh);
            self.halve(flight);
        }
        self.cwnd = self.mss;
    }
    // ANCHOR_END: newreno_loss

    fn undo_timeout(&mut self) {
        let (cwnd, ssthresh) = self.before_timeout;
        self.cwnd = self.cwnd.max(cwnd);
        self.ssthresh = self.ssthresh.max(ssthresh);
    }

    fn handshake_was_slow(&mut self) {
        self.cwnd = self.mss;
    }

    fn set_mss(&mut self, mss: u32) {
        let scaled = u64::from(self.cwnd) * u64::from(mss) / u64::from(self.mss.max(1));
        self.cwnd = self
            .cwnd
            .min(u32::try_from(scaled).unwrap_or(u32::MAX))
            .max(mss);
        self.mss = mss;
    }

    fn idle(&mut self) {
        self.cwnd = self.cwnd.min(initial_window(self.mss));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MSS: u32 = 1460;

    /// So many octets of a full window are acknowledged.
    fn acknowledged(reno: &mut NewReno, octets: u32) {
        reno.acknowledged(octets, reno.window(), Time::ZERO, Duration::ZERO);
    }

    #[test]
    pub(crate) fn initial_window_is_ten_segments() {
        assert_eq!(NewReno::new(536).window(), 5360);
        assert_eq!(NewReno::new(MSS).window(), 14_600);
        assert_eq!(NewReno::new(9000).window(), 18_000);
    }

    #[test]
    fn slow_start_then_one_segment_per_window() {
        let mut reno = NewReno::new(MSS);
        reno.timeout(20 * MSS, false);
        assert_eq!(
            (reno.window(), reno.slow_start_threshold()),
            (MSS, Some(10 * MSS))
        );
        for expected in 2..=10 {
            acknowledged(&mut reno, MSS);
            assert_eq!(reno.window(), expected * MSS);
        }
        for _ in 0..9 {
            acknowledged(&mut reno, MSS);
        }
        assert_eq!(reno.window(), 10 * MSS);
        acknowledged(&mut reno, MSS);
        assert_eq!(reno.window(), 11 * MSS);
    }

    #[test]
    fn unused_window_does_not_grow() {
        let mut reno = NewReno::new(MSS);
        reno.acknowledged(MSS, MSS, Time::ZERO, Duration::ZERO);
        assert_eq!(reno.window(), 10 * MSS);
    }

    #[test]
    fn loss_halves_and_a_second_timeout_does_not_halve_again() {
        let mut reno = NewReno::new(MSS);
        reno.loss(10 * MSS);
        assert_eq!(reno.window(), 5 * MSS);
        reno.timeout(5 * MSS, false);
        reno.timeout(MSS, true);
        assert_eq!(reno.slow_start_threshold(), Some(5 * MSS / 2));
        assert_eq!(reno.window(), MSS);
    }

    #[test]
    fn recovery_ends_without_a_burst() {
        let mut reno = NewReno::new(MSS);
        reno.loss(20 * MSS);
        reno.recovered(0);
        assert_eq!(reno.window(), 2 * MSS);
        reno.idle();
        assert_eq!(reno.window(), 2 * MSS);
    }
}
