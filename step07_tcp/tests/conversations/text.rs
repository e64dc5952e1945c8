//! Text that arrives: in order, out of order, twice, too much, too late.

use std::io::ErrorKind;

use step07_tcp::config::Config;
use step07_tcp::flags::Flags;
use step07_tcp::segment::Segment;
use step07_tcp::tcb::TcpState;

use crate::harness::{Talk, ms};

#[test]
fn text_in_order_is_delivered_and_acknowledged_late() {
    let mut talk = Talk::established();
    talk.state.take_changed();
    assert!(talk.inject(talk.text(1, 1, b"foo")).is_empty());
    assert_eq!(talk.state.take_changed(), [talk.id]);
    assert_eq!(talk.status().readable, 3);
    assert!(talk.wait(ms(39)).is_empty());
    assert_eq!(talk.wait(ms(1)), ["---A---- seq=1 ack=4 len=0 wnd=65532"]);
    assert_eq!(talk.receive(2).unwrap(), b"fo");
    assert_eq!(talk.receive(2).unwrap(), b"o");
    assert_eq!(talk.receive(2), Err(ErrorKind::WouldBlock));
    assert!(talk.wait(ms(1000)).is_empty());
}

#[test]
fn every_second_segment_is_acknowledged_at_once() {
    let mut talk = Talk::established();
    assert!(talk.inject(talk.text(1, 1, b"foo")).is_empty());
    assert_eq!(
        talk.inject(talk.text(4, 1, b"bar")),
        ["---A---- seq=1 ack=7 len=0 wnd=65529"]
    );
    assert!(talk.inject(talk.text(7, 1, b"baz")).is_empty());
    // Our text carries the acknowledgment.
    assert_eq!(talk.write(b"x"), ["---AP--- seq=1 ack=10 len=1 wnd=65526"]);
    assert!(talk.inject(talk.ack(10, 2)).is_empty());
    assert!(talk.wait(ms(1000)).is_empty());
}

#[test]
fn segments_that_arrive_together_are_acknowledged_together() {
    let mut talk = Talk::established();
    let texts = [(1, b"abc"), (4, b"def"), (7, b"ghi"), (10, b"jkl")];
    let texts = texts.map(|(seq, text)| talk.text(seq, 1, text));
    assert_eq!(
        talk.inject_together(texts),
        ["---A---- seq=1 ack=13 len=0 wnd=65523"]
    );
    // One is still not enough, in its own turn or not.
    assert!(talk.inject_together([talk.text(13, 1, b"mno")]).is_empty());
    assert_eq!(
        talk.inject_together([talk.text(16, 1, b"pqr")]),
        ["---A---- seq=1 ack=19 len=0 wnd=65517"]
    );
}

#[test]
fn reader_who_waits_sends_the_acknowledgment() {
    let mut talk = Talk::established();
    talk.state.set_reader_waits(talk.id, true);
    let texts = |talk: &Talk, seq| [seq, seq + 3].map(|seq| talk.text(seq, 1, b"abc"));
    assert!(talk.inject_together(texts(&talk, 1)).is_empty());
    assert!(talk.inject_together(texts(&talk, 7)).is_empty());
    let (text, sent) = talk.read(5);
    assert_eq!(text.unwrap(), b"abcab");
    assert_eq!(sent, ["---A---- seq=1 ack=13 len=0 wnd=65523"]);
    assert!(talk.wait(ms(1000)).is_empty());
    // Awake, and busy with what was read: the main loop does it.
    assert_eq!(
        talk.inject_together(texts(&talk, 13)),
        ["---A---- seq=1 ack=19 len=0 wnd=65517"]
    );
}

