//! Closing, from either side and from both at once.

use std::io::ErrorKind;
use std::net::Shutdown;

use step07_tcp::config::Config;
use step07_tcp::flags::Flags;
use step07_tcp::options::Timestamps;
use step07_tcp::segment::Segment;
use step07_tcp::tcb::TcpState;

use crate::harness::{MTU, Talk, ms, peer, s, us};

const FIN: &str = "---A---F seq=1 ack=1 len=0 wnd=65535";

/// FIN-WAIT-1: the user has closed, nothing was answered.
fn fin_wait_1() -> Talk {
    let mut talk = Talk::established();
    assert_eq!(talk.close(), [FIN]);
    assert_eq!(talk.tcp_state(), TcpState::FinWait1);
    talk
}

/// TIME-WAIT, after a close of ours.
fn time_wait() -> Talk {
    let mut talk = fin_wait_1();
    talk.inject(talk.fin(1, 2));
    assert_eq!(talk.tcp_state(), TcpState::TimeWait);
    talk
}

#[test]
fn we_close_first() {
    let mut talk = fin_wait_1();
    assert!(talk.inject(talk.ack(1, 2)).is_empty());
    assert_eq!(talk.tcp_state(), TcpState::FinWait2);
    assert_eq!(
        talk.inject(talk.fin(1, 2)),
        ["---A---- seq=2 ack=2 len=0 wnd=65534"]
    );
    assert_eq!(talk.tcp_state(), TcpState::TimeWait);
    assert!(talk.wait(ms(59_999)).is_empty());
    assert_eq!(talk.tcp_state(), TcpState::TimeWait);
    assert!(talk.wait(ms(1)).is_empty());
    assert!(talk.is_gone());
    assert_eq!(talk.state.deadline(), None);
}

#[test]
fn fin_with_the_acknowledgment_of_ours() {
    let mut talk = fin_wait_1();
    assert_eq!(
        talk.inject(talk.fin(1, 2)),
        ["---A---- seq=2 ack=2 len=0 wnd=65534"]
    );
    assert_eq!(talk.tcp_state(), TcpState::TimeWait);
}

#[test]
fn peer_closes_first() {
    let mut talk = Talk::established();
    talk.state.take_changed();
    assert_eq!(
        talk.inject(talk.fin(1, 1)),
        ["---A---- seq=1 ack=2 len=0 wnd=65534"]
    );
    assert_eq!(talk.state.take_changed(), [talk.id]);
    assert_eq!(talk.tcp_state(), TcpState::CloseWait);
    assert_eq!(talk.receive(9).unwrap(), b"");
    // Our direction is still open.
    assert_eq!(talk.write(b"bye"), ["---AP--- seq=1 ack=2 len=3 wnd=65534"]);
    assert_eq!(talk.close(), ["---A---F seq=4 ack=2 len=0 wnd=65534"]);
    assert_eq!(talk.tcp_state(), TcpState::LastAck);
    talk.inject(talk.ack(2, 4));
    assert_eq!(talk.tcp_state(), TcpState::LastAck);
    assert!(talk.inject(talk.ack(2, 5)).is_empty());
    assert!(talk.is_gone());
    assert_eq!(talk.state.deadline(), None);
}

#[test]
fn both_close_at_the_same_time() {
    let mut talk = fin_wait_1();
    // The peer's FIN does not acknowledge ours.
    assert_eq!(
        talk.inject(talk.fin(1, 1)),
        ["---A---- seq=2 ack=2 len=0 wnd=65534"]
    );
    assert_eq!(talk.tcp_state(), TcpState::Closing);
    talk.inject(talk.ack(2, 1));
    assert_eq!(talk.tcp_state(), TcpState::Closing);
    assert!(talk.inject(talk.ack(2, 2)).is_empty());
    assert_eq!(talk.tcp_state(), TcpState::TimeWait);
    talk.wait(s(60));
    assert!(talk.is_gone());
}

#[test]
fn lost_fin_is_repeated() {
    let mut talk = fin_wait_1();
    assert_eq!(talk.wait(ms(200)), [FIN]);
    assert_eq!(talk.wait(ms(400)), [FIN]);
    // It is given up in the end, and nothing remains.
    talk.wait(s(120));
    assert!(talk.is_gone());
}

#[test]
fn repeated_fin_is_acknowledged_and_time_wait_starts_again() {
    let mut talk = time_wait();
    talk.wait(s(50));
    assert_eq!(
        talk.inject(talk.fin(1, 2)),
        ["---A---- seq=2 ack=2 len=0 wnd=65534"]
    );
    talk.wait(s(59));
    assert_eq!(talk.tcp_state(), TcpState::TimeWait);
    talk.wait(s(1));
    assert!(talk.is_gone());
}

