//! A listener and its backlog; segments for nobody.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddrV4};

use step07_tcp::config::Config;
use step07_tcp::flags::Flags;
use step07_tcp::packet::Packet;
use step07_tcp::segment::Segment;
use step07_tcp::tcb::TcpState;

use crate::harness::{MTU, Talk, ms, s, us};

/// A peer for each number.
fn client(number: u16) -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::new(198, 51, 100, 7), 1024 + number)
}

#[test]
fn handshake_gives_a_connection_to_accept() {
    let mut talk = Talk::syn_received(Config::default());
    let listener = talk.listener.unwrap();
    assert_eq!(
        talk.state.accept(listener).unwrap_err().kind(),
        ErrorKind::WouldBlock
    );
    talk.state.take_changed();
    talk.inject(talk.ack(1, 1));
    assert_eq!(talk.state.take_changed(), [talk.id, listener]);
    assert_eq!(talk.state.status(listener).unwrap().readable, 1);
    assert!(!talk.status().in_use);
    let (id, _) = talk.state.accept(listener).unwrap();
    assert_eq!(id, talk.id);
    assert!(talk.status().in_use);
    assert_eq!(
        talk.state.accept(listener).unwrap_err().kind(),
        ErrorKind::WouldBlock
    );
    assert_eq!(
        talk.state.accept(talk.id).unwrap_err().kind(),
        ErrorKind::InvalidInput
    );
}

#[test]
fn text_of_syn_and_of_the_last_ack_is_delivered() {
    let mut talk = Talk::listening(Config::default());
    let syn = Segment {
        payload: Packet::new(b"early "),
        ..talk.syn()
    };
    assert!(talk.inject(syn)[0].starts_with("---A--S- seq=0 ack=1"));
    talk.id = talk.connection().unwrap().id;
    assert_eq!(talk.status().readable, 0);
    assert_eq!(talk.receive(99), Err(ErrorKind::WouldBlock));
    talk.inject(talk.text(7, 1, b"and late"));
    assert_eq!(talk.receive(99).unwrap(), b"early and late");
}

#[test]
fn fin_of_a_syn_does_not_count() {
    let mut talk = Talk::listening(Config::default());
    let syn = Segment {
        flags: Flags::SYN | Flags::FIN,
        ..talk.syn()
    };
    assert!(talk.inject(syn)[0].starts_with("---A--S- seq=0 ack=1"));
    talk.id = talk.connection().unwrap().id;
    talk.inject(talk.ack(1, 1));
    assert_eq!(talk.tcp_state(), TcpState::Established);
}

#[test]
fn listener_hears_syn_only() {
    let mut talk = Talk::listening(Config::default());
    assert!(talk.inject(talk.rst(0)).is_empty());
    assert!(
        talk.inject(Segment {
            flags: Flags::FIN,
            ..talk.syn()
        })
        .is_empty()
    );
    assert!(
        talk.inject(Segment {
            flags: Flags::NONE,
            ..talk.syn()
        })
        .is_empty()
    );
    let rst_syn = Flags::RST | Flags::SYN;
    assert!(
        talk.inject(Segment {
            flags: rst_syn,
            ..talk.syn()
        })
        .is_empty()
    );
    assert_eq!(
        talk.inject(talk.ack(0, 5)),
        ["-----R-- seq=5 ack=0 len=0 wnd=0"]
    );
    assert_eq!(
        talk.inject(talk.syn_ack()),
        ["-----R-- seq=1 ack=0 len=0 wnd=0"]
    );
    assert!(talk.connection().is_none());
    assert_eq!(talk.state.counters().not_syn.get(), 2);
}

#[test]
fn nobody_there_is_told() {
    let mut talk = Talk::listening(Config::default());
    talk.close();
    let expected = format!(
        "---A-R-- seq={} ack=1 len=0 wnd=0",
        0_u32.wrapping_sub(talk.iss.value())
    );
    assert_eq!(talk.inject(talk.syn()), [expected]);
    let text = Segment {
        flags: Flags::FIN,
        ..talk.text(0, 0, b"abc")
    };
    assert!(talk.inject(text)[0].contains(" ack=4 "));
    assert_eq!(
        talk.inject(talk.ack(9, 5)),
        ["-----R-- seq=5 ack=0 len=0 wnd=0"]
    );
    assert!(talk.inject(talk.rst(0)).is_empty());
    assert_eq!(talk.state.counters().no_connection.get(), 3);
    assert_eq!(talk.state.counters().reset_for_nobody.get(), 1);
}

#[test]
fn broadcast_and_multicast_are_not_heard() {
    let mut talk = Talk::listening(Config::default());
    for ip in ["255.255.255.255", "224.0.0.1", "0.0.0.0"] {
        let from = SocketAddrV4::new(ip.parse().unwrap(), 9);
        assert!(talk.inject_from(from, talk.syn()).is_empty());
    }
    assert_eq!(talk.state.counters().not_unicast.get(), 3);
    assert!(talk.connection().is_none());
}

