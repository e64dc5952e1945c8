//! Window scaling (RFC 7323 §2), and buffers that grow into it.

use step07_tcp::config::Config;
use step07_tcp::options::Options;
use step07_tcp::segment::Segment;

use crate::harness::{Talk, ms};

/// The options of a SYN that offers a shift.
fn offer(shift: u8) -> Options {
    Options {
        mss: Some(1460),
        window_scale: Some(shift),
        ..Options::default()
    }
}

fn nodelay() -> Config {
    Config {
        nodelay: true,
        delayed_ack: ms(0),
        ..Config::default()
    }
}

#[test]
fn is_agreed_if_both_offer_it() {
    let (mut talk, answer) = Talk::established_by(nodelay(), offer(3));
    // The window of a SYN is never scaled.
    assert_eq!(answer, "---A--S- seq=0 ack=1 len=0 wnd=65535 mss=1460 ws=7");
    // Both directions are now: ours in units of 128, rounded down from 65535 …
    assert_eq!(talk.write(b"x"), ["---AP--- seq=1 ack=1 len=1 wnd=511"]);
    // … and the peer's in units of 8.
    assert_eq!(talk.status().measures.unwrap().send_window, 64_240 << 3);
}

#[test]
fn window_of_the_syn_itself_is_not_scaled() {
    let mut talk = Talk::syn_sent(nodelay());
    let syn_ack = Segment {
        options: offer(3),
        window: 1000,
        ..talk.syn_ack()
    };
    assert_eq!(talk.inject(syn_ack), ["---A---- seq=1 ack=1 len=0 wnd=511"]);
    assert_eq!(talk.status().measures.unwrap().send_window, 1000);
    talk.inject(Segment {
        window: 1000,
        ..talk.ack(1, 1)
    });
    assert_eq!(talk.status().measures.unwrap().send_window, 8000);
}

#[test]
fn is_off_if_one_does_not_offer_it() {
    // The peer does not: neither do we answer it.
    let options = Options {
        window_scale: None,
        ..offer(0)
    };
    let (mut talk, answer) = Talk::established_by(nodelay(), options);
    assert_eq!(answer, "---A--S- seq=0 ack=1 len=0 wnd=65535 mss=1460");
    assert_eq!(talk.write(b"x"), ["---AP--- seq=1 ack=1 len=1 wnd=65535"]);
    // We do not.
    let config = Config {
        window_scaling: false,
        ..nodelay()
    };
    let (mut talk, answer) = Talk::established_by(config, offer(3));
    assert_eq!(answer, "---A--S- seq=0 ack=1 len=0 wnd=65535 mss=1460");
    assert_eq!(talk.write(b"x"), ["---AP--- seq=1 ack=1 len=1 wnd=65535"]);
    assert_eq!(talk.status().measures.unwrap().send_window, 64_240);
}

#[test]
fn shift_beyond_fourteen_counts_as_fourteen() {
    let (talk, _) = Talk::established_by(nodelay(), offer(200));
    assert_eq!(talk.status().measures.unwrap().send_window, 64_240 << 14);
}

/// How far the right edge moves with each of many small segments.
fn right_edges(reading: bool) -> Vec<i64> {
    let (mut talk, _) = Talk::established_by(nodelay(), offer(0));
    let (mut seq, mut edges) = (1, vec![]);
    // Parts of all sizes, so that the rest of the window is rarely whole units.
    for len in (1..300).chain([1460; 10]) {
        let answer = talk.inject(talk.text(seq, 1, &vec![7; len]));
        let field = |name: &str| {
            let value = answer[0].split(name).nth(1).unwrap();
            value.split(' ').next().unwrap().parse::<i64>().unwrap()
        };
        edges.push(field(" ack=") + field(" wnd=") * 128);
        seq += u32::try_from(len).unwrap();
        if reading {
            assert_eq!(talk.receive(2000).unwrap().len(), len);
        }
    }
    edges.windows(2).map(|edges| edges[1] - edges[0]).collect()
}

#[test]
fn right_edge_never_moves_left() {
    assert!(right_edges(true).iter().all(|&step| step >= 0));
    // In a full buffer rounding can only be downwards, by less than a unit.
    assert!(right_edges(false).iter().all(|&step| step > -128));
}

