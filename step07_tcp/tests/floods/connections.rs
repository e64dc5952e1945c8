//! Connections that want nothing but to be there.

use std::collections::BTreeMap;
use std::net::SocketAddrV4;
use std::time::Duration;

use step07_tcp::config::Config;
use step07_tcp::flags::Flags;
use step07_tcp::packet::Packet;
use step07_tcp::segment::Segment;
use step07_tcp::seq::SeqNumber;
use step07_tcp::tcp_listener::DEFAULT_BACKLOG;

use crate::frames::{Heard, segment, somebody, syn};
use crate::world::{Enemy, Flood, PORT, Sends, World};

fn end(number: u32) -> SocketAddrV4 {
    let port = u16::try_from(1024 + number / 62 % 60_000).unwrap();
    SocketAddrV4::new(somebody(number), port)
}

/// Requests from addresses that answer, and connections that are never completed.
#[test]
fn syn_flood() {
    let mut world = World::new();
    let mut enemy = Sends(50, |number: u32| syn(end(number), PORT, number));
    let flood = Flood::play("SYN, half-open", &mut world, &mut enemy);
    assert!(world.victim.tcp.counters.cookies_sent.get() > 4_000);
    let limit = Config::default().syn_backlog * 4096;
    assert!(flood.growth() < limit, "{}", flood.growth());
    assert!(flood.goodput() > 0.95 && flood.per_turn() > 0.25);
    flood.is_forgotten();
}

/// An enemy with a whole TCP, as far as he needs one: he completes his
/// connections, up to a number, and then `then` says what he sends in them.
struct Connects<F> {
    wanted: u32,
    per_ms: u32,
    window: u16,
    /// His ends, and the sequence numbers: his next, the victim's next.
    open: BTreeMap<SocketAddrV4, (SeqNumber, SeqNumber)>,
    then: F,
}

impl<F> Connects<F> {
    fn new(wanted: u32, window: u16, then: F) -> Self {
        Self {
            wanted,
            per_ms: 10,
            window,
            open: BTreeMap::new(),
            then,
        }
    }

    fn ack(&self, (seq, ack): (SeqNumber, SeqNumber)) -> Segment {
        Segment {
            seq,
            ack,
            flags: Flags::ACK,
            window: self.window,
            ..Segment::default()
        }
    }
}

impl<F: FnMut(u32, SeqNumber) -> Option<(SeqNumber, Packet)>> Enemy for Connects<F> {
    fn sends(&mut self, millisecond: u32, send: &mut dyn FnMut(Vec<u8>)) {
        let first = millisecond * self.per_ms;
        for number in first..(first + self.per_ms).min(self.wanted) {
            send(syn(end(number), PORT, number));
        }
        let count = u32::try_from(self.open.len()).unwrap();
        for number in (0..50).take_while(|_| count > 0) {
            let which = (millisecond * 50 + number) % count;
            let (&from, &numbers) = self.open.iter().nth(which as usize).unwrap();
            let round = (millisecond * 50 + number) / count;
            if let Some((seq, payload)) = (self.then)(round, numbers.0) {
                let text = Segment {
                    seq,
                    payload,
                    ..self.ack(numbers)
                };
                send(segment(from, PORT, text));
            }
        }
    }

    fn hears(&mut self, heard: Heard, send: &mut dyn FnMut(Vec<u8>)) {
        match heard {
            Heard::Question(answer) => send(answer),
            Heard::Segment(from, port, answer) if answer.flags.syn() => {
                let numbers = (answer.ack, answer.seq + 1);
                self.open.insert(from, numbers);
                send(segment(from, port, self.ack(numbers)));
            }
            // He lives, and says so, with the same numbers again: a probe of a
            // closed window is answered like that.
            Heard::Segment(from, port, answer) if !answer.payload.is_empty() => {
                if let Some(&numbers) = self.open.get(&from) {
                    send(segment(from, port, self.ack(numbers)));
                }
            }
            Heard::Segment(..) => {}
        }
    }
}

fn nothing(_: u32, _: SeqNumber) -> Option<(SeqNumber, Packet)> {
    None
}

/// Connections that are completed, and then say nothing, at a service that
/// lets nobody in.
#[test]
fn idle() {
    let mut world = World::new();
    let mut enemy = Connects::new(3000, 1000, nothing);
    let flood = Flood::play("idle, not accepted", &mut world, &mut enemy);
    // As many as the backlog holds, then those that were half-open.
    let most = DEFAULT_BACKLOG + Config::default().syn_backlog;
    assert!(enemy.open.len() <= most, "{}", enemy.open.len());
    assert!(flood.growth() < most * 8192, "{}", flood.growth());
    assert!(flood.goodput() > 0.95 && flood.per_turn() > 0.25);
    flood.is_forgotten();
}

/// The same at a service that lets all of them in, and has nothing to say.
/// Only the service could limit their number: so each has to be cheap.
#[test]
fn idle_and_accepted() {
    let mut world = World::new();
    world.accepts = true;
    let count = 2000;
    // The first time, tables grow that keep their size; the second time, nothing.
    for name in ["idle, accepted", "idle, accepted, again"] {
        let mut enemy = Connects::new(count, 1000, nothing);
        enemy.per_ms = 25;
        let flood = Flood::play(name, &mut world, &mut enemy);
        assert_eq!(enemy.open.len(), count as usize);
        assert!(
            flood.growth() < enemy.open.len() * 2048,
            "{}",
            flood.growth()
        );
        assert!(flood.goodput() > 0.95 && flood.per_turn() > 0.25);
        drop(enemy);
        if name.ends_with("again") {
            flood.is_forgotten();
        }
    }
}

