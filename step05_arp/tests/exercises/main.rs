//! The tests of this crate's exercises, one module each; `exercises.toml` says
//! which is whose. A test calls only what comes before its exercise.

// The helper functions are part of the tests.
#![allow(clippy::unwrap_used)]

mod arp;
mod bench;
mod cache;
mod ethernet;
#[allow(dead_code)] // other tests need the rest
#[path = "../harness/frames.rs"]
mod frames;
mod message;
