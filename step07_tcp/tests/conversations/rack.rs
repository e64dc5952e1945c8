//! Recovery with SACK: the scoreboard, RACK (RFC 8985), proportional rate
//! reduction (RFC 9937), limited transmit.

use step07_tcp::config::Config;
use step07_tcp::congestion::CongestionPolicy;
use step07_tcp::options::{Options, SackBlock, Timestamps};
use step07_tcp::segment::Segment;

use crate::harness::{Talk, ms};

/// ESTABLISHED, SACK agreed, segments of 1000 octets, a round trip of 20 ms.
fn established() -> Talk {
    let config = Config {
        nodelay: true,
        congestion: CongestionPolicy::NewReno,
        ..Config::default()
    };
    let options = Options {
        mss: Some(1000),
        sack_permitted: true,
        ..Options::default()
    };
    let (talk, _) = Talk::established_over(config, options, ms(20));
    assert_eq!(talk.status().measures.unwrap().mss, 1000);
    talk
}

/// The same with so many full segments in flight, for 20 ms.
fn in_flight(count: usize) -> Talk {
    let mut talk = established();
    assert_eq!(talk.write(&vec![1; count * 1000]).len(), count);
    assert!(talk.wait(ms(20)).is_empty());
    talk
}

/// An acknowledgment with blocks: numbers of segments, from one up to before another.
pub fn sack(talk: &Talk, ack: u32, blocks: &[(u32, u32)]) -> Segment {
    let number = |segment: u32| talk.iss + 1 + 1000 * segment;
    let mut segment = talk.ack(1, 1 + 1000 * ack);
    for &(start, end) in blocks {
        segment.options.sack.push(SackBlock {
            start: number(start),
            end: number(end),
        });
    }
    segment
}

/// Which segments these are.
fn numbers(sent: &[String]) -> Vec<u32> {
    let number = |line: &String| {
        let seq = line.split("seq=").nth(1).unwrap();
        seq.split(' ').next().unwrap().parse::<u32>().unwrap() / 1000
    };
    sent.iter().map(number).collect()
}

fn inject(talk: &mut Talk, ack: u32, blocks: &[(u32, u32)]) -> Vec<u32> {
    let segment = sack(talk, ack, blocks);
    numbers(&talk.inject(segment))
}

#[test]
fn only_what_is_missing_is_repeated() {
    let mut talk = in_flight(10);
    // The first, the fourth and the fifth are lost. Three reports decide.
    assert_eq!(inject(&mut talk, 0, &[(1, 2)]), []);
    assert_eq!(inject(&mut talk, 0, &[(1, 3)]), []);
    assert_eq!(inject(&mut talk, 0, &[(5, 6), (1, 3)]), [0]);
    let counters = talk.state.counters().clone();
    assert_eq!(counters.fast_retransmissions.get(), 1);
    assert_eq!(talk.status().measures.unwrap().cwnd, 5000);
    // One for two that arrive; the others were found at the same time.
    let mut sent = vec![];
    for end in 7..=10 {
        sent.extend(inject(&mut talk, 0, &[(5, end), (1, 3)]));
    }
    assert_eq!(sent, [3, 4]);
    // The first comes, then the two others: nothing more goes out.
    talk.wait(ms(20));
    assert_eq!(inject(&mut talk, 3, &[(5, 10)]), []);
    assert_eq!(inject(&mut talk, 4, &[(5, 10)]), []);
    assert_eq!(inject(&mut talk, 10, &[]), []);
    assert_eq!(counters.retransmitted.get(), 3);
    assert_eq!(counters.timeouts.get(), 0);
    // Recovery is over with what PRR aimed at.
    assert_eq!(talk.status().measures.unwrap().cwnd, 5000);
    assert!(talk.status().flushed);
}

#[test]
fn reports_let_new_segments_out() {
    let mut talk = established();
    // Ten are allowed, two more wait (limited transmit, RFC 3042).
    assert_eq!(talk.write(&[1; 12_000]).len(), 10);
    talk.wait(ms(20));
    assert_eq!(inject(&mut talk, 0, &[(1, 2)]), [10]);
    assert_eq!(inject(&mut talk, 0, &[(1, 3)]), [11]);
}

#[test]
fn lost_retransmission_is_found_by_time() {
    let mut talk = established();
    assert_eq!(talk.write(&[1; 16_000]).len(), 10);
    talk.wait(ms(20));
    // The third report brings the first again, and later ones bring new segments.
    let mut sent = vec![];
    for end in 2..=10 {
        sent.extend(inject(&mut talk, 0, &[(1, end)]));
    }
    assert_eq!(sent, [10, 11, 0, 12, 13]);
    talk.wait(ms(21));
    // What was sent after the retransmission has arrived, that has not.
    let again = inject(&mut talk, 0, &[(1, 13)]);
    assert_eq!(again[0], 0);
    assert_eq!(talk.state.counters().timeouts.get(), 0);
    assert_eq!(talk.state.counters().fast_retransmissions.get(), 1);
}

#[test]
fn two_reports_are_enough_after_the_reordering_window() {
    let mut talk = in_flight(3);
    // Too few segments for three reports: a quarter of a round trip decides.
    assert_eq!(inject(&mut talk, 0, &[(1, 3)]), []);
    assert_eq!(talk.wait(ms(4)), [] as [&str; 0]);
    assert_eq!(numbers(&talk.wait(ms(2))), [0]);
    assert_eq!(talk.state.counters().timeouts.get(), 0);
}

