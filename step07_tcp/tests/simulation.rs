//! Two `State`s on a bad network, on virtual time: what one writes the other
//! reads, whole and in order, or is told of an error.
//!
//! The network loses, doubles, delays, reorders and damages by a seed, so that
//! a run that fails can be run again. Both initial sequence numbers lie just
//! before the wrap.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)] // it is all test

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::ErrorKind;
use std::net::{Shutdown, SocketAddrV4};
use std::time::Duration;

use step07_tcp::config::Config;
use step07_tcp::packet::Packet;
use step07_tcp::segment::{Outgoing, Segment};
use step07_tcp::state::State;
use step07_tcp::tcb::{Id, TcpState};
use step07_tcp::time::Time;

const MTU: usize = 1500;

fn address(host: usize) -> SocketAddrV4 {
    ["192.0.2.1:43210", "192.0.2.2:7"][host].parse().unwrap()
}

/// xorshift64*: small, seeded, good enough to play fate.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 16) % limit
    }

    fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// What the network does, in percent, and how long it takes.
#[derive(Clone, Copy)]
struct Network {
    loss: u64,
    duplication: u64,
    damage: u64,
    delay_ms: u64,
    /// Added to the delay at random, and so an exchange of the order.
    jitter_ms: u64,
}

const GOOD: Network = Network {
    loss: 0,
    duplication: 0,
    damage: 0,
    delay_ms: 10,
    jitter_ms: 0,
};

/// One end: TCP and a program that writes, reads and closes.
struct Host {
    state: State,
    /// Its own clock: how far it is ahead of the simulation's.
    ahead: Duration,
    id: Option<Id>,
    listener: Option<Id>,
    to_write: Vec<u8>,
    written: usize,
    read: Vec<u8>,
    end_seen: bool,
    shut: bool,
    error: Option<ErrorKind>,
    /// Reads at most so much at a time …
    bite: usize,
    /// … and not before this time.
    next_bite: Time,
    pause: Duration,
}

impl Host {
    /// A host whose initial sequence number, at the start, is just before the wrap.
    fn new(number: usize, config: Config, to_write: Vec<u8>) -> Self {
        let mut probe = State::new(config.clone(), 7 + number as u64);
        let mut out = vec![];
        let (local, remote) = (address(number), address(1 - number));
        probe
            .connect(local, remote, MTU, Time::ZERO, &mut out)
            .unwrap();
        let ticks = (u32::MAX - 20_000).wrapping_sub(out[0].segment.seq.value());
        Self {
            state: State::new(config, 7 + number as u64),
            ahead: Duration::from_micros(4 * u64::from(ticks)),
            id: None,
            listener: None,
            to_write,
            written: 0,
            read: vec![],
            end_seen: false,
            shut: false,
            error: None,
            bite: usize::MAX,
            next_bite: Time::ZERO,
            pause: Duration::ZERO,
        }
    }

    /// What the program does when it gets the chance.
    fn run(&mut self, time: Time, out: &mut Vec<Outgoing>) {
        let now = time + self.ahead;
        if self.id.is_none()
            && let Some(Ok((id, _))) = self.listener.map(|listener| self.state.accept(listener))
        {
            self.id = Some(id);
        }
        let Some(id) = self.id else { return };
        let fail = |error: std::io::Error| {
            Some(error.kind()).filter(|&kind| kind != ErrorKind::WouldBlock)
        };
        while self.written < self.to_write.len() && self.error.is_none() {
            match self
                .state
                .send(id, &self.to_write[self.written..], now, out)
            {
                Ok(len) => self.written += len,
                Err(error) => {
                    self.error = fail(error);
                    break;
                }
            }
        }
        if self.written == self.to_write.len() && !self.shut && self.error.is_none() {
            let result = self.state.shutdown(id, Shutdown::Write, now, out);
            self.shut = result.is_ok();
        }
        // It has nothing more to do with the connection, but wants to know.
        if self.end_seen && self.shut && self.error.is_none() {
            self.error = self.state.take_error(id).map(|error| error.kind());
        }
        let mut buffer = vec![0; self.bite.min(64 * 1024)];
        while !self.end_seen && self.error.is_none() && time >= self.next_bite {
            self.next_bite = time + self.pause;
            match self.state.receive(id, &mut buffer, now, out) {
                Ok(0) => self.end_seen = true,
                Ok(len) => self.read.extend_from_slice(&buffer[..len]),
                Err(error) => {
                    self.error = fail(error);
                    break;
                }
            }
        }
    }

