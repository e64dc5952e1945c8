//! The User Datagram Protocol (RFC 768, RFC 1122 §4.1).

pub mod header;
pub mod input;
pub mod message;
pub mod output;
pub mod pcb;
pub mod socket;

pub use header::Header;
pub use input::{UdpErrors, UdpInput};
pub use message::{ErrorReport, Message};
pub use output::Udp;
pub use socket::UdpSocket;

crate::counters! {
    /// What UDP counts, both ways.
    pub struct UdpCounters {
        /// datagrams received
        pub received,
        /// datagrams queued for a socket
        pub delivered,
        /// datagrams sent
        pub sent,
        /// dropped: shorter than a header
        pub too_short,
        /// dropped: length below a header, or longer than the datagram
        pub bad_length,
        /// dropped: wrong checksum
        pub bad_checksum,
        /// dropped: from port 0, or to port 0
        pub bad_port,
        /// dropped: nobody has the port
        pub port_unreachable,
        /// dropped: the socket's queue was full
        pub queue_full,
        /// ICMP errors handed to a socket
        pub icmp_errors,
        /// ICMP errors forgotten: newer ones were waiting for the same socket
        pub reports_lost,
        /// not sent: longer than a datagram can be
        pub too_long,
        /// not sent: IP failed
        pub output_failed,
    }
}
