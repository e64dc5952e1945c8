//! The end of a connection.

use std::net::Shutdown;
use std::time::Duration;

use step07_tcp::config::Config;
use step07_tcp::tcb::TcpState;
use step07_tcp::testing::History;

use crate::harness::Talk;

fn established() -> Talk {
    Talk::established_with(Config::simple())
}

#[test]
fn a_fin_counts_when_all_before_it_is_there() {
    let history = History::new();
    let mut talk = established();
    talk.state.take_changed();
    history.did("FIN arrives behind three octets that are missing");
    talk.inject(talk.fin(4, 1));
    history.expect("the state", talk.tcp_state(), TcpState::Established);
    talk.state.take_changed();
    history.did("the three octets arrive");
    history.expect(
        "the answer",
        talk.inject(talk.text(1, 1, b"abc")),
        ["---A---- seq=1 ack=5 len=0 wnd=65531"],
    );
    history.expect("the state", talk.tcp_state(), TcpState::CloseWait);
    history.expect("who is to look again", talk.state.take_changed(), [talk.id]);
    history.expect("what can be read", talk.receive(9), Ok(b"abc".to_vec()));
    history.expect(
        "what can be read after that: the end",
        talk.receive(9),
        Ok(vec![]),
    );
}

#[test]
fn a_fin_that_crosses_ours() {
    let history = History::new();
    let mut talk = established();
    talk.shutdown(Shutdown::Write);
    history.did("we close; the peer's FIN arrives, which does not acknowledge ours");
    history.expect(
        "the answer",
        talk.inject(talk.fin(1, 1)),
        ["---A---- seq=2 ack=2 len=0 wnd=65534"],
    );
    history.expect("the state", talk.tcp_state(), TcpState::Closing);
}

#[test]
fn the_last_state_ends_by_itself() {
    let history = History::new();
    let mut talk = established();
    talk.shutdown(Shutdown::Write);
    talk.inject(talk.ack(1, 2));
    history.did("we close, and our FIN is acknowledged");
    history.expect("the state", talk.tcp_state(), TcpState::FinWait2);
    history.did("the peer's FIN arrives");
    history.expect(
        "the answer",
        talk.inject(talk.fin(1, 2)),
        ["---A---- seq=2 ack=2 len=0 wnd=65534"],
    );
    history.expect("the state", talk.tcp_state(), TcpState::TimeWait);
    let end = talk.state.deadline().map(|at| at.since(talk.now));
    history.expect(
        "how long it lasts: 2 MSL",
        end,
        Some(Duration::from_secs(30)),
    );
    history.did("29.9 s pass");
    history.expect(
        "what is sent",
        talk.wait(Duration::from_millis(29_900)),
        [] as [&str; 0],
    );
    history.expect("the state", talk.tcp_state(), TcpState::TimeWait);
    history.did("0.2 s pass");
    talk.wait(Duration::from_millis(200));
    history.expect("the state", talk.tcp_state(), TcpState::Closed);
}