#[test]
fn time_wait_yields_to_a_new_connection() {
    let mut talk = time_wait();
    // Behind the old numbers: a SYN that only comes late must not do it.
    let old = Segment {
        seq: talk.irs + 1,
        ..talk.syn()
    };
    assert_eq!(talk.inject(old), ["---A---- seq=2 ack=2 len=0 wnd=65534"]);
    assert_eq!(talk.tcp_state(), TcpState::TimeWait);
    let new = Segment {
        seq: talk.irs + 100_000,
        ..talk.syn()
    };
    let answer = talk.inject(new);
    assert!(
        answer[0].starts_with("---A--S- seq=131074 ack=100001 "),
        "{answer:?}"
    );
    assert!(talk.is_gone());
    assert_eq!(talk.connection().unwrap().state, TcpState::SynReceived);
}

#[test]
fn user_of_a_connection_that_yields_keeps_its_name() {
    let mut talk = Talk::established();
    talk.inject(talk.text(1, 1, b"rest"));
    talk.shutdown(Shutdown::Write);
    talk.inject(talk.fin(5, 2));
    assert_eq!(talk.tcp_state(), TcpState::TimeWait);
    talk.state.take_changed();
    talk.inject(Segment {
        seq: talk.irs + 100_000,
        ..talk.syn()
    });
    assert_eq!(talk.state.take_changed()[0], talk.id);
    assert_eq!(talk.tcp_state(), TcpState::Closed);
    assert_eq!(talk.receive(9).unwrap(), b"rest");
    assert!(talk.close().is_empty());
    assert!(talk.is_gone());
    assert_eq!(talk.connection().unwrap().state, TcpState::SynReceived);
}

#[test]
fn time_wait_without_a_listener_does_not_yield() {
    let mut talk = time_wait();
    let id = std::mem::replace(&mut talk.id, talk.listener.unwrap());
    talk.close();
    talk.id = id;
    let new = Segment {
        seq: talk.irs + 100_000,
        ..talk.syn()
    };
    assert_eq!(talk.inject(new), ["---A---- seq=2 ack=2 len=0 wnd=65534"]);
    assert_eq!(talk.tcp_state(), TcpState::TimeWait);
}

#[test]
fn port_of_time_wait_is_not_given_to_the_same_peer() {
    let mut talk = time_wait();
    let error = talk
        .state
        .connect(us(), peer(), MTU, talk.now, &mut vec![])
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
}

#[test]
fn fin_with_text_counts_behind_it() {
    let mut talk = Talk::established();
    let segment = Segment {
        flags: Flags::ACK | Flags::FIN,
        ..talk.text(1, 1, b"last words")
    };
    assert_eq!(
        talk.inject(segment),
        ["---A---- seq=1 ack=12 len=0 wnd=65524"]
    );
    assert_eq!(talk.tcp_state(), TcpState::CloseWait);
    assert_eq!(talk.receive(99).unwrap(), b"last words");
    assert_eq!(talk.receive(99).unwrap(), b"");
}

#[test]
fn fin_out_of_order_waits_for_the_text_before_it() {
    let mut talk = Talk::established();
    let segment = Segment {
        flags: Flags::ACK | Flags::FIN,
        ..talk.text(4, 1, b"def")
    };
    assert_eq!(
        talk.inject(segment),
        ["---A---- seq=1 ack=1 len=0 wnd=65535"]
    );
    assert_eq!(talk.tcp_state(), TcpState::Established);
    assert_eq!(
        talk.inject(talk.text(1, 1, b"abc")),
        ["---A---- seq=1 ack=8 len=0 wnd=65528"]
    );
    assert_eq!(talk.tcp_state(), TcpState::CloseWait);
    assert_eq!(talk.receive(99).unwrap(), b"abcdef");
    assert_eq!(talk.receive(99).unwrap(), b"");

    // A FIN without text, likewise.
    let mut talk = Talk::established();
    assert_eq!(
        talk.inject(talk.fin(4, 1)),
        ["---A---- seq=1 ack=1 len=0 wnd=65535"]
    );
    assert_eq!(talk.tcp_state(), TcpState::Established);
    talk.inject(talk.text(1, 1, b"abc"));
    assert_eq!(talk.tcp_state(), TcpState::CloseWait);
}

