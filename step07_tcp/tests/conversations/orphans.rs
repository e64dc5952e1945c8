//! Connections that nobody holds any more.

use std::io::ErrorKind;

use step07_tcp::config::Config;
use step07_tcp::flags::Flags;
use step07_tcp::segment::Segment;
use step07_tcp::tcb::TcpState;
use step07_tcp::testing::History;

use crate::harness::{Talk, peer, s, us};

/// FIN-WAIT-1 without a user, with text that the peer's window does not take.
fn before_a_closed_window() -> Talk {
    let mut talk = Talk::established();
    talk.inject(Segment {
        window: 0,
        ..talk.ack(1, 1)
    });
    assert!(talk.write(b"waiting").is_empty());
    assert!(talk.close().is_empty());
    assert_eq!(talk.tcp_state(), TcpState::FinWait1);
    talk
}

#[test]
fn closed_window_does_not_keep_an_orphan_for_ever() {
    let mut talk = before_a_closed_window();
    let start = talk.now;
    let mut sent = vec![];
    while let Some(deadline) = talk.state.deadline() {
        sent = talk.wait(deadline - talk.now);
        // The peer answers each probe, and the window stays closed.
        if !talk.is_gone() {
            talk.inject(Segment {
                window: 0,
                ..talk.ack(1, 1)
            });
        }
    }
    assert!(talk.is_gone());
    assert_eq!(sent, ["-----R-- seq=1 ack=0 len=0 wnd=0"]);
    let lived = talk.now - start;
    assert!(lived >= s(120) && lived < s(240), "{lived:?}");
}

#[test]
fn window_that_opens_in_time_lets_an_orphan_end_well() {
    let mut talk = before_a_closed_window();
    talk.wait(s(60));
    assert_eq!(
        talk.inject(talk.ack(1, 1)),
        ["---AP--F seq=1 ack=1 len=7 wnd=65535"]
    );
    talk.inject(talk.fin(1, 9));
    assert_eq!(talk.tcp_state(), TcpState::TimeWait);
}

/// A listener with so many connections from different ports, accepted.
fn connections(config: Config, count: u16) -> (Talk, Vec<step07_tcp::tcb::Id>) {
    let mut talk = Talk::listening(config);
    let ids = (0..count).map(|n| {
        let mut from = peer();
        from.set_port(1000 + n);
        let mut out = vec![];
        talk.state
            .segment_arrives(us(), from, talk.syn(), 1500, talk.now, &mut out);
        let ack = Segment {
            ack: out[0].segment.seq + 1,
            ..talk.ack(1, 1)
        };
        talk.inject_from(from, ack);
        talk.state.accept(talk.listener.unwrap()).unwrap().0
    });
    let ids = ids.collect();
    (talk, ids)
}

#[test]
fn number_of_orphans_is_limited_and_the_oldest_is_reset() {
    let config = Config {
        max_orphans: 3,
        ..Config::default()
    };
    let (mut talk, ids) = connections(config, 5);
    let mut sent = vec![];
    for &id in &ids {
        talk.id = id;
        sent.push(talk.close());
    }
    let state = |id| talk.state.status(id).map(|status| status.state);
    let states: Vec<_> = ids.into_iter().map(state).collect();
    let waiting = Some(TcpState::FinWait1);
    assert_eq!(states, [None, None, waiting, waiting, waiting]);
    // Its own FIN, and the reset of the oldest.
    let lengths: Vec<_> = sent.iter().map(Vec::len).collect();
    assert_eq!(lengths, [1, 1, 1, 2, 2]);
    assert!(sent[3][1].starts_with("-----R--"), "{sent:?}");
    assert_eq!(talk.state.counters().orphans_evicted.get(), 2);
}

/// A peer can make us reset as many as it likes.
#[test]
fn one_warning_tells_of_all_orphans_that_are_reset() {
    let config = Config {
        max_orphans: 1,
        ..Config::default()
    };
    let (mut talk, ids) = connections(config, 3);
    let mut close = |id| {
        talk.id = id;
        talk.close();
    };
    close(ids[0]);
    let history = History::new();
    close(ids[1]);
    history.expect_log(&[
        "tcp::transition: id=3, local=192.0.2.2:7, foreign=192.0.2.1:1001, ESTABLISHED => FIN_WAIT1",
        "tcp::orphans: too many: the oldest are reset",
        "tcp::orphans: id=2 is reset",
        "tcp::transition: id=2, local=192.0.2.2:7, foreign=192.0.2.1:1000, FIN_WAIT1 => CLOSED",
        "tcp::pcb_release: released, local=192.0.2.2:7, foreign=192.0.2.1:1000",
    ]);
    close(ids[2]);
    history.expect_log(&[
        "tcp::transition: id=4, local=192.0.2.2:7, foreign=192.0.2.1:1002, ESTABLISHED => FIN_WAIT1",
        "tcp::orphans: id=3 is reset",
        "tcp::transition: id=3, local=192.0.2.2:7, foreign=192.0.2.1:1001, FIN_WAIT1 => CLOSED",
        "tcp::pcb_release: released, local=192.0.2.2:7, foreign=192.0.2.1:1001",
    ]);
}

#[test]
fn number_of_connections_in_time_wait_is_limited() {
    let config = Config {
        max_time_wait: 3,
        ..Config::default()
    };
    let (mut talk, ids) = connections(config, 5);
    for (n, &id) in (0..).zip(&ids) {
        talk.id = id;
        let mut out = vec![];
        // The first keeps its user.
        if n == 0 {
            let both = std::net::Shutdown::Both;
            talk.state.shutdown(id, both, talk.now, &mut out).unwrap();
        } else {
            talk.state.close(id, talk.now, &mut out);
        }
        let mut from = peer();
        from.set_port(1000 + n);
        let fin = Segment {
            ack: out[0].segment.seq + 1,
            flags: Flags::ACK | Flags::FIN,
            ..talk.ack(1, 1)
        };
        talk.inject_from(from, fin);
    }
    let state = |id| talk.state.status(id).map(|status| status.state);
    let states: Vec<_> = ids.iter().map(|&id| state(id)).collect();
    let waiting = Some(TcpState::TimeWait);
    let closed = Some(TcpState::Closed);
    assert_eq!(states, [closed, None, waiting, waiting, waiting]);
    assert_eq!(talk.state.counters().time_wait_evicted.get(), 2);
    talk.id = ids[0];
    assert_eq!(talk.receive(1).unwrap(), b"");
    assert_eq!(talk.send(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);
    talk.close();
    talk.wait(s(60));
    assert_eq!(talk.state.all().count(), 1, "only the listener is left");
    assert_eq!(talk.state.deadline(), None);
}
