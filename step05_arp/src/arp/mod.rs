//! The Address Resolution Protocol (RFC 826): who on this link has that
//! protocol address?
//!
//! ```text
//!   IP ─► Arp::deliver() ──► State ◄── ArpInput ◄─ device
//!         way down, shared   (one     way up, owned by the main loop
//!                            lock) ◄── ArpTimer
//! ```

pub mod cache;
mod entry;
pub mod input;
pub mod message;
pub mod output;
pub mod timer;

pub use cache::CACHE_TIMEOUT;
pub use input::ArpInput;
pub use message::{Message, Opcode};
pub use output::Arp;
pub use timer::ArpTimer;

crate::counters! {
    /// What ARP counts.
    pub struct ArpCounters {
        /// messages received
        pub received,
        /// requests sent
        pub requests_sent,
        /// replies sent
        pub replies_sent,
        /// dropped: shorter than a message
        pub too_short,
        /// dropped: not about Ethernet and IPv4
        pub unsupported,
        /// dropped: impossible sender address
        pub bad_sender,
        /// dropped: another host uses an address of ours
        pub conflict,
        /// dropped: about another host
        pub other_host,
        /// cache entries made
        pub inserted,
        /// cache entries expired
        pub expired,
        /// cache entries evicted: the cache was full
        pub evicted,
        /// dropped: the entry that they waited for was evicted
        pub evicted_packets,
        /// packets that waited for an address
        pub packets_queued,
        /// dropped: newer packets were waiting for the same address
        pub queue_full,
        /// dropped: too much was waiting for all addresses together
        pub memory_full,
        /// dropped: nobody answered
        pub unresolved,
        /// not sent: nobody has answered lately
        pub unreachable,
    }
}
