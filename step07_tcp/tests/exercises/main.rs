//! The tests of this crate's exercises, one module each; `exercises.toml` says
//! which is whose. A test calls only what comes before its exercise.

// The helper functions are part of the tests.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

mod congestion;
// Shared with the conversations, which need more of it.
mod closing;
#[allow(dead_code)]
#[path = "../conversations/harness.rs"]
mod harness;
mod header;
mod numbers;
mod opening;
mod text;
mod time;