#[test]
fn acknowledgment_does_not_wait_for_a_slow_reader() {
    let mut talk = Talk::established();
    talk.state.set_reader_waits(talk.id, true);
    let texts = |talk: &Talk, seq| [seq, seq + 3].map(|seq| talk.text(seq, 1, b"abc"));
    assert!(talk.inject_together(texts(&talk, 1)).is_empty());
    // What comes later does not put it off.
    assert!(talk.wait(ms(39)).is_empty());
    assert!(talk.inject_together(texts(&talk, 7)).is_empty());
    assert_eq!(talk.wait(ms(1)), ["---A---- seq=1 ack=13 len=0 wnd=65523"]);
    // Nor for a reader to whom too much is left.
    let mut sent = Vec::new();
    for number in 0..10 {
        let text = talk.text(13 + number * 1460, 1, &[0; 1460]);
        sent.extend(talk.inject_together([text]));
    }
    assert_eq!(sent.len(), 1, "an eighth of the buffer: {sent:?}");
}

#[test]
fn gap_does_not_wait_for_the_end_of_the_turn() {
    let mut talk = Talk::established();
    let texts = [(1, b"abc"), (7, b"ghi"), (10, b"jkl"), (4, b"def")];
    let texts = texts.map(|(seq, text)| talk.text(seq, 1, text));
    assert_eq!(
        talk.inject_together(texts),
        [
            "---A---- seq=1 ack=4 len=0 wnd=65532",
            "---A---- seq=1 ack=4 len=0 wnd=65532",
            "---A---- seq=1 ack=13 len=0 wnd=65523"
        ]
    );
}

#[test]
fn simple_form_acknowledges_each() {
    let mut talk = Talk::established_with(Config::simple());
    assert_eq!(
        talk.inject(talk.text(1, 1, b"foo")),
        ["---A---- seq=1 ack=4 len=0 wnd=65532"]
    );
}

#[test]
fn gap_is_reported_at_once_and_filled_in_any_order() {
    let mut talk = Talk::established();
    let duplicate = ["---A---- seq=1 ack=1 len=0 wnd=65535"];
    assert_eq!(talk.inject(talk.text(9, 1, b"ij")), duplicate);
    assert_eq!(talk.inject(talk.text(4, 1, b"def")), duplicate);
    assert_eq!(talk.receive(99), Err(ErrorKind::WouldBlock));
    assert_eq!(
        talk.inject(talk.text(1, 1, b"abc")),
        ["---A---- seq=1 ack=7 len=0 wnd=65529"]
    );
    assert_eq!(
        talk.inject(talk.text(7, 1, b"gh")),
        ["---A---- seq=1 ack=11 len=0 wnd=65525"]
    );
    assert_eq!(talk.receive(99).unwrap(), b"abcdefghij");
    assert_eq!(talk.state.counters().out_of_order.get(), 2);
}

#[test]
fn overlapping_text_is_delivered_once() {
    let mut talk = Talk::established();
    talk.inject(talk.text(1, 1, b"abcd"));
    talk.inject(talk.text(3, 1, b"cdef")); // front known
    talk.inject(talk.text(9, 1, b"ijkl")); // beyond a gap
    talk.inject(talk.text(8, 1, b"hijklm")); // around it
    talk.inject(talk.text(5, 1, b"efghi")); // over both edges of the gap
    assert_eq!(talk.receive(99).unwrap(), b"abcdefghijklm");
    assert_eq!(talk.wait(ms(100)), [] as [&str; 0]);
    // All of it again: known text is answered, so that the peer finds back.
    assert_eq!(
        talk.inject(talk.text(1, 1, b"abcdefghijklm")),
        ["---A---- seq=1 ack=14 len=0 wnd=65522"]
    );
    assert_eq!(talk.receive(99), Err(ErrorKind::WouldBlock));
    assert_eq!(talk.state.counters().outside_window.get(), 1);
}

