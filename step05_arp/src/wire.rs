//! A wire in memory, for hosts that share a process.
//!
//! What one port sends arrives at all others, as on a hub: after a delay, and
//! unless something happens to it on the way. What happens is drawn from a
//! seeded random generator, so that every run is the same.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::env::Env;
use crate::frame::FrameIo;
use crate::interrupt::Irq;
use crate::packet::Packet;
use crate::sync::lock;
use crate::time::Time;

/// How many frames may be on their way to one port.
const QUEUE_LIMIT: usize = 4096;

/// What can happen to a frame. Probabilities are in thousandths.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// It is lost.
    pub loss: u16,
    /// It arrives twice.
    pub duplicate: u16,
    /// One of its bits is flipped.
    pub corrupt: u16,
    /// It takes up to [`jitter`](Self::jitter) longer, and so is overtaken.
    pub reorder: u16,
    /// How long every frame is under way.
    pub delay: Duration,
    /// How much longer a frame that is overtaken may take.
    pub jitter: Duration,
}

/// What a wire decides the fate of a frame by, besides [`Faults`]: given the
/// number of the frame (0, 1, …) and its octets, says whether it is lost.
pub type Filter = dyn FnMut(u64, &[u8]) -> bool + Send;

/// What became of a frame, for who draws a picture of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crossing {
    /// When it was sent.
    pub sent: Time,
    /// When it arrives; `None`: never.
    pub arrives: Option<Time>,
    /// The port that sent it: 0, 1, … in the order in which they were made.
    pub from: usize,
    /// The frame, as it was sent.
    pub frame: Vec<u8>,
}

/// How many frames are recorded at most.
const RECORD_LIMIT: usize = 100_000;

crate::counters! {
    /// What a wire counts: for each frame that is sent, each of the other
    /// ports, and for each repetition, is delivered, or lost for one reason.
    pub struct WireCounters {
        /// frames to be carried to a port
        pub carried,
        /// frames that were carried twice
        pub duplicated,
        /// frames damaged
        pub corrupted,
        /// frames read at a port
        pub delivered,
        /// lost: by chance
        pub lost,
        /// lost: the filter has said so
        pub filtered,
        /// lost: too many were on their way to the port
        pub queue_full,
    }
}

struct PortState {
    /// Frames under way, by time of arrival and then in the order of sending.
    frames: BTreeMap<(Time, u64), Packet>,
    irq: Option<Irq>,
}

struct State {
    ports: Vec<PortState>,
    sent: u64,
    order: u64,
    faults: Faults,
    lose: Option<Box<Filter>>,
    record: Option<Vec<Crossing>>,
}

/// The wire. It draws from its own [`Env`], not from the hosts'.
pub struct Wire {
    env: Arc<Env>,
    state: Mutex<State>,
    /// What has become of the frames.
    pub counters: WireCounters,
}

impl Wire {
    /// A wire on which nothing goes wrong and nothing takes time.
    pub fn new(env: &Arc<Env>) -> Arc<Self> {
        Self::with_faults(env, Faults::default())
    }

    /// A wire on which `faults` happen.
    pub fn with_faults(env: &Arc<Env>, faults: Faults) -> Arc<Self> {
        Arc::new(Self {
            env: Arc::clone(env),
            state: Mutex::new(State {
                ports: Vec::new(),
                sent: 0,
                order: 0,
                faults,
                lose: None,
                record: None,
            }),
            counters: WireCounters::default(),
        })
    }

    /// Lets `lose` decide which frames are lost, besides the faults.
    pub fn lose_if(&self, lose: impl FnMut(u64, &[u8]) -> bool + Send + 'static) {
        lock(&self.state).lose = Some(Box::new(lose));
    }

    /// Changes what happens from now on.
    pub fn set_faults(&self, faults: Faults) {
        lock(&self.state).faults = faults;
    }

    /// Starts to record what crosses the wire.
    pub fn record(&self) {
        lock(&self.state).record = Some(Vec::new());
    }

    /// Takes what has been recorded; the recording goes on.
    pub fn take_record(&self) -> Vec<Crossing> {
        let mut state = lock(&self.state);
        state
            .record
            .as_mut()
            .map(std::mem::take)
            .unwrap_or_default()
    }

