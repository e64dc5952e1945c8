//! Timestamps (RFC 7323 §3 to §5): echo, measurement, protection against old segments.

use step07_tcp::config::Config;
use step07_tcp::options::{Options, Timestamps};
use step07_tcp::segment::Segment;
use step07_tcp::tcb::TcpState;

use crate::harness::{Talk, ms, s};

/// A segment of the peer with these two numbers.
fn stamped(segment: Segment, value: u32, echo: u32) -> Segment {
    let mut segment = segment;
    segment.options.timestamps = Some(Timestamps { value, echo });
    segment
}

/// ESTABLISHED with a peer whose clock shows 100.
fn established() -> Talk {
    let config = Config {
        nodelay: true,
        delayed_ack: ms(0),
        ..Config::default()
    };
    let options = Options {
        mss: Some(1460),
        timestamps: Some(Timestamps {
            value: 100,
            echo: 0,
        }),
        ..Options::default()
    };
    let (talk, answer) = Talk::established_by(config, options);
    assert_eq!(
        answer,
        "---A--S- seq=0 ack=1 len=0 wnd=65535 mss=1460 ts=0,100"
    );
    talk
}

/// Our clock's value, so many milliseconds after our first segment.
fn ours(talk: &Talk, ms: u32) -> u32 {
    talk.clock_zero.get().unwrap().wrapping_add(ms)
}

#[test]
fn are_in_every_segment_once_both_have_offered_them() {
    let mut talk = established();
    talk.wait(ms(70));
    // Twelve octets less text: what was announced as MSS counts options too.
    assert_eq!(
        talk.write(&[1; 1460]),
        [
            "---A---- seq=1 ack=1 len=1448 wnd=65535 ts=70,100",
            "---AP--- seq=1449 ack=1 len=12 wnd=65535 ts=70,100"
        ]
    );
    assert_eq!(talk.status().measures.unwrap().mss, 1448);
    let text = stamped(talk.text(1, 1, b"abc"), 150, 0);
    assert_eq!(
        talk.inject(text),
        ["---A---- seq=1461 ack=4 len=0 wnd=65532 ts=70,150"]
    );
    assert_eq!(
        talk.close(),
        ["-----R-- seq=1461 ack=0 len=0 wnd=0"] // "abc" was not read
    );
}

#[test]
fn offered_by_us_and_not_by_the_peer() {
    let mut talk = Talk::syn_sent(Config::default());
    talk.inject(talk.syn_ack());
    assert_eq!(talk.write(b"x"), ["---AP--- seq=1 ack=1 len=1 wnd=65535"]);
    // One that appears later means nothing.
    let text = stamped(talk.text(1, 2, b"abc"), 150, 0);
    talk.inject(text);
    assert_eq!(talk.receive(9).unwrap(), b"abc");
}

#[test]
fn agreed_by_an_active_open() {
    let mut talk = Talk::syn_sent(Config::default());
    talk.wait(ms(30));
    let echo = ours(&talk, 0);
    let syn_ack = stamped(talk.syn_ack(), 7000, echo);
    assert_eq!(
        talk.inject(syn_ack),
        ["---A---- seq=1 ack=1 len=0 wnd=65535 ts=30,7000"]
    );
    assert_eq!(talk.status().measures.unwrap().srtt, Some(ms(30)));
}

#[test]
fn segment_without_is_dropped_in_silence_but_a_reset_counts() {
    let mut talk = established();
    assert!(talk.inject(talk.text(1, 1, b"abc")).is_empty());
    assert_eq!(talk.status().readable, 0);
    assert_eq!(talk.state.counters().no_timestamps.get(), 1);
    talk.inject(talk.rst(1));
    assert_eq!(talk.tcp_state(), TcpState::Closed);
}

#[test]
fn old_segment_in_the_window_is_not_taken() {
    let mut talk = established();
    let text = stamped(talk.text(1, 1, b"new"), 200, 0);
    talk.inject(text);
    // The sequence number fits, as it may after the numbers have gone round.
    let old = stamped(talk.text(4, 1, b"old"), 199, 0);
    assert_eq!(
        talk.inject(old.clone()),
        ["---A---- seq=1 ack=4 len=0 wnd=65532 ts=0,200"]
    );
    assert_eq!(talk.status().readable, 3);
    assert_eq!(talk.state.counters().old_timestamp.get(), 1);
    // Old and a reset: PAWS is not for resets.
    let mut talk_to_reset = established();
    let rst = stamped(talk_to_reset.rst(1), 50, 0);
    talk_to_reset.inject(rst);
    assert_eq!(talk_to_reset.tcp_state(), TcpState::Closed);
    // After 24 days without a segment nothing is known of the peer's clock.
    talk.wait(s(24 * 24 * 3600));
    talk.inject(old);
    assert_eq!(talk.receive(9).unwrap(), b"newold");
}