#[test]
fn what_was_sent_to_many_is_not_heard() {
    let mut talk = Talk::listening(Config::default());
    let any = SocketAddrV4::new([0, 0, 0, 0].into(), 8);
    talk.state.listen(any, 4).unwrap();
    for ip in ["255.255.255.255", "224.0.0.1"] {
        let to = SocketAddrV4::new(ip.parse().unwrap(), 8);
        for segment in [talk.syn(), talk.ack(1, 1), talk.rst(1)] {
            let mut out = vec![];
            talk.state
                .segment_arrives(to, client(1), segment, MTU, talk.now, &mut out);
            assert!(out.is_empty());
        }
    }
    assert!(talk.connection().is_none());
    assert_eq!(talk.state.counters().not_unicast.get(), 6);
}

#[test]
fn lost_syn_ack_is_repeated_by_timer_and_by_request() {
    let mut talk = Talk::syn_received(Config::default());
    let again = ["---A--S- seq=0 ack=1 len=0 wnd=65535 mss=1460"];
    assert!(talk.wait(ms(999)).is_empty());
    assert_eq!(talk.inject(talk.syn()), again);
    assert_eq!(talk.wait(ms(1)), again);
    assert_eq!(talk.wait(s(2)), again);
    talk.inject(talk.ack(1, 1));
    assert_eq!(talk.tcp_state(), TcpState::Established);
}

#[test]
fn half_open_connection_goes_when_its_peer_is_silent() {
    let mut talk = Talk::syn_received(Config::default());
    talk.wait(s(59));
    assert_eq!(talk.tcp_state(), TcpState::SynReceived);
    talk.wait(s(1));
    assert!(talk.is_gone());
    assert_eq!(talk.state.deadline(), None);
}

#[test]
fn wrong_ack_of_the_syn_is_reset_and_the_right_one_still_counts() {
    let mut talk = Talk::syn_received(Config::default());
    for ack in [0, 2, 1000] {
        let expected = format!("-----R-- seq={ack} ack=0 len=0 wnd=0");
        assert_eq!(talk.inject(talk.ack(1, ack)), [expected]);
    }
    assert!(talk.inject(talk.ack(1, 1)).is_empty());
    assert_eq!(talk.tcp_state(), TcpState::Established);
}

#[test]
fn reset_child_leaves_the_queue() {
    let mut talk = Talk::syn_received(Config::default());
    talk.inject(talk.rst(1));
    assert!(talk.is_gone());

    // An established one too: it is never handed out dead.
    let mut talk = Talk::syn_received(Config::default());
    talk.inject(talk.ack(1, 1));
    talk.inject(talk.rst(1));
    assert!(talk.is_gone());
    let listener = talk.listener.unwrap();
    assert_eq!(
        talk.state.accept(listener).unwrap_err().kind(),
        ErrorKind::WouldBlock
    );
}

#[test]
fn aborted_child_leaves_the_queue() {
    let mut talk = Talk::syn_received(Config::default());
    talk.inject(talk.ack(1, 1));
    assert_eq!(talk.abort().len(), 1);
    let listener = talk.listener.unwrap();
    assert_eq!(talk.state.status(listener).unwrap().readable, 0);
    handshake(&mut talk, 1);
    assert!(talk.state.accept(listener).is_ok());
}

/// Room for four half-open connections, and no cookies.
fn without_cookies() -> Config {
    Config {
        syn_backlog: 4,
        syn_cookies: false,
        ..Config::default()
    }
}

#[test]
fn full_backlog_drops_requests_until_someone_is_accepted() {
    let mut talk = Talk::listening(without_cookies());
    for number in 0..4 {
        let answer = talk.inject_from(client(number), talk.syn());
        assert!(answer[0].starts_with("---A--S-"));
        let iss = talk.state.all().last().unwrap();
        assert_eq!(iss.state, TcpState::SynReceived);
    }
    assert!(talk.inject_from(client(4), talk.syn()).is_empty());
    assert_eq!(talk.state.counters().backlog_full.get(), 1);
    assert_eq!(talk.state.all().count(), 5);
}

#[test]
fn established_children_fill_the_backlog_for_good() {
    let mut talk = Talk::listening(Config::default());
    for number in 0..4 {
        handshake(&mut talk, number);
    }
    talk.wait(s(100));
    assert!(talk.inject_from(client(4), talk.syn()).is_empty());
    talk.state.accept(talk.listener.unwrap()).unwrap();
    handshake(&mut talk, 4);
    assert_eq!(
        talk.state.status(talk.listener.unwrap()).unwrap().readable,
        4
    );
}

