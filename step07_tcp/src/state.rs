//! All of TCP that a host knows: its connections and its listeners.
//!
//! [`State`] is pure: it cannot lock, send, or tell the time. Time comes as an
//! argument, segments to be sent are added to a list, and who must be woken
//! stands in another. So a test can play any conversation, and the same one
//! always goes the same way.
//!
//! Three kinds of events change it:
//! - a segment arrives: [`State::segment_arrives`], in [`segment_arrives`](crate::segment_arrives)
//! - a user calls: `listen`, `connect`, `send` …, in [`user_calls`](crate::user_calls)
//! - time passes: [`State::on_timer`], due at [`State::deadline`]

use std::collections::{BTreeSet, HashMap};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;

use crate::config::Config;
use crate::isn::Secret;
use crate::listener::Listeners;
use crate::memory::Room;
use crate::orphans::ByAge;
use crate::path_mtu::PathMtus;
use crate::segment::{Outgoing, Segment};
use crate::seq::SeqNumber;
use crate::tcb::{ById, Context, Id, Opened, Owner, Tcb, TcpState};
use crate::tcp_counters::TcpCounters;
use crate::time::Time;
use crate::warnings::Warnings;

/// The state of TCP.
#[derive(Debug)]
// ANCHOR: state
pub struct State {
    pub(crate) config: Config,
    pub(crate) secret: Secret,
    pub(crate) counters: Arc<TcpCounters>,
    next_id: u64,
    /// What the buffers of all connections occupy.
    memory: usize,
    /// How many ephemeral ports were given away.
    pub(crate) ports_given: u64,
    /// Found in the same time however many there are, as are their ends below:
    /// each segment asks for both.
    pub(crate) tcbs: ById<Box<Tcb>>,
    /// Local end and remote end, for all TCBs that can receive segments.
    connections: HashMap<(SocketAddrV4, SocketAddrV4), Id>,
    pub(crate) listeners: Listeners,
    /// The next deadline of each TCB that has one.
    deadlines: BTreeSet<(Time, Id)>,
    pub(crate) changed: Vec<Id>,
    // ANCHOR_END: state
    /// Connections without a user, and those in TIME-WAIT.
    pub(crate) orphans: ByAge,
    pub(crate) time_waits: ByAge,
    pub(crate) orphan_warnings: Warnings,
    /// What the ways to others carry.
    pub(crate) path_mtus: PathMtus,
    /// To whom the way may be dead.
    pub(crate) advice: Vec<Ipv4Addr>,
    /// Between [`begin_turn`](Self::begin_turn) and [`end_turn`](Self::end_turn).
    in_turn: bool,
    /// Who owes an acknowledgment when the turn ends.
    acks_due: Vec<Id>,
    /// The host shuts down: no connection begins any more.
    pub(crate) down: bool,
}

/// How far a new connection starts beyond an old one between the same ends:
/// farther than any window of the old one.
const BEYOND: u32 = 1 << 17;

impl State {
    /// TCP without any connection. `random` is the secret behind sequence
    /// numbers and ports.
    pub fn new(config: Config, random: u64) -> Self {
        Self {
            config,
            secret: Secret::new(random),
            counters: Arc::default(),
            next_id: 1,
            memory: 0,
            ports_given: 0,
            tcbs: ById::default(),
            connections: HashMap::new(),
            listeners: Listeners::default(),
            deadlines: BTreeSet::new(),
            changed: Vec::new(),
            orphans: ByAge::default(),
            time_waits: ByAge::default(),
            orphan_warnings: Warnings::default(),
            path_mtus: PathMtus::default(),
            advice: Vec::new(),
            in_turn: false,
            acks_due: Vec::new(),
            down: false,
        }
    }

    /// The counters; they can be read without asking the state.
    pub fn counters(&self) -> &Arc<TcpCounters> {
        &self.counters
    }

    /// What the buffers of all connections occupy, in octets.
    pub fn memory(&self) -> usize {
        self.memory
    }

    /// When [`on_timer`](Self::on_timer) has something to do.
    pub fn deadline(&self) -> Option<Time> {
        self.deadlines.first().map(|&(deadline, _)| deadline)
    }

