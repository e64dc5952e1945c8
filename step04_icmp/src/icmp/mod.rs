//! The Internet Control Message Protocol (RFC 792, RFC 1122 §3.2.2).

pub mod input;
pub mod message;
pub mod output;
pub mod ping;
pub mod rate_limit;

pub use input::{EchoListener, ErrorListener, IcmpError, IcmpInput};
pub use message::{Code, Header, IcmpType};
pub use output::{Icmp, IcmpErrors};
pub use ping::{Answer, Ping, Reply};

crate::counters! {
    /// What ICMP counts, both ways.
    pub struct IcmpCounters {
        /// messages received
        pub received,
        /// messages sent
        pub sent,
        /// echoes answered
        pub echo_answered,
        /// echo replies received
        pub echo_reply,
        /// errors passed on to those whom they concern
        pub error_claimed,
        /// echoes and answers forgotten: too many that nobody has asked for
        pub echo_forgotten,
        /// dropped: shorter than a header
        pub too_short,
        /// dropped: wrong checksum
        pub bad_checksum,
        /// dropped: redirects, which this host does not follow
        pub redirect,
        /// dropped: source quenches (RFC 6633)
        pub source_quench,
        /// dropped: questions for the time, for our address or for its mask
        pub unanswered_query,
        /// dropped: a type that this host does not handle
        pub unknown_type,
        /// dropped: an error that quotes no valid header
        pub bad_quote,
        /// dropped: an error about something that nobody here sent
        pub unclaimed_error,
        /// not sent: errors that RFC 1122 forbids
        pub suppressed,
        /// not sent: errors above the rate limit
        pub rate_limited,
        /// not sent: IP or the device failed
        pub output_failed,
    }
}