#[test]
fn fin_behind_the_window_does_not_count() {
    let mut talk = Talk::established_with(Config {
        receive_buffer: 65535,
        ..Config::default()
    });
    talk.inject(talk.text(1, 1, &[0; 65534]));
    let segment = Segment {
        flags: Flags::ACK | Flags::FIN,
        ..talk.text(65535, 1, b"xy")
    };
    assert!(talk.inject(segment).is_empty());
    assert_eq!(talk.wait(s(1)), ["---A---- seq=1 ack=65536 len=0 wnd=0"]);
    assert_eq!(talk.tcp_state(), TcpState::Established);
    // It is refused as long as the window is closed, and taken then.
    assert_eq!(
        talk.inject(talk.fin(65537, 1)),
        ["---A---- seq=1 ack=65536 len=0 wnd=0"]
    );
    assert_eq!(talk.read(9999).1.len(), 1);
    talk.inject(Segment {
        flags: Flags::ACK | Flags::FIN,
        ..talk.text(65536, 1, b"y")
    });
    assert_eq!(talk.tcp_state(), TcpState::CloseWait);
}

#[test]
fn text_behind_the_fin_is_ignored() {
    let mut talk = Talk::established();
    talk.inject(talk.fin(1, 1));
    talk.inject(talk.text(2, 1, b"ghost"));
    assert_eq!(talk.receive(9).unwrap(), b"");
    assert_eq!(talk.tcp_state(), TcpState::CloseWait);
}

#[test]
fn everything_written_goes_before_the_fin() {
    let mut talk = Talk::established();
    talk.inject(Segment {
        window: 1000,
        ..talk.ack(1, 1)
    });
    assert!(talk.write(&[1; 1500]).is_empty());
    assert!(talk.close().is_empty());
    assert_eq!(talk.tcp_state(), TcpState::FinWait1);
    assert_eq!(
        talk.inject(Segment {
            window: 9000,
            ..talk.ack(1, 1)
        }),
        [
            "---A---- seq=1 ack=1 len=1460 wnd=65535",
            "---AP--F seq=1461 ack=1 len=40 wnd=65535"
        ]
    );
    talk.inject(talk.ack(1, 1501));
    assert_eq!(talk.tcp_state(), TcpState::FinWait1);
    talk.inject(talk.ack(1, 1502));
    assert_eq!(talk.tcp_state(), TcpState::FinWait2);
}

#[test]
fn half_closed_connection_still_receives() {
    let mut talk = Talk::established();
    assert_eq!(talk.shutdown(Shutdown::Write), [FIN]);
    assert_eq!(talk.send(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);
    talk.inject(talk.ack(1, 2));
    assert_eq!(talk.tcp_state(), TcpState::FinWait2);
    // As long as a user is there, the peer may take its time.
    talk.wait(s(3600));
    talk.inject(talk.text(1, 2, b"answer"));
    assert_eq!(talk.receive(99).unwrap(), b"answer");
    talk.inject(talk.fin(7, 2));
    assert_eq!(talk.receive(99).unwrap(), b"");
    assert_eq!(talk.tcp_state(), TcpState::TimeWait);
    talk.wait(s(60));
    assert_eq!(talk.tcp_state(), TcpState::Closed);
    assert!(!talk.is_gone());
    talk.close();
    assert!(talk.is_gone());
}

#[test]
fn shut_reader_sees_the_end() {
    let mut talk = Talk::established();
    assert!(talk.shutdown(Shutdown::Read).is_empty());
    assert!(talk.status().end_of_stream);
    assert_eq!(talk.receive(9).unwrap(), b"");
    assert_eq!(talk.write(b"x").len(), 1);
}

#[test]
fn orphan_does_not_wait_for_ever_in_fin_wait_2() {
    let mut talk = fin_wait_1();
    talk.inject(talk.ack(1, 2));
    talk.wait(s(59));
    assert_eq!(talk.tcp_state(), TcpState::FinWait2);
    talk.wait(s(1));
    assert!(talk.is_gone());

    // The same if the user half-closes first and leaves later.
    let mut talk = Talk::established();
    talk.shutdown(Shutdown::Write);
    talk.inject(talk.ack(1, 2));
    talk.wait(s(1000));
    assert!(talk.close().is_empty());
    talk.wait(s(60));
    assert!(talk.is_gone());
}

#[test]
fn unread_text_makes_a_close_a_reset() {
    let mut talk = Talk::established();
    talk.inject(talk.text(1, 1, b"unread"));
    assert_eq!(talk.close(), ["-----R-- seq=1 ack=0 len=0 wnd=0"]);
    assert!(talk.is_gone());
}

#[test]
fn text_for_nobody_is_reset() {
    let mut talk = fin_wait_1();
    assert_eq!(
        talk.inject(talk.text(1, 2, b"late")),
        ["-----R-- seq=2 ack=0 len=0 wnd=0"]
    );
    assert!(talk.is_gone());
    assert_eq!(talk.state.counters().text_after_close.get(), 1);
}

#[test]
fn close_before_the_handshake_is_over() {
    let mut talk = Talk::syn_sent(Config::default());
    talk.inject(talk.syn());
    assert_eq!(talk.tcp_state(), TcpState::SynReceived);
    assert!(talk.close().is_empty());
    // "Queue for processing after entering ESTABLISHED state."
    assert_eq!(talk.inject(talk.ack(1, 1)), [FIN]);
    assert_eq!(talk.tcp_state(), TcpState::FinWait1);
}

#[test]
fn abort_resets() {
    let mut talk = Talk::established();
    talk.write(b"x");
    assert_eq!(talk.abort(), ["-----R-- seq=2 ack=0 len=0 wnd=0"]);
    assert!(talk.is_gone());
    assert_eq!(talk.state.deadline(), None);

    let mut talk = time_wait();
    assert!(talk.abort().is_empty());
    assert!(talk.is_gone());
}

#[test]
fn calls_on_what_is_gone_fail() {
    let mut talk = Talk::established();
    talk.abort();
    assert_eq!(talk.send(b"x").unwrap_err().kind(), ErrorKind::NotConnected);
    assert_eq!(talk.receive(1), Err(ErrorKind::NotConnected));
    let error = talk
        .state
        .shutdown(talk.id, Shutdown::Both, talk.now, &mut vec![])
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotConnected);
    assert!(talk.state.take_error(talk.id).is_none());
    assert!(talk.close().is_empty());
    assert!(talk.abort().is_empty());
}

