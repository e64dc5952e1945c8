//! One connection, any segments, any calls, any jumps of the clock. The peer
//! may lie about everything but the text: an octet's value follows from its
//! sequence number. So it can be seen that the user reads the peer's text in
//! order and nothing else, and that the peer is sent the user's.

use std::net::{Shutdown, SocketAddrV4};
use std::time::Duration;

use step07_tcp::config::Config;
use step07_tcp::flags::Flags;
use step07_tcp::options::{SackBlock, Timestamps};
use step07_tcp::packet::Packet;
use step07_tcp::segment::{Outgoing, Segment};
use step07_tcp::seq::SeqNumber;
use step07_tcp::state::State;
use step07_tcp::tcb::{Id, TcpState};
use step07_tcp::time::Time;

use super::Choices;

const MTU: usize = 600;
const RECEIVE: usize = 5000;
const SEND: usize = 5000;

/// The octet that stands at a sequence number: the peer's text, and ours.
fn octet(seq: SeqNumber) -> u8 {
    let value = seq.value();
    (value ^ value >> 8 ^ value >> 16).to_le_bytes()[0]
}

fn text(seq: SeqNumber, len: u32) -> Vec<u8> {
    (0..len).map(|n| octet(seq + n)).collect()
}

struct Story {
    state: State,
    now: Time,
    id: Option<Id>,
    listener: Option<Id>,
    /// Our initial sequence number, once it is known.
    iss: Option<SeqNumber>,
    /// The peer's, once we have acknowledged its SYN.
    irs: Option<SeqNumber>,
    /// What the peer's SYNs said so far.
    syns: Vec<SeqNumber>,
    /// The next octet to be read, and to be written.
    read: SeqNumber,
    written: SeqNumber,
    /// What we have acknowledged last.
    acknowledged: Option<SeqNumber>,
    /// The last segment that we sent.
    last: Option<Segment>,
    /// The connection is over, or another has begun: what the text should be
    /// is not known any more.
    over: bool,
}

fn ends() -> (SocketAddrV4, SocketAddrV4) {
    (
        "192.0.2.2:7".parse().unwrap(),
        "192.0.2.1:40000".parse().unwrap(),
    )
}

/// Plays one story: the first octet says who opens, the others what happens.
pub fn run(data: &[u8]) {
    let mut choices = Choices(data);
    let how = choices.u8();
    let config = Config {
        receive_buffer: RECEIVE / 2,
        receive_buffer_limit: RECEIVE,
        send_buffer: SEND / 2,
        send_buffer_limit: SEND,
        nodelay: how & 2 != 0,
        ..Config::default()
    };
    let mut story = Story {
        state: State::new(config, u64::from(how >> 2)),
        now: Time::from_millis(1000),
        id: None,
        listener: None,
        iss: None,
        irs: None,
        syns: vec![],
        read: SeqNumber::default(),
        written: SeqNumber::default(),
        acknowledged: None,
        last: None,
        over: false,
    };
    let (local, remote) = ends();
    let mut out = vec![];
    if how & 1 == 0 {
        story.listener = Some(story.state.listen(local, 2).unwrap());
    } else {
        let id = story.state.connect(local, remote, MTU, story.now, &mut out);
        story.id = Some(id.unwrap());
    }
    story.sent(out);
    while !choices.is_empty() {
        let mut out = vec![];
        match choices.u8() {
            choice @ 0..0xa0 => story.segment(choice, &mut choices, &mut out),
            0xa0..0xb0 => {
                story.now += Duration::from_millis(u64::from(choices.u8()));
                story.state.on_timer(story.now, &mut out);
            }
            0xb0..0xc0 => {
                // To the next deadline, and perhaps far beyond.
                if let Some(deadline) = story.state.deadline() {
                    story.now = story.now.max(deadline);
                }
                story.now += Duration::from_secs(u64::from(choices.u8() / 32));
                story.state.on_timer(story.now, &mut out);
            }
            choice => story.call(choice, &mut choices, &mut out),
        }
        story.sent(out);
        story.check();
    }
    story.end();
}

