//! TCP as the rest of the host sees it: the state under its one lock, the way
//! down to IP, and the sleep of those who wait.
//!
//! ```text
//!   TcpStream, TcpListener            TcpInput ◄─ IpInput
//!        application threads          TcpTimer ◄─ main loop
//!                 └──────────► Tcp ◄──────┘
//!                        State (one lock) ──► Ip::output
//! ```
//!
//! Whatever happens to the [`State`] leaves segments in the [`Outbox`]. They are
//! sent after the lock is free again, but in the order in which they were made:
//! a segment that overtakes another looks like a loss to the peer.

use std::cell::Cell;
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use log::debug;

use crate::config::Config;
use crate::device::DeviceFlags;
use crate::gather::{Gathered, gather};
use crate::header::Header;
use crate::hexdump::hexdump;
use crate::icmp_errors::IcmpError;
use crate::ip::{Ip, IpProtocol};
use crate::logger;
use crate::outbox::Outbox;
use crate::segment::Outgoing;
use crate::state::State;
use crate::status::Status;
use crate::tcb::Id;
use crate::tcp_counters::TcpCounters;
use crate::time::Time;
use crate::wait::Monitor;

/// TCP, shared by sockets, the way up and the timer.
pub struct Tcp {
    ip: Arc<Ip>,
    state: Monitor<State>,
    /// What is to be sent, in the order in which it was made.
    outbox: Outbox<Outgoing>,
    /// What happened at this floor, both ways.
    pub counters: Arc<TcpCounters>,
}

thread_local! {
    /// A list of segments, empty: its memory serves for one event after another.
    static SPARE: Cell<Vec<Outgoing>> = const { Cell::new(Vec::new()) };
}

/// What the state has left to be done, beside the segments in the outbox.
struct Leftovers {
    /// Are there any?
    segments: bool,
    /// From whom no answers come.
    advice: Vec<Ipv4Addr>,
    /// A deadline has come nearer than the main loop knows.
    nearer: bool,
}

impl Tcp {
    /// TCP over `ip`.
    pub fn new(ip: &Arc<Ip>, config: Config) -> Arc<Self> {
        let state = State::new(config, ip.env().random());
        Arc::new(Self {
            ip: Arc::clone(ip),
            counters: Arc::clone(state.counters()),
            state: Monitor::new(state),
            outbox: Outbox::default(),
        })
    }

    /// The floor below.
    pub fn ip(&self) -> &Arc<Ip> {
        &self.ip
    }

    // ANCHOR: run
    /// Lets something happen to the state, and sends what follows from it.
    pub(crate) fn run<R>(
        &self,
        event: impl FnOnce(&mut State, Time, &mut Vec<Outgoing>) -> R,
    ) -> R {
        let _scope = logger::scope(self.ip.env());
        let mut changed = Vec::new();
        let (result, leftovers) = self
            .state
            .with(|state| self.collect(state, &mut changed, event));
        self.dispatch(leftovers);
        self.wake(changed);
        result
    }
    // ANCHOR_END: run

