//! Text, both ways.

use std::io::ErrorKind;

use step07_tcp::config::Config;
use step07_tcp::segment::Segment;
use step07_tcp::testing::History;

use crate::harness::Talk;

fn established() -> Talk {
    Talk::established_with(Config::simple())
}

/// With Nagle's algorithm.
fn waiting() -> Talk {
    Talk::established_with(Config {
        nodelay: false,
        ..Config::simple()
    })
}

#[test]
fn text_in_order_can_be_read() {
    let history = History::new();
    let mut talk = established();
    history.did("\"abc\" arrives");
    history.expect(
        "the answer",
        talk.inject(talk.text(1, 1, b"abc")),
        ["---A---- seq=1 ack=4 len=0 wnd=65532"],
    );
    history.expect(
        "what can be read",
        talk.receive(9),
        Ok::<_, ErrorKind>(b"abc".to_vec()),
    );
    history.did("\"ghi\" arrives, three octets too early, and then \"def\"");
    talk.inject(talk.text(7, 1, b"ghi"));
    history.expect(
        "what can be read",
        talk.receive(9),
        Err(ErrorKind::WouldBlock),
    );
    history.expect(
        "the answer",
        talk.inject(talk.text(4, 1, b"def")),
        ["---A---- seq=1 ack=10 len=0 wnd=65526"],
    );
    history.expect(
        "what can be read",
        talk.receive(9),
        Ok::<_, ErrorKind>(b"defghi".to_vec()),
    );
}

#[test]
fn who_waits_is_told_and_the_edge_stays() {
    let history = History::new();
    let mut talk = established();
    talk.state.take_changed();
    talk.inject(talk.text(1, 1, &[7; 1000]));
    history.did("1000 octets arrive");
    history.expect("who is to look again", talk.state.take_changed(), [talk.id]);
    history.did("1000 more arrive: the right edge of the window stays at 65536");
    history.expect(
        "the answer",
        talk.inject(talk.text(1001, 1, &[7; 1000])),
        ["---A---- seq=1 ack=2001 len=0 wnd=63535"],
    );
}

#[test]
fn small_segments_wait_for_the_answer() {
    let history = History::new();
    let mut talk = waiting();
    history.did("write one octet");
    history.expect(
        "what is sent",
        talk.write(b"a"),
        ["---AP--- seq=1 ack=1 len=1 wnd=65535"],
    );
    history.did("write another, before the first is acknowledged");
    history.expect("what is sent", talk.write(b"b"), [] as [&str; 0]);
    history.did("write 1460 more");
    let sent = talk.write(&[b'c'; 1460]);
    history.expect(
        "what is sent",
        sent,
        ["---A---- seq=2 ack=1 len=1460 wnd=65535"],
    );
    history.did("the first two segments are acknowledged");
    let rest = ["---AP--- seq=1462 ack=1 len=1 wnd=65535"];
    history.expect("what is sent", talk.inject(talk.ack(1, 1462)), rest);
}

#[test]
fn a_small_window_is_filled_by_half() {
    let history = History::new();
    let mut talk = established();
    let offers = |talk: &Talk, window| Segment {
        window,
        ..talk.ack(1, 1)
    };
    history.did("the peer, who has offered 64240, offers 100; write 3000 octets");
    talk.inject(offers(&talk, 100));
    history.expect("what is sent", talk.write(&[1; 3000]), [] as [&str; 0]);
    let mut talk = established();
    history.did("another peer offers 40000; write 3000 octets without Nagle's algorithm");
    talk.inject(offers(&talk, 40_000));
    let sent = talk.write(&[1; 3000]);
    let lens: Vec<bool> = sent
        .iter()
        .map(|line| line.contains(" len=1460 "))
        .collect();
    history.expect("which of the segments are full", lens, [true, true, false]);
}
