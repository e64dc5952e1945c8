//! Floods of requests, and SYN cookies.

use std::net::{Ipv4Addr, SocketAddrV4};

use step07_tcp::config::Config;
use step07_tcp::flags::Flags;
use step07_tcp::segment::Segment;
use step07_tcp::seq::SeqNumber;
use step07_tcp::status::Status;
use step07_tcp::tcb::TcpState;

use crate::harness::{MTU, Talk, ms, peer, s, us};

/// One of very many who never answer.
fn stranger(number: u32) -> SocketAddrV4 {
    let ip = Ipv4Addr::from_bits(0x0a00_0000 + number / 50);
    SocketAddrV4::new(ip, 1024 + u16::try_from(number % 50).unwrap())
}

/// A listener with a full queue of half-open connections.
fn flooded() -> Talk {
    let mut talk = Talk::listening(Config::default());
    for number in 0..256 {
        talk.inject_from(stranger(number), talk.syn());
    }
    assert_eq!(talk.state.all().count(), 257);
    talk
}

/// Sends a SYN; gives the number of the SYN,ACK.
fn request(talk: &mut Talk, from: SocketAddrV4) -> SeqNumber {
    let (syn, mut out) = (talk.syn(), vec![]);
    talk.state
        .segment_arrives(us(), from, syn, MTU, talk.now, &mut out);
    assert_eq!(out.len(), 1);
    assert!(out[0].segment.flags.syn() && out[0].segment.flags.ack());
    out[0].segment.seq
}

fn of_peer(talk: &Talk) -> Option<Status> {
    talk.state.all().find(|status| status.remote == peer())
}

#[test]
fn client_connects_in_the_middle_of_a_flood() {
    let mut talk = Talk::listening(Config::default());
    let mut cookie = None;
    for number in 0..100_000 {
        talk.inject_from(stranger(number), talk.syn());
        match number {
            50_000 => cookie = Some(request(&mut talk, peer())),
            60_000 => {
                let ack = Segment {
                    ack: cookie.unwrap() + 1,
                    ..talk.text(1, 1, b"hello")
                };
                talk.inject_from(peer(), ack);
            }
            _ => {}
        }
        if number % 1000 == 0 {
            assert!(talk.state.all().count() <= 258);
            talk.wait(ms(10));
        }
    }
    let (id, remote) = talk.state.accept(talk.listener.unwrap()).unwrap();
    assert_eq!(remote, peer());
    talk.id = id;
    talk.iss = cookie.unwrap();
    assert_eq!(talk.tcp_state(), TcpState::Established);
    assert_eq!(talk.receive(9).unwrap(), b"hello");
    assert_eq!(
        talk.write(b"world")[0].split(' ').collect::<Vec<_>>()[1..4],
        ["seq=1", "ack=6", "len=5"]
    );
    talk.inject(talk.ack(6, 6));
    assert!(talk.status().flushed);
    let counters = talk.state.counters();
    assert_eq!(counters.cookies_taken.get(), 1);
    assert_eq!(counters.cookies_sent.get(), 100_000 - 256 + 1);
    assert_eq!(counters.backlog_full.get(), 0);
    // Nothing is left of the others.
    talk.wait(s(60));
    assert_eq!(talk.state.all().count(), 2);
}

#[test]
fn mss_survives_in_the_cookie_and_other_options_are_not_offered() {
    let mut talk = flooded();
    let mut syn = talk.syn();
    syn.options.mss = Some(1300);
    syn.options.window_scale = Some(7);
    syn.options.sack_permitted = true;
    let mut out = vec![];
    let now = talk.now;
    talk.state
        .segment_arrives(us(), peer(), syn, MTU, now, &mut out);
    let options = out[0].segment.options;
    assert_eq!(options.mss, Some(1460));
    assert_eq!(options.window_scale, None);
    assert!(!options.sack_permitted && options.timestamps.is_none());
    let ack = Segment {
        ack: out[0].segment.seq + 1,
        window: 5000,
        ..talk.ack(1, 1)
    };
    talk.inject(ack);
    let measures = of_peer(&talk).unwrap().measures.unwrap();
    assert_eq!(measures.mss, 1220);
    assert_eq!(measures.send_window, 5000);
}

