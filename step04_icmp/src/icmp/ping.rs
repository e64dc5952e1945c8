//! Echo from the asking side: who answers, and how long does it take?

use std::collections::VecDeque;
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::icmp::input::{EchoListener, ErrorListener, IcmpError};
use crate::icmp::message::{Code, IcmpType, echo_values};
use crate::icmp::output::Icmp;
use crate::packet::Packet;
use crate::sync::lock;
use crate::time::Time;

/// How many echoes may be on their way, and how many replies may wait.
const LIMIT: usize = 64;

/// An answer to one of our echoes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Who has answered.
    pub from: Ipv4Addr,
    /// Which of our echoes.
    pub seq: u16,
    /// How many octets of data came back.
    pub len: usize,
    /// From sending the echo to receiving the answer.
    pub round_trip: Duration,
}

// ANCHOR: answer
/// What has become of one of our echoes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It was answered.
    Reply(Reply),
    /// It could not be delivered.
    Failed {
        /// Who says so.
        from: Ipv4Addr,
        /// Which of our echoes.
        seq: u16,
        /// What kind of error it was.
        icmp_type: IcmpType,
        /// What exactly it was.
        code: Code,
    },
}
// ANCHOR_END: answer

// ANCHOR: state
#[derive(Default)]
struct State {
    seq: u16,
    sent: VecDeque<(u16, Time)>,
    answers: VecDeque<Answer>,
}
// ANCHOR_END: state

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    answered: Condvar,
}

/// Sends echoes under an identifier of its own, and collects the answers.
#[derive(Clone)]
pub struct Ping {
    icmp: Arc<Icmp>,
    id: u16,
    shared: Arc<Shared>,
}

impl Ping {
    /// A ping with the identifier `id`. The same value must be given to
    /// [`IcmpInput::listen_echo`](crate::icmp::IcmpInput::listen_echo), and to
    /// whatever else listens for errors about ICMP.
    pub fn new(icmp: &Arc<Icmp>, id: u16) -> Self {
        Self {
            icmp: Arc::clone(icmp),
            id,
            shared: Arc::default(),
        }
    }

    // ANCHOR: send
    /// Sends an echo with `data` from `src` (which may be 0.0.0.0), and
    /// returns its sequence number: 1, 2, …
    ///
    /// # Errors
    /// As [`Ip::output`](crate::ip::Ip::output).
    pub fn send(&self, src: Ipv4Addr, dst: Ipv4Addr, data: &[u8]) -> io::Result<u16> {
        let seq = {
            let mut state = lock(&self.shared.state);
            state.seq = state.seq.wrapping_add(1);
            let sent = (state.seq, self.icmp.ip().env().now());
            if state.sent.len() >= LIMIT {
                self.icmp.counters.echo_forgotten.inc();
                state.sent.pop_front(); // the oldest will not be answered any more
            }
            state.sent.push_back(sent);
            state.seq
        };
        // ANCHOR_END: send
        // ANCHOR: send_echo
        let values = echo_values(self.id, seq);
        self.icmp.output(
            IcmpType::ECHO,
            Code::NONE,
            values,
            Packet::new(data),
            src,
            dst,
        )?;
        Ok(seq)
        // ANCHOR_END: send_echo
    }

    /// Takes the next reply that has arrived; failures are passed over.
    pub fn reply(&self) -> Option<Reply> {
        let answers = &mut lock(&self.shared.state).answers;
        std::iter::from_fn(|| answers.pop_front()).find_map(|answer| match answer {
            Answer::Reply(reply) => Some(reply),
            Answer::Failed { .. } => None,
        })
    }

    // ANCHOR: wait
    /// Waits for the next answer, at most for `timeout`.
    pub fn wait(&self, timeout: Duration) -> Option<Answer> {
        let state = lock(&self.shared.state);
        let waiting = |state: &mut State| state.answers.is_empty();
        let result = self
            .shared
            .answered
            .wait_timeout_while(state, timeout, waiting);
        let (mut state, _) = result.unwrap_or_else(PoisonError::into_inner);
        state.answers.pop_front()
    }
    // ANCHOR_END: wait

    // ANCHOR: note
    /// Notes what has become of the echo `seq`, if it is one of ours that was
    /// not answered yet.
    fn note(&self, seq: u16, answer: impl FnOnce(Time) -> Answer) {
        let mut state = lock(&self.shared.state);
        let Some(at) = state.sent.iter().position(|(sent, _)| *sent == seq) else {
            return; // a duplicate, or nothing that we sent
        };
        let Some((_, sent)) = state.sent.remove(at) else {
            return;
        };
        if state.answers.len() >= LIMIT {
            self.icmp.counters.echo_forgotten.inc();
            return;
        }
        state.answers.push_back(answer(sent));
        self.shared.answered.notify_all();
    }
    // ANCHOR_END: note
}

// ANCHOR: echo_reply
impl EchoListener for Ping {
    fn echo_reply(&mut self, from: Ipv4Addr, id: u16, seq: u16, data: &[u8]) {
        if id != self.id {
            return;
        }
        let now = self.icmp.ip().env().now();
        self.note(seq, |sent| {
            Answer::Reply(Reply {
                from,
                seq,
                len: data.len(),
                round_trip: now.since(sent),
            })
        });
    }
}
// ANCHOR_END: echo_reply

// ANCHOR: error
impl ErrorListener for Ping {
    fn error(&mut self, error: &IcmpError<'_>) {
        // The echo's own header: type, code, checksum, identifier, sequence number.
        let Some(&[kind, _, _, _, i0, i1, s0, s1]) = error.payload.first_chunk() else {
            return;
        };
        let ours = u16::from_be_bytes([i0, i1]) == self.id;
        if ours && IcmpType(kind) == IcmpType::ECHO {
            let seq = u16::from_be_bytes([s0, s1]);
            self.note(seq, |_| Answer::Failed {
                from: error.from,
                seq,
                icmp_type: error.icmp_type,
                code: error.code,
            });
        }
    }
}
// ANCHOR_END: error
