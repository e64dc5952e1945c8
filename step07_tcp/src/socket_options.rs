//! What can be chosen for one connection.

use std::io;
use std::time::Duration;

use crate::keep_alive::KeepAlive;
use crate::tcp_stream::TcpStream;

impl TcpStream {
    /// Switches Nagle's algorithm off: small pieces are sent at once.
    ///
    /// # Errors
    /// `NotConnected`.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.call(|id, state, now, out| state.set_nodelay(id, nodelay, now, out))
    }

    /// True if Nagle's algorithm is off.
    ///
    /// # Errors
    /// `NotConnected`.
    pub fn nodelay(&self) -> io::Result<bool> {
        self.call(|id, state, _, _| state.nodelay(id))
    }

    /// Asks a peer that has long been silent whether it is still there. If it
    /// does not answer, the connection ends with `TimedOut`. `None`, the
    /// default: it may be silent for ever.
    ///
    /// # Errors
    /// `NotConnected`; `InvalidInput`: no time, or no probe at all.
    pub fn set_keepalive(&self, keep_alive: Option<KeepAlive>) -> io::Result<()> {
        self.call(|id, state, now, out| state.set_keep_alive(id, keep_alive, now, out))
    }

    /// When a silent peer is asked; `None`: never.
    ///
    /// # Errors
    /// `NotConnected`.
    pub fn keepalive(&self) -> io::Result<Option<KeepAlive>> {
        self.call(|id, state, _, _| state.keep_alive(id))
    }

    /// How long what was written may stay unacknowledged; then the connection
    /// ends with `TimedOut`. `None`: as [`Config::give_up`] has it.
    ///
    /// [`Config::give_up`]: crate::config::Config::give_up
    ///
    /// # Errors
    /// `NotConnected`; `InvalidInput`: no time at all.
    pub fn set_user_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.call(|id, state, now, out| state.set_user_timeout(id, timeout, now, out))
    }

    /// How long what was written may stay unacknowledged, if it was chosen.
    ///
    /// # Errors
    /// `NotConnected`.
    pub fn user_timeout(&self) -> io::Result<Option<Duration>> {
        self.call(|id, state, _, _| state.user_timeout(id))
    }
}