#[test]
fn text_beyond_the_window_is_cut_off() {
    let config = Config {
        receive_buffer: 10,
        ..Config::default()
    };
    let mut talk = Talk::listening(config);
    assert!(talk.inject(talk.syn())[0].contains("wnd=10 "));
    talk.id = talk.connection().unwrap().id;
    talk.inject(talk.ack(1, 1));
    // From far before the window to far behind it, and from the middle on.
    assert_eq!(
        talk.inject(talk.text(6, 1, b"56789ABCDEF")),
        ["---A---- seq=1 ack=1 len=0 wnd=10"]
    );
    assert_eq!(
        talk.inject(talk.text(0, 1, b"x0123456789ABC")),
        ["---A---- seq=1 ack=11 len=0 wnd=0"]
    );
    assert_eq!(talk.receive(99).unwrap(), b"0123456789");
}

#[test]
fn window_limits_what_lies_outside() {
    let mut talk = Talk::established();
    let ack = ["---A---- seq=1 ack=1 len=0 wnd=65535"];
    // The last octet of the window, and the first behind it.
    assert_eq!(talk.inject(talk.text(65535, 1, b"x")), ack);
    assert_eq!(talk.state.counters().outside_window.get(), 0);
    assert_eq!(talk.inject(talk.text(65536, 1, b"x")), ack);
    assert_eq!(talk.inject(talk.text(0, 1, b"x")), ack);
    assert_eq!(talk.inject(talk.ack(0, 1)), ack);
    assert_eq!(talk.inject(talk.ack(65536, 1)), ack);
    assert_eq!(talk.state.counters().outside_window.get(), 4);
    assert!(talk.inject(talk.ack(65535, 1)).is_empty());
}

#[test]
fn number_of_gaps_is_bounded() {
    let mut talk = Talk::established();
    for gap in 0..1100 {
        assert_eq!(talk.inject(talk.text(3 + 2 * gap, 1, b"x")).len(), 1);
    }
    assert_eq!(talk.state.counters().too_many_gaps.get(), 1100 - 1024);
    // In the end everything arrives all the same: the peer repeats it.
    let all: Vec<u8> = (0..2210_u32)
        .map(|i| if i % 2 == 0 { b'x' } else { b'y' })
        .collect();
    for (place, octet) in all.iter().enumerate() {
        talk.inject(talk.text(u32::try_from(place).unwrap() + 1, 1, &[*octet]));
    }
    assert_eq!(talk.receive(9999).unwrap(), all);
}

#[test]
fn urgent_data_stays_in_the_stream() {
    let mut talk = Talk::established();
    let flags = Flags::ACK | Flags::URG;
    let urgent = Segment {
        flags,
        urgent_pointer: 2,
        ..talk.text(1, 1, b"abc")
    };
    talk.inject(urgent);
    // A pointer far beyond the text, and one without any text.
    let urgent = Segment {
        flags,
        urgent_pointer: 0xffff,
        ..talk.text(4, 1, b"def")
    };
    talk.inject(urgent);
    let urgent = Segment {
        flags,
        urgent_pointer: 0,
        ..talk.ack(7, 1)
    };
    talk.inject(urgent);
    assert_eq!(talk.receive(99).unwrap(), b"abcdef");
}

#[test]
fn segment_without_ack_is_dropped() {
    let mut talk = Talk::established();
    for flags in [Flags::NONE, Flags::PSH, Flags::FIN, Flags::URG] {
        let segment = Segment {
            flags,
            ..talk.text(1, 1, b"x")
        };
        assert!(talk.inject(segment).is_empty());
    }
    assert_eq!(talk.status().readable, 0);
    assert_eq!(talk.state.counters().no_acknowledgment.get(), 4);
    assert_eq!(talk.tcp_state(), TcpState::Established);
}

#[test]
fn peek_leaves_the_text() {
    let mut talk = Talk::established();
    let mut buffer = [0; 8];
    let error = talk.state.peek(talk.id, &mut buffer).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    talk.inject(talk.text(1, 1, b"abc"));
    assert_eq!(talk.state.peek(talk.id, &mut buffer).unwrap(), 3);
    assert_eq!(talk.receive(8).unwrap(), b"abc");
}
