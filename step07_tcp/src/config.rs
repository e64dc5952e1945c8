//! What can be chosen about TCP.

use std::time::Duration;

use crate::congestion::CongestionPolicy;
use crate::rtt::RtoPolicy;

/// The choices, with defaults that suit the Internet.
#[derive(Clone, Debug)]
pub struct Config {
    /// MSL, the maximum segment lifetime; TIME-WAIT lasts twice as long
    /// (RFC 9293 §3.4.2). The RFC's two minutes are a guess of 1981.
    pub msl: Duration,
    /// How the retransmission timeout is found.
    pub rto: RtoPolicy,
    /// How much may be in the network at once.
    pub congestion: CongestionPolicy,
    /// R2 for a SYN: an active open fails after that (RFC 9293 §3.8.3, at least 3 minutes).
    pub connect_timeout: Duration,
    /// How long a half-open connection of a listener may wait for its last ACK.
    pub half_open_timeout: Duration,
    /// R2: a connection whose data nobody acknowledges for that long is given
    /// up (RFC 9293 §3.8.3, at least 100 seconds).
    pub give_up: Duration,
    /// How long FIN-WAIT-2 may last once the user has closed: the RFC has no
    /// limit, but a silent peer would occupy memory for ever.
    pub fin_wait2_timeout: Duration,
    /// How long an acknowledgment may wait for company (RFC 9293 §3.8.6.3,
    /// less than half a second); zero sends each at once.
    pub delayed_ack: Duration,
    /// Octets that a user can write ahead of the peer's acknowledgments.
    pub send_buffer: usize,
    /// Octets that the peer can send ahead of the user's reading. Without
    /// window scaling no more than 65,535 can be announced.
    pub receive_buffer: usize,
    /// How far the send buffer may grow with its use.
    pub send_buffer_limit: usize,
    /// How far the receive buffer may grow with its use.
    pub receive_buffer_limit: usize,
    /// Whether windows beyond 64 KiB are offered (RFC 7323 §2).
    pub window_scaling: bool,
    /// Whether timestamps are offered (RFC 7323 §3).
    pub timestamps: bool,
    /// Whether selective acknowledgments are offered (RFC 2018 §2).
    pub sack: bool,
    /// How long a window stays closed before a probe may come, at most (RFC 9293 §3.8.6.1).
    pub max_persist: Duration,
    /// Whether Nagle's algorithm is off on new connections (RFC 9293 §3.7.4).
    pub nodelay: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            msl: Duration::from_secs(30),
            rto: RtoPolicy::default(),
            congestion: CongestionPolicy::default(),
            connect_timeout: Duration::from_secs(180),
            half_open_timeout: Duration::from_secs(60),
            give_up: Duration::from_secs(120),
            fin_wait2_timeout: Duration::from_secs(60),
            delayed_ack: Duration::from_millis(40),
            send_buffer: 64 * 1024,
            receive_buffer: 65_535,
            send_buffer_limit: 4 << 20,
            receive_buffer_limit: 4 << 20,
            window_scaling: true,
            timestamps: true,
            sack: true,
            max_persist: Duration::from_secs(60),
            nodelay: false,
        }
    }
}

impl Config {
    /// The simple form of the guide: every timeout starts at 200 ms and is
    /// doubled, 12 s without an answer end a connection, every segment is
    /// acknowledged and sent at once, the network is taken
    /// to be infinite, buffers keep their size, and the only option is the MSS.
    pub fn simple() -> Self {
        let deadline = Duration::from_secs(12);
        Self {
            msl: Duration::from_secs(15),
            rto: RtoPolicy::Fixed(Duration::from_millis(200)),
            congestion: CongestionPolicy::None,
            connect_timeout: deadline,
            half_open_timeout: deadline,
            give_up: deadline,
            delayed_ack: Duration::ZERO,
            nodelay: true,
            send_buffer_limit: 0,
            receive_buffer_limit: 0,
            window_scaling: false,
            timestamps: false,
            sack: false,
            ..Self::default()
        }
    }
}
