//! Step 07: TCP, a reliable stream over a network that loses, repeats and reorders.
//!
//! The *state* of TCP is pure: it cannot send, lock, or tell the time. Around
//! it lies a thin shell that can.
//!
//! | modules | guide step | what |
//! |---|---|---|
//! | [`header`], [`flags`], [`options`], [`seq`], [`segment`] | 22 | the wire format, sequence numbers |
//! | [`state`], [`tcb`], [`listener`], [`timers`], [`config`] | 23 | control blocks |
//! | [`segment_arrives`] | 23–28 | SEGMENT ARRIVES, clause by clause |
//! | [`user_calls`], [`status`] | 24–28 | OPEN, SEND, RECEIVE, CLOSE, ABORT, STATUS |
//! | [`output`](mod@output), [`send_buffer`], [`receive_buffer`], [`reassembly`], [`ranges`], [`persist`] | 25 | data both ways |
//! | [`retransmission`], [`retransmission_queue`], [`rtt`], [`recovery`], [`congestion`], [`cubic`] | 26 | what is lost is sent again |
//! | [`syn_options`], [`window_scale`], [`right_sizing`] | – | windows beyond 64 KiB, and buffers to fill them |
//! | [`sack`], [`scoreboard`] | – | what has arrived beyond a gap: told, and noted |
//! | [`rack`], [`tail_loss_probe`], [`prr`], [`eifel`] | – | losses found by time, how fast they are repaired, and those that were none |
//! | [`timestamps`] | – | which segment is old, and how long a round trip takes |
//! | [`keep_alive`], [`user_timeout`], [`socket_options`] | – | how long a silent peer is borne |
//! | [`diffserv`] | – | what a connection asks of IP |
//! | [`path_mtu`] | – | the longest datagram that the whole way carries |
//! | [`urgent`] | – | what the peer calls urgent |
//! | [`time_wait`], [`orphans`] | 28 | the end |
//! | [`icmp_errors`], [`isn`] | – | errors from below; numbers that nobody can guess |
//! | [`syn_cookies`], [`memory`], [`warnings`] | – | a listener that outlives a flood; memory that greedy peers do not fill, and a log |
//! | [`gather`] | – | segments that leave together, as one |
//! | [`tcp`], [`tcp_input`], [`tcp_timer`] | – | the shell: lock, way up, timer |
//! | [`tcp_listener`], [`tcp_stream`] | – | sockets in the shape of `std::net`; the RFC's OPEN |
//! | [`host`], [`scene`], [`ladder`], [`tcp_services`], [`http`], [`status_page`], [`trace`] | – | the whole stack, and what its programs need |
//!
//! Everything of the floors below is here as well.
#![forbid(unsafe_code)]

pub use step06_udp::*;

pub mod config;
pub mod congestion;
pub mod cubic;
pub mod diffserv;
mod eifel;
pub mod flags;
mod gather;
pub mod header;
pub mod host;
pub mod http;
pub mod icmp_errors;
mod isn;
pub mod keep_alive;
pub mod ladder;
mod listener;
mod memory;
pub mod options;
mod orphans;
mod outbox;
mod output;
pub mod path_mtu;
mod persist;
mod prr;
mod rack;
mod ranges;
mod reassembly;
mod receive_buffer;
mod recovery;
mod retransmission;
mod retransmission_queue;
mod right_sizing;
pub mod rtt;
mod sack;
pub mod scene;
mod scoreboard;
pub mod segment;
mod segment_arrives;
mod send_buffer;
pub mod seq;
pub mod socket_options;
pub mod state;
pub mod status;
pub mod status_page;
mod syn_cookies;
mod syn_options;
mod tail_loss_probe;
pub mod tcb;
pub mod tcp;
pub mod tcp_counters;
pub mod tcp_input;
pub mod tcp_listener;
pub mod tcp_services;
pub mod tcp_state;
pub mod tcp_stream;
pub mod tcp_timer;
mod time_wait;
mod timers;
mod timestamps;
pub mod trace;
mod urgent;
mod user_calls;
mod user_timeout;
mod warnings;
mod window_scale;