#[test]
fn reordering_is_waited_for_once_it_was_seen() {
    let mut talk = in_flight(10);
    // The second comes after the third: not lost, only late.
    assert_eq!(inject(&mut talk, 1, &[(2, 3)]), []);
    assert_eq!(inject(&mut talk, 3, &[]), []);
    // From now on three reports do not decide, time does.
    assert_eq!(inject(&mut talk, 3, &[(4, 9)]), []);
    assert_eq!(numbers(&talk.wait(ms(6))), [3]);
}

#[test]
fn window_widens_if_something_was_repeated_in_vain() {
    let mut talk = in_flight(10);
    assert_eq!(inject(&mut talk, 1, &[(2, 3)]), []);
    assert_eq!(inject(&mut talk, 3, &[(4, 9)]), []);
    assert_eq!(numbers(&talk.wait(ms(6))), [3]);
    // It had arrived: the peer reports it twice.
    assert_eq!(inject(&mut talk, 9, &[]), []);
    assert_eq!(inject(&mut talk, 10, &[(3, 4)]), []);
    // Two quarters of a round trip now.
    assert_eq!(talk.write(&[1; 3000]).len(), 3);
    talk.wait(ms(20));
    assert_eq!(inject(&mut talk, 10, &[(11, 13)]), []);
    assert_eq!(talk.wait(ms(6)), [] as [&str; 0]);
    assert_eq!(numbers(&talk.wait(ms(5))), [10]);
}

#[test]
fn timeout_forgets_what_was_reported() {
    let mut talk = in_flight(4);
    assert_eq!(inject(&mut talk, 0, &[(1, 2)]), []);
    assert_eq!(numbers(&talk.wait(ms(5))), [0]);
    // Silence: the timer begins with the first.
    assert_eq!(numbers(&talk.wait(ms(200))), [0]);
    assert_eq!(talk.status().measures.unwrap().cwnd, 1000);
    // The peer has thrown away what it had reported (RFC 2018 §8).
    assert_eq!(inject(&mut talk, 1, &[]), [1, 2]);
    assert_eq!(inject(&mut talk, 4, &[]), []);
    assert!(talk.status().flushed);
}

#[test]
fn reports_after_a_timeout_count_again() {
    let mut talk = in_flight(6);
    assert_eq!(numbers(&talk.wait(ms(220))), [5, 0]);
    assert_eq!(inject(&mut talk, 1, &[(3, 6)]), [1, 2]);
    assert_eq!(inject(&mut talk, 6, &[]), []);
}

#[test]
fn blocks_that_cannot_be_are_ignored() {
    let mut talk = in_flight(10);
    let bad = |talk: &Talk| talk.state.counters().bad_sack.get();
    // Never sent, upside down, empty, around everything.
    for (count, block) in [(5, 11), (6, 5), (5, 5), (20, 30), (9, 0)]
        .iter()
        .enumerate()
    {
        assert_eq!(inject(&mut talk, 0, &[*block]), []);
        assert_eq!(bad(&talk), count as u64 + 1);
    }
    // An old one is a D-SACK at the first place only.
    assert_eq!(inject(&mut talk, 5, &[]), []);
    assert_eq!(inject(&mut talk, 5, &[(0, 1)]), []);
    assert_eq!(bad(&talk), 5);
    assert_eq!(inject(&mut talk, 5, &[(0, 1), (0, 1)]), []);
    // Half a segment says nothing.
    let mut half = talk.ack(1, 5001);
    half.options.sack.push(SackBlock {
        start: talk.iss + 6001,
        end: talk.iss + 6999,
    });
    assert!(talk.inject(half).is_empty());
    assert_eq!(talk.state.counters().retransmitted.get(), 0);
    // All reported and nothing acknowledged: frees nothing.
    assert_eq!(inject(&mut talk, 5, &[(6, 10)]), [5]);
    assert!(!talk.status().flushed);
    assert_eq!(talk.status().measures.unwrap().flight, 5000);
}

#[test]
fn echo_tells_which_copy_has_arrived() {
    // With timestamps, a repeated segment that arrives too early was the first copy.
    let config = Config {
        nodelay: true,
        ..Config::default()
    };
    let options = Options {
        mss: Some(1012),
        sack_permitted: true,
        timestamps: Some(Timestamps { value: 1, echo: 0 }),
        ..Options::default()
    };
    let (mut talk, _) = Talk::established_by(config, options);
    let zero = talk.clock_zero.get().unwrap();
    let stamp = |mut segment: Segment, echo: u32| {
        let echo = zero.wrapping_add(echo);
        segment.options.timestamps = Some(Timestamps { value: 1, echo });
        segment
    };
    assert_eq!(talk.write(&[1; 5000]).len(), 5);
    talk.wait(ms(9));
    let report = stamp(sack(&talk, 0, &[(1, 4)]), 0);
    assert_eq!(numbers(&talk.inject(report)), [0]);
    // The first copy was late only: 0 to 3 are acknowledged, by its clock.
    talk.wait(ms(1));
    let late = stamp(sack(&talk, 4, &[]), 0);
    // If the answer counted for the second copy, the fifth segment, sent
    // before that, would look lost.
    assert!(talk.inject(late).is_empty());
    assert!(talk.wait(ms(5)).is_empty());
}
