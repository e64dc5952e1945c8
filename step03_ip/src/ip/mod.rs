//! The Internet Protocol, version 4 (RFC 791, RFC 1122 §3).

pub mod cidr;
pub mod header;
pub mod identification;
pub mod iface;
pub mod input;
pub mod options;
pub mod output;
pub mod parameters;
pub mod reassembly;
pub mod timer;

pub use cidr::Cidr;
pub use header::{Header, IpProtocol};
pub use iface::{Interface, Interfaces};
pub use input::{Datagram, DeliveryError, ErrorReporter, IpInput, Upper};
pub use options::Options;
pub use output::{Ip, Neighbor, Route, Router};
pub use parameters::Parameters;
pub use timer::IpTimer;

crate::counters! {
    /// What IP counts, both ways.
    pub struct IpCounters {
        /// datagrams received
        pub received,
        /// datagrams delivered to a protocol above
        pub delivered,
        /// datagrams sent
        pub sent,
        /// dropped: shorter than a header
        pub too_short,
        /// dropped: not version 4
        pub bad_version,
        /// dropped: header length below 20, or longer than the packet
        pub bad_header_length,
        /// dropped: total length below the header length, or longer than the packet
        pub bad_total_length,
        /// dropped: wrong checksum
        pub bad_checksum,
        /// fragments received
        pub fragments,
        /// datagrams put together from fragments
        pub reassembled,
        /// fragments that were there already
        pub fragment_duplicate,
        /// dropped: fragments that fit into no datagram
        pub fragment_malformed,
        /// dropped: fragments that overlap
        pub fragment_overlap,
        /// dropped: incomplete datagrams, as there was no room
        pub reassembly_evicted,
        /// dropped: incomplete datagrams, as their time was over
        pub reassembly_timeout,
        /// dropped: malformed options
        pub bad_options,
        /// dropped: a source route that leads on
        pub source_routed,
        /// dropped: impossible source address
        pub bad_source,
        /// dropped: a broadcast of the link, but not of IP
        pub link_broadcast,
        /// dropped: the device has no IP interface
        pub no_interface,
        /// dropped: addressed to another host
        pub other_host,
        /// dropped: no such protocol above
        pub unknown_protocol,
        /// datagrams sent in fragments
        pub fragmented,
        /// not sent: no route
        pub no_route,
        /// not sent: source address is none of ours, or missing
        pub bad_output_source,
        /// not sent: longer than a datagram can be, or than the MTU where it must not be fragmented
        pub too_long,
        /// not sent: the neighbour or the device failed
        pub output_failed,
    }
}
