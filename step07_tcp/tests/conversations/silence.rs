//! Peers that are silent: keep-alive, and how long they may owe an answer.

use std::io::ErrorKind;
use std::time::Duration;

use step07_tcp::config::Config;
use step07_tcp::keep_alive::KeepAlive;
use step07_tcp::tcb::TcpState;

use crate::harness::{Talk, ms, peer, s};

const PROBE: &str = "---A---- seq=0 ack=1 len=0 wnd=65535";
const RESET: &str = "-----R-- seq=1 ack=0 len=0 wnd=0";
const QUICK: KeepAlive = KeepAlive {
    idle: Duration::from_secs(100),
    interval: Duration::from_secs(10),
    probes: 3,
};

fn keep_alive(talk: &mut Talk, chosen: Option<KeepAlive>) {
    let (id, now) = (talk.id, talk.now);
    let mut out = vec![];
    talk.state
        .set_keep_alive(id, chosen, now, &mut out)
        .unwrap();
    assert!(out.is_empty());
}

fn user_timeout(talk: &mut Talk, timeout: Option<Duration>) {
    let (id, now) = (talk.id, talk.now);
    let mut out = vec![];
    talk.state
        .set_user_timeout(id, timeout, now, &mut out)
        .unwrap();
    assert!(out.is_empty());
}

#[test]
fn silence_is_borne_for_ever_unless_the_user_wants_to_know() {
    let mut talk = Talk::established();
    assert_eq!(talk.state.keep_alive(talk.id).unwrap(), None);
    assert_eq!(talk.state.deadline(), None);
    assert!(talk.wait(s(1_000_000)).is_empty());
    assert_eq!(talk.tcp_state(), TcpState::Established);
}

#[test]
fn idle_time_is_two_hours_unless_chosen() {
    let mut talk = Talk::established();
    keep_alive(&mut talk, Some(KeepAlive::default()));
    assert!(talk.wait(s(7199)).is_empty());
    assert_eq!(talk.wait(s(1)), [PROBE]);
}

#[test]
fn silent_peer_is_asked_several_times_and_given_up() {
    let mut talk = Talk::established();
    keep_alive(&mut talk, Some(QUICK));
    assert!(talk.wait(ms(99_999)).is_empty());
    assert_eq!(talk.wait(ms(1)), [PROBE]);
    assert_eq!(talk.wait(s(10)), [PROBE]);
    assert_eq!(talk.wait(s(10)), [PROBE]);
    assert!(talk.wait(ms(9_999)).is_empty());
    assert_eq!(talk.tcp_state(), TcpState::Established);
    assert_eq!(talk.wait(ms(1)), [RESET]);
    assert_eq!(talk.receive(1), Err(ErrorKind::TimedOut));
    assert_eq!(talk.state.counters().keep_alive_dead.get(), 1);
    assert_eq!(talk.state.deadline(), None);
}

#[test]
fn answer_starts_the_time_again() {
    let mut talk = Talk::established();
    keep_alive(&mut talk, Some(QUICK));
    assert_eq!(talk.wait(s(120)).len(), 3);
    talk.inject(talk.ack(1, 1));
    assert!(talk.wait(ms(99_999)).is_empty());
    assert_eq!(talk.wait(ms(1)), [PROBE]);
    // Text is an answer, too.
    talk.inject(talk.text(1, 1, b"x"));
    talk.wait(ms(40));
    assert!(talk.wait(s(99)).is_empty());
}

#[test]
fn only_an_idle_connection_is_asked() {
    let mut talk = Talk::established();
    keep_alive(&mut talk, Some(QUICK));
    user_timeout(&mut talk, Some(s(1000)));
    talk.write(b"abc");
    let sent = talk.wait(s(900));
    assert!(sent.iter().all(|sent| sent.contains(" len=3 ")), "{sent:?}");
    assert_eq!(talk.state.counters().keep_alive_probes.get(), 0);
}

