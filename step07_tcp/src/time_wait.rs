//! The end of a connection: TIME-WAIT (RFC 9293 §3.4.2, §3.6.1).

use crate::config::Config;
use crate::segment::Segment;
use crate::tcb::{Context, Tcb, TcpState};
use crate::timers::Timer;

impl Tcb {
    // ANCHOR: enter
    /// Enters TIME-WAIT: stops all other timers and waits for 2MSL, until no
    /// segment of this connection can be in the network (RFC 9293 §3.4.2).
    pub(crate) fn enter_time_wait(&mut self, cx: &Context<'_>) {
        // EXERCISE 7.15: The last state
        self.transition(TcpState::TimeWait);
        self.timers.stop_all();
        // All was acknowledged: only memory is left.
        self.send_buffer.clear();
        self.receive_buffer.forget_out_of_order();
        self.start_time_wait_timer(cx);
        // END 7.15
    }
    // ANCHOR_END: enter

    /// Starts the 2MSL timer, or starts it again for a peer that has not got our last ACK.
    pub(crate) fn start_time_wait_timer(&mut self, cx: &Context<'_>) {
        let time = cx.config.msl * 2;
        log::debug!(target: "tcp::set_timewait_timer", "start time_wait timer: {} seconds", time.as_secs());
        self.timers.set(Timer::TimeWait, cx.now + time);
    }

    /// 2MSL have passed.
    pub(crate) fn time_wait_timeout(&mut self) {
        log::debug!(
            target: "tcp::timer",
            "timewait has elapsed, local={}, foreign={}", self.local, self.remote
        );
        self.transition(TcpState::Closed);
    }

    /// Is this the SYN of a new connection between the same ends, so clearly
    /// behind the old one that TIME-WAIT may yield to it (RFC 9293 §3.10.7.4,
    /// "fourth", TIME-WAIT STATE; MAY-2)?
    pub(crate) fn yields_to(&self, segment: &Segment, config: &Config) -> bool {
        let syn = segment.flags.syn() && !segment.flags.ack() && !segment.flags.rst();
        self.state == TcpState::TimeWait && syn && self.is_of_later_incarnation(segment, config)
    }

    // ANCHOR: later_incarnation
    /// No old duplicate can be beyond all sequence numbers of the old
    /// connection, or have a later timestamp; with an earlier one it is old,
    /// whatever its number (RFC 6191 §2).
    fn is_of_later_incarnation(&self, segment: &Segment, config: &Config) -> bool {
        let beyond = segment.seq.gt(self.rcv.nxt);
        match segment.options.timestamps.filter(|_| config.timestamps) {
            // Who did not use them before, and does now, has begun anew.
            Some(_) if !self.clock.is_agreed() => true,
            Some(theirs) => {
                self.clock.is_earlier(theirs.value)
                    || (self.clock.is_recent(theirs.value) && beyond)
            }
            None => beyond,
        }
    }
    // ANCHOR_END: later_incarnation

    // ANCHOR: ignores_reset
    /// A reset in TIME-WAIT would cut short what protects the next connection
    /// from old duplicates, and an old duplicate is enough to provoke one (RFC
    /// 1337 §3, "fix F1"): it is ignored. True if it was.
    pub(crate) fn ignores_reset(&self, cx: &Context<'_>) -> bool {
        let ignored = self.state == TcpState::TimeWait;
        if ignored {
            cx.counters.reset_in_time_wait.inc();
        }
        ignored
    }
    // ANCHOR_END: ignores_reset
}