    fn deadline(&self) -> Option<Time> {
        let timer = self
            .state
            .deadline()
            .map(|deadline| Time::ZERO + (deadline - (Time::ZERO + self.ahead)));
        let reader =
            (!self.pause.is_zero() && self.id.is_some() && !self.end_seen && self.error.is_none())
                .then_some(self.next_bite);
        timer.into_iter().chain(reader).min()
    }

    fn is_done(&self) -> bool {
        self.error.is_some() || (self.end_seen && self.shut)
    }
}

/// When, in which order they were sent, for whom, what.
type Arrival = (Time, u64, usize, Vec<u8>);

struct Simulation {
    hosts: [Host; 2],
    network: Network,
    random: Random,
    time: Time,
    wire: BinaryHeap<Reverse<Arrival>>,
    sent: u64,
}

impl Simulation {
    fn new(seed: u64, network: Network, config: Config, lengths: [usize; 2]) -> Self {
        let text = |len: usize| {
            (0..len)
                .map(|i| (i / 251 + i % 251).to_le_bytes()[0])
                .collect()
        };
        let host = |number: usize| Host::new(number, config.clone(), text(lengths[number]));
        let random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        Self {
            hosts: [host(0), host(1)],
            network,
            random,
            time: Time::ZERO,
            wire: BinaryHeap::new(),
            sent: 0,
        }
    }

    fn transmit(&mut self, from: usize, out: Vec<Outgoing>) {
        for outgoing in out {
            let bytes = outgoing.into_packet().to_vec();
            assert!(bytes.len() + 20 <= MTU);
            let copies = 1 + u64::from(self.random.percent(self.network.duplication));
            for _ in 0..copies {
                if self.random.percent(self.network.loss) {
                    continue;
                }
                let mut bytes = bytes.clone();
                if self.random.percent(self.network.damage) {
                    let place = self.random.below(bytes.len() as u64) as usize;
                    bytes[place] ^= 1 << self.random.below(8);
                }
                let jitter = self.random.below(self.network.jitter_ms * 1000 + 1);
                let delay = Duration::from_micros(self.network.delay_ms * 1000 + jitter);
                self.sent += 1;
                self.wire
                    .push(Reverse((self.time + delay, self.sent, 1 - from, bytes)));
            }
        }
    }

    /// Lets both programs run, then something happen. False if nothing can happen any more.
    fn step(&mut self) -> bool {
        for number in 0..2 {
            let mut out = vec![];
            self.hosts[number].run(self.time, &mut out);
            self.transmit(number, out);
        }
        let arrival = self.wire.peek().map(|Reverse((time, ..))| *time);
        let deadlines = self.hosts.iter().filter_map(Host::deadline);
        let Some(next) = deadlines.chain(arrival).min() else {
            return false;
        };
        self.time = self.time.max(next);
        if arrival.is_some_and(|arrival| arrival <= self.time)
            && let Some(Reverse((_, _, to, bytes))) = self.wire.pop()
        {
            self.arrive(to, &bytes);
        }
        for number in 0..2 {
            let host = &mut self.hosts[number];
            let mut out = vec![];
            host.state.on_timer(self.time + host.ahead, &mut out);
            self.transmit(number, out);
        }
        true
    }

    fn arrive(&mut self, to: usize, bytes: &[u8]) {
        let (local, remote) = (address(to), address(1 - to));
        let Ok((src, dst, segment)) = Segment::parse(Packet::new(bytes), *remote.ip(), *local.ip())
        else {
            assert!(self.network.damage > 0);
            return;
        };
        assert_eq!((src, dst), (remote.port(), local.port()));
        let host = &mut self.hosts[to];
        let mut out = vec![];
        host.state.segment_arrives(
            local,
            remote,
            segment,
            MTU,
            self.time + host.ahead,
            &mut out,
        );
        host.state.take_changed();
        self.transmit(to, out);
    }

