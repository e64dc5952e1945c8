//! Step 04: ICMP, the protocol by which hosts talk about IP itself.
//!
//! An echo comes back to whoever sends one (`ping`), and the sender of what
//! cannot be delivered is told so. ICMP plugs into both of IP's sockets: it is
//! one of the protocols above, and it reports errors. It leaves a socket of its
//! own: whoever sends datagrams can listen for the errors that concern them
//! ([`icmp::ErrorListener`]).
//!
//! | module | guide step | what |
//! |---|---|---|
//! | [`icmp::message`] | 10 | the wire format |
//! | [`icmp::input`](mod@icmp::input) | 10, 11 | the way up: validation, echo, errors from afar |
//! | [`icmp::output`](mod@icmp::output) | 11 | the way down: messages, errors to others |
//! | [`icmp::ping`] | – | echo, from the asking side |
//!
//! Everything of the floors below is here as well.
#![forbid(unsafe_code)]

pub use step03_ip::*;

pub mod icmp;
