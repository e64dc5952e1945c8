//! Active open, simultaneous open, and the passive open of the RFC.

use std::io::ErrorKind;

use step07_tcp::config::Config;
use step07_tcp::flags::Flags;
use step07_tcp::segment::Segment;
use step07_tcp::state::State;
use step07_tcp::tcb::TcpState;
use step07_tcp::time::Time;

use crate::harness::{MTU, Talk, ms, peer, s, us};

#[test]
fn three_way_handshake() {
    let mut talk = Talk::syn_sent(Config::default());
    assert_eq!(
        talk.inject(talk.syn_ack()),
        ["---A---- seq=1 ack=1 len=0 wnd=65535"]
    );
    assert_eq!(talk.tcp_state(), TcpState::Established);
    assert_eq!(talk.state.take_changed().last(), Some(&talk.id));
    assert_eq!(talk.state.deadline(), None);
}

#[test]
fn text_in_the_syn_ack_is_delivered() {
    let mut talk = Talk::syn_sent(Config::default());
    let text = talk.text(0, 1, b"hello");
    let segment = Segment {
        flags: Flags::SYN | Flags::ACK | Flags::FIN,
        ..text
    };
    assert_eq!(
        talk.inject(segment),
        ["---A---- seq=1 ack=7 len=0 wnd=65529"]
    );
    assert_eq!(talk.tcp_state(), TcpState::CloseWait);
    assert_eq!(talk.receive(9).unwrap(), b"hello");
    assert_eq!(talk.receive(9).unwrap(), b"");
}

#[test]
fn wrong_ack_in_syn_sent_is_answered_with_a_reset() {
    let mut talk = Talk::syn_sent(Config::default());
    for ack in [0, 2, 77] {
        let segment = Segment {
            ack: talk.iss + ack,
            ..talk.syn_ack()
        };
        let expected = format!("-----R-- seq={ack} ack=0 len=0 wnd=0");
        assert_eq!(talk.inject(segment), [expected]);
        let reset = Segment {
            flags: Flags::RST | Flags::ACK,
            ack: talk.iss + ack,
            ..talk.syn()
        };
        assert!(talk.inject(reset).is_empty());
        assert_eq!(talk.tcp_state(), TcpState::SynSent);
    }
    assert_eq!(talk.state.counters().bad_acknowledgment.get(), 6);
}

#[test]
fn refused_only_by_a_reset_that_acknowledges_the_syn() {
    let mut talk = Talk::syn_sent(Config::default());
    assert!(talk.inject(talk.rst(0)).is_empty());
    assert!(talk.inject(talk.ack(1, 1)).is_empty());
    assert_eq!(talk.tcp_state(), TcpState::SynSent);
    let reset = Segment {
        flags: Flags::RST | Flags::ACK,
        ..talk.ack(0, 1)
    };
    assert!(talk.inject(reset).is_empty());
    assert_eq!(talk.tcp_state(), TcpState::Closed);
    let error = talk.state.take_error(talk.id).unwrap();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    // The user still holds the name; the ends are free.
    let mut out = vec![];
    let again = talk
        .state
        .connect(us(), peer(), MTU, talk.now, &mut out)
        .unwrap();
    assert_ne!(again, talk.id);
    assert!(talk.close().is_empty());
    assert!(talk.is_gone());
}

#[test]
fn syn_is_repeated_and_given_up() {
    let mut talk = Talk::syn_sent(Config::default());
    let start = talk.now;
    let mut times = vec![];
    while talk.tcp_state() == TcpState::SynSent {
        let deadline = talk.state.deadline().unwrap();
        let sent = talk.wait(deadline - talk.now);
        times.extend(sent.iter().map(|_| (talk.now - start).as_secs()));
        assert!(
            sent.iter()
                .all(|sent| sent.starts_with("------S- seq=0 ack=0"))
        );
    }
    assert_eq!(times, [1, 3, 7, 15, 31, 63, 123]);
    assert_eq!((talk.now - start).as_secs(), 180);
    assert_eq!(talk.status().error, Some(ErrorKind::TimedOut));
    assert_eq!(talk.state.deadline(), None);
}

