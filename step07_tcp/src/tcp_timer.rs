//! What TCP does when time passes.

use std::sync::Arc;

use crate::net::Source;
use crate::tcp::Tcp;
use crate::time::Time;

/// TCP's timer: owned by the main loop.
pub struct TcpTimer(Arc<Tcp>);

impl TcpTimer {
    /// The timer of `tcp`.
    pub fn new(tcp: &Arc<Tcp>) -> Self {
        Self(Arc::clone(tcp))
    }
}

impl Source for TcpTimer {
    fn deadline(&self) -> Option<Time> {
        self.0.deadline()
    }

    fn service(&mut self, _now: Time) {
        self.0.run(|state, now, out| state.on_timer(now, out));
    }
}