#[test]
fn only_a_cookie_of_ours_makes_a_connection() {
    let mut talk = flooded();
    let cookie = request(&mut talk, peer());
    let good = Segment {
        ack: cookie + 1,
        ..talk.ack(1, 1)
    };
    let wrong = [
        Segment {
            ack: cookie + 2,
            ..good.clone()
        },
        Segment {
            seq: good.seq + 1,
            ..good.clone()
        },
    ];
    for wrong in wrong {
        assert!(talk.inject(wrong)[0].starts_with("-----R--"));
    }
    assert!(talk.inject_from(stranger(9999), good.clone())[0].starts_with("-----R--"));
    assert_eq!(talk.state.counters().cookies_wrong.get(), 3);
    // It does not keep for ever.
    talk.wait(s(128));
    assert!(talk.inject(good)[0].starts_with("-----R--"));
    assert_eq!(of_peer(&talk).map(|status| status.id), None);
}

/// A client's SYN is answered with a cookie; the answer is late, and so the
/// client repeats the SYN, for which there is a place now. Two answers are
/// under way, with different numbers, and the client believes the first.
#[test]
fn cookie_counts_although_there_is_a_place_by_now() {
    let mut talk = flooded();
    let cookie = request(&mut talk, peer());
    let given_up = Segment {
        flags: Flags::RST,
        ..talk.ack(1, 0)
    };
    talk.inject_from(stranger(0), given_up);
    let other = request(&mut talk, peer());
    assert_ne!(cookie, other);
    let hello = Segment {
        ack: cookie + 1,
        ..talk.text(1, 1, b"hello")
    };
    let answers = talk.inject(hello);
    assert!(
        answers.iter().all(|answer| !answer.contains('R')),
        "{answers:?}"
    );
    let status = of_peer(&talk).unwrap();
    assert_eq!((status.state, status.readable), (TcpState::Established, 5));
    assert_eq!(talk.state.counters().cookies_taken.get(), 1);
}

#[test]
fn without_a_flood_no_cookie_is_believed() {
    let mut talk = flooded();
    let cookie = request(&mut talk, peer());
    // The same secret, the same time: but this one has sent none.
    let mut calm = Talk::listening(Config::default());
    let ack = Segment {
        ack: cookie + 1,
        ..calm.ack(1, 1)
    };
    assert!(calm.inject(ack)[0].starts_with("-----R--"));
    assert_eq!(calm.state.counters().cookies_wrong.get(), 0);
}

#[test]
fn cookie_waits_while_nobody_accepts() {
    let mut talk = Talk::listening(Config {
        syn_backlog: 1,
        ..Config::default()
    });
    // The queue of half-open ones has one place, that of accepted ones four.
    talk.inject_from(stranger(0), talk.syn());
    let cookies: Vec<_> = (1..=5).map(|n| request(&mut talk, stranger(n))).collect();
    for (n, &cookie) in (1..).zip(&cookies) {
        let ack = Segment {
            ack: cookie + 1,
            ..talk.ack(1, 1)
        };
        assert!(talk.inject_from(stranger(n), ack).is_empty());
    }
    let ready = |talk: &Talk| talk.state.status(talk.listener.unwrap()).unwrap().readable;
    assert_eq!(ready(&talk), 4);
    assert_eq!(talk.state.counters().backlog_full.get(), 1);
    // Its text is repeated; by now somebody has been accepted.
    talk.state.accept(talk.listener.unwrap()).unwrap();
    let again = Segment {
        ack: cookies[4] + 1,
        ..talk.text(1, 1, b"x")
    };
    talk.inject_from(stranger(5), again);
    assert_eq!(ready(&talk), 4);
}
