//! Step 03: IPv4.
//!
//! Addresses that mean the same host on whatever link it hangs, and datagrams
//! that find it. Three sockets are left for the floors above, each with a
//! default by which this floor runs alone: who finds a neighbour's hardware
//! address ([`ip::Neighbor`]), who finds the way to a network ([`ip::Router`]),
//! and who reports what could not be delivered ([`ip::ErrorReporter`]).
//!
//! | module | guide step | what |
//! |---|---|---|
//! | [`checksum`] | 0, 6 | the Internet checksum |
//! | [`ip::header`], [`ip::input`](mod@ip::input) | 6, 9 | the way up: validation, delivery |
//! | [`ip::iface`], [`ip::cidr`] | 7 | interfaces: a device's address |
//! | [`ip::output`](mod@ip::output) | 8 | the way down |
//!
//! Everything of the floors below is here as well.
#![forbid(unsafe_code)]

pub use step02_protocol::*;

pub mod checksum;
pub mod ip;
