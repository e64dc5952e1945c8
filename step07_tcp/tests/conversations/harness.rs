//! One end of a conversation under test; the test plays the other.

use std::cell::Cell;
use std::io;
use std::net::SocketAddrV4;
use std::time::Duration;

use step07_tcp::config::Config;
use step07_tcp::flags::Flags;
use step07_tcp::options::{Options, Timestamps};
use step07_tcp::packet::Packet;
use step07_tcp::segment::{Outgoing, Segment};
use step07_tcp::seq::SeqNumber;
use step07_tcp::state::State;
use step07_tcp::status::Status;
use step07_tcp::tcb::{Id, TcpState};
use step07_tcp::time::Time;

pub const MTU: usize = 1500;
const SECRET: u64 = 0x0123_4567_89ab_cdef;

pub fn us() -> SocketAddrV4 {
    "192.0.2.2:7".parse().unwrap()
}

pub fn peer() -> SocketAddrV4 {
    "192.0.2.1:43210".parse().unwrap()
}

pub const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub const fn s(s: u64) -> Duration {
    Duration::from_secs(s)
}

/// A `State` with, mostly, one connection.
pub struct Talk {
    pub state: State,
    pub now: Time,
    /// The connection that the talk is about.
    pub id: Id,
    /// The listener it came from, if it came from one.
    pub listener: Option<Id>,
    /// Our initial sequence number.
    pub iss: SeqNumber,
    /// The peer's.
    pub irs: SeqNumber,
    /// Our clock's value in the first timestamp that was shown.
    pub clock_zero: Cell<Option<u32>>,
}

/// The time at which a connection between [`us`] and [`peer`] gets an initial
/// sequence number just before the wrap.
fn before_the_wrap() -> Time {
    let mut state = State::new(Config::default(), SECRET);
    let mut out = vec![];
    state
        .connect(us(), peer(), MTU, Time::ZERO, &mut out)
        .unwrap();
    let ticks = (u32::MAX - 2).wrapping_sub(out[0].segment.seq.value());
    Time::ZERO + Duration::from_micros(4 * u64::from(ticks))
}

impl Talk {
    fn new(config: Config) -> Self {
        let state = State::new(config, SECRET);
        let irs = SeqNumber::new(u32::MAX - 1);
        let iss = SeqNumber::new(u32::MAX - 2);
        let id = Talk::any_id();
        Self {
            state,
            now: before_the_wrap(),
            id,
            listener: None,
            iss,
            irs,
            clock_zero: Cell::new(None),
        }
    }

    /// The id of nothing that is used later.
    fn any_id() -> Id {
        let mut state = State::new(Config::default(), 0);
        state.listen(us(), 1).unwrap()
    }

    /// LISTEN, with a backlog of 4.
    pub fn listening(config: Config) -> Self {
        let mut talk = Self::new(config);
        talk.id = talk.state.listen(us(), 4).unwrap();
        talk.listener = Some(talk.id);
        talk
    }

    /// SYN-RECEIVED, as a child of a listener.
    pub fn syn_received(config: Config) -> Self {
        let mut talk = Self::listening(config);
        let answer = talk.inject(talk.syn());
        assert_eq!(answer, ["---A--S- seq=0 ack=1 len=0 wnd=65535 mss=1460"]);
        talk.id = talk.connection().unwrap().id;
        talk
    }

    /// ESTABLISHED and accepted, with Nagle's algorithm off and a peer's MSS of 1460.
    pub fn established() -> Self {
        Self::established_with(Config {
            nodelay: true,
            ..Config::default()
        })
    }

    /// The same with another configuration.
    pub fn established_with(config: Config) -> Self {
        let mut talk = Self::syn_received(config);
        let answer = talk.inject(talk.ack(1, 1));
        assert!(answer.is_empty(), "{answer:?}");
        let (id, remote) = talk.state.accept(talk.listener.unwrap()).unwrap();
        assert_eq!((id, remote), (talk.id, peer()));
        talk
    }

    /// ESTABLISHED with a peer whose SYN has these options. Gives our answer to it too.
    pub fn established_by(config: Config, options: Options) -> (Self, String) {
        Self::established_over(config, options, Duration::ZERO)
    }

