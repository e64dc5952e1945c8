//! The tests of this crate's exercises, one module each; `exercises.toml` says
//! which is whose. A test calls only what comes before its exercise.

// The helper functions are part of the tests.
#![allow(clippy::unwrap_used)]

mod bench;
mod event;
mod header;
mod pcb;
mod route;
mod socket;
mod wait;
