//! The tests of this crate's exercises, one module each; `exercises.toml` says
//! which is whose. A test calls only what comes before its exercise.

// The helper functions are part of the tests.
#![allow(clippy::unwrap_used)]

mod bench;
mod checksum;
mod fragments;
mod header;
mod iface;
mod input;
mod output;
mod upper;
// Other tests use the rest of it.
#[allow(dead_code, clippy::expect_used)]
#[path = "../harness/wire.rs"]
mod wire;