    /// Another end of the wire.
    pub fn port(self: &Arc<Self>) -> Port {
        let mut state = lock(&self.state);
        state.ports.push(PortState {
            frames: BTreeMap::new(),
            irq: None,
        });
        Port {
            wire: Arc::clone(self),
            index: state.ports.len() - 1,
        }
    }

    fn happens(&self, thousandths: u16) -> bool {
        thousandths > 0 && self.env.random() % 1000 < u64::from(thousandths)
    }

    /// When a frame that is sent now arrives.
    fn arrival(&self, faults: &Faults) -> Time {
        let mut arrival = self.env.now() + faults.delay;
        if self.happens(faults.reorder) {
            let jitter = u64::try_from(faults.jitter.as_nanos()).unwrap_or(u64::MAX);
            arrival += Duration::from_nanos(self.env.random() % jitter.max(1));
        }
        arrival
    }

    fn send(&self, from: usize, frame: &[u8]) {
        let mut state = lock(&self.state);
        let state = &mut *state;
        let number = state.sent;
        state.sent += 1;
        let filtered = state.lose.as_mut().is_some_and(|lose| lose(number, frame));
        let faults = state.faults;
        let mut arrives = None;
        for (index, port) in state.ports.iter_mut().enumerate() {
            if index == from {
                continue;
            }
            self.counters.carried.inc();
            if filtered {
                self.counters.filtered.inc();
                continue;
            }
            if self.happens(faults.loss) {
                self.counters.lost.inc();
                continue;
            }
            let copies = if self.happens(faults.duplicate) {
                self.counters.duplicated.inc();
                2
            } else {
                1
            };
            for _ in 0..copies {
                let frame = self.copy(frame, &faults);
                if port.frames.len() >= QUEUE_LIMIT {
                    self.counters.queue_full.inc();
                    continue;
                }
                state.order += 1;
                let arrival = self.arrival(&faults);
                arrives = Some(arrives.map_or(arrival, |first: Time| first.min(arrival)));
                port.frames.insert((arrival, state.order), frame);
            }
            // On a manual clock, who turns the crank knows the deadline, and so
            // nothing is heard of a frame before it arrives. By a real clock the
            // main loop may be asleep, and has to look at its deadlines again.
            let here = self.is_due(port);
            if let Some(irq) = &port.irq
                && (here || !self.env.is_manual())
            {
                irq.raise();
            }
        }
        if let Some(record) = &mut state.record
            && record.len() < RECORD_LIMIT
        {
            record.push(Crossing {
                sent: self.env.now(),
                arrives,
                from,
                frame: frame.to_vec(),
            });
        }
    }

    /// True if a frame has arrived at `port`.
    fn is_due(&self, port: &PortState) -> bool {
        let first = port.frames.keys().next();
        first.is_some_and(|(arrival, _)| *arrival <= self.env.now())
    }

    /// What arrives of a frame: maybe with a flipped bit.
    fn copy(&self, frame: &[u8], faults: &Faults) -> Packet {
        let mut copy = Packet::new(frame);
        if self.happens(faults.corrupt) {
            self.counters.corrupted.inc();
            let bits = (copy.len() * 8).max(1) as u64;
            let bit = usize::try_from(self.env.random() % bits).unwrap_or(0);
            if let Some(octet) = copy.get_mut(bit / 8) {
                *octet ^= 1 << (bit % 8);
            }
        }
        copy
    }
}

/// An end of a [`Wire`]: what a driver sees of it.
pub struct Port {
    wire: Arc<Wire>,
    index: usize,
}

impl FrameIo for Port {
    fn attach(&self, irq: &Irq) {
        if let Some(port) = lock(&self.wire.state).ports.get_mut(self.index) {
            port.irq = Some(irq.clone());
        }
    }

    fn deadline(&self) -> Option<Time> {
        let state = lock(&self.wire.state);
        let (arrival, _) = state.ports.get(self.index)?.frames.keys().next()?;
        Some(*arrival)
    }

    fn read_frame(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let mut state = lock(&self.wire.state);
        let Some(port) = state.ports.get_mut(self.index) else {
            return Ok(None);
        };
        let Some(first) = port.frames.first_entry() else {
            return Ok(None);
        };
        if first.key().0 > self.wire.env.now() {
            return Ok(None);
        }
        let frame = first.remove();
        self.wire.counters.delivered.inc();
        let len = frame.len().min(buffer.len());
        buffer[..len].copy_from_slice(&frame[..len]);
        Ok(Some(len))
    }

