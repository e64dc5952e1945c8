//! Connections begin, or do not.

use std::io::ErrorKind;

use step07_tcp::config::Config;
use step07_tcp::flags::Flags;
use step07_tcp::segment::Segment;
use step07_tcp::tcb::TcpState;
use step07_tcp::testing::History;

use crate::harness::{Talk, peer};

const SECOND: std::time::Duration = std::time::Duration::from_secs(1);

/// The simple form: no options, one timeout, every segment acknowledged.
fn simple() -> Config {
    Config::simple()
}

fn listening() -> Talk {
    Talk::listening(simple())
}

fn syn_received() -> Talk {
    let mut talk = listening();
    talk.inject(talk.syn());
    talk.id = talk.connection().unwrap().id;
    talk
}

/// A segment for a port at which nobody is: its answer's seq, ack and flags.
fn knock(segment: Segment) -> Vec<(u32, u32, Flags)> {
    let mut talk = listening();
    let mut somewhere = crate::harness::us();
    somewhere.set_port(9);
    let mut out = Vec::new();
    let (mtu, now) = (crate::harness::MTU, talk.now);
    talk.state
        .segment_arrives(somewhere, peer(), segment, mtu, now, &mut out);
    let shown = out.iter().map(|out| {
        let segment = &out.segment;
        (segment.seq.value(), segment.ack.value(), segment.flags)
    });
    shown.collect()
}

#[test]
fn a_reset_has_numbers_from_the_segment() {
    let history = History::new();
    let talk = listening();
    let at = |seq, ack, flags, text: &[u8]| Segment {
        seq: step07_tcp::seq::SeqNumber::new(seq),
        ack: step07_tcp::seq::SeqNumber::new(ack),
        flags,
        ..talk.text(0, 0, text)
    };
    history.did("SYN with number 100 for a port that nobody listens at");
    let reset = Flags::RST | Flags::ACK;
    history.expect(
        "the reset",
        knock(at(100, 0, Flags::SYN, b"")),
        [(0, 101, reset)],
    );
    history.did("SYN and FIN with three octets of text");
    let all = Flags::SYN | Flags::FIN;
    history.expect(
        "the reset",
        knock(at(100, 0, all, b"abc")),
        [(0, 105, reset)],
    );
    history.did("an acknowledgment of 777");
    history.expect(
        "the reset",
        knock(at(100, 777, Flags::ACK, b"x")),
        [(777, 0, Flags::RST)],
    );
    history.did("a reset");
    history.expect("the answer", knock(at(100, 0, Flags::RST, b"")), []);
}

#[test]
fn a_syn_is_answered_with_syn_and_ack() {
    let history = History::new();
    let mut talk = listening();
    history.did("SYN arrives at a listener");
    history.expect(
        "the answer",
        talk.inject(talk.syn()),
        ["---A--S- seq=0 ack=1 len=0 wnd=65535 mss=1460"],
    );
    let connection = talk.connection().unwrap();
    history.expect(
        "the state of the connection",
        connection.state,
        TcpState::SynReceived,
    );
    talk.id = connection.id;
    history.did("a second passes, and the answer is not acknowledged");
    history.expect_that(
        "it is kept for a repetition",
        talk.state
            .deadline()
            .is_some_and(|at| at <= talk.now + SECOND),
    );
}

#[test]
fn what_lies_in_the_window_is_acceptable() {
    let history = History::new();
    let mut talk = syn_received();
    history.did("SYN-RECEIVED; the window is 65535 octets from 1 on");
    // Without an acknowledgment it is dropped behind the check: in silence.
    let bare = |talk: &Talk, seq, text: &[u8]| Segment {
        flags: Flags::NONE,
        ..talk.text(seq, 0, text)
    };
    for (seq, text, inside, what) in [
        (1, &b""[..], true, "at its left edge"),
        (65_535, b"", true, "at the last number in it"),
        (65_536, b"", false, "behind it"),
        (u32::MAX, b"", false, "before it"),
        (65_535, b"xyz", true, "whose first octet is the last in it"),
        (0, b"xy", true, "whose last octet is the first in it"),
        (u32::MAX, b"xy", false, "all before it"),
        (65_536, b"x", false, "all behind it"),
    ] {
        history.did(format!("a segment of {} octets arrives {what}", text.len()));
        let answered = !talk.inject(bare(&talk, seq, text)).is_empty();
        history.expect("is it answered as unacceptable", answered, !inside);
    }
    history.did("one of 65537 octets, from before the window to behind it");
    let answered = !talk.inject(bare(&talk, 0, &[0; 65_537])).is_empty();
    history.expect("is it answered as unacceptable", answered, false);
}

#[test]
fn the_right_acknowledgment_establishes() {
    let history = History::new();
    let mut talk = syn_received();
    history.did("SYN-RECEIVED; ACK of 0 arrives, which is nothing new");
    history.expect(
        "the answer",
        talk.inject(talk.ack(1, 0)),
        ["-----R-- seq=0 ack=0 len=0 wnd=0"],
    );
    history.did("ACK of 2 arrives, which was never sent");
    history.expect(
        "the answer",
        talk.inject(talk.ack(1, 2)),
        ["-----R-- seq=2 ack=0 len=0 wnd=0"],
    );
    history.expect("the state", talk.tcp_state(), TcpState::SynReceived);
    history.did("ACK of 1 arrives, our SYN");
    history.expect("the answer", talk.inject(talk.ack(1, 1)), [] as [&str; 0]);
    history.expect("the state", talk.tcp_state(), TcpState::Established);
}

#[test]
fn a_syn_that_is_answered_establishes() {
    let history = History::new();
    let mut talk = Talk::syn_sent(simple());
    history.did("SYN sent; SYN,ACK arrives");
    history.expect(
        "the answer",
        talk.inject(talk.syn_ack()),
        ["---A---- seq=1 ack=1 len=0 wnd=65535"],
    );
    history.expect("the state", talk.tcp_state(), TcpState::Established);
    history.expect(
        "does anything wait for an acknowledgment",
        talk.state.deadline(),
        None,
    );
    let mut talk = Talk::syn_sent(simple());
    history.did("the same on a second connection, and the SYN,ACK brings three octets");
    let with_text = Segment {
        payload: step07_tcp::packet::Packet::new(b"abc"),
        ..talk.syn_ack()
    };
    history.expect(
        "the answer",
        talk.inject(with_text),
        ["---A---- seq=1 ack=4 len=0 wnd=65532"],
    );
    history.expect(
        "what can be read",
        talk.receive(9),
        Ok::<_, ErrorKind>(b"abc".to_vec()),
    );
}
