//! Timeouts.

use std::time::Duration;

use step07_tcp::config::Config;
use step07_tcp::rtt::{AdaptiveRto, RetransmissionTimeout};
use step07_tcp::testing::History;

use crate::harness::Talk;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn estimator() -> AdaptiveRto {
    AdaptiveRto::new(ms(1000), ms(200), ms(60_000))
}

#[test]
fn the_timeout_follows_the_round_trips() {
    let history = History::new();
    let mut rto = estimator();
    history.expect(
        "the timeout before anything is measured",
        rto.timeout(),
        ms(1000),
    );
    rto.sample(ms(400), 1);
    history.did("measure 400 ms: SRTT = 400, RTTVAR = 200");
    history.expect("the timeout", rto.timeout(), ms(1200));
    rto.sample(ms(480), 1);
    history.did("measure 480 ms: SRTT = 410, RTTVAR = 3/4 * 200 + 1/4 * 80 = 170");
    history.expect("the timeout", rto.timeout(), ms(1090));
    history.expect("the smoothed time", rto.smoothed(), Some(ms(410)));
    let mut steady = estimator();
    for _ in 0..200 {
        steady.sample(ms(10), 1);
    }
    history.did("measure 10 ms, two hundred times");
    history.expect(
        "the timeout, which has a lower bound",
        steady.timeout(),
        ms(200),
    );
    let mut slow = estimator();
    slow.sample(ms(50_000), 1);
    history.did("measure 50 s");
    history.expect(
        "the timeout, which has an upper bound",
        slow.timeout(),
        ms(60_000),
    );
}

#[test]
fn one_of_many_samples_counts_for_less() {
    let history = History::new();
    let (mut once, mut four) = (estimator(), estimator());
    once.sample(ms(800), 1);
    four.sample(ms(800), 1);
    once.sample(ms(400), 1);
    history.did("measure 800 ms, then 400");
    history.expect("the smoothed time", once.smoothed(), Some(ms(750)));
    for _ in 0..4 {
        four.sample(ms(400), 4);
    }
    history.did("measure 800 ms, then 400 four times, in one window");
    let near = four
        .smoothed()
        .is_some_and(|srtt| srtt.abs_diff(ms(750)) < ms(5));
    history.expect_that("that moves it as far as the one did", near);
}

#[test]
fn what_is_not_acknowledged_is_sent_again_and_later() {
    let history = History::new();
    let mut talk = Talk::established_with(Config::simple());
    talk.write(b"first");
    talk.write(b"second");
    history.did("write two segments; 199 ms pass");
    history.expect("what is sent again", talk.wait(ms(199)), [] as [&str; 0]);
    history.did("one more millisecond passes");
    let again = talk.wait(ms(1));
    history.expect_that(
        "the first is sent again, first",
        again
            .first()
            .is_some_and(|line| line.contains(" seq=1 ") && line.contains(" len=5 ")),
    );
    history.did("399 ms pass: twice the time, less one");
    history.expect("what is sent again", talk.wait(ms(399)), [] as [&str; 0]);
    history.did("one more millisecond passes");
    history.expect_that("it is sent again", !talk.wait(ms(1)).is_empty());
    talk.inject(talk.ack(1, 12));
    history.did("all is acknowledged; 10 s pass");
    history.expect("what is sent again", talk.wait(ms(10_000)), [] as [&str; 0]);
}
