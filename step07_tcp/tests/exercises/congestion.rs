//! How much the network takes.

use std::time::Duration;

use step07_tcp::congestion::{CongestionControl, NewReno};
use step07_tcp::testing::History;
use step07_tcp::time::Time;

const MSS: u32 = 1000;

fn acknowledge(reno: &mut NewReno, segments: u32) {
    let flight = reno.window();
    reno.acknowledged(segments * MSS, flight, Time::ZERO, Duration::ZERO);
}

#[test]
fn slow_start_doubles_in_a_round_trip() {
    let history = History::new();
    let mut reno = NewReno::new(MSS);
    history.expect("the window at the start", reno.window(), 10 * MSS);
    for _ in 0..5 {
        acknowledge(&mut reno, 2);
    }
    history.did("the ten segments are acknowledged, two by two");
    history.expect("the window", reno.window(), 20 * MSS);
    acknowledge(&mut reno, 20);
    history.did("twenty are acknowledged at once: only eight count");
    history.expect("the window", reno.window(), 28 * MSS);
    reno.acknowledged(2 * MSS, 3 * MSS, Time::ZERO, Duration::ZERO);
    history.did("two are acknowledged when only three were in flight: the window was not used");
    history.expect("the window", reno.window(), 28 * MSS);
}

#[test]
fn then_one_segment_in_a_round_trip() {
    let history = History::new();
    let mut reno = NewReno::new(MSS);
    reno.loss(10 * MSS);
    reno.recovered(10 * MSS);
    history.did("a loss, with ten segments in flight: the window is halved");
    history.expect("the window", reno.window(), 5 * MSS);
    acknowledge(&mut reno, 4);
    history.did("four segments are acknowledged");
    history.expect("the window", reno.window(), 5 * MSS);
    acknowledge(&mut reno, 1);
    history.did("the fifth");
    history.expect("the window", reno.window(), 6 * MSS);
    for _ in 0..6 {
        acknowledge(&mut reno, 1);
    }
    history.did("six more, one by one");
    history.expect("the window", reno.window(), 7 * MSS);
}
