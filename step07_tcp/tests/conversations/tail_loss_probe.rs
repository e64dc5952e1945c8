//! The tail loss probe (RFC 8985 §7).

use step07_tcp::config::Config;
use step07_tcp::congestion::CongestionPolicy;
use step07_tcp::options::Options;
use step07_tcp::segment::Segment;

use crate::harness::{Talk, ms};
use crate::rack::sack;

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
    talk
}

const LAST: &str = "---AP--- seq=3001 ack=1 len=1000 wnd=65535";

/// Four segments are lost, a probe has gone out.
fn probed() -> Talk {
    let mut talk = established();
    assert_eq!(talk.write(&[1; 4000]).len(), 4);
    assert!(talk.wait(ms(39)).is_empty());
    assert_eq!(talk.wait(ms(2)), [LAST]);
    assert_eq!(talk.state.counters().tail_loss_probes.get(), 1);
    talk
}

#[test]
fn repeats_the_last_segment_after_two_round_trips() {
    let mut talk = probed();
    let cwnd = talk.status().measures.unwrap().cwnd;
    // Its report brings the others, without a timeout.
    talk.wait(ms(20));
    let sent = talk.inject(sack(&talk, 0, &[(3, 4)]));
    assert!(sent[0].contains("seq=1 "), "{sent:?}");
    assert!(talk.status().measures.unwrap().cwnd < cwnd);
    assert_eq!(talk.state.counters().timeouts.get(), 0);
}

#[test]
fn comes_once_and_then_the_timeout() {
    let mut talk = probed();
    // A whole timeout after the probe.
    assert!(talk.wait(ms(198)).is_empty());
    let first = "---A---- seq=1 ack=1 len=1000 wnd=65535";
    assert_eq!(talk.wait(ms(3)), [first]);
    assert_eq!(talk.state.counters().tail_loss_probes.get(), 1);
    assert_eq!(talk.state.counters().timeouts.get(), 1);
}

#[test]
fn sends_something_new_if_there_is_something() {
    let mut talk = established();
    assert_eq!(talk.write(&[1; 12_000]).len(), 10);
    let sent = talk.wait(ms(41));
    assert_eq!(sent, ["---A---- seq=10001 ack=1 len=1000 wnd=65535"]);
    assert_eq!(talk.state.counters().retransmitted.get(), 0);
    // But nothing beyond the peer's window.
    let mut talk = established();
    talk.inject(Segment {
        window: 2000,
        ..talk.ack(1, 1)
    });
    assert_eq!(talk.write(&[1; 3000]).len(), 2);
    let sent = talk.wait(ms(41));
    assert_eq!(sent, ["---A---- seq=1001 ack=1 len=1000 wnd=65535"]);
}

#[test]
fn lone_segment_gets_time_for_a_delayed_acknowledgment() {
    let mut talk = established();
    talk.write(b"lone");
    // 2 SRTT and 200 ms: later than the timeout, so it comes in its place.
    assert!(talk.wait(ms(199)).is_empty());
    assert_eq!(talk.wait(ms(2)).len(), 1);
    assert_eq!(talk.state.counters().tail_loss_probes.get(), 1);
    assert_eq!(talk.state.counters().timeouts.get(), 0);
}

#[test]
fn loss_that_only_the_probe_has_repaired_counts() {
    let mut talk = probed();
    let cwnd = talk.status().measures.unwrap().cwnd;
    talk.wait(ms(20));
    // Only the last was lost: all is acknowledged. Was it the probe?
    talk.inject(sack(&talk, 4, &[]));
    assert!(talk.status().measures.unwrap().cwnd >= cwnd);
    // No D-SACK, and progress beyond: it was.
    talk.write(b"more");
    talk.inject(talk.ack(1, 4005));
    assert!(talk.status().measures.unwrap().cwnd < cwnd);
}

#[test]
fn probe_in_vain_costs_nothing() {
    for report in [&[(3, 4)][..], &[]] {
        let mut talk = probed();
        let cwnd = talk.status().measures.unwrap().cwnd;
        // The acknowledgment was only late; the probe's is a duplicate, with
        // or without D-SACK.
        talk.inject(sack(&talk, 4, &[]));
        talk.inject(sack(&talk, 4, report));
        talk.write(b"more");
        talk.inject(talk.ack(1, 4005));
        assert!(talk.status().measures.unwrap().cwnd >= cwnd);
    }
}

#[test]
fn not_while_the_peer_reports_gaps() {
    let mut talk = established();
    assert_eq!(talk.write(&[1; 3000]).len(), 3);
    talk.wait(ms(20));
    talk.inject(sack(&talk, 0, &[(1, 2)]));
    assert_eq!(talk.wait(ms(100)).len(), 1); // RACK's retransmission of the first
    assert_eq!(talk.state.counters().tail_loss_probes.get(), 0);
}

#[test]
fn not_without_sack() {
    let mut talk = Talk::established();
    talk.write(&[1; 4000]);
    assert_eq!(talk.wait(ms(201)).len(), 1);
    assert_eq!(talk.state.counters().tail_loss_probes.get(), 0);
    assert_eq!(talk.state.counters().timeouts.get(), 1);
}

#[test]
fn handshake_is_not_probed() {
    let mut talk = Talk::listening(Config::default());
    let mut syn = talk.syn();
    syn.options.sack_permitted = true;
    talk.inject(syn);
    // Its first timeout is a second, and the next is longer.
    assert_eq!(talk.wait(ms(3500)).len(), 2);
    assert_eq!(talk.state.counters().tail_loss_probes.get(), 0);
    assert_eq!(talk.state.counters().timeouts.get(), 2);
}
