//! Keep-alive (RFC 9293 §3.8.4): asks a peer that has long been silent whether
//! it is still there.
//!
//! A server whose clients vanish without a word would hold their connections
//! for ever. So, if the user wants it, an idle connection sends a segment that
//! every peer answers: an acknowledgment with the sequence number before the
//! next, which lies outside the peer's window.

use std::io;
use std::time::Duration;

use crate::flags::Flags;
use crate::packet::Packet;
use crate::segment::Outgoing;
use crate::state::State;
use crate::tcb::{Context, Id, Tcb, TcpState};
use crate::time::Time;
use crate::timers::Timer;

/// When a silent peer is asked, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepAlive {
    /// How long a connection is idle before the first probe.
    pub idle: Duration,
    /// How long a probe waits for its answer before the next is sent.
    pub interval: Duration,
    /// How many probes may stay unanswered: one alone may have been lost
    /// (MUST-29).
    pub probes: u32,
}

/// At least two hours (MUST-28); then as Linux has it.
impl Default for KeepAlive {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(7200),
            interval: Duration::from_secs(75),
            probes: 9,
        }
    }
}

/// What one connection knows.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KeepAliveState {
    /// `None`: off, which is the default (MUST-25).
    pub chosen: Option<KeepAlive>,
    /// When a segment of the peer has last arrived.
    last_heard: Time,
    /// Probes sent since.
    unanswered: u32,
}

impl State {
    /// Switches keep-alive on or off for a connection (MUST-24).
    ///
    /// # Errors
    /// `NotConnected`; `InvalidInput`: no time, or no probe at all.
    pub fn set_keep_alive(
        &mut self,
        id: Id,
        keep_alive: Option<KeepAlive>,
        now: Time,
        out: &mut Vec<Outgoing>,
    ) -> io::Result<()> {
        let empty = |k: KeepAlive| k.idle.is_zero() || k.interval.is_zero() || k.probes == 0;
        if keep_alive.is_some_and(empty) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        self.on_connection(id, now, out, |tcb, cx| {
            tcb.keep_alive = KeepAliveState {
                chosen: keep_alive,
                last_heard: cx.now,
                unanswered: 0,
            };
            tcb.timers.stop(Timer::KeepAlive);
            if tcb.state.is_synchronized() {
                tcb.start_keep_alive(cx);
            }
            Ok(())
        })
    }

    /// When silent peers are asked; `None`: never.
    ///
    /// # Errors
    /// `NotConnected`.
    pub fn keep_alive(&self, id: Id) -> io::Result<Option<KeepAlive>> {
        let tcb = self.tcbs.get(&id).ok_or(io::ErrorKind::NotConnected)?;
        Ok(tcb.keep_alive.chosen)
    }
}

impl Tcb {
    /// The connection is there, or keep-alive was switched on.
    pub(crate) fn start_keep_alive(&mut self, cx: &Context<'_>) {
        if let Some(KeepAlive { idle, .. }) = self.keep_alive.chosen
            && !matches!(self.state, TcpState::TimeWait | TcpState::Closed)
        {
            self.keep_alive.last_heard = cx.now;
            self.timers.set(Timer::KeepAlive, cx.now + idle);
        }
    }

    /// A segment has arrived, whatever it says: the peer lives.
    pub(crate) fn heard(&mut self, now: Time) {
        self.keep_alive.last_heard = now;
        self.keep_alive.unanswered = 0;
    }

    /// The timer has expired. It is not set anew for each segment; so it first
    /// looks how long the connection has really been idle.
    pub(crate) fn keep_alive_timeout(&mut self, cx: &mut Context<'_>) {
        let KeepAliveState {
            chosen: Some(chosen),
            last_heard,
            unanswered,
        } = self.keep_alive
        else {
            return;
        };
        let due = last_heard + chosen.idle + chosen.interval * unanswered;
        if cx.now < due {
            self.timers.set(Timer::KeepAlive, due);
            return;
        }
        self.timers.set(Timer::KeepAlive, cx.now + chosen.interval);
        // Text that waits for its acknowledgment, or for a window, is probe
        // enough: only an idle connection is asked (MUST-26).
        if !self.queue.is_empty() || self.has_unsent() {
            self.keep_alive.unanswered = 0;
            self.keep_alive.last_heard = cx.now;
            return;
        }
        if unanswered >= chosen.probes {
            cx.counters.keep_alive_dead.inc();
            self.send_reset(cx);
            self.fail(self.soft_error.unwrap_or(io::ErrorKind::TimedOut));
            return;
        }
        self.keep_alive.unanswered += 1;
        cx.counters.keep_alive_probes.inc();
        // Without the octet of garbage that very old peers wanted (SHLD-12).
        self.send_segment(self.snd.nxt - 1, Flags::ACK, Packet::zeroed(0), cx);
    }
}
