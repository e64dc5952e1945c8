//! The timers of one connection: a deadline for each, or none.

use crate::time::Time;

/// What can happen to a connection because time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// The earliest segment in flight was not acknowledged in time (RFC 6298 §5).
    Retransmission,
    /// A segment was overtaken by another and has not arrived (RFC 8985 §6.2).
    Reordering,
    /// Nothing has come back for two round trips (RFC 8985 §7.2).
    TailLossProbe,
    /// The peer's window is closed and nothing is in flight: ask again (RFC 9293 §3.8.6.1).
    Persist,
    /// An acknowledgment has waited long enough for company (RFC 9293 §3.8.6.3).
    DelayedAck,
    /// 2MSL have passed in TIME-WAIT (RFC 9293 §3.4.2).
    TimeWait,
    /// The peer of a closed user leaves us in FIN-WAIT-2.
    FinWait2,
    /// A larger path MTU may be tried (RFC 1191 §6.3).
    PathMtu,
    /// Nothing was heard of the peer for long (RFC 9293 §3.8.4).
    KeepAlive,
}

impl Timer {
    /// All of them, in the order in which they are served.
    pub const ALL: [Self; 9] = [
        // The probe comes before the timeout: it may take its place.
        Self::Reordering,
        Self::TailLossProbe,
        Self::Retransmission,
        Self::Persist,
        Self::DelayedAck,
        Self::TimeWait,
        Self::FinWait2,
        Self::PathMtu,
        Self::KeepAlive,
    ];
}

/// The deadlines.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timers([Option<Time>; Timer::ALL.len()]);

impl Timers {
    /// When `timer` is due, if it is running.
    pub fn get(&self, timer: Timer) -> Option<Time> {
        self.0[timer as usize]
    }

    /// Is `timer` running?
    pub fn is_running(&self, timer: Timer) -> bool {
        self.get(timer).is_some()
    }

    /// Starts `timer`, or starts it again.
    pub fn set(&mut self, timer: Timer, deadline: Time) {
        self.0[timer as usize] = Some(deadline);
    }

    /// Stops `timer`.
    pub fn stop(&mut self, timer: Timer) {
        self.0[timer as usize] = None;
    }

    /// Stops all.
    pub fn stop_all(&mut self) {
        *self = Self::default();
    }

    /// The earliest deadline.
    pub fn next(&self) -> Option<Time> {
        self.0.iter().flatten().min().copied()
    }

    /// Stops `timer` if it is due, and tells whether it was.
    pub fn expired(&mut self, timer: Timer, now: Time) -> bool {
        let due = self.get(timer).is_some_and(|deadline| deadline <= now);
        if due {
            self.stop(timer);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_is_next_and_each_fires_once() {
        let mut timers = Timers::default();
        assert_eq!(timers.next(), None);
        timers.set(Timer::TimeWait, Time::from_millis(30));
        timers.set(Timer::DelayedAck, Time::from_millis(10));
        assert_eq!(timers.next(), Some(Time::from_millis(10)));
        assert!(!timers.expired(Timer::DelayedAck, Time::from_millis(9)));
        assert!(timers.expired(Timer::DelayedAck, Time::from_millis(10)));
        assert!(!timers.expired(Timer::DelayedAck, Time::from_millis(10)));
        assert!(timers.is_running(Timer::TimeWait));
        timers.stop_all();
        assert_eq!(timers.next(), None);
    }
}
