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
    /// How many connections of one listener may be half-open.
    pub syn_backlog: usize,
    /// Whether a listener with more requests than that answers them without
    /// keeping anything (RFC 4987 §3.6). If not, it makes room by dropping those
    /// that have been silent for a while, or drops the request.
    pub syn_cookies: bool,
    /// R2: a connection whose data nobody acknowledges for that long is given
    /// up (RFC 9293 §3.8.3, at least 100 seconds).
    pub give_up: Duration,
    /// How long FIN-WAIT-2 may last once the user has closed: the RFC has no
    /// limit, but a silent peer would occupy memory for ever.
    pub fin_wait2_timeout: Duration,
    /// How many connections may go on after their users have closed them. If
    /// there are more, the oldest is reset.
    pub max_orphans: usize,
    /// How many connections may be in TIME-WAIT. If there are more, the oldest goes.
    pub max_time_wait: usize,
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
    /// How many octets the buffers of all connections together may occupy, before
    /// those who have more than others get no more.
    pub memory_limit: usize,
    /// Whether windows beyond 64 KiB are offered (RFC 7323 §2).
    pub window_scaling: bool,
    /// Whether timestamps are offered (RFC 7323 §3).
    pub timestamps: bool,
    /// Whether selective acknowledgments are offered (RFC 2018 §2).
    pub sack: bool,
    /// Whether segments leave with "don't fragment", to find out what the way
    /// carries (RFC 1191).
    pub path_mtu_discovery: bool,
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
            syn_backlog: 256,
            syn_cookies: true,
            give_up: Duration::from_secs(120),
            fin_wait2_timeout: Duration::from_secs(60),
            max_orphans: 1024,
            max_time_wait: 16_384,
            delayed_ack: Duration::from_millis(40),
            send_buffer: 64 * 1024,
            receive_buffer: 65_535,
            send_buffer_limit: 4 << 20,
            receive_buffer_limit: 4 << 20,
            memory_limit: 64 << 20,
            window_scaling: true,
            timestamps: true,
            sack: true,
            path_mtu_discovery: true,
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
            syn_cookies: false,
            send_buffer_limit: 0,
            receive_buffer_limit: 0,
            window_scaling: false,
            timestamps: false,
            sack: false,
            path_mtu_discovery: false,
            ..Self::default()
        }
    }
}