#[test]
fn who_completes_the_handshake_too_late_waits_outside() {
    let mut talk = Talk::listening(Config::default());
    // Five requests while there is room, and room for four of them.
    let mut out = vec![];
    for number in 0..5 {
        let (syn, now) = (talk.syn(), talk.now);
        talk.state
            .segment_arrives(us(), client(number), syn, MTU, now, &mut out);
    }
    let acks: Vec<_> = out
        .iter()
        .map(|outgoing| Segment {
            ack: outgoing.segment.seq + 1,
            ..talk.ack(1, 1)
        })
        .collect();
    for (number, ack) in acks.iter().enumerate() {
        let number = u16::try_from(number).unwrap();
        assert!(talk.inject_from(client(number), ack.clone()).is_empty());
    }
    let listener = talk.listener.unwrap();
    assert_eq!(talk.state.status(listener).unwrap().readable, 4);
    assert_eq!(talk.state.counters().backlog_full.get(), 1);
    // Its next acknowledgment is taken, once somebody has been accepted.
    talk.state.accept(listener).unwrap();
    talk.inject_from(client(4), acks[4].clone());
    assert_eq!(talk.state.status(listener).unwrap().readable, 4);
}

/// Completes the handshake of a client.
fn handshake(talk: &mut Talk, number: u16) {
    let mut out = vec![];
    talk.state
        .segment_arrives(us(), client(number), talk.syn(), MTU, talk.now, &mut out);
    let ack = Segment {
        ack: out[0].segment.seq + 1,
        ..talk.ack(1, 1)
    };
    assert!(talk.inject_from(client(number), ack).is_empty());
}

#[test]
fn thousand_half_open_connections_do_not_disable_a_listener() {
    let mut talk = Talk::listening(without_cookies());
    for number in 0..1000 {
        talk.inject_from(client(number), talk.syn());
        // The table does not grow, whatever comes.
        assert!(talk.state.all().count() <= 5);
    }
    assert_eq!(talk.state.counters().backlog_full.get(), 996);
    // Those who have let their SYN,ACK be repeated give way to a newcomer.
    talk.wait(s(1));
    handshake(&mut talk, 5000);
    assert!(talk.state.accept(talk.listener.unwrap()).is_ok());
    // And after a while all of them are gone.
    talk.wait(s(60));
    assert_eq!(talk.state.all().count(), 2);
}

#[test]
fn closed_listener_resets_its_children() {
    let mut talk = Talk::syn_received(Config::default());
    let child = talk.id;
    handshake(&mut talk, 1);
    talk.id = talk.listener.unwrap();
    let resets = talk.close();
    assert_eq!(resets.len(), 2);
    assert!(resets.iter().all(|reset| reset.starts_with("-----R--")));
    assert!(talk.is_gone());
    assert!(talk.state.status(child).is_none());
    assert_eq!(talk.state.all().count(), 0);
    assert_eq!(talk.state.deadline(), None);
}

#[test]
fn accepted_connections_outlive_their_listener() {
    let mut talk = Talk::established();
    let id = std::mem::replace(&mut talk.id, talk.listener.unwrap());
    assert!(talk.close().is_empty());
    talk.id = id;
    assert_eq!(talk.tcp_state(), TcpState::Established);
    assert_eq!(talk.write(b"still here").len(), 1);
}

#[test]
fn addresses_are_used_once() {
    let mut talk = Talk::listening(Config::default());
    let mut listen = |local: &str| {
        let result = talk.state.listen(local.parse().unwrap(), 1);
        result.map(|_| ()).map_err(|error| error.kind())
    };
    assert_eq!(listen("192.0.2.2:7"), Err(ErrorKind::AddrInUse));
    assert_eq!(listen("0.0.0.0:7"), Err(ErrorKind::AddrInUse));
    assert_eq!(listen("192.0.2.3:7"), Ok(()));
    assert_eq!(listen("0.0.0.0:8"), Ok(()));
    assert_eq!(listen("192.0.2.2:8"), Err(ErrorKind::AddrInUse));
    assert_eq!(listen("192.0.2.2:0"), Ok(()));
    assert_eq!(listen("192.0.2.2:0"), Ok(()));
}

#[test]
fn mss_of_the_peer_is_honoured() {
    for (announced, expected) in [
        (None, 536),
        (Some(100), 100),
        (Some(9000), 1460),
        (Some(0), 64),
    ] {
        let mut talk = Talk::listening(Config {
            nodelay: true,
            ..Config::default()
        });
        let mut syn = talk.syn();
        syn.options.mss = announced;
        talk.inject(syn);
        talk.id = talk.connection().unwrap().id;
        talk.inject(talk.ack(1, 1));
        let sent = talk.write(&[0; 150]);
        let first = format!("seq=1 ack=1 len={} ", expected.min(150));
        assert!(sent[0].contains(&first), "{announced:?}: {sent:?}");
        assert_eq!(talk.status().measures.unwrap().mss, expected);
    }
}