    // ANCHOR: blocking
    /// Lets a call happen as soon as it need not wait any more for `id`; sleeps
    /// until then. `timeout` as in [`Monitor::sleep_until`].
    pub(crate) fn run_blocking<R>(
        &self,
        id: Id,
        timeout: Option<Duration>,
        mut call: impl FnMut(&mut State, Time, &mut Vec<Outgoing>) -> io::Result<R>,
    ) -> io::Result<R> {
        let _scope = logger::scope(self.ip.env());
        let mut changed = Vec::new();
        let (result, leftovers) = self.state.sleep_until(id.0, timeout, |state| {
            let (result, leftovers) = self.collect(state, &mut changed, &mut call);
            match result {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    debug_assert!(!leftovers.segments, "who waits sends nothing");
                    None
                }
                result => Some((result, leftovers)),
            }
        })?;
        self.dispatch(leftovers);
        self.wake(changed);
        result
    }
    // ANCHOR_END: blocking

    /// As [`run`](Self::run), but wakes nobody: adds to `changed` who is to be woken.
    pub(crate) fn run_quietly(
        &self,
        changed: &mut Vec<Id>,
        event: impl FnOnce(&mut State, Time, &mut Vec<Outgoing>),
    ) {
        let _scope = logger::scope(self.ip.env());
        let ((), leftovers) = self.state.with(|state| self.collect(state, changed, event));
        self.dispatch(leftovers);
    }

    /// Wakes who waits for one of `changed`.
    pub(crate) fn wake(&self, changed: impl IntoIterator<Item = Id>) {
        for id in changed {
            self.state.wakeup(id.0);
        }
    }

    fn collect<R>(
        &self,
        state: &mut State,
        changed: &mut Vec<Id>,
        event: impl FnOnce(&mut State, Time, &mut Vec<Outgoing>) -> R,
    ) -> (R, Leftovers) {
        let before = state.deadline();
        let mut segments = SPARE.take();
        let result = event(state, self.ip.env().now(), &mut segments);
        state.move_changed(changed);
        let after = state.deadline();
        let leftovers = Leftovers {
            segments: !segments.is_empty(),
            advice: state.take_advice(),
            nearer: after.is_some_and(|after| before.is_none_or(|before| after < before)),
        };
        // Under the state's lock: in the order in which they were made.
        self.outbox.put(&mut segments);
        SPARE.set(segments);
        (result, leftovers)
    }

    /// Sends what is to be sent.
    fn dispatch(&self, leftovers: Leftovers) {
        let mut failed = Vec::new();
        if leftovers.segments {
            self.outbox
                .send(|segments| self.send_all(segments, &mut failed));
        }
        // A full queue is a loss like any other. What cannot be sent at all
        // must not leave a user waiting for an answer.
        for ((local, remote), kind) in failed {
            if kind != io::ErrorKind::WouldBlock {
                self.run(|state, now, out| state.unreachable(local, remote, kind, now, out));
            }
        }
        for dst in leftovers.advice {
            self.ip.negative_advice(dst);
        }
        if leftovers.nearer {
            self.ip.env().wake();
        }
    }

    // ANCHOR: send_all
    fn send_all(&self, segments: &mut Vec<Outgoing>, failed: &mut Vec<(Ends, io::ErrorKind)>) {
        let mut output = |outgoing: Outgoing, segment, offload| {
            let ends = (outgoing.local, outgoing.remote);
            if let Err(error) = self.output(outgoing, segment, offload) {
                failed.push((ends, error.kind()));
            }
        };
        if self.offloads(segments) {
            for Gathered { outgoing, segment } in gather(segments) {
                output(outgoing, segment, true);
            }
        } else {
            for outgoing in segments.drain(..) {
                output(outgoing, None, false);
            }
        }
    }
    // ANCHOR_END: send_all

    // ANCHOR: offloads
    /// Does the device by which these leave finish what is unfinished?
    fn offloads(&self, segments: &[Outgoing]) -> bool {
        // Mostly they are all for one peer. If not, all can wait for another time.
        let Some((first, rest)) = segments.split_first() else {
            return false;
        };
        let dst = *first.remote.ip();
        let route = self.ip.route(dst);
        route.is_some_and(|route| route.iface.device().flags().contains(DeviceFlags::OFFLOAD))
            && rest.iter().all(|other| *other.remote.ip() == dst)
    }
    // ANCHOR_END: offloads

    // ANCHOR: output
    /// Sends one segment; or several in one packet, with so much text in each.
    fn output(&self, outgoing: Outgoing, segment: Option<u16>, offload: bool) -> io::Result<()> {
        let (local, remote) = (outgoing.local, outgoing.remote);
        let parameters = outgoing.service.into();
        let payload = outgoing.segment.payload.len();
        let packet = if offload {
            outgoing.into_unfinished_packet(segment)
        } else {
            outgoing.into_packet()
        };
        if log::log_enabled!(target: "tcp::output_segment", log::Level::Debug)
            && let Ok((header, _)) = Header::parse(&packet)
        {
            debug!(
                target: "tcp::output_segment",
                "{local} => {remote}, len={} (payload={payload})\n{header}{}",
                packet.len(), hexdump(&packet)
            );
        }
        let (src, dst) = (*local.ip(), *remote.ip());
        self.ip
            .output_with(&parameters, IpProtocol::TCP, src, dst, packet)
    }
    // ANCHOR_END: output

    pub(crate) fn deadline(&self) -> Option<Time> {
        self.state.with(|state| state.deadline())
    }

    /// An error about one of our segments.
    pub(crate) fn error(&self, ends: Ends, seq: crate::seq::SeqNumber, error: IcmpError) {
        self.run(|state, now, out| state.icmp_error(ends.0, ends.1, seq, error, now, out));
    }

    /// A connection or a listener as it is now.
    pub fn status(&self, id: Id) -> Option<Status> {
        self.state.with(|state| state.status(id))
    }

    /// All listeners and connections.
    pub fn all(&self) -> Vec<Status> {
        self.state.with(|state| state.all().collect())
    }

    /// Ends the sleep of all who are blocked in a call now (`Interrupted`).
    pub fn interrupt(&self) {
        self.state.interrupt();
    }

    /// How many threads are asleep in a call.
    pub fn sleepers(&self) -> usize {
        self.state.sleepers()
    }

    /// Ends the sleep of all, now and ever: the host shuts down. Connections
    /// that still exist are reset, so that no peer waits in vain, and none
    /// begins any more.
    pub fn close(&self) {
        self.state.close();
        self.run(|state, now, out| state.shut_down(now, out));
        // Nobody sends for us after the end.
        self.outbox
            .finish(|segments| self.send_all(segments, &mut Vec::new()));
    }
}

/// Our end and the peer's end of a connection.
pub(crate) type Ends = (std::net::SocketAddrV4, std::net::SocketAddrV4);
