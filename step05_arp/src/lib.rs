//! Step 05: Ethernet, ARP, and the first step into the world.
//!
//! | module | guide step | what |
//! |---|---|---|
//! | [`ethernet`] | 12 | frames, addresses, the helper under all drivers |
//! | [`frame`], [`tap`], [`packet_socket`] | 12 | drivers: TAP and PF_PACKET |
//! | [`wire`], [`simulation`] | – | a driver for hosts that share a process |
//! | [`arp`] | 13, 14, 15, 16 | address resolution: messages, cache, requests, timer |
//! | [`host`] | – | the composition root |
//! | [`serve`], [`lab`], [`namespace`], [`pcap`] | – | a host on a real device |
//!
//! Everything of the floors below is here as well.

pub use step04_icmp::*;

pub mod arp;
mod capture;
pub mod ethernet;
pub mod frame;
pub mod host;
pub mod lab;
pub mod namespace;
mod napi;
mod offload;
pub mod packet_socket;
pub mod pcap;
pub mod scene;
pub mod serve;
pub mod simulation;
mod sys;
pub mod tap;
pub mod wire;