    /// Host 0 connects to host 1, and both talk until they are done.
    fn talk(&mut self) {
        self.hosts[1].listener = Some(self.hosts[1].state.listen(address(1), 4).unwrap());
        let mut out = vec![];
        let host = &mut self.hosts[0];
        let now = self.time + host.ahead;
        host.id = Some(
            host.state
                .connect(address(0), address(1), MTU, now, &mut out)
                .unwrap(),
        );
        let iss = out[0].segment.seq.value();
        assert!(iss > u32::MAX - 30_000, "{iss} is not before the wrap");
        self.transmit(0, out);
        while !self.hosts.iter().all(Host::is_done) {
            if !self.step() {
                // A peer that has given up cannot always say so.
                assert!(
                    self.hosts.iter().any(|host| host.error.is_some()),
                    "both wait for ever"
                );
                break;
            }
            assert!(
                self.time < Time::from_millis(24 * 3600 * 1000),
                "does not come to an end"
            );
        }
    }

    /// Everything has arrived, on both sides.
    fn expect_whole(&self) {
        for (from, to) in [(0, 1), (1, 0)] {
            assert_eq!(self.hosts[to].error, None);
            assert_eq!(self.hosts[to].read.len(), self.hosts[from].to_write.len());
            assert!(
                self.hosts[to].read == self.hosts[from].to_write,
                "the text was changed"
            );
        }
    }

    /// What has arrived is right, and if it is not all, there is an error.
    fn expect_whole_or_error(&self) {
        for (from, to) in [(0, 1), (1, 0)] {
            let (read, text) = (&self.hosts[to].read, &self.hosts[from].to_write);
            assert!(text.starts_with(read), "the text was changed");
            assert!(read.len() == text.len() || self.hosts.iter().any(|host| host.error.is_some()));
        }
    }

    /// After the users have left, nothing remains.
    fn expect_clean_end(&mut self) {
        for number in 0..2 {
            let host = &mut self.hosts[number];
            let mut out = vec![];
            for id in [host.id, host.listener].into_iter().flatten() {
                host.state.close(id, self.time + host.ahead, &mut out);
            }
            (host.id, host.listener) = (None, None);
            self.transmit(number, out);
        }
        while self.step() {}
        for host in &self.hosts {
            assert_eq!(host.state.all().count(), 0);
            assert_eq!(host.state.deadline(), None);
        }
    }
}

#[test]
fn good_network_is_used_well() {
    let mut simulation = Simulation::new(1, GOOD, Config::default(), [1_000_000, 0]);
    simulation.talk();
    simulation.expect_whole();
    // 64 KiB in each round trip of 20 ms, after a slow start.
    assert!(
        simulation.time < Time::from_millis(700),
        "{}",
        simulation.time
    );
    let counters = simulation.hosts[0].state.counters();
    assert_eq!(counters.retransmitted.get(), 0);
    let acks = simulation.hosts[1].state.counters().segments_sent.get();
    assert!(
        acks < counters.segments_sent.get() * 2 / 3,
        "{acks} acknowledgments"
    );
    simulation.expect_clean_end();
}

#[test]
fn everything_arrives_in_spite_of_losses() {
    for seed in 0..60 {
        let loss = [1, 3, 10][seed as usize % 3];
        let network = Network {
            loss,
            duplication: 2,
            damage: 1,
            delay_ms: 5,
            jitter_ms: 10,
        };
        let mut simulation = Simulation::new(seed, network, Config::default(), [200_000, 150_000]);
        simulation.talk();
        simulation.expect_whole();
        simulation.expect_clean_end();
    }
}

/// So many seeds of the long simulation; more on demand (`MICROPS_SEEDS`).
fn seeds() -> u64 {
    let wanted = std::env::var("MICROPS_SEEDS").ok();
    wanted.and_then(|n| n.parse().ok()).unwrap_or(200)
}

/// A megabyte each way through networks of every kind, from good to terrible.
/// Each of `count` threads of the test runner takes its `part` of the seeds.
fn one_megabyte_each_way(part: u64, count: u64) {
    let pick = |seed: u64, values: &[u64]| values[(seed % values.len() as u64) as usize];
    let (mut worst, mut whole) = (0, 0);
    for seed in (part..seeds()).step_by(count as usize) {
        let mut dice = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let network = Network {
            loss: pick(seed, &[0, 1, 3, 10, 20, 30]),
            duplication: pick(dice.below(100), &[0, 5, 20]),
            damage: pick(dice.below(100), &[0, 1, 5]),
            delay_ms: pick(dice.below(100), &[1, 20, 200]),
            jitter_ms: pick(dice.below(100), &[0, 5, 50, 300]),
        };
        let mut simulation = Simulation::new(seed, network, Config::default(), [1_000_000; 2]);
        simulation.talk();
        simulation.expect_whole_or_error();
        if network.loss <= 10 {
            simulation.expect_whole();
            simulation.expect_clean_end();
        } else {
            worst += 1;
            whole += u32::from(simulation.hosts.iter().all(|host| host.error.is_none()));
        }
    }
    // Where a third is lost each way, R2 may pass without one round trip.
    assert!(whole * 3 >= worst, "only {whole} of {worst}");
}

