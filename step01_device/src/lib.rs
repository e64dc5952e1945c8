//! Step 01: network devices and the loop that serves them.
//!
//! The ground floor of the house. What is above it (protocols, IP, TCP …) is
//! unknown here: a device hands what it receives to an [`net::Input`], and who
//! that is decides the program.
//!
//! | module | guide step | what |
//! |---|---|---|
//! | [`logger`], [`hexdump`], [`packet`], [`time`], [`env`](mod@env), [`counters`](mod@counters) | 0 | groundwork |
//! | [`device`], [`null`], [`net`] | 1 | devices, and the stack's start and end |
//! | [`interrupt`], [`signal`] | 2 | interrupts |
//! | [`loopback`] | 3 | a driver with a queue |
//! | [`unfinished`] | – | what a device is to finish |
//! | [`cli`], [`sample`], [`testing`] | – | for the programs and tests of all floors |

pub mod cli;
pub mod counters;
pub mod device;
pub mod env;
pub mod hexdump;
pub mod interrupt;
pub mod logger;
pub mod loopback;
pub mod net;
pub mod null;
pub mod packet;
mod pool;
pub mod sample;
pub mod signal;
pub mod sync;
mod sys;
pub mod testing;
pub mod time;
pub mod unfinished;
