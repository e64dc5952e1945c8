//! A clock that jumps. TCP is told the time, and so any time can be told.

use std::io::ErrorKind;
use std::net::{Shutdown, SocketAddrV4};
use std::time::Duration;

use step07_tcp::config::Config;
use step07_tcp::packet::Packet;
use step07_tcp::segment::{Outgoing, Segment};
use step07_tcp::state::State;
use step07_tcp::tcb::{Id, TcpState};
use step07_tcp::time::Time;

use crate::Random;
use crate::world::octets;

const MTU: usize = 1500;

fn address(host: usize) -> SocketAddrV4 {
    ["192.0.2.1:43210", "192.0.2.2:7"][host].parse().unwrap()
}

/// Two `State`s with a clock each, and a network that loses one in `loss`.
struct Talk {
    states: [State; 2],
    clocks: [Time; 2],
    random: Random,
    loss: u64,
    /// To whom, what.
    wire: Vec<(usize, Vec<u8>)>,
}

impl Talk {
    fn new(seed: u64, config: &Config) -> Self {
        let start = Time::from_millis(10_000_000);
        Self {
            states: [1, 2].map(|random| State::new(config.clone(), random)),
            clocks: [start; 2],
            random: Random(seed),
            loss: 20,
            wire: Vec::new(),
        }
    }

    fn transmit(&mut self, from: usize, out: Vec<Outgoing>) {
        for outgoing in out {
            if self.random.below(self.loss) > 0 {
                self.wire.push((1 - from, outgoing.into_packet().to_vec()));
            }
        }
    }

    fn call<R>(
        &mut self,
        host: usize,
        call: impl FnOnce(&mut State, Time, &mut Vec<Outgoing>) -> R,
    ) -> R {
        let mut out = vec![];
        let result = call(&mut self.states[host], self.clocks[host], &mut out);
        self.states[host].take_changed();
        self.transmit(host, out);
        result
    }

    /// Everything on the wire arrives, and what is due is done.
    fn step(&mut self) {
        for (to, bytes) in std::mem::take(&mut self.wire) {
            let (local, remote) = (address(to), address(1 - to));
            let packet = Packet::new(&bytes);
            let (_, _, segment) = Segment::parse(packet, *remote.ip(), *local.ip()).unwrap();
            self.call(to, |state, now, out| {
                state.segment_arrives(local, remote, segment, MTU, now, out);
            });
        }
        for host in 0..2 {
            self.call(host, State::on_timer);
        }
    }

    /// One of the clocks jumps by up to `most`, forward or backward.
    fn jump(&mut self, most: Duration) {
        let host = usize::from(self.random.below(2) > 0);
        let by = Duration::from_millis(self.random.below(most.as_millis().try_into().unwrap()));
        let clock = &mut self.clocks[host];
        *clock = if self.random.below(2) > 0 {
            *clock + by
        } else {
            Time::ZERO + (*clock - (Time::ZERO + by))
        };
    }

    fn advance(&mut self, by: Duration) {
        self.clocks = self.clocks.map(|clock| clock + by);
    }

    fn connect(&mut self) -> (Id, Id) {
        let listener = self.states[1].listen(address(1), 4).unwrap();
        let client = self.call(0, |state, now, out| {
            let (local, remote) = (address(0), address(1));
            state.connect(local, remote, MTU, now, out).unwrap()
        });
        for _ in 0..10_000 {
            self.step();
            self.advance(Duration::from_millis(10));
            if let Ok((server, _)) = self.states[1].accept(listener) {
                return (client, server);
            }
        }
        panic!("no connection");
    }
}

/// Whatever the clocks show, what arrives is what was sent; and if the clocks
/// jump by less than anybody's patience, all of it arrives.
fn transfer(seed: u64, most: Duration, whole: bool) {
    let mut talk = Talk::new(seed, &Config::default());
    let (client, server) = talk.connect();
    let (text, mut written, mut read) = (octets(60_000), 0, vec![]);
    let mut error = None;
    for round in 0..400_000 {
        if round % 50 == 0 && round < 3000 {
            talk.jump(most);
        }
        let rest = text.len().min(written + 2000);
        match talk.call(0, |state, now, out| {
            state.send(client, &text[written..rest], now, out)
        }) {
            Ok(len) => written += len,
            Err(e) if e.kind() != ErrorKind::WouldBlock => error = Some(e.kind()),
            Err(_) => {}
        }
        talk.step();
        talk.advance(Duration::from_millis(10));
        let mut buffer = [0; 4000];
        match talk.call(1, |state, now, out| {
            state.receive(server, &mut buffer, now, out)
        }) {
            Ok(len) => read.extend_from_slice(&buffer[..len]),
            Err(e) if e.kind() != ErrorKind::WouldBlock => error = Some(e.kind()),
            Err(_) => {}
        }
        assert!(text.starts_with(&read), "seed {seed}");
        if error.is_some() || read.len() == text.len() {
            break;
        }
    }
    assert!(!whole || error.is_none(), "seed {seed}: {error:?}");
    assert!(error.is_some() || read == text, "seed {seed}: hangs");
    // Both close, and time runs as it should again: nothing is left.
    for (host, id) in [(0, client), (1, server)] {
        let _ = talk.call(host, |state, now, out| {
            state.shutdown(id, Shutdown::Both, now, out)
        });
        talk.call(host, |state, now, out| state.close(id, now, out));
    }
    for _ in 0..200 {
        talk.step();
        talk.advance(Duration::from_secs(60));
    }
    for state in &talk.states {
        assert!(state.all().all(|status| status.state == TcpState::Listen));
        assert_eq!(state.deadline(), None);
        assert_eq!(state.memory(), 0);
    }
}

#[test]
fn small_jumps_lose_nothing() {
    for seed in 0..40 {
        transfer(seed, Duration::from_secs(5), true);
    }
}

#[test]
fn jumps_of_an_hour_lose_nothing_in_silence() {
    for seed in 0..40 {
        transfer(seed, Duration::from_secs(3600), false);
    }
}

/// The end of time is no time for an overflow.
#[test]
fn the_last_moment_of_the_clock() {
    let mut talk = Talk::new(3, &Config::default());
    talk.loss = u64::MAX;
    let (client, server) = talk.connect();
    talk.clocks = [Time::from_nanos(u64::MAX); 2];
    let sent = talk.call(0, |state, now, out| state.send(client, b"hello", now, out));
    assert_eq!(sent.unwrap(), 5);
    talk.step();
    let mut buffer = [0; 10];
    let read = talk.call(1, |state, now, out| {
        state.receive(server, &mut buffer, now, out)
    });
    assert_eq!(read.unwrap(), 5);
    talk.call(0, |state, now, out| state.abort(client, now, out));
    talk.step();
}
