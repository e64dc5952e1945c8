//! Path MTU discovery between two of ours, in virtual time: the way gets
//! narrower and wider, routers report what they cannot pass on, or do not.
//! Everything arrives, whole and in order.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)] // it is all test

use std::collections::BTreeMap;
use std::net::SocketAddrV4;
use std::time::Duration;

use step07_tcp::config::Config;
use step07_tcp::icmp_errors::IcmpError;
use step07_tcp::path_mtu::TooBig;
use step07_tcp::segment::{Outgoing, Segment};
use step07_tcp::seq::SeqNumber;
use step07_tcp::state::State;
use step07_tcp::tcb::Id;
use step07_tcp::time::Time;

const MTU: usize = 1500;
const LEN: usize = 400_000;
const DELAY: Duration = Duration::from_millis(10);

struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

fn ends() -> [SocketAddrV4; 2] {
    ["192.0.2.2:1025", "192.0.2.1:7"].map(|end| end.parse().unwrap())
}

/// What is under way.
enum Message {
    Segment(Segment),
    /// A report about a segment that began at this number.
    Report(SeqNumber, TooBig),
}

struct World {
    random: Random,
    now: Time,
    hosts: [State; 2],
    ids: [Option<Id>; 2],
    /// By time of arrival and order of sending: for whom, what.
    wire: BTreeMap<(Time, u64), (usize, Message)>,
    sent: u64,
    /// What the way carries now.
    narrow: usize,
    /// Of a hundred reports, so many are sent.
    reported: u64,
    written: usize,
    read: Vec<u8>,
}

impl World {
    fn new(seed: u64, reported: u64) -> Self {
        let host = |random| State::new(Config::default(), random);
        Self {
            random: Random(seed),
            now: Time::ZERO,
            hosts: [host(seed), host(seed + 1000)],
            ids: [None; 2],
            wire: BTreeMap::new(),
            sent: 0,
            narrow: MTU,
            reported,
            written: 0,
            read: Vec::new(),
        }
    }

    fn put(&mut self, to: usize, delay: Duration, message: Message) {
        self.sent += 1;
        let arrival = (self.now + delay, self.sent);
        self.wire.insert(arrival, (to, message));
    }

    /// A router in the middle of the way.
    fn transmit(&mut self, from: usize, out: Vec<Outgoing>) {
        for outgoing in out {
            let segment = outgoing.segment;
            let len = 40 + segment.options.len() + segment.payload.len();
            assert!(len <= MTU);
            // What may be cut arrives in pieces, which is as good.
            if len <= self.narrow || !outgoing.service.dont_fragment {
                self.put(1 - from, DELAY, Message::Segment(segment));
            } else if self.random.below(100) < self.reported {
                let report = TooBig {
                    len: len.try_into().unwrap(),
                    // Some are old, and do not tell.
                    mtu: [self.narrow as u16, 0][usize::from(self.random.below(4) == 0)],
                };
                self.put(from, DELAY, Message::Report(segment.seq, report));
            }
        }
    }

    fn deliver(&mut self, to: usize, message: Message) {
        let (local, remote) = (ends()[to], ends()[1 - to]);
        let mut out = vec![];
        let host = &mut self.hosts[to];
        match message {
            Message::Segment(segment) => {
                host.segment_arrives(local, remote, segment, MTU, self.now, &mut out);
            }
            Message::Report(seq, report) => {
                let error = IcmpError::FragmentationNeeded(report);
                host.icmp_error(local, remote, seq, error, self.now, &mut out);
            }
        }
        self.transmit(to, out);
    }

    /// The client writes, the server reads.
    fn use_sockets(&mut self, listener: Id) {
        let mut out = vec![];
        let id = self.ids[0].unwrap();
        while self.written < LEN {
            let piece: Vec<u8> = (self.written..LEN.min(self.written + 5000))
                .map(|place| (place % 251) as u8)
                .collect();
            match self.hosts[0].send(id, &piece, self.now, &mut out) {
                Ok(taken) => self.written += taken,
                Err(_) => break,
            }
        }
        self.transmit(0, std::mem::take(&mut out));
        if self.ids[1].is_none() {
            self.ids[1] = self.hosts[1].accept(listener).ok().map(|(id, _)| id);
        }
        let mut buffer = [0; 10_000];
        while let Some(id) = self.ids[1] {
            match self.hosts[1].receive(id, &mut buffer, self.now, &mut out) {
                Ok(len) if len > 0 => self.read.extend(&buffer[..len]),
                _ => break,
            }
        }
        self.transmit(1, out);
    }

    /// Until all has been read. Every few seconds the way changes.
    fn run(&mut self) {
        let [local, remote] = ends();
        let listener = self.hosts[1].listen(remote, 1).unwrap();
        let mut out = vec![];
        self.ids[0] = self.hosts[0]
            .connect(local, remote, MTU, self.now, &mut out)
            .ok();
        self.transmit(0, out);
        let mut change = self.now + Duration::from_millis(50);
        while self.read.len() < LEN {
            let arrival = self.wire.keys().next().map(|(time, _)| *time);
            let timers = self.hosts.iter().filter_map(State::deadline);
            let next = arrival.into_iter().chain(timers).chain([change]).min();
            self.now = self.now.max(next.unwrap());
            assert!(self.now < Time::from_millis(3_600_000), "it takes for ever");
            if change <= self.now {
                self.narrow =
                    [1500, 1492, 1400, 1280, 1000, 600, 300][self.random.below(7) as usize];
                change = self.now + Duration::from_millis(100 + self.random.below(400));
            }
            while let Some(first) = self.wire.first_entry()
                && first.key().0 <= self.now
            {
                let (to, message) = first.remove();
                self.deliver(to, message);
            }
            for number in 0..2 {
                let mut out = vec![];
                self.hosts[number].on_timer(self.now, &mut out);
                self.transmit(number, out);
            }
            self.use_sockets(listener);
        }
        let right = (0..LEN).map(|place| (place % 251) as u8);
        assert!(self.read.iter().copied().eq(right), "not what was written");
    }
}

#[test]
fn routers_that_report() {
    let mut lowered = 0;
    for seed in 0..15 {
        let mut world = World::new(seed, 100);
        world.run();
        lowered += world.hosts[0].counters().path_mtu_lowered.get();
    }
    assert!(lowered > 15, "{lowered}");
}

#[test]
fn routers_that_report_now_and_then() {
    for seed in 0..15 {
        let mut world = World::new(seed, 30);
        world.run();
    }
}

#[test]
fn black_holes() {
    for seed in 0..15 {
        let mut world = World::new(seed, 0);
        world.run();
        let counters = world.hosts[0].counters();
        assert_eq!(
            counters.path_mtu_lowered.get(),
            counters.black_holes.get(),
            "seed {seed}"
        );
    }
}
