//! How many error messages are sent.

use std::time::Duration;

use step04_icmp::icmp::rate_limit::TokenBucket;
use step04_icmp::testing::History;
use step04_icmp::time::Time;

#[test]
fn a_burst_and_then_one_per_interval() {
    let history = History::new();
    let mut bucket = TokenBucket::new(3, Duration::from_millis(10));
    history.did("a bucket of 3 tokens, one more every 10 ms");
    for (ms, there) in [
        (0, true),
        (0, true),
        (0, true),
        (0, false),
        (9, false),
        (10, true),
        (19, false),
        (20, true),
        (25, false),
        (30, true),
        (30, false),
    ] {
        history.did(format!("take a token at {ms} ms"));
        let taken = bucket.take(Time::from_millis(ms));
        history.expect(&format!("is there a token at {ms} ms"), taken, there);
    }
}

#[test]
fn a_pause_fills_it_and_no_more() {
    let history = History::new();
    let mut bucket = TokenBucket::new(3, Duration::from_millis(10));
    let mut taken = |ms| {
        (0..9)
            .filter(|_| bucket.take(Time::from_millis(ms)))
            .count()
    };
    history.did("take what there is from a full bucket of 3");
    history.expect("how many tokens there are", taken(0), 3);
    history.did("and again after 25 ms: two and a half intervals");
    history.expect("how many tokens there are", taken(25), 2);
    history.did("and again at 30 ms: the half was not lost");
    history.expect("how many tokens there are", taken(30), 1);
    history.did("and again after ten seconds");
    history.expect("how many tokens there are", taken(10_030), 3);
}