#[test]
fn keep_alive_can_be_switched_off_again() {
    let mut talk = Talk::established();
    keep_alive(&mut talk, Some(QUICK));
    assert_eq!(talk.state.keep_alive(talk.id).unwrap(), Some(QUICK));
    talk.wait(s(105));
    keep_alive(&mut talk, None);
    assert_eq!(talk.state.deadline(), None);
}

#[test]
fn keep_alive_chosen_before_the_connection_is_there() {
    let mut talk = Talk::syn_sent(Config::default());
    keep_alive(&mut talk, Some(QUICK));
    talk.inject(talk.syn_ack());
    assert_eq!(talk.wait(s(100)), [PROBE]);
}

#[test]
fn probe_of_the_peer_is_answered() {
    let mut talk = Talk::established();
    let ours = "---A---- seq=1 ack=1 len=0 wnd=65535";
    assert_eq!(talk.inject(talk.ack(0, 1)), [ours]);
    // Some send an octet of garbage with it: it is not delivered.
    assert_eq!(talk.inject(talk.text(0, 1, b"?")), [ours]);
    assert_eq!(talk.receive(1), Err(ErrorKind::WouldBlock));
}

#[test]
fn senseless_choices_are_refused() {
    let mut talk = Talk::established();
    let (id, now) = (talk.id, talk.now);
    for wrong in [
        KeepAlive {
            idle: Duration::ZERO,
            ..QUICK
        },
        KeepAlive {
            interval: Duration::ZERO,
            ..QUICK
        },
        KeepAlive { probes: 0, ..QUICK },
    ] {
        let result = talk.state.set_keep_alive(id, Some(wrong), now, &mut vec![]);
        assert_eq!(result.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    let none = Some(Duration::ZERO);
    let result = talk.state.set_user_timeout(id, none, now, &mut vec![]);
    assert_eq!(result.unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[test]
fn user_chooses_how_long_an_answer_may_take() {
    let mut talk = Talk::established();
    user_timeout(&mut talk, Some(s(5)));
    assert_eq!(talk.state.user_timeout(talk.id).unwrap(), Some(s(5)));
    talk.write(b"abc");
    talk.wait(ms(4_999));
    assert_eq!(talk.tcp_state(), TcpState::Established);
    talk.wait(ms(1));
    assert_eq!(talk.receive(1), Err(ErrorKind::TimedOut));

    // Longer than the default, too.
    let mut talk = Talk::established();
    user_timeout(&mut talk, Some(s(1000)));
    talk.write(b"abc");
    talk.wait(s(999));
    assert_eq!(talk.tcp_state(), TcpState::Established);
    talk.wait(s(1));
    assert_eq!(talk.tcp_state(), TcpState::Closed);
}

#[test]
fn choice_counts_for_what_is_in_flight() {
    let mut talk = Talk::established();
    talk.write(b"abc");
    talk.wait(s(100));
    // That is over already.
    user_timeout(&mut talk, Some(s(5)));
    talk.wait(ms(1));
    assert_eq!(talk.receive(1), Err(ErrorKind::TimedOut));
}

#[test]
fn ip_is_advised_once_of_a_way_that_may_be_dead() {
    let mut talk = Talk::established();
    talk.write(b"abc");
    talk.wait(ms(200 + 400));
    assert!(talk.state.take_advice().is_empty());
    talk.wait(ms(800));
    assert_eq!(talk.state.take_advice(), [*peer().ip()]);
    talk.wait(s(100));
    assert!(talk.state.take_advice().is_empty());
}

#[test]
fn delivery_problem_can_be_seen_before_the_end() {
    let mut talk = Talk::established();
    talk.write(b"abc");
    talk.wait(ms(200 + 400 + 800));
    assert_eq!(talk.status().measures.unwrap().timeouts, 3);
    talk.inject(talk.ack(1, 4));
    assert_eq!(talk.status().measures.unwrap().timeouts, 0);
}