impl Story {
    /// A segment that is near to what would be right.
    fn segment(&mut self, choice: u8, choices: &mut Choices<'_>, out: &mut Vec<Outgoing>) {
        let last = self.last.clone().unwrap_or_default();
        let near = |choices: &mut Choices<'_>, seq: SeqNumber| match choices.u8() {
            0..0x80 => seq,
            0x80..0xa0 => seq + u32::from(choices.u8()),
            0xa0..0xc0 => seq - u32::from(choices.u8()),
            0xc0..0xe0 => seq + u32::from(choices.u16()),
            0xe0..0xf0 => seq - u32::from(choices.u16()),
            _ => SeqNumber::new(choices.u32()),
        };
        let seq = near(choices, last.ack);
        let ack = near(choices, last.end());
        let flags = match choice & 0x0f {
            0 => Flags::from_bits(choices.u8()),
            1 | 2 => Flags::SYN,
            3 => Flags::SYN | Flags::ACK,
            4 => Flags::RST,
            5 => Flags::RST | Flags::ACK,
            6 | 7 => Flags::FIN | Flags::ACK,
            _ => Flags::ACK,
        };
        let len = match choice >> 4 {
            0..4 => 0,
            4..8 => u32::from(choices.u8()),
            _ => u32::from(choices.u16() % 3000),
        };
        let start = if flags.syn() {
            self.syns.push(seq);
            seq + 1
        } else {
            seq
        };
        let mut segment = Segment {
            seq,
            ack,
            flags,
            window: choices.of(&[0, 1, 100, 600, 5000, 65_535]),
            urgent_pointer: u16::from(choices.u8()),
            payload: Packet::new(&text(start, len)),
            ..Segment::default()
        };
        let options = &mut segment.options;
        match choices.u8() {
            0..0x40 => {}
            0x40..0x60 => options.mss = Some(choices.u16()),
            0x60..0x80 => {
                options.mss = Some(1460);
                options.window_scale = Some(choices.u8());
                options.sack_permitted = true;
                options.timestamps = Some(timestamps(choices, &last));
            }
            0x80..0xc0 => options.timestamps = Some(timestamps(choices, &last)),
            _ => {
                options.timestamps = last.options.timestamps.map(|_| timestamps(choices, &last));
                for _ in 0..choices.u8() % 4 {
                    let start = near(choices, last.seq);
                    let end = start + u32::from(choices.u16());
                    options.sack.push(SackBlock { start, end });
                }
            }
        }
        let (local, remote) = ends();
        self.state
            .segment_arrives(local, remote, segment, MTU, self.now, out);
    }

    /// The user does something.
    fn call(&mut self, choice: u8, choices: &mut Choices<'_>, out: &mut Vec<Outgoing>) {
        if self.id.is_none()
            && let Some(listener) = self.listener
        {
            self.id = self.state.accept(listener).ok().map(|(id, _)| id);
        }
        let Some(id) = self.id else {
            return;
        };
        let now = self.now;
        match choice {
            0xc0..0xd8 if self.iss.is_some() => {
                let text = text(self.written, u32::from(choices.u16() % 4000));
                if let Ok(len) = self.state.send(id, &text, now, out) {
                    self.written += u32::try_from(len).unwrap();
                }
            }
            0xd8..0xf0 => {
                let mut buffer = vec![0; usize::from(choices.u16() % 4000)];
                if let Ok(len) = self.state.receive(id, &mut buffer, now, out) {
                    let len = u32::try_from(len).unwrap();
                    if !self.over {
                        assert!(len == 0 || self.irs.is_some(), "text before a connection");
                        let right = buffer[..len as usize] == text(self.read, len);
                        assert!(right, "what was read is not the peer's text");
                    }
                    self.read += len;
                }
            }
            0xf0..0xf8 => {
                let how = choices.of(&[Shutdown::Write, Shutdown::Read, Shutdown::Both]);
                drop(self.state.shutdown(id, how, now, out));
            }
            0xf8..0xfc => drop(self.state.set_nodelay(id, choices.u8() & 1 != 0, now, out)),
            0xfc..=0xfe => {
                self.id = None;
                if let Some(listener) = self.listener.take() {
                    self.state.close(listener, now, out);
                }
                let leave = [State::close, State::abort][usize::from(choice == 0xfe)];
                leave(&mut self.state, id, now, out);
            }
            _ => {}
        }
    }

    /// Looks at what goes out.
    fn sent(&mut self, out: Vec<Outgoing>) {
        for Outgoing { segment, .. } in out {
            assert!(segment.payload.len() + segment.options.len() + 40 <= MTU);
            if segment.flags.rst() {
                self.over = true;
                continue;
            }
            if segment.flags.syn() {
                match self.iss {
                    None => {
                        self.iss = Some(segment.seq);
                        self.written = segment.seq + 1;
                    }
                    Some(iss) => self.over |= iss != segment.seq,
                }
                let other = |irs: SeqNumber| segment.flags.ack() && segment.ack != irs + 1;
                self.over |= self.irs.is_some_and(other);
                // Reset, and begun anew in the same instant.
                let back = |before| segment.flags.ack() && segment.ack.lt(before);
                self.over |= self.acknowledged.is_some_and(back);
            }
            if !self.over {
                self.sent_in_order(&segment);
            }
            self.last = Some(segment);
        }
        self.state.take_changed();
    }

    fn sent_in_order(&mut self, segment: &Segment) {
        if !segment.payload.is_empty() {
            let len = u32::try_from(segment.payload.len()).unwrap();
            let right = *segment.payload == *text(segment.seq, len);
            assert!(right, "what was sent is not our text");
            assert!((segment.seq + len).le(self.written), "text from nowhere");
        }
        if segment.flags.ack() {
            if self.irs.is_none() {
                // Text that came with the SYN may be acknowledged with it.
                let with = |irs: &&SeqNumber| segment.ack.since(**irs + 1) <= 3000;
                let irs = *self.syns.iter().rev().find(with).unwrap();
                self.irs = Some(irs);
                self.read = irs + 1;
            }
            if let Some(before) = self.acknowledged {
                assert!(segment.ack.ge(before), "RCV.NXT went back");
            }
            self.acknowledged = Some(segment.ack);
        }
    }

    /// What holds at any moment.
    fn check(&self) {
        for status in self.state.all() {
            if status.state == TcpState::Listen {
                continue;
            }
            assert!(status.readable <= RECEIVE);
            assert!(status.writable <= SEND);
            let measures = status.measures.unwrap();
            assert!(measures.mss >= 64 - 20 && measures.mss as usize <= MTU - 40);
            if measures.flight > 0 && status.state != TcpState::Closed {
                assert!(self.state.deadline().is_some(), "nothing would ever happen");
            }
        }
    }

    /// All leave: in the end nothing is left.
    fn end(mut self) {
        let mut out = vec![];
        for id in [self.id.take(), self.listener.take()].into_iter().flatten() {
            self.state.close(id, self.now, &mut out);
        }
        for _ in 0..10_000 {
            let Some(deadline) = self.state.deadline() else {
                break;
            };
            self.now = self.now.max(deadline);
            self.state.on_timer(self.now, &mut out);
            out.clear();
        }
        let left: Vec<_> = self.state.all().map(|status| status.state).collect();
        assert_eq!(left, [], "next deadline: {:?}", self.state.deadline());
    }
}

fn timestamps(choices: &mut Choices<'_>, last: &Segment) -> Timestamps {
    let echo = last.options.timestamps.map_or(0, |ours| ours.value);
    Timestamps {
        value: choices.u32(),
        echo: if choices.u8() < 0x80 {
            echo
        } else {
            choices.u32()
        },
    }
}
