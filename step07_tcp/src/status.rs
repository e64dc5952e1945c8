//! What can be seen of connections and listeners from outside (RFC 9293 §3.10.6).

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use crate::listener::Listener;
use crate::state::State;
use crate::tcb::{Id, Owner, Tcb, TcpState};

/// A connection or a listener at a moment.
#[derive(Clone, Copy, Debug)]
pub struct Status {
    /// Its name.
    pub id: Id,
    /// Its state.
    pub state: TcpState,
    /// Our end.
    pub local: SocketAddrV4,
    /// The peer's end; 0.0.0.0:0 for a listener.
    pub remote: SocketAddrV4,
    /// False for a connection that its user has closed or not yet accepted.
    pub in_use: bool,
    /// Octets that can be received; for a listener, connections that can be accepted.
    pub readable: usize,
    /// How many of the octets from the next readable one on are urgent.
    pub urgent: u32,
    /// True if no more will come than is readable now.
    pub end_of_stream: bool,
    /// Octets that can be sent without waiting.
    pub writable: usize,
    /// True if everything sent has been acknowledged, the FIN too, if there was one.
    pub flushed: bool,
    /// What has gone wrong and was not told yet.
    pub error: Option<io::ErrorKind>,
    /// What the connection has measured; `None` for a listener.
    pub measures: Option<Measures>,
}

/// Numbers for a status page or a trace.
#[derive(Clone, Copy, Debug)]
pub struct Measures {
    /// The smoothed round-trip time.
    pub srtt: Option<Duration>,
    /// The retransmission timeout.
    pub rto: Duration,
    /// The congestion window, in octets.
    pub cwnd: u32,
    /// The slow start threshold, in octets.
    pub ssthresh: Option<u32>,
    /// Octets in flight.
    pub flight: u32,
    /// The peer's window, in octets.
    pub send_window: u32,
    /// Our window, in octets.
    pub receive_window: u32,
    /// Retransmission timeouts in a row. From three on, R1 of RFC 9293 §3.8.3,
    /// something is wrong (SHLD-9, SHLD-10).
    pub timeouts: u32,
    /// The longest text that is sent in one segment.
    pub mss: u32,
}

impl State {
    /// STATUS: what a connection or a listener looks like now. `None` if there
    /// is none of that name.
    pub fn status(&self, id: Id) -> Option<Status> {
        let connection = || self.tcbs.get(&id).map(|tcb| tcb.status());
        let listener = || {
            self.listeners
                .get(id)
                .map(|listener| of_listener(id, listener))
        };
        connection().or_else(listener)
    }

    /// All listeners and all connections, also those in which no user has a part.
    pub fn all(&self) -> impl Iterator<Item = Status> {
        let listeners = self
            .listeners
            .iter()
            .map(|(id, listener)| of_listener(id, listener));
        let connections = self.ids().into_iter().filter_map(|id| self.tcbs.get(&id));
        listeners.chain(connections.map(|tcb| tcb.status()))
    }
}

impl Tcb {
    fn status(&self) -> Status {
        let opening = matches!(self.state, TcpState::SynSent | TcpState::SynReceived);
        let can_send = self.state.can_send() && !self.send_buffer.is_closed();
        Status {
            id: self.id,
            state: self.state,
            local: self.local,
            remote: self.remote,
            in_use: self.owner == Owner::User,
            readable: if opening {
                0
            } else {
                self.receive_buffer.readable()
            },
            urgent: self.urgent(),
            end_of_stream: self.reading_shut || !(opening || self.state.can_receive()),
            writable: if can_send { self.send_buffer.room() } else { 0 },
            flushed: self.send_buffer.is_empty()
                && self.snd.una == self.snd.nxt
                && !self.has_unsent(),
            error: self.error,
            measures: Some(Measures {
                srtt: self.rto.smoothed(),
                rto: self.rto.timeout(),
                cwnd: self.congestion.window(),
                ssthresh: self.congestion.slow_start_threshold(),
                flight: self.flight(),
                send_window: self.snd.wnd,
                receive_window: self.rcv.wnd,
                timeouts: self.timeouts,
                mss: self.mss,
            }),
        }
    }
}

fn of_listener(id: Id, listener: &Listener) -> Status {
    let nobody = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
    Status {
        id,
        state: TcpState::Listen,
        local: listener.local,
        remote: listener.remote.unwrap_or(nobody),
        in_use: true,
        readable: listener
            .backlog
            .as_ref()
            .map_or(0, |backlog| backlog.ready()),
        urgent: 0,
        end_of_stream: false,
        writable: 0,
        flushed: true,
        error: None,
        measures: None,
    }
}
