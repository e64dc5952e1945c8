//! What the benchmarks have in common: two hosts on a wire in memory, and a
//! network of one's own.

pub mod memory;
pub mod sandbox;
pub mod sys;