    /// Time has passed: does what is due.
    pub fn on_timer(&mut self, now: Time, out: &mut Vec<Outgoing>) {
        // Each once: what becomes due by that is due at the next call.
        let due = self
            .deadlines
            .range(..=(now, Id(u64::MAX)))
            .map(|&(_, id)| id);
        for id in due.collect::<Vec<_>>() {
            self.with(id, now, out, Tcb::on_timer);
        }
    }

    // ANCHOR: turn
    /// Segments that arrive from now on have arrived together: an
    /// acknowledgment that is not urgent waits for the end of the turn.
    pub fn begin_turn(&mut self) {
        self.in_turn = true;
    }
    // ANCHOR_END: turn

    // ANCHOR: end_turn
    /// All segments of the turn are through: sends the acknowledgments that waited.
    pub fn end_turn(&mut self, now: Time, out: &mut Vec<Outgoing>) {
        self.in_turn = false;
        let mut due = std::mem::take(&mut self.acks_due);
        for id in due.drain(..) {
            self.with(id, now, out, Tcb::output);
        }
        self.acks_due = due;
    }
    // ANCHOR_END: end_turn

    /// Takes the list of those whose state has changed so that a user who waits
    /// for them should look again: connections, and listeners with a new child.
    /// To be called after every other call, or the list grows.
    pub fn take_changed(&mut self) -> Vec<Id> {
        std::mem::take(&mut self.changed)
    }

    /// As [`take_changed`](Self::take_changed), but adds to a list that is there.
    pub(crate) fn move_changed(&mut self, changed: &mut Vec<Id>) {
        changed.append(&mut self.changed);
    }

    /// A name that was never used.
    pub(crate) fn new_id(&mut self) -> Id {
        let id = Id(self.next_id);
        self.next_id += 1;
        id
    }

    /// All TCBs, the oldest first: a map has them in any order.
    pub(crate) fn ids(&self) -> Vec<Id> {
        let mut ids: Vec<Id> = self.tcbs.keys().copied().collect();
        ids.sort_unstable();
        ids
    }

    /// The connection between two ends.
    pub(crate) fn connection(&self, local: SocketAddrV4, remote: SocketAddrV4) -> Option<Id> {
        self.connections.get(&(local, remote)).copied()
    }

    /// Adds a TCB.
    pub(crate) fn insert(&mut self, mut tcb: Tcb, now: Time) -> Id {
        let id = tcb.id;
        if let Some(mtu) = self.path_mtus.get(*tcb.remote.ip(), now) {
            tcb.path_mtu.start_with(mtu);
        }
        self.connections.insert((tcb.local, tcb.remote), id);
        self.tcbs.insert(id, Box::new(tcb));
        id
    }

