//! Flow control: windows of both sides, Nagle, silly windows, probes.

use std::io::ErrorKind;

use step07_tcp::config::Config;
use step07_tcp::segment::Segment;
use step07_tcp::tcb::TcpState;

use crate::harness::{Talk, ms, s};

/// An acknowledgment with a window of its own.
fn window(talk: &Talk, seq: u32, ack: u32, window: u16) -> Segment {
    Segment {
        window,
        ..talk.ack(seq, ack)
    }
}

#[test]
fn window_limits_what_is_sent() {
    let mut talk = Talk::established();
    talk.inject(window(&talk, 1, 1, 3000));
    let sent = talk.write(&[7; 5000]);
    // Two full segments; the 80 octets of room left are a silly window.
    assert_eq!(
        sent,
        [
            "---A---- seq=1 ack=1 len=1460 wnd=65535",
            "---A---- seq=1461 ack=1 len=1460 wnd=65535"
        ]
    );
    // An ACK that leaves the right edge where it is allows nothing.
    assert!(talk.inject(window(&talk, 1, 1461, 1540)).is_empty());
    assert_eq!(talk.inject(window(&talk, 1, 2921, 3000)).len(), 2);
}

#[test]
fn pure_window_update_reopens_a_closed_window() {
    let mut talk = Talk::established();
    assert_eq!(
        talk.write(b"first"),
        ["---AP--- seq=1 ack=1 len=5 wnd=65535"]
    );
    talk.inject(window(&talk, 1, 6, 0));
    assert!(talk.write(b"second").is_empty());
    // ack = SND.UNA: it acknowledges nothing and must be taken all the same.
    assert_eq!(
        talk.inject(window(&talk, 1, 6, 1000)),
        ["---AP--- seq=6 ack=1 len=6 wnd=65535"]
    );
}

#[test]
fn old_segment_does_not_change_the_window() {
    let mut talk = Talk::established();
    talk.inject(talk.text(1, 1, b"abc"));
    talk.inject(window(&talk, 4, 1, 10));
    // Sent earlier, arrives later: its sequence number is older.
    talk.inject(Segment {
        window: 9999,
        ..talk.text(3, 1, b"cd")
    });
    assert_eq!(talk.status().measures.unwrap().send_window, 10);
    talk.inject(window(&talk, 5, 1, 20));
    assert_eq!(talk.status().measures.unwrap().send_window, 20);
}

#[test]
fn closed_window_is_probed_ever_more_rarely_and_never_given_up() {
    let mut talk = Talk::established();
    talk.inject(window(&talk, 1, 1, 0));
    assert!(talk.write(b"waiting").is_empty());
    let mut last = talk.now;
    let mut intervals = vec![];
    while intervals.len() < 40 {
        let deadline = talk.state.deadline().unwrap();
        let probes = talk.wait(deadline - talk.now);
        // One octet, always the same; our number does not move.
        assert_eq!(probes, ["---A---- seq=1 ack=1 len=1 wnd=65535"]);
        intervals.push((talk.now - last).as_millis());
        last = talk.now;
        assert!(talk.inject(window(&talk, 1, 1, 0)).is_empty());
    }
    assert_eq!(intervals[..5], [200, 400, 800, 1600, 3200]);
    assert_eq!(intervals[7..11], [25_600, 51_200, 60_000, 60_000]);
    assert_eq!(talk.tcp_state(), TcpState::Established);
    assert_eq!(
        talk.inject(window(&talk, 1, 1, 99)),
        ["---AP--- seq=1 ack=1 len=7 wnd=65535"]
    );
    assert_eq!(talk.state.counters().window_probes.get(), 40);
}

