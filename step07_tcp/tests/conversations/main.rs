//! TCP as conversations: bring a `State` into a state, let one segment arrive,
//! or some time pass, and look at what comes out.
//!
//! Sequence numbers are shown relative to the initial ones, which both lie just
//! before the wrap to zero, so that every test is one of modular arithmetic too.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)] // it is all test

mod closing;
mod flow;
mod harness;
mod icmp;
mod listening;
mod opening;
mod orphans;
mod path_mtu;
mod rack;
mod requirements;
mod resets;
mod retransmission;
mod sack;
mod silence;
mod syn_flood;
mod tail_loss_probe;
mod text;
mod timestamps;
mod urgent;
mod window_scale;
