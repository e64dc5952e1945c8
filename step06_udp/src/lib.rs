//! Step 06: routes, and UDP: datagrams for programs.
//!
//! | module | guide step | what |
//! |---|---|---|
//! | [`route`] | 17 | the way to other networks: longest prefix, default gateway |
//! | [`udp::header`], [`udp::input`](mod@udp::input), [`udp::output`](mod@udp::output) | 18 | ports and checksums |
//! | [`udp::pcb`] | 19 | control blocks: who has which port, and what waits for him |
//! | [`udp::socket`] | 20 | sockets in the shape of `std::net` |
//! | [`wait`], [`event`] | 21 | sleeping, being woken, being interrupted |
//! | [`host`] | – | the composition root |
//! | [`services`] | – | echo, discard, daytime, chargen |
//!
//! Everything of the floors below is here as well.
#![forbid(unsafe_code)]

pub use step05_arp::*;

pub mod event;
pub mod host;
pub mod route;
pub mod scene;
pub mod services;
pub mod udp;
pub mod wait;