#[test]
fn one_megabyte_each_way_even_seeds() {
    one_megabyte_each_way(0, 2);
}

#[test]
fn one_megabyte_each_way_odd_seeds() {
    one_megabyte_each_way(1, 2);
}

#[test]
fn terrible_network_delivers_or_says_so() {
    let mut whole = 0;
    for seed in 0..30 {
        let network = Network {
            loss: 30,
            duplication: 10,
            damage: 5,
            delay_ms: 1,
            jitter_ms: 200,
        };
        let mut simulation = Simulation::new(seed, network, Config::default(), [50_000, 50_000]);
        simulation.talk();
        simulation.expect_whole_or_error();
        whole += u32::from(simulation.hosts.iter().all(|host| host.error.is_none()));
    }
    assert!(whole >= 27, "only {whole} of 30");
}

#[test]
fn simple_form_delivers_too() {
    for seed in 0..10 {
        let network = Network {
            loss: 5,
            duplication: 5,
            damage: 0,
            delay_ms: 5,
            jitter_ms: 5,
        };
        let mut simulation = Simulation::new(seed, network, Config::simple(), [100_000, 100_000]);
        simulation.talk();
        simulation.expect_whole();
        simulation.expect_clean_end();
    }
}

#[test]
fn slow_readers_stop_the_writers_and_lose_nothing() {
    for seed in 0..20 {
        let loss = [0, 5][seed as usize % 2];
        let network = Network {
            loss,
            duplication: 0,
            damage: 0,
            delay_ms: 10,
            jitter_ms: 1,
        };
        // Windows of any size, below a segment too.
        let receive_buffer = [300, 1000, 5000, 65_535][seed as usize % 4];
        let config = Config {
            receive_buffer,
            receive_buffer_limit: receive_buffer,
            ..Config::default()
        };
        let mut simulation = Simulation::new(seed, network, config, [60_000, 60_000]);
        for host in &mut simulation.hosts {
            host.bite = 1 + receive_buffer / 3;
            host.pause = Duration::from_millis(300);
        }
        simulation.talk();
        simulation.expect_whole();
        simulation.expect_clean_end();
    }
}

#[test]
fn same_seed_same_story() {
    let story = |seed| {
        let network = Network {
            loss: 10,
            duplication: 5,
            damage: 2,
            delay_ms: 5,
            jitter_ms: 9,
        };
        let mut simulation = Simulation::new(seed, network, Config::default(), [50_000, 9_000]);
        simulation.talk();
        (simulation.time, simulation.sent)
    };
    assert_eq!(story(4), story(4));
    assert_ne!(story(4), story(5));
}

#[test]
fn peer_that_vanishes_is_an_error() {
    let mut simulation = Simulation::new(3, GOOD, Config::default(), [500_000, 0]);
    simulation.hosts[1].listener = Some(simulation.hosts[1].state.listen(address(1), 4).unwrap());
    let mut out = vec![];
    let host = &mut simulation.hosts[0];
    let now = simulation.time + host.ahead;
    host.id = Some(
        host.state
            .connect(address(0), address(1), MTU, now, &mut out)
            .unwrap(),
    );
    simulation.transmit(0, out);
    while simulation.hosts[1].read.len() < 100_000 {
        assert!(simulation.step());
    }
    simulation.network.loss = 100;
    while simulation.hosts[0].error.is_none() && simulation.step() {}
    assert_eq!(simulation.hosts[0].error, Some(ErrorKind::TimedOut));
    let id = simulation.hosts[0].id.unwrap();
    assert_eq!(
        simulation.hosts[0].state.status(id).unwrap().state,
        TcpState::Closed
    );
}
