//! Whatever arrives, in whatever order users call: no panic, and nothing grows
//! without bound.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)] // it is all test

use std::net::{Shutdown, SocketAddrV4};
use std::time::Duration;

use step07_tcp::config::Config;
use step07_tcp::flags::Flags;
use step07_tcp::packet::Packet;
use step07_tcp::segment::{Outgoing, Segment};
use step07_tcp::seq::SeqNumber;
use step07_tcp::state::State;
use step07_tcp::tcb::{Id, TcpState};
use step07_tcp::time::Time;

const MTU: usize = 600;

struct Random(u64);

impl Random {
    fn below(&mut self, limit: u32) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((self.0 >> 33) % u64::from(limit)).unwrap()
    }

    /// A number near one that means something, or any.
    fn near(&mut self, seq: SeqNumber) -> SeqNumber {
        match self.below(8) {
            0 => SeqNumber::new(self.below(u32::MAX)),
            1 => seq + self.below(70_000),
            2 => seq - self.below(70_000),
            3 => seq + 1,
            4 => seq - 1,
            _ => seq,
        }
    }
}

/// A host that everything happens to, and what the other side knows of it.
struct Victim {
    random: Random,
    state: State,
    now: Time,
    ids: Vec<Id>,
    /// The peers' view: what the victim has sent last to whom.
    seen: Vec<Outgoing>,
}

fn server() -> SocketAddrV4 {
    "192.0.2.2:7".parse().unwrap()
}

impl Victim {
    fn new(seed: u64) -> Self {
        let config = Config {
            receive_buffer: 2000,
            send_buffer: 3000,
            receive_buffer_limit: 0,
            send_buffer_limit: 0,
            ..Config::default()
        };
        let mut state = State::new(config, seed);
        let ids = vec![state.listen(server(), 3).unwrap()];
        let now = Time::from_millis(u64::from(u32::MAX));
        Self {
            random: Random(seed),
            state,
            now,
            ids,
            seen: vec![],
        }
    }

    fn step(&mut self) {
        let mut out = vec![];
        match self.random.below(20) {
            0..12 => self.segment(&mut out),
            12..15 => self.pass(&mut out),
            _ => self.call(&mut out),
        }
        for outgoing in out {
            assert!(outgoing.segment.payload.len() <= MTU - 40);
            let same = |seen: &&mut Outgoing| {
                (seen.local, seen.remote) == (outgoing.local, outgoing.remote)
            };
            match self.seen.iter_mut().find(same) {
                Some(seen) => *seen = outgoing,
                None => self.seen.push(outgoing),
            }
        }
        self.seen.truncate(40);
        self.state.take_changed();
    }

    /// A segment that is almost right, with a part that is not.
    fn segment(&mut self, out: &mut Vec<Outgoing>) {
        let random = &mut self.random;
        let (local, remote, seq, ack) = if self.seen.is_empty() || random.below(10) == 0 {
            let port = 1024 + u16::try_from(random.below(30)).unwrap();
            (
                server(),
                SocketAddrV4::new([192, 0, 2, 1].into(), port),
                SeqNumber::new(5),
                SeqNumber::new(9),
            )
        } else {
            let seen = &self.seen[random.below(u32::try_from(self.seen.len()).unwrap()) as usize];
            (
                seen.local,
                seen.remote,
                seen.segment.ack,
                seen.segment.end(),
            )
        };
        let likely = [
            Flags::SYN,
            Flags::ACK,
            Flags::ACK,
            Flags::ACK | Flags::FIN,
            Flags::RST,
            Flags::SYN | Flags::ACK,
        ];
        let flags = match random.below(8) {
            0 => Flags::from_bits(u8::try_from(random.below(256)).unwrap()),
            _ => likely[random.below(6) as usize],
        };
        let len = if random.below(2) == 0 {
            0
        } else {
            random.below(3000)
        };
        let mut segment = Segment {
            seq: random.near(seq),
            ack: random.near(ack),
            flags,
            window: [0, 1, 600, 0xffff][random.below(4) as usize],
            urgent_pointer: u16::try_from(random.below(0x1_0000)).unwrap(),
            payload: Packet::zeroed(len as usize),
            ..Segment::default()
        };
        segment.options.window_scale =
            [None, Some(0), Some(14), Some(255)][random.below(4) as usize];
        segment.options.mss = [None, Some(0), Some(536), Some(u16::MAX)][random.below(4) as usize];
        self.state
            .segment_arrives(local, remote, segment, MTU, self.now, out);
    }

    fn pass(&mut self, out: &mut Vec<Outgoing>) {
        let millis = [1, 50, 300, 70_000][self.random.below(4) as usize];
        self.now += Duration::from_millis(millis);
        self.state.on_timer(self.now, out);
    }

    fn call(&mut self, out: &mut Vec<Outgoing>) {
        let now = self.now;
        let id = self.ids[self.random.below(u32::try_from(self.ids.len()).unwrap()) as usize];
        let data = vec![1; self.random.below(4000) as usize];
        match self.random.below(10) {
            0 => self
                .ids
                .extend(self.state.accept(self.ids[0]).map(|(id, _)| id)),
            1 => {
                let port = 1024 + u16::try_from(self.random.below(30)).unwrap();
                let remote = SocketAddrV4::new([192, 0, 2, 1].into(), port);
                let local = SocketAddrV4::new(*server().ip(), 0);
                self.ids
                    .extend(self.state.connect(local, remote, MTU, now, out));
            }
            2..5 => drop(self.state.send(id, &data, now, out)),
            5..8 => drop(self.state.receive(id, &mut data.clone(), now, out)),
            8 => {
                let how = [Shutdown::Read, Shutdown::Write, Shutdown::Both]
                    [self.random.below(3) as usize];
                drop(self.state.shutdown(id, how, now, out));
            }
            _ if id == self.ids[0] => {}
            _ => {
                let end = [State::close, State::abort][self.random.below(2) as usize];
                end(&mut self.state, id, now, out);
                self.ids.retain(|&other| other != id);
            }
        }
        // Programs have limits, too.
        while self.ids.len() > 10 {
            let id = self.ids.remove(1);
            self.state.close(id, now, out);
        }
    }

    /// All users leave; in the end nothing may be left.
    fn end(&mut self) {
        let mut out = vec![];
        for id in std::mem::take(&mut self.ids) {
            self.state.close(id, self.now, &mut out);
        }
        for _ in 0..100_000 {
            let Some(deadline) = self.state.deadline() else {
                break;
            };
            assert!(self.state.all().all(|status| !status.in_use));
            self.now = self.now.max(deadline);
            self.state.on_timer(self.now, &mut out);
        }
        assert_eq!(self.state.all().count(), 0);
    }
}

#[test]
fn any_segments_and_any_calls() {
    let mut states = std::collections::BTreeSet::new();
    for seed in 0..200 {
        let mut victim = Victim::new(seed);
        for _ in 0..1500 {
            victim.step();
            states.extend(victim.state.all().map(|status| status.state));
            for status in victim
                .state
                .all()
                .filter(|status| status.state != TcpState::Listen)
            {
                assert!(status.readable <= 2000 && status.writable <= 3000);
            }
        }
        victim.end();
    }
    // The test has been everywhere (CLOSED is seen only while a user still looks).
    assert_eq!(states.len(), 11, "{states:?}");
}