#[test]
fn what_was_announced_is_taken_although_rounding_hides_it() {
    let config = Config {
        receive_buffer: 1000,
        receive_buffer_limit: 4 << 20,
        ..nodelay()
    };
    let (mut talk, _) = Talk::established_by(config, offer(0));
    // 1000 octets were announced in the SYN: 3 + 997 use them all.
    assert_eq!(
        talk.inject(talk.text(1, 1, b"abc")),
        ["---A---- seq=1 ack=4 len=0 wnd=7"]
    );
    assert_eq!(
        talk.inject(talk.text(4, 1, &[7; 997])),
        ["---A---- seq=1 ack=1001 len=0 wnd=0"]
    );
    assert_eq!(talk.status().readable, 1000);
}

#[test]
fn receive_buffer_grows_with_what_is_read_in_a_round_trip() {
    let (mut talk, _) = Talk::established_by(nodelay(), offer(0));
    talk.write(b"x");
    talk.wait(ms(20));
    talk.inject(talk.ack(1, 2)); // a round trip of 20 ms was measured
    let window = |talk: &Talk| talk.status().measures.unwrap().receive_window;
    let before = window(&talk);
    let mut seq = 1;
    for _ in 0..40 {
        talk.inject(talk.text(seq, 2, &[7; 1460]));
        talk.receive(2000).unwrap();
        seq += 1460;
    }
    talk.wait(ms(30));
    // 58,400 octets in one round trip: twice as much should fit (less what is not read).
    for _ in 0..2 {
        talk.inject(talk.text(seq, 2, &[7; 1460]));
        talk.receive(2000).unwrap();
        seq += 1460;
    }
    assert!(
        window(&talk) > before,
        "{} at first {before}",
        window(&talk)
    );
    assert!(window(&talk) >= 115_000);
    // One who reads slowly gets no more.
    let grown = window(&talk);
    for _ in 0..20 {
        talk.wait(ms(30));
        talk.inject(talk.text(seq, 2, &[7; 1460]));
        talk.receive(2000).unwrap();
        seq += 1460;
    }
    assert!(window(&talk) <= grown);
}

#[test]
fn buffers_stay_below_their_limits() {
    let config = Config {
        receive_buffer_limit: 100_000,
        send_buffer_limit: 100_000,
        ..nodelay()
    };
    let (mut talk, answer) = Talk::established_by(config, offer(7));
    assert!(answer.ends_with(" ws=1"), "{answer}");
    let (mut seq, mut ack) = (1, 1);
    for _ in 0..200 {
        let sent = talk.status().writable.min(100_000);
        talk.send(&vec![1; sent]).unwrap();
        talk.wait(ms(10));
        talk.inject(talk.text(seq, ack, &[7; 1460]));
        seq += 1460;
        let flight = talk.status().measures.unwrap().flight;
        ack += flight;
        talk.inject(talk.ack(seq, ack));
        while talk.receive(5000).is_ok_and(|text| !text.is_empty()) {}
    }
    assert!(talk.status().writable <= 100_000);
    assert!(talk.status().measures.unwrap().flight <= 100_000);
    assert!(talk.status().measures.unwrap().receive_window <= 100_000);
}

/// The flight that a connection reaches when it always has something to send,
/// over a way whose round trip takes so many milliseconds, by the flight.
fn flight_of(round_trip: impl Fn(u32) -> u32) -> u32 {
    let wait = |flight| ms(round_trip(flight).into());
    let (mut talk, answer) = Talk::established_over(nodelay(), offer(7), wait(0));
    assert!(answer.ends_with(" ws=7"), "{answer}");
    let mut ack = 1;
    let mut flight = 0;
    for _ in 0..30 {
        let room = talk.status().writable;
        talk.send(&vec![1; room]).unwrap();
        flight = talk.status().measures.unwrap().flight;
        talk.wait(wait(flight));
        let end = ack + flight;
        while ack < end {
            ack = end.min(ack + 2 * 1460);
            talk.inject(talk.ack(1, ack));
        }
    }
    flight
}

#[test]
fn a_send_buffer_does_not_grow_for_what_stands_in_queues() {
    // A long way: more in flight is faster.
    let far = flight_of(|_| 100);
    assert!(far > 2_000_000, "{far}");
    // A short one, of 10 octets in a microsecond: beyond 100,000 they queue.
    // The window can double once more before that is seen.
    let queued = flight_of(|flight| 10 + flight / 10_000);
    assert!((200_000..=1_200_000).contains(&queued), "{queued}");
}