#[test]
fn unanswered_probes_end_the_connection() {
    let mut talk = Talk::established();
    talk.wait(s(1000));
    talk.inject(window(&talk, 1, 1, 0));
    talk.write(b"waiting");
    talk.wait(s(120));
    assert_eq!(talk.tcp_state(), TcpState::Established);
    let last = talk.wait(s(60));
    assert_eq!(last.last().unwrap(), "-----R-- seq=1 ack=0 len=0 wnd=0");
    assert_eq!(talk.status().error, Some(ErrorKind::TimedOut));
}

#[test]
fn probe_that_is_taken_counts() {
    let mut talk = Talk::established();
    talk.inject(window(&talk, 1, 1, 0));
    talk.write(b"abc");
    assert_eq!(talk.wait(ms(200)), ["---A---- seq=1 ack=1 len=1 wnd=65535"]);
    assert!(talk.inject(window(&talk, 1, 2, 0)).is_empty());
    assert_eq!(talk.wait(ms(400)), ["---A---- seq=2 ack=1 len=1 wnd=65535"]);
    assert_eq!(
        talk.inject(window(&talk, 1, 3, 9)),
        ["---AP--- seq=3 ack=1 len=1 wnd=65535"]
    );
    talk.inject(window(&talk, 1, 4, 9));
    assert!(talk.status().flushed);
    assert_eq!(talk.state.deadline(), None);
}

#[test]
fn fin_alone_is_probed_too() {
    let mut talk = Talk::established();
    talk.inject(window(&talk, 1, 1, 0));
    assert!(talk.close().is_empty());
    assert_eq!(talk.wait(ms(200)), ["---A---F seq=1 ack=1 len=0 wnd=65535"]);
    assert!(talk.inject(window(&talk, 1, 2, 0)).is_empty());
    assert_eq!(talk.tcp_state(), TcpState::FinWait2);
}

#[test]
fn small_window_is_used_by_the_override_timer() {
    let mut talk = Talk::established();
    talk.inject(window(&talk, 1, 1, 10));
    assert!(talk.write(&[1; 100]).is_empty());
    assert_eq!(
        talk.wait(ms(200)),
        ["---A---- seq=1 ack=1 len=10 wnd=65535"]
    );
    // Half of the largest window that this peer has ever offered is not silly.
    assert_eq!(
        talk.inject(window(&talk, 1, 11, 32120)),
        ["---AP--- seq=11 ack=1 len=90 wnd=65535"]
    );
}

#[test]
fn shrunken_window_does_no_harm() {
    let mut talk = Talk::established();
    talk.write(&[1; 3000]);
    // The right edge moves to the left, behind what was sent.
    assert!(talk.inject(window(&talk, 1, 1, 10)).is_empty());
    assert!(talk.write(&[2; 100]).is_empty());
    assert!(!talk.inject(window(&talk, 1, 3001, 5000)).is_empty());
}

#[test]
fn reader_reopens_the_window_in_large_steps_only() {
    let mut talk = Talk::established();
    for part in 0..45 {
        talk.inject(talk.text(1 + 1456 * part, 1, &[5; 1456]));
    }
    talk.inject(talk.text(65521, 1, &[5; 15]));
    assert_eq!(talk.wait(ms(40)), [] as [&str; 0]);
    assert_eq!(talk.status().readable, 65535);
    // Closed. The peer's probe is refused, what it acknowledges counts.
    assert_eq!(talk.write(b"x").len(), 1);
    assert_eq!(
        talk.inject(talk.text(65536, 2, b"p")),
        ["---A---- seq=2 ack=65536 len=0 wnd=0"]
    );
    assert!(talk.status().flushed);
    // Not for less than a segment.
    assert_eq!(talk.read(1459).1, [] as [&str; 0]);
    assert_eq!(talk.read(1).1, ["---A---- seq=2 ack=65536 len=0 wnd=1460"]);
    // Then whenever what the peer may send is doubled.
    assert_eq!(talk.read(1459).1, [] as [&str; 0]);
    assert_eq!(talk.read(1).1, ["---A---- seq=2 ack=65536 len=0 wnd=2920"]);
    assert_eq!(talk.read(2919).1, [] as [&str; 0]);
    // An acknowledgment that goes out anyway offers what is free, from one segment on.
    talk.inject(talk.text(65536, 2, b"p"));
    assert_eq!(
        talk.wait(ms(40)),
        ["---A---- seq=2 ack=65537 len=0 wnd=5838"]
    );
    talk.receive(1459).unwrap();
    talk.inject(talk.text(65537, 2, b"p"));
    assert_eq!(
        talk.wait(ms(40)),
        ["---A---- seq=2 ack=65538 len=0 wnd=5837"]
    );
}