    fn write_frame(&self, frame: &[u8]) -> io::Result<()> {
        self.wire.send(self.index, frame);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receive(port: &Port) -> Option<Vec<u8>> {
        let mut buffer = [0; 100];
        let len = port.read_frame(&mut buffer).unwrap()?;
        Some(buffer[..len].to_vec())
    }

    #[test]
    fn a_frame_reaches_all_others_after_the_delay() {
        let env = Env::manual(0);
        let delay = Duration::from_millis(5);
        let wire = Wire::with_faults(
            &env,
            Faults {
                delay,
                ..Faults::default()
            },
        );
        let (a, b, c) = (wire.port(), wire.port(), wire.port());
        a.write_frame(b"1").unwrap();
        a.write_frame(b"2").unwrap();
        assert_eq!(receive(&b), None, "under way");
        assert_eq!(b.deadline(), Some(Time::from_millis(5)));
        env.advance(delay);
        assert_eq!(receive(&b).as_deref(), Some(b"1".as_slice()));
        assert_eq!(receive(&b).as_deref(), Some(b"2".as_slice()));
        assert_eq!(receive(&c).as_deref(), Some(b"1".as_slice()));
        assert_eq!(receive(&a), None, "not to the sender");
    }

    #[test]
    fn faults_happen_as_often_as_they_should_and_repeat() {
        let run = |seed| {
            let env = Env::manual(seed);
            let faults = Faults {
                loss: 100,
                duplicate: 50,
                corrupt: 10,
                reorder: 100,
                jitter: Duration::from_millis(3),
                ..Faults::default()
            };
            let wire = Wire::with_faults(&env, faults);
            let (a, b) = (wire.port(), wire.port());
            for n in 0..2000u32 {
                a.write_frame(&n.to_be_bytes()).unwrap();
            }
            env.advance(Duration::from_secs(1));
            std::iter::from_fn(|| receive(&b)).collect::<Vec<_>>()
        };
        let arrived = run(1);
        assert_eq!(arrived, run(1));
        assert_ne!(arrived, run(2));
        // 2000 · 0.9 · 1.05 = 1890, give or take four standard deviations.
        assert!((1820..1960).contains(&arrived.len()), "{}", arrived.len());
        assert!(!arrived.is_sorted(), "some were overtaken");
    }

    #[test]
    fn a_full_port_loses_what_is_more() {
        let env = Env::manual(0);
        let wire = Wire::new(&env);
        let (a, b) = (wire.port(), wire.port());
        for n in 0..QUEUE_LIMIT + 3 {
            a.write_frame(&n.to_be_bytes()).unwrap();
        }
        assert_eq!(std::iter::from_fn(|| receive(&b)).count(), QUEUE_LIMIT);
        let counters = &wire.counters;
        assert_eq!(counters.carried.get(), counters.delivered.get() + 3);
        assert_eq!(counters.queue_full.get(), 3);
    }

    #[test]
    fn a_record_tells_what_became_of_each_frame() {
        let env = Env::manual(0);
        let wire = Wire::new(&env);
        let (a, b) = (wire.port(), wire.port());
        a.write_frame(b"before").unwrap();
        wire.record();
        wire.lose_if(|_, frame| frame == b"lost");
        env.advance(Duration::from_millis(1));
        a.write_frame(b"lost").unwrap();
        b.write_frame(b"hello").unwrap();
        let crossing = |from, arrives, frame: &[u8]| Crossing {
            sent: env.now(),
            arrives,
            from,
            frame: frame.to_vec(),
        };
        let expected = [
            crossing(0, None, b"lost"),
            crossing(1, Some(env.now()), b"hello"),
        ];
        assert_eq!(wire.take_record(), expected);
        assert_eq!(wire.take_record(), []);
    }

    #[test]
    fn chosen_frames_are_lost() {
        let env = Env::manual(0);
        let wire = Wire::new(&env);
        let (a, b) = (wire.port(), wire.port());
        wire.lose_if(|number, _| number == 1);
        for n in 0..3u8 {
            a.write_frame(&[n]).unwrap();
        }
        assert_eq!((receive(&b), receive(&b)), (Some(vec![0]), Some(vec![2])));
    }
}