/// Clients of a service that sends them something, with windows of zero.
#[test]
fn zero_windows() {
    let mut world = World::new();
    (world.accepts, world.serves) = (true, true);
    let mut enemy = Connects::new(200, 0, nothing);
    let flood = Flood::play("zero windows, 200", &mut world, &mut enemy);
    assert_eq!(enemy.open.len(), 200);
    // 64 KiB that wait for each of them.
    assert!(flood.growth() < 200 * (80 << 10), "{}", flood.growth());
    assert!(flood.goodput() > 0.95 && flood.per_turn() > 0.25);
    flood.is_forgotten();
}

/// The same, where all that wait would be more than TCP may have: those who
/// have their share get no more, and the bystander, who has less, notices nothing.
#[test]
fn zero_windows_beyond_the_memory() {
    let limit = 8 << 20;
    let mut world = World::with(Config {
        send_buffer: 256 * 1024,
        memory_limit: limit,
        ..Config::default()
    });
    (world.accepts, world.serves) = (true, true);
    let mut enemy = Connects::new(80, 0, nothing);
    let flood = Flood::play("zero windows, 80 of 256 KiB", &mut world, &mut enemy);
    assert_eq!(enemy.open.len(), 80);
    assert!(world.victim.tcp.counters.writes_withheld.get() > 80);
    assert_eq!(world.victim.tcp.counters.no_memory.get(), 0);
    assert!(flood.growth() < 2 * limit, "{}", flood.growth());
    assert!(flood.goodput() > 0.95 && flood.per_turn() > 0.25);
    flood.is_forgotten();
}

/// Whoever sends, and is not read: what arrives is dropped before the memory
/// is full of it.
#[test]
fn text_beyond_the_memory() {
    let limit = 6 << 20;
    let mut world = World::with(Config {
        memory_limit: limit,
        ..Config::default()
    });
    (world.accepts, world.serves) = (true, true);
    let mut enemy = Connects::new(60, 1000, |round, next| {
        Some((next + 1400 * (round % 40), Packet::new(&[7; 1400])))
    });
    let flood = Flood::play("text for 60 that nobody reads", &mut world, &mut enemy);
    assert!(world.victim.tcp.counters.no_memory.get() > 100);
    assert!(flood.growth() < 2 * limit, "{}", flood.growth());
    assert!(flood.goodput() > 0.75 && flood.per_turn() > 0.2);
    flood.is_forgotten_but(0.8);
}

/// One octet in each segment, every other octet missing: the longest lists
/// that a window allows.
#[test]
fn tiny_segments_with_gaps() {
    let mut world = World::new();
    let mut enemy = Connects::new(20, 1000, |round, next| {
        let beyond = 2 * round + 1;
        Some((next + beyond, Packet::new(b"x")))
    });
    enemy.per_ms = 1;
    let flood = Flood::play("1 octet in 2, 20", &mut world, &mut enemy);
    assert!(world.victim.tcp.counters.out_of_order.get() > 4_000);
    assert!(flood.growth() < 20 * (96 << 10), "{}", flood.growth());
    assert!(flood.goodput() > 0.95 && flood.per_turn() > 0.25);
    flood.is_forgotten();
}

/// One octet in each segment, in order, and nobody reads.
#[test]
fn tiny_segments_in_order() {
    let mut world = World::new();
    let mut enemy = Connects::new(20, 1000, |round, next| {
        Some((next + round, Packet::new(b"x")))
    });
    enemy.per_ms = 1;
    let flood = Flood::play("1 octet each, 20", &mut world, &mut enemy);
    assert!(flood.growth() < 20 * (80 << 10), "{}", flood.growth());
    assert!(flood.goodput() > 0.95 && flood.per_turn() > 0.25);
    flood.is_forgotten();
}

/// Sends one frame, and counts the segments that come of it.
struct Asks(Vec<u8>, u32);

impl Enemy for Asks {
    fn sends(&mut self, _: u32, send: &mut dyn FnMut(Vec<u8>)) {
        send(self.0.clone());
    }

    fn hears(&mut self, heard: Heard, send: &mut dyn FnMut(Vec<u8>)) {
        match heard {
            Heard::Question(answer) => send(answer),
            Heard::Segment(..) => self.1 += 1,
        }
    }
}

/// Whoever sends in the name of others can make us send to them, and not much.
#[test]
fn strangers_get_little_for_what_they_send() {
    let of = |flags| Segment {
        flags,
        ..Segment::default()
    };
    for (port, flags, expected) in [
        // Half-open for a minute: an answer, and again after 1, 2, 4, 8, 16 seconds.
        (PORT, Flags::SYN, 6..=6),
        (1, Flags::SYN, 1..=1),
        (1, Flags::ACK, 1..=1),
        (PORT, Flags::ACK, 1..=1),
        (1, Flags::RST, 0..=0),
        (PORT, Flags::RST, 0..=0),
    ] {
        let mut world = World::new();
        let mut enemy = Asks(segment(end(1), port, of(flags)), 0);
        world.listen(Duration::from_secs(120), &mut enemy);
        assert!(expected.contains(&enemy.1), "{port} {flags}: {}", enemy.1);
    }
}