#[test]
fn time_wait_is_not_cut_short_by_a_reset() {
    let mut talk = time_wait();
    assert!(talk.inject(talk.rst(2)).is_empty());
    assert!(talk.inject(talk.rst(3)).is_empty());
    assert_eq!(talk.tcp_state(), TcpState::TimeWait);
    assert_eq!(talk.state.counters().reset_in_time_wait.get(), 2);
    // Nor do old duplicates with text get through, or prolong it.
    talk.wait(s(59));
    let ack = "---A---- seq=2 ack=2 len=0 wnd=65534";
    assert_eq!(talk.inject(talk.text(0, 1, b"o")), [ack]);
    assert_eq!(talk.inject(talk.ack(1, 1)), [ack]);
    talk.wait(s(1));
    assert!(talk.is_gone());
}

/// TIME-WAIT of a connection with timestamps, the last of which was 5000.
fn time_wait_with_timestamps() -> Talk {
    let mut talk = Talk::listening(Config::default());
    let stamp = |value| {
        Some(Timestamps {
            value,
            ..Timestamps::default()
        })
    };
    let mut syn = talk.syn();
    syn.options.timestamps = stamp(4000);
    talk.inject(syn);
    talk.id = talk.connection().unwrap().id;
    let mut ack = talk.ack(1, 1);
    ack.options.timestamps = stamp(4500);
    talk.inject(ack);
    talk.state.accept(talk.listener.unwrap()).unwrap();
    talk.close();
    let mut fin = talk.fin(1, 2);
    fin.options.timestamps = stamp(5000);
    talk.inject(fin);
    assert_eq!(talk.tcp_state(), TcpState::TimeWait);
    talk
}

#[test]
fn timestamps_tell_a_new_connection_from_an_old_duplicate() {
    // The sequence number before and behind the old ones; the timestamp.
    for (seq, value, yields) in [
        (0, Some(5001), true),
        (100_000, Some(5001), true),
        (0, Some(5000), false),
        (100_000, Some(5000), true),
        (0, Some(4999), false),
        (100_000, Some(4999), false),
        (0, None, false),
        (100_000, None, true),
    ] {
        let mut talk = time_wait_with_timestamps();
        let mut syn = Segment {
            seq: talk.irs + seq,
            ..talk.syn()
        };
        syn.options.timestamps = value.map(|value| Timestamps { value, echo: 0 });
        talk.inject(syn);
        assert_eq!(talk.is_gone(), yields, "{seq} {value:?}");
    }
    // Who had none before, and has one now, has begun anew.
    let mut talk = time_wait();
    let mut syn = talk.syn();
    syn.options.timestamps = Some(Timestamps { value: 7, echo: 0 });
    talk.inject(syn);
    assert!(talk.is_gone());
}
