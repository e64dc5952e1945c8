//! Echo from the asking side: who answers, and how long does it take?

use std::collections::VecDeque;
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::icmp::input::EchoListener;
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

#[derive(Default)]
struct State {
    seq: u16,
    sent: VecDeque<(u16, Time)>,
    replies: VecDeque<Reply>,
}

/// Sends echoes under an identifier of its own, and collects the answers.
#[derive(Clone)]
pub struct Ping {
    icmp: Arc<Icmp>,
    id: u16,
    state: Arc<Mutex<State>>,
}

impl Ping {
    /// A ping with the identifier `id`. The same value must be given to
    /// [`IcmpInput::listen_echo`](crate::icmp::IcmpInput::listen_echo).
    pub fn new(icmp: &Arc<Icmp>, id: u16) -> Self {
        Self {
            icmp: Arc::clone(icmp),
            id,
            state: Arc::default(),
        }
    }

    /// Sends an echo with `data` from `src` (which may be 0.0.0.0), and
    /// returns its sequence number: 1, 2, …
    ///
    /// # Errors
    /// As [`Ip::output`](crate::ip::Ip::output).
    pub fn send(&self, src: Ipv4Addr, dst: Ipv4Addr, data: &[u8]) -> io::Result<u16> {
        let seq = {
            let mut state = lock(&self.state);
            state.seq = state.seq.wrapping_add(1);
            let sent = (state.seq, self.icmp.ip().env().now());
            if state.sent.len() >= LIMIT {
                state.sent.pop_front(); // the oldest will not be answered any more
            }
            state.sent.push_back(sent);
            state.seq
        };
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
    }

    /// Takes the next answer that has arrived.
    pub fn reply(&self) -> Option<Reply> {
        lock(&self.state).replies.pop_front()
    }
}

impl EchoListener for Ping {
    fn echo_reply(&mut self, from: Ipv4Addr, id: u16, seq: u16, data: &[u8]) {
        if id != self.id {
            return;
        }
        let now = self.icmp.ip().env().now();
        let mut state = lock(&self.state);
        let Some(at) = state.sent.iter().position(|(sent, _)| *sent == seq) else {
            return; // a duplicate, or nothing that we sent
        };
        if let Some((_, sent)) = state.sent.remove(at)
            && state.replies.len() < LIMIT
        {
            state.replies.push_back(Reply {
                from,
                seq,
                len: data.len(),
                round_trip: now.since(sent),
            });
        }
    }
}