#[test]
fn value_of_the_first_segment_not_acknowledged_is_echoed() {
    let config = Config {
        nodelay: true,
        ..Config::default()
    };
    let options = Options {
        timestamps: Some(Timestamps { value: 9, echo: 0 }),
        ..Options::default()
    };
    let (mut talk, _) = Talk::established_by(config, options);
    // Two segments, one ACK: the delay belongs to the round trip.
    let first = stamped(talk.text(1, 1, b"a"), 10, 0);
    let second = stamped(talk.text(2, 1, b"b"), 30, 0);
    assert!(talk.inject(first).is_empty());
    assert!(talk.inject(second)[0].ends_with(",10"));
    // Out of order: what was echoed last is echoed again.
    let fourth = stamped(talk.text(4, 1, b"d"), 50, 0);
    assert!(talk.inject(fourth)[0].ends_with(",10"));
    // What fills the gap.
    let third = stamped(talk.text(3, 1, b"c"), 60, 0);
    assert!(talk.inject(third)[0].ends_with(" ts=0,60"));
}

#[test]
fn repeated_segment_is_measured_by_its_echo() {
    let mut talk = established();
    talk.write(b"lost");
    assert_eq!(
        talk.wait(ms(200)),
        ["---AP--- seq=1 ack=1 len=4 wnd=65535 ts=200,100"]
    );
    assert_eq!(talk.status().measures.unwrap().rto, ms(400));
    talk.wait(ms(50));
    // The echo says that it was the second which arrived, 50 ms ago.
    let ack = stamped(talk.ack(1, 5), 180, ours(&talk, 200));
    talk.inject(ack);
    // SRTT was 0, from the handshake: an eighth of 50 ms.
    let measures = talk.status().measures.unwrap();
    assert_eq!(measures.srtt, Some(std::time::Duration::from_micros(6250)));
    assert_eq!(measures.rto, ms(200));
    // An echo of what our clock has not shown yet is no measurement.
    talk.write(b"lost");
    talk.wait(ms(200));
    let ack = stamped(talk.ack(1, 9), 180, ours(&talk, 2000));
    talk.inject(ack);
    assert_eq!(talk.status().measures.unwrap().srtt, measures.srtt);
}

/// Five segments in flight, and a timeout.
fn timed_out() -> Talk {
    let mut talk = established();
    assert_eq!(talk.write(&[1; 5 * 1448]).len(), 5);
    assert_eq!(talk.wait(ms(210)).len(), 1);
    assert_eq!(talk.status().measures.unwrap().cwnd, 1448);
    talk.wait(ms(90));
    talk
}

#[test]
fn timeout_that_was_too_early_costs_nothing() {
    let mut talk = timed_out();
    // The answer is for the first copy: the others are under way too.
    let late = stamped(talk.ack(1, 1449), 200, ours(&talk, 0));
    assert!(talk.inject(late).is_empty());
    assert_eq!(talk.state.counters().spurious_timeouts.get(), 1);
    let measures = talk.status().measures.unwrap();
    assert!(measures.cwnd >= 10 * 1448, "{measures:?}");
    assert_eq!(measures.ssthresh, Some(u32::MAX));
    let rest = stamped(talk.ack(1, 7241), 200, ours(&talk, 0));
    assert!(talk.inject(rest).is_empty());
    assert!(talk.status().flushed);
    assert_eq!(talk.state.counters().retransmitted.get(), 1);
}

#[test]
fn timeout_with_a_loss_is_taken_seriously() {
    let mut talk = timed_out();
    // The answer is for the second copy.
    let ack = stamped(talk.ack(1, 1449), 200, ours(&talk, 200));
    assert_eq!(talk.inject(ack).len(), 2);
    assert_eq!(talk.state.counters().spurious_timeouts.get(), 0);
    assert!(talk.status().measures.unwrap().cwnd <= 3 * 1448);
}

#[test]
fn our_clock_does_not_tell_how_long_we_run() {
    // The same moment, two peers: the clocks have nothing to do with each other.
    let (mut talk, mut other) = (established(), established());
    other.irs = talk.irs;
    let value = |talk: &mut Talk, port: u16| {
        let mut syn = talk.syn();
        syn.options.timestamps = Some(Timestamps { value: 1, echo: 0 });
        let from = std::net::SocketAddrV4::new(*crate::harness::peer().ip(), port);
        let mut out = vec![];
        let (us, now) = (crate::harness::us(), talk.now);
        talk.state
            .segment_arrives(us, from, syn, 1500, now, &mut out);
        out[0].segment.options.timestamps.unwrap().value
    };
    let (a, b) = (value(&mut talk, 1001), value(&mut talk, 1002));
    assert!(a.abs_diff(b) > 1_000_000, "{a} {b}");
    // The same ends again: the clock goes on.
    talk.wait(ms(500));
    other.wait(ms(900));
    let (a, b) = (value(&mut talk, 1003), value(&mut other, 1003));
    assert_eq!(b.wrapping_sub(a), 400);
}
