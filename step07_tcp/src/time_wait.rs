//! The end of a connection: TIME-WAIT and, for orphans, FIN-WAIT-2.

use crate::segment::Segment;
use crate::tcb::{Context, Owner, Tcb, TcpState};
use crate::timers::Timer;

impl Tcb {
    /// Enters TIME-WAIT: stops all other timers and waits for 2MSL, until no
    /// segment of this connection can be in the network (RFC 9293 §3.4.2).
    pub(crate) fn enter_time_wait(&mut self, cx: &Context<'_>) {
        self.transition(TcpState::TimeWait);
        self.timers.stop_all();
        self.start_time_wait_timer(cx);
    }

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
    /// beyond the old one that TIME-WAIT may yield to it (RFC 9293 §3.10.7.4,
    /// "fourth", TIME-WAIT STATE; MAY-2)?
    pub(crate) fn yields_to(&self, segment: &Segment) -> bool {
        let syn = segment.flags.syn() && !segment.flags.ack() && !segment.flags.rst();
        self.state == TcpState::TimeWait && syn && segment.seq.gt(self.rcv.nxt)
    }

    /// In FIN-WAIT-2 only the peer can end the connection. If no user is left
    /// who could lose patience, a timer does.
    pub(crate) fn guard_fin_wait2(&mut self, cx: &Context<'_>) {
        if self.state == TcpState::FinWait2
            && self.owner == Owner::Nobody
            && !self.timers.is_running(Timer::FinWait2)
        {
            self.timers
                .set(Timer::FinWait2, cx.now + cx.config.fin_wait2_timeout);
        }
    }
}