    /// The same, and the handshake takes a round trip of that length.
    pub fn established_over(config: Config, options: Options, rtt: Duration) -> (Self, String) {
        let mut talk = Self::listening(config);
        let syn = Segment {
            options,
            ..talk.syn()
        };
        let answer = talk.inject(syn).remove(0);
        talk.wait(rtt);
        let mut ack = talk.ack(1, 1);
        ack.options.timestamps = options.timestamps;
        assert!(talk.inject(ack).is_empty());
        talk.id = talk.state.accept(talk.listener.unwrap()).unwrap().0;
        (talk, answer)
    }

    /// SYN-SENT.
    pub fn syn_sent(config: Config) -> Self {
        let mut talk = Self::new(config);
        let mut out = vec![];
        talk.id = talk
            .state
            .connect(us(), peer(), MTU, talk.now, &mut out)
            .unwrap();
        let syn = talk.show(out);
        assert!(syn[0].starts_with("------S- seq=0 ack=0 len=0 wnd=65535 mss=1460"));
        assert_eq!(syn.len(), 1);
        talk
    }

    /// The peer's SYN.
    pub fn syn(&self) -> Segment {
        let mut syn = Segment {
            seq: self.irs,
            flags: Flags::SYN,
            window: 64240,
            ..Segment::default()
        };
        syn.options.mss = Some(1460);
        syn
    }

    /// The peer's SYN,ACK.
    pub fn syn_ack(&self) -> Segment {
        Segment {
            flags: Flags::SYN | Flags::ACK,
            ack: self.iss + 1,
            ..self.syn()
        }
    }

    /// A pure acknowledgment of the peer, with relative numbers: the template
    /// of all segments of an open connection.
    pub fn ack(&self, seq: u32, ack: u32) -> Segment {
        Segment {
            seq: self.irs + seq,
            ack: self.iss + ack,
            flags: Flags::ACK,
            window: 64240,
            ..Segment::default()
        }
    }

    /// The same with text.
    pub fn text(&self, seq: u32, ack: u32, text: &[u8]) -> Segment {
        Segment {
            payload: Packet::new(text),
            ..self.ack(seq, ack)
        }
    }

    /// The same with a FIN.
    pub fn fin(&self, seq: u32, ack: u32) -> Segment {
        Segment {
            flags: Flags::ACK | Flags::FIN,
            ..self.ack(seq, ack)
        }
    }

    /// The same with a RST.
    pub fn rst(&self, seq: u32) -> Segment {
        Segment {
            flags: Flags::RST,
            ack: SeqNumber::new(0),
            window: 0,
            ..self.ack(seq, 0)
        }
    }

    /// Lets a segment of the peer arrive. Gives what it is answered with.
    pub fn inject(&mut self, segment: Segment) -> Vec<String> {
        self.inject_from(peer(), segment)
    }

    /// The same, but gives the segments themselves.
    pub fn inject_all(&mut self, segment: Segment) -> Vec<Outgoing> {
        let mut out = vec![];
        self.state
            .segment_arrives(us(), peer(), segment, MTU, self.now, &mut out);
        out
    }

    /// Lets a segment of another peer arrive.
    pub fn inject_from(&mut self, from: SocketAddrV4, segment: Segment) -> Vec<String> {
        let mut out = vec![];
        self.state
            .segment_arrives(us(), from, segment, MTU, self.now, &mut out);
        self.show(out)
    }

    /// Lets segments arrive together, in one turn of the main loop.
    pub fn inject_together(&mut self, segments: impl IntoIterator<Item = Segment>) -> Vec<String> {
        self.state.begin_turn();
        let mut sent = vec![];
        for segment in segments {
            sent.extend(self.inject(segment));
        }
        let mut out = vec![];
        self.state.end_turn(self.now, &mut out);
        sent.extend(self.show(out));
        sent
    }

    /// Lets time pass; gives what is sent in it.
    pub fn wait(&mut self, duration: Duration) -> Vec<String> {
        let end = self.now + duration;
        let mut sent = vec![];
        while let Some(deadline) = self.state.deadline().filter(|&deadline| deadline <= end) {
            self.now = self.now.max(deadline);
            let mut out = vec![];
            self.state.on_timer(self.now, &mut out);
            sent.extend(self.show(out));
        }
        self.now = end;
        sent
    }

