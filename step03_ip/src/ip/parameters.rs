//! What can be asked for a datagram, besides its way and its payload.

use std::num::NonZeroU8;

use crate::ip::options::Options;

// ANCHOR: parameters
/// What the floors above may ask for a datagram (RFC 1122 §3.4, SEND).
#[derive(Clone, Copy, Debug, Default)]
pub struct Parameters {
    /// Type of service (today: DSCP and ECN).
    pub tos: u8,
    /// Time to live; `None`: the host's.
    pub ttl: Option<NonZeroU8>,
    /// Routers must not fragment it, and neither must this host: who sends
    /// wants to know what fits the way (RFC 1191).
    pub dont_fragment: bool,
    /// Options of the header.
    pub options: Options,
}
// ANCHOR_END: parameters
