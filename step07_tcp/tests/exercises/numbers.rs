//! Sequence numbers.

use std::time::Duration;

use step07_tcp::config::Config;
use step07_tcp::seq::SeqNumber;
use step07_tcp::state::State;
use step07_tcp::testing::History;
use step07_tcp::time::Time;

use crate::harness::{MTU, peer, us};

#[test]
fn earlier_is_what_is_nearer_behind() {
    let history = History::new();
    let at = SeqNumber::new;
    for (a, b, expected) in [
        (1, 2, true),
        (2, 1, false),
        (5, 5, false),
        (u32::MAX, 0, true),
        (0, u32::MAX, false),
        (u32::MAX - 9, 10, true),
        (0x7fff_ffff, 0xffff_fffe, true),
    ] {
        history.did(format!("ask whether {a} is before {b}"));
        history.expect("the answer", at(a).lt(at(b)), expected);
    }
}

/// The number with which a connection begins, so many microseconds after the start.
fn begins(secret: u64, port: u16, micros: u64) -> SeqNumber {
    let mut state = State::new(Config::simple(), secret);
    let mut remote = peer();
    remote.set_port(port);
    let mut out = Vec::new();
    let now = Time::ZERO + Duration::from_micros(micros);
    state.connect(us(), remote, MTU, now, &mut out).unwrap();
    out[0].segment.seq
}

#[test]
fn first_numbers_go_with_the_clock_and_tell_nothing() {
    let history = History::new();
    let first = begins(1, 80, 0);
    history.did("connect to port 80");
    history.did("connect again 40 microseconds later, between the same ends");
    history.expect("so much further", begins(1, 80, 40).since(first), 10);
    history.did("connect 3 microseconds later");
    history.expect("so much further", begins(1, 80, 3).since(first), 0);
    history.did("connect to port 81, to port 82, and with another secret");
    let others = [begins(1, 81, 0), begins(1, 82, 0), begins(2, 80, 0)];
    let near = |other: &SeqNumber| {
        let apart = other.since(first);
        apart.min(apart.wrapping_neg()) < 1_000
    };
    history.expect_that("none of them is near the first", !others.iter().any(near));
}