    pub fn send(&mut self, data: &[u8]) -> io::Result<usize> {
        let mut out = vec![];
        self.state.send(self.id, data, self.now, &mut out)
    }

    /// Writes all of `data`; gives what is sent.
    pub fn write(&mut self, data: &[u8]) -> Vec<String> {
        let mut out = vec![];
        assert_eq!(
            self.state.send(self.id, data, self.now, &mut out).unwrap(),
            data.len()
        );
        self.show(out)
    }

    /// Reads once; gives what was read, or the kind of the error.
    pub fn receive(&mut self, len: usize) -> Result<Vec<u8>, io::ErrorKind> {
        self.read(len).0
    }

    /// Reads once; gives what is sent because of that, too.
    pub fn read(&mut self, len: usize) -> (Result<Vec<u8>, io::ErrorKind>, Vec<String>) {
        let mut buffer = vec![0; len];
        let mut out = vec![];
        let result = self.state.receive(self.id, &mut buffer, self.now, &mut out);
        let result = result.map(|len| buffer[..len].to_vec());
        (result.map_err(|error| error.kind()), self.show(out))
    }

    pub fn shutdown(&mut self, how: std::net::Shutdown) -> Vec<String> {
        let mut out = vec![];
        self.state
            .shutdown(self.id, how, self.now, &mut out)
            .unwrap();
        self.show(out)
    }

    pub fn close(&mut self) -> Vec<String> {
        let mut out = vec![];
        self.state.close(self.id, self.now, &mut out);
        self.show(out)
    }

    pub fn abort(&mut self) -> Vec<String> {
        let mut out = vec![];
        self.state.abort(self.id, self.now, &mut out);
        self.show(out)
    }

    pub fn status(&self) -> Status {
        self.state.status(self.id).unwrap()
    }

    /// The state of the connection; CLOSED if it has vanished.
    pub fn tcp_state(&self) -> TcpState {
        self.state
            .status(self.id)
            .map_or(TcpState::Closed, |status| status.state)
    }

    /// Has the connection vanished?
    pub fn is_gone(&self) -> bool {
        self.state.status(self.id).is_none()
    }

    /// The one connection that there is.
    pub fn connection(&self) -> Option<Status> {
        let mut connections = self
            .state
            .all()
            .filter(|status| status.state != TcpState::Listen);
        let connection = connections.next();
        assert!(connections.next().is_none());
        connection
    }

    /// Segments as text, with relative numbers.
    pub fn show(&self, out: Vec<Outgoing>) -> Vec<String> {
        out.into_iter()
            .map(|out| self.show_one(&out.segment))
            .collect()
    }

    fn show_one(&self, segment: &Segment) -> String {
        let Segment {
            flags,
            window,
            payload,
            options,
            ..
        } = segment;
        let seq = segment.seq.since(self.iss);
        let ack = if flags.ack() {
            segment.ack.since(self.irs)
        } else {
            0
        };
        format!(
            "{flags} seq={seq} ack={ack} len={} wnd={window}{}",
            payload.len(),
            self.show_options(options)
        )
    }

    /// Options as text. Our clock starts at zero with the first segment shown.
    fn show_options(&self, options: &Options) -> String {
        let mut text = String::new();
        if let Some(mss) = options.mss {
            text += &format!(" mss={mss}");
        }
        if options.sack_permitted {
            text += " sackOK";
        }
        if let Some(Timestamps { value, echo }) = options.timestamps {
            let zero = self.clock_zero.get().unwrap_or(value);
            self.clock_zero.set(Some(zero));
            text += &format!(" ts={},{echo}", value.wrapping_sub(zero));
        }
        if let Some(shift) = options.window_scale {
            text += &format!(" ws={shift}");
        }
        for block in options.sack.as_slice() {
            let (start, end) = (block.start.since(self.irs), block.end.since(self.irs));
            text += &format!(" sack={start}-{end}");
        }
        text
    }
}
