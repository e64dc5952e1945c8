//! Floods: an enemy on the link sends as fast as he can (50 frames in each
//! millisecond, where the bystander sends 22), and a connection that has
//! nothing to do with it goes on. The memory has a limit, and when the flood
//! is over, nothing is left of it.
//!
//! Goodput is measured by the virtual clock, and by the turns of the victim's
//! crank, as a ratio to that in peace. No host can prevent that a flood takes
//! turns: with 22 of 72 frames its share is 0.31, if nothing that the enemy
//! sends takes more than its own turn.
//!
//! All in one thread and on virtual time: every run is the same. For the
//! figures:
//!
//! ```text
//! cargo test -p step07_tcp --test floods -- --nocapture --test-threads=1
//! ```
#![allow(clippy::unwrap_used)]

mod below;
mod connections;
mod frames;
mod segments;
mod sys;
mod world;