#[test]
fn simple_form_repeats_after_200_milliseconds() {
    let mut talk = Talk::syn_sent(Config::simple());
    for interval in [200, 400, 800, 1600, 3200] {
        assert!(talk.wait(ms(interval - 1)).is_empty());
        assert_eq!(talk.wait(ms(1)).len(), 1);
    }
    talk.wait(s(12));
    assert_eq!(talk.tcp_state(), TcpState::Closed);
}

#[test]
fn nothing_can_be_sent_or_received_before_the_connection_exists() {
    let mut talk = Talk::syn_sent(Config::default());
    assert_eq!(talk.send(b"x").unwrap_err().kind(), ErrorKind::WouldBlock);
    assert_eq!(talk.receive(1), Err(ErrorKind::WouldBlock));
    assert!(talk.close().is_empty());
    assert!(talk.is_gone());
}

#[test]
fn simultaneous_open() {
    let mut talk = Talk::syn_sent(Config::default());
    let answer = talk.inject(talk.syn());
    assert_eq!(answer, ["---A--S- seq=0 ack=1 len=0 wnd=65535 mss=1460"]);
    assert_eq!(talk.tcp_state(), TcpState::SynReceived);
    // The peer's SYN,ACK lies before the window: it is answered, and the
    // answer to ours establishes the connection.
    assert_eq!(
        talk.inject(talk.syn_ack()),
        ["---A---- seq=1 ack=1 len=0 wnd=65535"]
    );
    assert!(talk.inject(talk.ack(1, 1)).is_empty());
    assert_eq!(talk.tcp_state(), TcpState::Established);
}

#[test]
fn simultaneous_open_of_two_states() {
    let mut ends = [
        State::new(Config::default(), 1),
        State::new(Config::default(), 2),
    ];
    let mut wires = [vec![], vec![]];
    let now = Time::ZERO;
    let ids = [
        ends[0]
            .connect(us(), peer(), MTU, now, &mut wires[0])
            .unwrap(),
        ends[1]
            .connect(peer(), us(), MTU, now, &mut wires[1])
            .unwrap(),
    ];
    for _ in 0..8 {
        for (from, to) in [(0, 1), (1, 0)] {
            let mut answers = vec![];
            for sent in std::mem::take(&mut wires[from]) {
                ends[to].segment_arrives(
                    sent.remote,
                    sent.local,
                    sent.segment,
                    MTU,
                    now,
                    &mut answers,
                );
            }
            wires[to].extend(answers);
        }
    }
    assert!(
        wires.iter().all(Vec::is_empty),
        "the conversation does not end"
    );
    for (end, id) in ends.iter().zip(ids) {
        assert_eq!(end.status(id).unwrap().state, TcpState::Established);
    }
}

#[test]
fn reset_in_a_simultaneous_open_is_a_refusal() {
    let mut talk = Talk::syn_sent(Config::default());
    talk.inject(talk.syn());
    assert!(talk.inject(talk.rst(1)).is_empty());
    assert_eq!(talk.status().error, Some(ErrorKind::ConnectionRefused));
}

/// LISTEN by the passive open of the RFC.
fn opened_passively(remote: Option<std::net::SocketAddrV4>) -> Talk {
    let mut talk = Talk::listening(Config::default());
    talk.close();
    talk.listener = None;
    talk.id = talk.state.open_passive(us(), remote).unwrap();
    assert_eq!(talk.tcp_state(), TcpState::Listen);
    talk
}

#[test]
fn passive_open_of_the_rfc_becomes_the_connection() {
    let mut talk = opened_passively(None);
    assert_eq!(
        talk.inject(talk.syn()),
        ["---A--S- seq=0 ack=1 len=0 wnd=65535 mss=1460"]
    );
    assert_eq!(talk.tcp_state(), TcpState::SynReceived);
    assert!(talk.inject(talk.ack(1, 1)).is_empty());
    assert_eq!(
        (talk.status().state, talk.status().remote),
        (TcpState::Established, peer())
    );
    // Nobody listens any more.
    let answer = talk.inject_from("192.0.2.1:9".parse().unwrap(), talk.syn());
    assert!(answer[0].starts_with("---A-R--"));
}

