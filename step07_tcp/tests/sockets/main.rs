//! Sockets behave as those of `std::net`: with real threads, over a wire in
//! memory and over loopback. Each test is watched: a hang is a failure.
#![allow(clippy::unwrap_used)]

mod closing;
mod connecting;
mod flood;
mod path_mtu;
mod services;
mod transfer;
mod waking;
mod world;
