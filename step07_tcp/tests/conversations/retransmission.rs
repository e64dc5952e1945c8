//! Loss: timeouts, partial acknowledgments, fast retransmit and recovery.

use std::io::ErrorKind;

use step07_tcp::config::Config;
use step07_tcp::congestion::CongestionPolicy;
use step07_tcp::segment::Segment;
use step07_tcp::tcb::TcpState;

use crate::harness::{Talk, ms, s};

/// Four full segments in flight.
fn four_in_flight() -> Talk {
    let mut talk = Talk::established();
    assert_eq!(talk.write(&[1; 4 * 1460]).len(), 4);
    talk
}

/// ESTABLISHED, with windows that are halved by a loss.
fn with_newreno() -> Talk {
    Talk::established_with(Config {
        nodelay: true,
        congestion: CongestionPolicy::NewReno,
        ..Config::default()
    })
}

#[test]
fn timeout_doubles_and_ends_in_an_error() {
    let mut talk = Talk::established();
    let start = talk.now;
    talk.write(b"hello");
    let mut times = vec![];
    while talk.tcp_state() == TcpState::Established {
        let deadline = talk.state.deadline().unwrap();
        for sent in talk.wait(deadline - talk.now) {
            let last = talk.tcp_state() == TcpState::Closed;
            let reset = "-----R-- seq=6 ack=0 len=0 wnd=0";
            assert_eq!(
                sent,
                if last {
                    reset
                } else {
                    "---AP--- seq=1 ack=1 len=5 wnd=65535"
                }
            );
            times.push((talk.now - start).as_millis());
        }
    }
    // The handshake took no time: the timeout is the smallest there is.
    assert_eq!(
        times,
        [
            200, 600, 1400, 3000, 6200, 12_600, 25_400, 51_000, 102_200, 120_000
        ]
    );
    assert_eq!(talk.send(b"x").unwrap_err().kind(), ErrorKind::TimedOut);
    assert_eq!(talk.send(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);
    assert_eq!(talk.receive(1).unwrap(), b"");
    assert_eq!(talk.state.counters().given_up.get(), 1);
}

#[test]
fn partial_acknowledgment_leaves_the_tail_to_be_repeated() {
    let mut talk = Talk::established();
    talk.write(b"0123456789");
    talk.inject(talk.ack(1, 4));
    assert_eq!(talk.wait(ms(200)), ["---AP--- seq=4 ack=1 len=7 wnd=65535"]);
    talk.inject(talk.ack(1, 11));
    assert!(talk.wait(s(100)).is_empty());
    assert!(talk.status().flushed);
}

#[test]
fn timer_belongs_to_the_earliest_segment_and_starts_anew_with_each_ack() {
    let mut talk = four_in_flight();
    talk.wait(ms(150));
    assert!(talk.inject(talk.ack(1, 1461)).is_empty());
    assert!(talk.wait(ms(100)).is_empty());
    assert!(talk.inject(talk.ack(1, 5841)).is_empty());
    assert_eq!(talk.state.deadline(), None);
}

#[test]
fn round_trip_time_is_measured() {
    let mut talk = Talk::established_with(Config {
        nodelay: true,
        ..Config::default()
    });
    let mut seq = 1;
    for _ in 0..50 {
        talk.write(b"x");
        talk.wait(ms(100));
        seq += 1;
        talk.inject(talk.ack(1, seq));
    }
    let measures = talk.status().measures.unwrap();
    let srtt = measures.srtt.unwrap();
    assert!(srtt > ms(95) && srtt < ms(105), "{srtt:?}");
    assert_eq!(measures.rto, ms(200));
    // A repeated segment is not measured, and the timeout stays doubled.
    talk.write(b"x");
    talk.wait(ms(250));
    talk.inject(talk.ack(1, seq + 1));
    let measures = talk.status().measures.unwrap();
    assert_eq!((measures.srtt, measures.rto), (Some(srtt), ms(400)));
}

#[test]
fn timeout_repeats_one_and_the_rest_as_acknowledgments_come() {
    let mut talk = four_in_flight();
    let again = |seq: u32| format!("---A---- seq={seq} ack=1 len=1460 wnd=65535");
    let last = "---AP--- seq=4381 ack=1 len=1460 wnd=65535".to_owned();
    assert_eq!(talk.wait(ms(200)), [again(1)]);
    assert_eq!(talk.status().measures.unwrap().cwnd, 1460);
    assert_eq!(talk.inject(talk.ack(1, 1461)), [again(1461), again(2921)]);
    // The last one had arrived.
    assert!(talk.inject(talk.ack(1, 5841)).is_empty());
    assert_eq!(talk.state.deadline(), None);

    // In the simple form all go again at once.
    let mut talk = Talk::established_with(Config::simple());
    talk.write(&[1; 4 * 1460]);
    assert_eq!(
        talk.wait(ms(200)),
        [again(1), again(1461), again(2921), last]
    );
}

#[test]
fn third_duplicate_repeats_at_once() {
    let mut talk = with_newreno();
    talk.write(&[1; 10 * 1460]);
    assert!(talk.inject(talk.ack(1, 1)).is_empty());
    assert!(talk.inject(talk.ack(1, 1)).is_empty());
    let first = "---A---- seq=1 ack=1 len=1460 wnd=65535";
    assert_eq!(talk.inject(talk.ack(1, 1)), [first]);
    assert_eq!(talk.status().measures.unwrap().cwnd, 5 * 1460);
    assert!(talk.inject(talk.ack(1, 1)).is_empty());
    // A partial acknowledgment shows the next gap.
    let third = "---A---- seq=2921 ack=1 len=1460 wnd=65535";
    assert_eq!(talk.inject(talk.ack(1, 2921)), [third]);
    // The end of recovery.
    assert!(talk.inject(talk.ack(1, 14_601)).is_empty());
    assert_eq!(talk.status().measures.unwrap().cwnd, 2 * 1460);
    assert_eq!(talk.state.counters().fast_retransmissions.get(), 1);
    assert_eq!(talk.state.counters().timeouts.get(), 0);
}

#[test]
fn duplicates_let_new_segments_out() {
    let mut talk = Talk::established();
    // The congestion window of ten segments is full, two more wait.
    assert_eq!(talk.write(&[1; 12 * 1460]).len(), 10);
    let eleventh = "---A---- seq=14601 ack=1 len=1460 wnd=65535";
    let twelfth = "---AP--- seq=16061 ack=1 len=1460 wnd=65535";
    assert_eq!(talk.inject(talk.ack(1, 1)), [eleventh]);
    assert_eq!(talk.inject(talk.ack(1, 1)), [twelfth]);
}

#[test]
fn recovery_from_two_losses_keeps_half_the_window_in_the_network() {
    let mut talk = with_newreno();
    // The first and the third of ten are lost.
    assert_eq!(talk.write(&[1; 20 * 1460]).len(), 10);
    let sent: Vec<_> = (0..8).map(|_| talk.inject(talk.ack(1, 1)).len()).collect();
    // Two new segments, the lost one, then a pause until half has drained.
    assert_eq!(sent, [1, 1, 1, 0, 0, 0, 1, 1]);
    assert_eq!(talk.status().measures.unwrap().cwnd, 6 * 1460);
    // Two were acknowledged, but one of them had been counted as arrived before.
    let sent = talk.inject(talk.ack(1, 2921));
    assert!(
        sent[0].contains("seq=2921 ") && sent[1].contains("seq=20441 "),
        "{sent:?}"
    );
    assert_eq!(sent.len(), 2);
}

#[test]
fn idle_connection_starts_slowly_again() {
    let mut talk = Talk::established();
    let mut acked = 1;
    for _ in 0..3 {
        let sent = u32::try_from(talk.write(&[1; 10 * 1460]).len()).unwrap();
        assert_eq!(sent, 10);
        acked += 10 * 1460;
        talk.inject(talk.ack(1, acked));
    }
    assert!(talk.status().measures.unwrap().cwnd > 10 * 1460);
    talk.wait(s(1));
    talk.write(b"x");
    assert_eq!(talk.status().measures.unwrap().cwnd, 10 * 1460);
}

#[test]
fn simple_form_starts_over_after_each_progress() {
    let mut talk = Talk::established_with(Config::simple());
    talk.write(b"abc");
    talk.wait(ms(1000));
    assert_eq!(talk.status().measures.unwrap().rto, ms(800));
    talk.inject(talk.ack(1, 4));
    assert_eq!(talk.status().measures.unwrap().rto, ms(200));
}

#[test]
fn only_real_duplicates_count() {
    let mut talk = four_in_flight();
    for window in 1000..1010 {
        // Window updates are no duplicates.
        assert!(
            talk.inject(Segment {
                window,
                ..talk.ack(1, 1)
            })
            .is_empty()
        );
    }
    for octet in 0..10 {
        // Nor are segments with text.
        let text = Segment {
            window: 1009,
            ..talk.text(1 + octet, 1, b"x")
        };
        let answers = talk.inject(text);
        assert!(answers.iter().all(|answer| answer.contains(" len=0 ")));
    }
    assert_eq!(talk.state.counters().fast_retransmissions.get(), 0);
}

#[test]
fn duplicates_after_a_timeout_do_not_start_recovery() {
    let mut talk = four_in_flight();
    talk.wait(ms(200));
    for _ in 0..5 {
        talk.inject(talk.ack(1, 1));
    }
    assert_eq!(talk.state.counters().fast_retransmissions.get(), 0);
}

#[test]
fn acknowledgment_of_what_was_never_sent_is_answered_and_ignored() {
    let mut talk = Talk::established();
    talk.write(b"abc");
    assert_eq!(
        talk.inject(talk.ack(1, 5)),
        ["---A---- seq=4 ack=1 len=0 wnd=65535"]
    );
    let text = talk.text(1, 1_000_000, b"forged");
    assert_eq!(talk.inject(text).len(), 1);
    assert_eq!(talk.status().readable, 0);
    assert!(!talk.status().flushed);
    // One that is older than any window is forged, too; a merely old one is not.
    let ancient = Segment {
        ack: talk.iss - 100_000,
        ..talk.ack(1, 0)
    };
    assert_eq!(talk.inject(ancient).len(), 1);
    assert_eq!(talk.state.counters().bad_acknowledgment.get(), 3);
    assert!(talk.inject(talk.ack(1, 0)).is_empty());
    assert_eq!(talk.state.counters().bad_acknowledgment.get(), 3);
}

#[test]
fn cleanup_frees_the_send_buffer() {
    let mut talk = Talk::established_with(Config {
        send_buffer: 4,
        send_buffer_limit: 4,
        ..Config::default()
    });
    talk.write(b"abcd");
    assert_eq!(talk.status().writable, 0);
    talk.inject(talk.ack(1, 3));
    assert_eq!(talk.status().writable, 2);
    talk.inject(talk.ack(1, 5));
    assert_eq!(talk.status().writable, 4);
}

#[test]
fn loss_leaves_seven_tenths_to_cubic() {
    let mut talk = Talk::established();
    assert_eq!(talk.write(&[1; 10 * 1460]).len(), 10);
    for _ in 0..3 {
        talk.inject(talk.ack(1, 1));
    }
    assert_eq!(talk.status().measures.unwrap().cwnd, 7 * 1460);
}

#[test]
fn repeated_handshake_begins_with_one_segment() {
    for congestion in [CongestionPolicy::NewReno, CongestionPolicy::Cubic] {
        let config = Config {
            congestion,
            nodelay: true,
            ..Config::default()
        };
        let one = |talk: &mut Talk| {
            assert_eq!(talk.write(&[1; 10 * 1460]).len(), 1);
            let measures = talk.status().measures.unwrap();
            assert_eq!(measures.cwnd, 1460);
            // What slow start may reach is not known from that.
            assert_eq!(measures.ssthresh, Some(u32::MAX));
        };
        let mut talk = Talk::syn_sent(config.clone());
        assert_eq!(talk.wait(s(1)).len(), 1);
        talk.inject(talk.syn_ack());
        one(&mut talk);

        let mut talk = Talk::syn_received(config);
        assert_eq!(talk.wait(s(1)).len(), 1);
        talk.inject(talk.ack(1, 1));
        talk.state.accept(talk.listener.unwrap()).unwrap();
        one(&mut talk);
    }
}
