//! Errors that ICMP and the floors below report.

use std::io::ErrorKind;

use step07_tcp::config::Config;
use step07_tcp::icmp_errors::IcmpError;
use step07_tcp::tcb::TcpState;

use crate::harness::{Talk, peer, s, us};

const HARD: IcmpError = IcmpError::Hard(ErrorKind::ConnectionRefused);
const SOFT: IcmpError = IcmpError::Soft(ErrorKind::HostUnreachable);

/// Reports an error about the segment with this number.
fn report(talk: &mut Talk, seq: u32, error: IcmpError) {
    let seq = talk.iss + seq;
    talk.state
        .icmp_error(us(), peer(), seq, error, talk.now, &mut vec![]);
}

#[test]
fn hard_error_ends_an_attempt_to_connect() {
    let mut talk = Talk::syn_sent(Config::default());
    report(&mut talk, 1, HARD); // not ours
    assert_eq!(talk.tcp_state(), TcpState::SynSent);
    report(&mut talk, 0, HARD);
    assert_eq!(talk.status().error, Some(ErrorKind::ConnectionRefused));
}

#[test]
fn soft_error_explains_a_timeout_only() {
    let mut talk = Talk::syn_sent(Config::default());
    report(&mut talk, 0, SOFT);
    assert_eq!(talk.tcp_state(), TcpState::SynSent);
    talk.wait(s(180));
    assert_eq!(talk.status().error, Some(ErrorKind::HostUnreachable));
}

#[test]
fn no_error_ends_a_connection_that_works() {
    let mut talk = Talk::established();
    talk.write(b"abc");
    report(&mut talk, 1, HARD);
    report(&mut talk, 1, SOFT);
    talk.state.unreachable(
        us(),
        peer(),
        ErrorKind::HostUnreachable,
        talk.now,
        &mut vec![],
    );
    assert_eq!(talk.tcp_state(), TcpState::Established);
    talk.inject(talk.ack(1, 4));
    assert!(talk.status().flushed);
    // Nothing is in flight now: nobody can know a right number.
    report(&mut talk, 4, HARD);
    assert_eq!(talk.state.counters().icmp_not_in_flight.get(), 1);
}

#[test]
fn peer_that_cannot_be_reached_ends_an_attempt_to_connect() {
    let mut talk = Talk::syn_sent(Config::default());
    talk.state.unreachable(
        us(),
        peer(),
        ErrorKind::HostUnreachable,
        talk.now,
        &mut vec![],
    );
    assert_eq!(talk.status().error, Some(ErrorKind::HostUnreachable));
}