    // ANCHOR: with
    /// Lets something happen to a TCB, and draws the consequences.
    pub(crate) fn with<R>(
        &mut self,
        id: Id,
        now: Time,
        out: &mut Vec<Outgoing>,
        event: impl FnOnce(&mut Tcb, &mut Context<'_>) -> R,
    ) -> Option<R> {
        let count = self.tcbs.len();
        let tcb = self.tcbs.get_mut(&id)?;
        let room = Room::new(self.memory, tcb.charged, count, &self.config);
        let mut cx = Context {
            now,
            room,
            in_turn: self.in_turn,
            config: &self.config,
            counters: &self.counters,
            path_mtus: &mut self.path_mtus,
            advice: &mut self.advice,
            out,
        };
        let result = event(tcb, &mut cx);
        // ANCHOR_END: with
        if room < Room::Plenty {
            tcb.release_memory();
        }
        let memory = tcb.memory();
        self.memory = self.memory + memory - tcb.charged;
        tcb.charged = memory;
        if tcb.ack_due && self.in_turn && self.acks_due.last() != Some(&id) {
            self.acks_due.push(id);
        }
        if std::mem::take(&mut tcb.changed) {
            let (state, owner) = (tcb.state, tcb.owner);
            self.changed.push(id);
            self.follow(id, state, owner);
            self.limit_orphans(id, now, out);
        }
        self.schedule(id);
        Some(result)
    }

    /// What a TCB's state means for those around it.
    fn follow(&mut self, id: Id, state: TcpState, owner: Owner) {
        match (state, owner) {
            (TcpState::Closed, Owner::User) => self.disconnect(id),
            (TcpState::Closed, _) => self.discard(id),
            (TcpState::Listen, _) => self.relisten(id),
            (state, Owner::Listener(listener)) if state.is_synchronized() => {
                let backlog = self.listeners.backlog_mut(listener);
                if backlog.is_some_and(|backlog| backlog.promote(id)) {
                    self.changed.push(listener);
                }
            }
            _ => {}
        }
    }

    /// Keeps the deadline of a TCB up to date.
    fn schedule(&mut self, id: Id) {
        let Some(tcb) = self.tcbs.get_mut(&id) else {
            return;
        };
        let deadline = tcb.timers.next();
        if deadline != tcb.scheduled {
            if let Some(old) = tcb.scheduled {
                self.deadlines.remove(&(old, id));
            }
            tcb.scheduled = deadline;
            self.deadlines
                .extend(deadline.map(|deadline| (deadline, id)));
        }
    }

    /// Takes a closed TCB out of the way of segments; its user still has the name.
    fn disconnect(&mut self, id: Id) {
        self.orphans.remove(id);
        self.time_waits.remove(id);
        if let Some(tcb) = self.tcbs.get(&id) {
            let ends = (tcb.local, tcb.remote);
            if self.connections.get(&ends) == Some(&id) {
                self.connections.remove(&ends);
            }
        }
    }

    /// Removes a TCB without a word to its peer.
    pub(crate) fn discard(&mut self, id: Id) {
        self.disconnect(id);
        self.leave_backlog(id);
        let Some(tcb) = self.tcbs.remove(&id) else {
            return;
        };
        self.memory -= tcb.charged;
        if let Some(deadline) = tcb.scheduled {
            self.deadlines.remove(&(deadline, id));
        }
        log::debug!(target: "tcp::pcb_release", "released, local={}, foreign={}", tcb.local, tcb.remote);
    }

    /// A child that nobody has accepted gives its place to another.
    pub(crate) fn leave_backlog(&mut self, id: Id) {
        if let Some(Owner::Listener(listener)) = self.tcbs.get(&id).map(|tcb| tcb.owner)
            && let Some(backlog) = self.listeners.backlog_mut(listener)
        {
            backlog.remove(id);
        }
    }

    /// A passive OPEN whose connection came to nothing listens again, if its
    /// user has not closed it.
    fn relisten(&mut self, id: Id) {
        let wanted = self
            .tcbs
            .get(&id)
            .is_some_and(|tcb| tcb.owner == Owner::User);
        if !wanted {
            self.discard(id);
            return;
        }
        self.disconnect(id);
        if let Some(tcb) = self.tcbs.remove(&id) {
            self.memory -= tcb.charged;
            if let Some(deadline) = tcb.scheduled {
                self.deadlines.remove(&(deadline, id));
            }
            if let Opened::Passively(listener) = tcb.opened {
                self.listeners.insert(id, listener);
            }
        }
    }

    /// If a connection in TIME-WAIT has to yield to this segment, removes it
    /// and tells from where on the sequence numbers of the new one may start.
    pub(crate) fn give_way(&mut self, id: Id, segment: &Segment) -> Option<SeqNumber> {
        let tcb = self.tcbs.get(&id)?;
        let wanted = self.listeners.find(tcb.local, tcb.remote).is_some();
        let beyond =
            (wanted && tcb.yields_to(segment, &self.config)).then_some(tcb.snd.nxt + BEYOND)?;
        self.leave_time_wait(id);
        Some(beyond)
    }

    /// Ends a connection in TIME-WAIT before its time. Its user, if there is
    /// one, keeps the name, and nothing else.
    pub(crate) fn leave_time_wait(&mut self, id: Id) {
        let Some(tcb) = self.tcbs.get_mut(&id) else {
            return;
        };
        if tcb.owner != Owner::User {
            self.discard(id);
            return;
        }
        tcb.transition(TcpState::Closed);
        tcb.changed = false;
        self.changed.push(id);
        self.disconnect(id);
        self.schedule(id);
    }
}