#[test]
fn passive_open_of_the_rfc_returns_to_listen_after_a_reset() {
    let mut talk = opened_passively(Some(peer()));
    for _ in 0..3 {
        talk.inject(talk.syn());
        assert_eq!(talk.tcp_state(), TcpState::SynReceived);
        assert!(talk.inject(talk.rst(1)).is_empty());
        assert_eq!(talk.tcp_state(), TcpState::Listen);
        assert_eq!(talk.state.deadline(), None);
    }
    // A SYN within the window does the same.
    talk.inject(talk.syn());
    talk.inject(Segment {
        seq: talk.irs + 5,
        ..talk.syn()
    });
    assert_eq!(talk.tcp_state(), TcpState::Listen);
    // So does silence, and a peer that cannot be reached.
    talk.inject(talk.syn());
    talk.wait(s(60));
    assert_eq!(talk.tcp_state(), TcpState::Listen);
    talk.inject(talk.syn());
    let error = ErrorKind::HostUnreachable;
    talk.state
        .unreachable(us(), peer(), error, talk.now, &mut vec![]);
    assert_eq!(talk.tcp_state(), TcpState::Listen);
    assert!(talk.close().is_empty());
    assert!(talk.is_gone());
}

#[test]
fn passive_open_for_one_peer_hears_no_other() {
    let mut talk = opened_passively(Some(peer()));
    let answer = talk.inject_from("192.0.2.1:9".parse().unwrap(), talk.syn());
    assert!(answer[0].starts_with("---A-R--"));
    assert_eq!(talk.tcp_state(), TcpState::Listen);
}

#[test]
fn ephemeral_ports_differ_and_run_out() {
    let mut state = State::new(Config::default(), 5);
    let local = "192.0.2.2:0".parse().unwrap();
    let mut out = vec![];
    let mut ports = std::collections::BTreeSet::new();
    let listening = state.listen("0.0.0.0:50000".parse().unwrap(), 1).unwrap();
    for _ in 1..16_384 {
        let id = state
            .connect(local, peer(), MTU, Time::ZERO, &mut out)
            .unwrap();
        let port = state.status(id).unwrap().local.port();
        assert!(port >= 49_152 && port != 50_000 && ports.insert(port));
    }
    let error = state
        .connect(local, peer(), MTU, Time::ZERO, &mut out)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrNotAvailable);
    // Another peer can be reached from the same ports; and a free port is found.
    let other = "192.0.2.1:8".parse().unwrap();
    state
        .connect(local, other, MTU, Time::ZERO, &mut out)
        .unwrap();
    state.close(listening, Time::ZERO, &mut out);
    let id = state
        .connect(local, peer(), MTU, Time::ZERO, &mut out)
        .unwrap();
    assert_eq!(state.status(id).unwrap().local.port(), 50_000);
}

#[test]
fn ports_of_two_hosts_and_of_two_peers_are_not_the_same() {
    let first_port = |secret, remote: &str| {
        let mut state = State::new(Config::default(), secret);
        let local = "192.0.2.2:0".parse().unwrap();
        let remote = remote.parse().unwrap();
        let id = state
            .connect(local, remote, MTU, Time::ZERO, &mut vec![])
            .unwrap();
        state.status(id).unwrap().local.port()
    };
    let a = first_port(1, "192.0.2.1:7");
    assert_eq!(a, first_port(1, "192.0.2.1:7"));
    assert_ne!(a, first_port(2, "192.0.2.1:7"));
    assert_ne!(a, first_port(1, "192.0.2.1:8"));
}

#[test]
fn impossible_opens_are_refused() {
    let mut talk = Talk::syn_sent(Config::default());
    let mut connect = |local, remote: &str| {
        let result = talk
            .state
            .connect(local, remote.parse().unwrap(), MTU, talk.now, &mut vec![]);
        result.map(|_| ()).map_err(|error| error.kind())
    };
    assert_eq!(connect(us(), "192.0.2.1:43210"), Err(ErrorKind::AddrInUse));
    assert_eq!(connect(us(), "192.0.2.1:0"), Err(ErrorKind::InvalidInput));
    for nobody in ["0.0.0.0:7", "224.0.0.1:7", "255.255.255.255:7"] {
        assert_eq!(connect(us(), nobody), Err(ErrorKind::InvalidInput));
    }
    assert_eq!(connect(us(), "192.0.2.1:43211"), Ok(()));
}
