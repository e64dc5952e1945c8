//! Resets and SYNs on open connections: the peer's, late ones, forged ones.

use std::io::ErrorKind;

use step07_tcp::config::Config;
use step07_tcp::flags::Flags;
use step07_tcp::segment::Segment;
use step07_tcp::tcb::TcpState;

use crate::harness::{Talk, ms, s};

#[test]
fn exact_reset_ends_the_connection() {
    let mut talk = Talk::established();
    talk.inject(talk.text(1, 1, b"rest"));
    talk.state.take_changed();
    assert!(talk.inject(talk.rst(5)).is_empty());
    assert_eq!(talk.state.take_changed(), [talk.id]);
    assert_eq!(talk.tcp_state(), TcpState::Closed);
    assert_eq!(talk.state.deadline(), None);
    // What had arrived is still the user's; then the error, once.
    assert_eq!(talk.receive(99).unwrap(), b"rest");
    assert_eq!(talk.receive(99), Err(ErrorKind::ConnectionReset));
    assert_eq!(talk.receive(99).unwrap(), b"");
    assert_eq!(talk.send(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);
    assert!(talk.close().is_empty());
    assert!(talk.is_gone());
}

#[test]
fn reset_elsewhere_in_the_window_is_challenged() {
    let mut talk = Talk::established();
    for seq in [2, 1000, 65535] {
        assert_eq!(
            talk.inject(talk.rst(seq)),
            ["---A---- seq=1 ack=1 len=0 wnd=65535"]
        );
    }
    assert_eq!(talk.tcp_state(), TcpState::Established);
    assert_eq!(talk.state.counters().inexact_reset.get(), 3);
}

#[test]
fn reset_outside_the_window_is_not_even_answered() {
    let mut talk = Talk::established();
    for seq in [0, 65536, 1 << 31, u32::MAX] {
        assert!(talk.inject(talk.rst(seq)).is_empty());
    }
    assert_eq!(talk.tcp_state(), TcpState::Established);
    assert_eq!(talk.state.counters().outside_window.get(), 4);
}

#[test]
fn reset_is_heard_through_a_closed_window() {
    let config = Config {
        receive_buffer: 4,
        ..Config::default()
    };
    let mut talk = Talk::listening(config);
    talk.inject(talk.syn());
    talk.id = talk.connection().unwrap().id;
    talk.inject(talk.ack(1, 1));
    talk.state.accept(talk.listener.unwrap()).unwrap();
    talk.inject(talk.text(1, 1, b"full"));
    assert!(talk.inject(talk.rst(4)).is_empty());
    assert_eq!(talk.tcp_state(), TcpState::Established);
    talk.inject(talk.rst(5));
    assert_eq!(talk.tcp_state(), TcpState::Closed);
}

#[test]
fn syn_on_an_open_connection_is_challenged() {
    let mut talk = Talk::established();
    let ack = ["---A---- seq=1 ack=1 len=0 wnd=65535"];
    assert_eq!(talk.inject(talk.syn()), ack); // an old duplicate
    assert_eq!(
        talk.inject(Segment {
            seq: talk.irs + 10,
            ..talk.syn()
        }),
        ack
    ); // within the window
    assert_eq!(
        talk.inject(Segment {
            seq: talk.irs + 1,
            ..talk.syn_ack()
        }),
        ack
    );
    assert_eq!(
        talk.inject(Segment {
            seq: talk.irs + 1_000_000,
            ..talk.syn()
        }),
        ack
    );
    assert_eq!(talk.tcp_state(), TcpState::Established);
    assert_eq!(talk.receive(9), Err(ErrorKind::WouldBlock));
}

#[test]
fn challenges_are_limited() {
    let mut talk = Talk::established();
    let answers = (0..1000).flat_map(|_| talk.inject(talk.rst(9))).count();
    assert_eq!(answers, 10);
    assert_eq!(talk.state.counters().challenge_acks_limited.get(), 990);
    talk.wait(s(1));
    assert_eq!(talk.inject(talk.rst(9)).len(), 1);
}

#[test]
fn two_ends_that_disagree_do_not_talk_for_ever() {
    // Each answers what the other says with an acknowledgment that the other
    // cannot accept. Here the peer plays that part.
    let mut talk = Talk::established();
    let mut answers = 0;
    for _ in 0..100 {
        answers += talk.inject(talk.ack(500_000, 1)).len();
        talk.wait(ms(1));
    }
    assert_eq!(answers, 10);
}

#[test]
fn reset_in_each_state() {
    type Step = fn(&mut Talk);
    let states: [(TcpState, Step, u32); 4] = [
        (TcpState::FinWait1, |_| {}, 1),
        (
            TcpState::FinWait2,
            |talk| drop(talk.inject(talk.ack(1, 2))),
            1,
        ),
        (
            TcpState::Closing,
            |talk| drop(talk.inject(talk.fin(1, 1))),
            2,
        ),
        (TcpState::Closed, |talk| drop(talk.inject(talk.rst(1))), 2),
    ];
    for (state, step, seq) in states {
        let mut talk = Talk::established();
        talk.close();
        step(&mut talk);
        assert_eq!(talk.tcp_state(), state);
        assert!(talk.inject(talk.rst(seq)).is_empty());
        assert!(talk.is_gone(), "{state}");
    }
    let mut talk = Talk::established();
    talk.inject(talk.fin(1, 1));
    talk.inject(talk.rst(2));
    assert_eq!(talk.status().error, Some(ErrorKind::ConnectionReset));

    let mut talk = Talk::established();
    talk.inject(talk.fin(1, 1));
    talk.close();
    assert_eq!(talk.tcp_state(), TcpState::LastAck);
    talk.inject(talk.rst(2));
    assert!(talk.is_gone());
}

#[test]
fn reset_with_text_is_a_reset() {
    let mut talk = Talk::established();
    let reset = Segment {
        flags: Flags::RST | Flags::ACK,
        ..talk.text(1, 1, b"reason")
    };
    assert!(talk.inject(reset).is_empty());
    assert_eq!(talk.status().error, Some(ErrorKind::ConnectionReset));
    assert_eq!(talk.status().readable, 0);
}
