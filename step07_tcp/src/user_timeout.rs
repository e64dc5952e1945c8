//! How long a peer may owe us an answer (RFC 9293 §3.8.3).
//!
//! The RFC has two thresholds. At R1 something seems to be wrong: IP is advised
//! that its way there may be dead, and who looks should see it too:
//! [`Measures::timeouts`](crate::status::Measures::timeouts) counts the timeouts
//! in a row. At R2 the connection is given up. Both were
//! counts of retransmissions once; with a timeout that adapts, R2 is a time:
//! the USER TIMEOUT of SEND (§3.9.1).

use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use crate::config::Config;
use crate::segment::Outgoing;
use crate::state::State;
use crate::tcb::{Context, Id, Tcb, TcpState};
use crate::time::Time;
use crate::timers::Timer;

/// R1: as many timeouts in a row make the way suspect (SHLD-10).
const R1: u32 = 3;

impl State {
    /// Takes the list of hosts from which no answers come, so that somebody
    /// tells IP (MUST-20). To be called after every other call, or it grows.
    pub fn take_advice(&mut self) -> Vec<Ipv4Addr> {
        std::mem::take(&mut self.advice)
    }

    /// Chooses R2 for one connection (MUST-21); `None`: as configured.
    ///
    /// # Errors
    /// `NotConnected`; `InvalidInput`: no time at all.
    pub fn set_user_timeout(
        &mut self,
        id: Id,
        timeout: Option<Duration>,
        now: Time,
        out: &mut Vec<Outgoing>,
    ) -> io::Result<()> {
        if timeout.is_some_and(|timeout| timeout.is_zero()) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        self.on_connection(id, now, out, |tcb, cx| {
            tcb.user_timeout = timeout;
            // What runs now must not run beyond the new end.
            let end = tcb.stalled_since + tcb.patience(cx.config);
            for timer in [Timer::Retransmission, Timer::Persist] {
                if let Some(deadline) = tcb.timers.get(timer) {
                    tcb.timers.set(timer, deadline.min(end.max(cx.now)));
                }
            }
            Ok(())
        })
    }

    /// R2 of a connection, if its user has chosen it.
    ///
    /// # Errors
    /// `NotConnected`.
    pub fn user_timeout(&self, id: Id) -> io::Result<Option<Duration>> {
        let tcb = self.tcbs.get(&id).ok_or(io::ErrorKind::NotConnected)?;
        Ok(tcb.user_timeout)
    }
}

impl Tcb {
    /// Another retransmission timeout: is it the one of R1?
    pub(crate) fn advise_ip(&self, cx: &mut Context<'_>) {
        if self.timeouts == R1 {
            cx.counters.negative_advice.inc();
            cx.advice.push(*self.remote.ip());
        }
    }

    /// R2: how long the peer may owe us an answer (RFC 9293 §3.8.3).
    pub(crate) fn patience(&self, config: &Config) -> Duration {
        if let Some(chosen) = self.user_timeout {
            return chosen;
        }
        match self.state {
            TcpState::SynSent => config.connect_timeout,
            TcpState::SynReceived => config.half_open_timeout,
            _ => config.give_up,
        }
    }

    /// True, and the end of the connection, if the peer owes us an answer for
    /// too long. A reset may still reach it.
    pub(crate) fn gives_up(&mut self, cx: &mut Context<'_>) -> bool {
        let given_up = cx.now.since(self.stalled_since) >= self.patience(cx.config);
        if given_up {
            log::debug!(target: "tcp::timer", "give up, local={}, foreign={}", self.local, self.remote);
            cx.counters.given_up.inc();
            if self.state.is_synchronized() {
                self.send_reset(cx);
            }
            self.abandon(self.soft_error.unwrap_or(io::ErrorKind::TimedOut));
        }
        given_up
    }
}