#[test]
fn both_windows_closed_and_reopened() {
    // Each end probes while its own window is closed: neither may deadlock.
    let config = Config {
        receive_buffer: 4,
        nodelay: true,
        ..Config::default()
    };
    let mut talk = Talk::listening(config);
    talk.inject(talk.syn());
    talk.id = talk.connection().unwrap().id;
    talk.inject(window(&talk, 1, 1, 0));
    talk.inject(Segment {
        window: 0,
        ..talk.text(1, 1, b"abcd")
    });
    talk.write(b"wxyz");
    assert_eq!(talk.wait(ms(200)).len(), 2); // our acknowledgment, and a probe
    // The peer's own probe says that its window is open again.
    let probe = Segment {
        window: 100,
        ..talk.text(5, 1, b"e")
    };
    assert_eq!(talk.inject(probe), ["---AP--- seq=1 ack=5 len=4 wnd=0"]);
}

#[test]
fn nagle_gathers_small_writes_while_an_answer_is_awaited() {
    let mut talk = Talk::established_with(Config::default());
    assert_eq!(talk.write(b"a"), ["---AP--- seq=1 ack=1 len=1 wnd=65535"]);
    assert!(talk.write(b"b").is_empty());
    assert!(talk.write(b"c").is_empty());
    assert_eq!(
        talk.inject(talk.ack(1, 2)),
        ["---AP--- seq=2 ack=1 len=2 wnd=65535"]
    );
    // A full segment does not wait; its rest does.
    let sent = talk.write(&[0; 1500]);
    assert_eq!(sent, ["---A---- seq=4 ack=1 len=1460 wnd=65535"]);
    assert!(!talk.state.nodelay(talk.id).unwrap());
    let mut out = vec![];
    talk.state
        .set_nodelay(talk.id, true, talk.now, &mut out)
        .unwrap();
    assert_eq!(talk.show(out), ["---AP--- seq=1464 ack=1 len=40 wnd=65535"]);
    assert_eq!(
        talk.write(b"d"),
        ["---AP--- seq=1504 ack=1 len=1 wnd=65535"]
    );
}

#[test]
fn closing_sends_what_nagle_held_back() {
    let mut talk = Talk::established_with(Config::default());
    talk.write(b"a");
    assert!(talk.write(b"b").is_empty());
    assert_eq!(talk.close(), ["---AP--F seq=2 ack=1 len=1 wnd=65535"]);
}

#[test]
fn send_buffer_is_bounded() {
    let mut talk = Talk::established_with(Config {
        send_buffer: 1000,
        send_buffer_limit: 1000,
        ..Config::default()
    });
    talk.inject(window(&talk, 1, 1, 0));
    assert_eq!(talk.send(&[0; 600]).unwrap(), 600);
    assert_eq!(talk.send(&[0; 600]).unwrap(), 400);
    assert_eq!(
        talk.send(&[0; 600]).unwrap_err().kind(),
        ErrorKind::WouldBlock
    );
    assert_eq!(talk.send(&[]).unwrap(), 0);
    assert_eq!(talk.status().writable, 0);
    talk.state.take_changed();
    talk.inject(window(&talk, 1, 1, 500));
    talk.wait(s(1));
    talk.inject(window(&talk, 1, 501, 500));
    assert_eq!(talk.state.take_changed(), [talk.id]);
    assert_eq!(talk.status().writable, 500);
}
