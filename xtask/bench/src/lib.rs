//! What the benchmarks have in common: two hosts on a wire in memory.

pub mod memory;
pub mod sys;
