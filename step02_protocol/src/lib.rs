//! Step 02: which protocol is a packet for?
//!
//! One floor up from the devices: a table of protocols, each with a queue. The
//! interrupt's half of the work only sorts packets into the queues; the
//! *software interrupt* then drains them.
//!
//! | module | guide step | what |
//! |---|---|---|
//! | [`ethertype`] | 4 | the numbers by which links name protocols |
//! | [`protocol`] | 4, 5 | the registry, its queues, the software interrupt |
//!
//! Everything of step 01 is here as well, so that a program names one crate.
#![forbid(unsafe_code)]

pub use step01_device::*;

pub mod ethertype;
pub mod protocol;
