//! What a user can ask for (RFC 9293 §3.9.1, §3.10.1 to §3.10.6).
//!
//! Errors have the kinds that `std::net` gives. A call that would have to wait
//! fails with [`io::ErrorKind::WouldBlock`]; [`State::take_changed`] tells when
//! to try again.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Shutdown, SocketAddrV4};

use crate::flags::Flags;
use crate::listener::{Backlog, Listener};
use crate::segment::Outgoing;
use crate::segment_arrives::is_unicast;
use crate::state::State;
use crate::tcb::{Context, Id, Opened, Owner, Tcb, TcpState};
use crate::time::Time;

/// Stands for the peer where there is none.
const NOBODY: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);

impl State {
    /// Passive OPEN in the style of sockets: makes a connection of each
    /// request. At most `backlog` of them wait to be accepted or completed.
    /// Port 0 stands for any free one; see [`status`](Self::status).
    pub fn listen(&mut self, local: SocketAddrV4, backlog: usize) -> io::Result<Id> {
        self.add_listener(Listener {
            local,
            remote: None,
            backlog: Some(Backlog::new(backlog, self.config.syn_backlog)),
        })
    }

    /// Passive OPEN in the style of the RFC (§3.10.1): waits for one request,
    /// from `remote` or from anyone, and becomes the connection itself.
    // ANCHOR: open_passive
    pub fn open_passive(
        &mut self,
        local: SocketAddrV4,
        remote: Option<SocketAddrV4>,
    ) -> io::Result<Id> {
        let id = self.add_listener(Listener {
            local,
            remote,
            backlog: None,
        })?;
        log::debug!(target: "tcp::open", "passive open: local={local}, waiting for connection...");
        Ok(id)
    }
    // ANCHOR_END: open_passive

    fn add_listener(&mut self, mut listener: Listener) -> io::Result<Id> {
        self.check_up()?;
        if listener.local.port() == 0 {
            let count = self.ports_given;
            let mut ports = self.secret.ephemeral_ports(listener.local, NOBODY, count);
            let free = ports.find(|&port| !self.listeners.uses_port(port));
            listener.local.set_port(free.ok_or(ErrorKind::AddrInUse)?);
            self.ports_given += 1;
        }
        if self.listeners.conflicts_with(&listener) {
            return Err(ErrorKind::AddrInUse.into());
        }
        let id = self.new_id();
        log::debug!(
            target: "tcp::transition",
            "id={id}, local={}, foreign={}, {} => {}",
            listener.local, listener.remote.unwrap_or(NOBODY), TcpState::Closed, TcpState::Listen
        );
        self.listeners.insert(id, listener);
        Ok(id)
    }

    /// Takes an established connection from a listener, and tells its peer.
    pub fn accept(&mut self, listener: Id) -> io::Result<(Id, SocketAddrV4)> {
        self.check_up()?;
        // ANCHOR: accept
        let backlog = self
            .listeners
            .backlog_mut(listener)
            .ok_or(ErrorKind::InvalidInput)?;
        let child = backlog.accept().ok_or(ErrorKind::WouldBlock)?;
        let tcb = self.tcbs.get_mut(&child).ok_or(ErrorKind::WouldBlock)?;
        tcb.owner = Owner::User;
        Ok((child, tcb.remote))
        // ANCHOR_END: accept
    }

    /// Active OPEN: sends a SYN to `remote`. Port 0 of `local` stands for an
    /// ephemeral one. `mtu` is that of the way to the peer. The connection can
    /// be used when its [`status`](Self::status) is ESTABLISHED; if it becomes
    /// CLOSED instead, [`take_error`](Self::take_error) says why.
    pub fn connect(
        &mut self,
        mut local: SocketAddrV4,
        remote: SocketAddrV4,
        mtu: usize,
        now: Time,
        out: &mut Vec<Outgoing>,
    ) -> io::Result<Id> {
        // ANCHOR: connect_checks
        if remote.port() == 0 || !is_unicast(remote) || !is_unicast(local) {
            return Err(ErrorKind::InvalidInput.into());
        }
        self.check_up()?;
        if local.port() == 0 {
            local.set_port(self.ephemeral_port(local, remote)?);
        } else if self.connection(local, remote).is_some() {
            return Err(ErrorKind::AddrInUse.into());
        }
        // ANCHOR_END: connect_checks
        // ANCHOR: connect
        let iss = self.secret.initial_sequence_number(local, remote, now);
        let who = (self.new_id(), Owner::User, Opened::Actively);
        let mut tcb = Tcb::new(who, (local, remote), mtu, iss, &self.config);
        tcb.clock = self.secret.timestamp_clock(local, remote);
        let id = self.insert(tcb, now);
        self.counters.active_opens.inc();
        log::debug!(target: "tcp::open", "active open: local={local}, foreign={remote}, connecting...");
        self.with(id, now, out, |tcb, cx| {
            tcb.transition(TcpState::SynSent);
            tcb.send_syn(Flags::SYN, cx);
        });
        Ok(id)
        // ANCHOR_END: connect
    }

    /// A port on which nobody listens and no connection to `remote` exists.
    fn ephemeral_port(&mut self, local: SocketAddrV4, remote: SocketAddrV4) -> io::Result<u16> {
        let mut ports = self.secret.ephemeral_ports(local, remote, self.ports_given);
        let free = |&port: &u16| {
            let local = SocketAddrV4::new(*local.ip(), port);
            !self.listeners.uses_port(port) && self.connection(local, remote).is_none()
        };
        let port = ports.find(free).ok_or(ErrorKind::AddrNotAvailable)?;
        self.ports_given += 1;
        Ok(port)
    }

    /// SEND (§3.10.2): takes as much of `data` as there is room for.
    pub fn send(
        &mut self,
        id: Id,
        data: &[u8],
        now: Time,
        out: &mut Vec<Outgoing>,
    ) -> io::Result<usize> {
        self.on_connection(id, now, out, |tcb, cx| tcb.send(data, cx))
    }

    /// RECEIVE (§3.10.3): takes what has arrived. `Ok(0)` is the end of the stream.
    pub fn receive(
        &mut self,
        id: Id,
        buffer: &mut [u8],
        now: Time,
        out: &mut Vec<Outgoing>,
    ) -> io::Result<usize> {
        self.on_connection(id, now, out, |tcb, cx| {
            // ANCHOR: receive
            tcb.receivable(buffer.is_empty())?;
            let len = tcb.receive_buffer.read(buffer);
            tcb.forget_urgent();
            tcb.grow_receive_buffer(len, cx);
            tcb.update_window(cx);
            tcb.reader_waits = false;
            if tcb.ack_due {
                tcb.output(cx);
            }
            Ok(len)
            // ANCHOR_END: receive
        })
    }

    /// Says whether a user who finds nothing at the next [`receive`](Self::receive)
    /// sleeps until there is something. Reading ends it.
    pub fn set_reader_waits(&mut self, id: Id, waits: bool) {
        if let Some(tcb) = self.tcbs.get_mut(&id) {
            tcb.reader_waits = waits;
        }
    }

    /// As [`receive`](Self::receive), but leaves what has arrived where it is.
    pub fn peek(&mut self, id: Id, buffer: &mut [u8]) -> io::Result<usize> {
        let tcb = self.tcbs.get_mut(&id).ok_or(ErrorKind::NotConnected)?;
        tcb.receivable(buffer.is_empty())?;
        Ok(tcb.receive_buffer.peek(buffer))
    }

    /// Ends one direction, or both. The connection stays the user's.
    pub fn shutdown(
        &mut self,
        id: Id,
        how: Shutdown,
        now: Time,
        out: &mut Vec<Outgoing>,
    ) -> io::Result<()> {
        self.on_connection(id, now, out, |tcb, cx| {
            if matches!(tcb.state, TcpState::Closed | TcpState::SynSent) {
                return Err(ErrorKind::NotConnected.into());
            }
            if how != Shutdown::Write {
                tcb.reading_shut = true;
                tcb.changed = true;
            }
            if how != Shutdown::Read {
                tcb.close_send(cx);
            }
            Ok(())
        })
    }

    /// CLOSE (§3.10.4), for good: the user forgets the name. What was sent is
    /// delivered, then a FIN; the connection then ends and vanishes by itself.
    pub fn close(&mut self, id: Id, now: Time, out: &mut Vec<Outgoing>) {
        self.forget(id, now, out, Tcb::close);
    }

    /// ABORT (§3.10.5): resets the connection and forgets it.
    pub fn abort(&mut self, id: Id, now: Time, out: &mut Vec<Outgoing>) {
        self.forget(id, now, out, Tcb::abort);
    }

    /// The host shuts down: aborts all connections, and lets none begin. What
    /// is in TIME-WAIT has no peer that waits, and listeners end with their handles.
    pub fn shut_down(&mut self, now: Time, out: &mut Vec<Outgoing>) {
        self.down = true;
        for id in self.ids() {
            let tcb = self.tcbs.get(&id);
            if tcb.is_some_and(|tcb| tcb.state != TcpState::TimeWait) {
                self.end(id, now, out, Tcb::abort);
            }
        }
    }

    /// A call that would begin a connection fails when the host shuts down.
    fn check_up(&self) -> io::Result<()> {
        if self.down {
            return Err(ErrorKind::Interrupted.into());
        }
        Ok(())
    }

    /// Ends a connection, or a listener with all children that nobody has accepted.
    fn forget(
        &mut self,
        id: Id,
        now: Time,
        out: &mut Vec<Outgoing>,
        end: fn(&mut Tcb, &mut Context<'_>),
    ) {
        if let Some(listener) = self.listeners.remove(id) {
            log::debug!(
                target: "tcp::transition",
                "id={id}, local={}, foreign={}, {} => {}",
                listener.local, listener.remote.unwrap_or(NOBODY), TcpState::Listen, TcpState::Closed
            );
            self.changed.push(id);
            let children = listener.backlog.iter().flat_map(Backlog::children);
            for child in children.collect::<Vec<_>>() {
                self.end(child, now, out, Tcb::abort);
            }
        } else {
            self.end(id, now, out, end);
        }
    }

    fn end(
        &mut self,
        id: Id,
        now: Time,
        out: &mut Vec<Outgoing>,
        end: fn(&mut Tcb, &mut Context<'_>),
    ) {
        self.leave_backlog(id);
        self.with(id, now, out, |tcb, cx| {
            tcb.owner = Owner::Nobody;
            tcb.changed = true;
            end(tcb, cx);
        });
    }

    /// Switches Nagle's algorithm off or on (RFC 9293 §3.7.4, MUST-17).
    pub fn set_nodelay(
        &mut self,
        id: Id,
        nodelay: bool,
        now: Time,
        out: &mut Vec<Outgoing>,
    ) -> io::Result<()> {
        self.on_connection(id, now, out, |tcb, cx| {
            tcb.nodelay = nodelay;
            tcb.output(cx);
            Ok(())
        })
    }

    /// Is Nagle's algorithm off?
    pub fn nodelay(&self, id: Id) -> io::Result<bool> {
        let tcb = self.tcbs.get(&id).ok_or(ErrorKind::NotConnected)?;
        Ok(tcb.nodelay)
    }

    /// What has gone wrong with a connection since the last question.
    pub fn take_error(&mut self, id: Id) -> Option<io::Error> {
        let error = self.tcbs.get_mut(&id)?.error.take();
        error.map(io::Error::from)
    }

    pub(crate) fn on_connection<R>(
        &mut self,
        id: Id,
        now: Time,
        out: &mut Vec<Outgoing>,
        call: impl FnOnce(&mut Tcb, &mut Context<'_>) -> io::Result<R>,
    ) -> io::Result<R> {
        self.with(id, now, out, call)
            .unwrap_or(Err(ErrorKind::NotConnected.into()))
    }
}

impl Tcb {
    // ANCHOR: send
    pub(crate) fn send(&mut self, data: &[u8], cx: &mut Context<'_>) -> io::Result<usize> {
        if let Some(error) = self.error.take() {
            return Err(error.into());
        }
        match self.state {
            _ if self.send_buffer.is_closed() => Err(ErrorKind::BrokenPipe.into()),
            TcpState::SynSent | TcpState::SynReceived => Err(ErrorKind::WouldBlock.into()),
            state if state.can_send() => {
                let taken = self.send_buffer.write(self.allowed(data, cx));
                if taken == 0 && !data.is_empty() {
                    return Err(ErrorKind::WouldBlock.into());
                }
                self.output(cx);
                Ok(taken)
            }
            _ => Err(ErrorKind::BrokenPipe.into()),
        }
    }
    // ANCHOR_END: send

    // ANCHOR: receivable
    /// Is there something to be received, were it only the end? What has
    /// arrived is the user's, also after a reset.
    fn receivable(&mut self, nothing_wanted: bool) -> io::Result<()> {
        if self.receive_buffer.readable() > 0 && self.state != TcpState::SynReceived
            || nothing_wanted
        {
            return Ok(());
        }
        if let Some(error) = self.error.take() {
            return Err(error.into());
        }
        let may_come = self.state.can_receive() && !self.reading_shut;
        let not_yet = matches!(self.state, TcpState::SynSent | TcpState::SynReceived);
        if may_come || not_yet {
            Err(ErrorKind::WouldBlock.into())
        } else {
            Ok(())
        }
    }
    // ANCHOR_END: receivable

    // ANCHOR: close_send
    /// The user will send no more: a FIN follows the last octet (§3.10.4).
    fn close_send(&mut self, cx: &mut Context<'_>) {
        self.send_buffer.close();
        match self.state {
            TcpState::Established => self.transition(TcpState::FinWait1),
            TcpState::CloseWait => self.transition(TcpState::LastAck),
            // In SYN-RECEIVED: "queue for processing after entering ESTABLISHED state".
            _ => {}
        }
        self.output(cx);
    }
    // ANCHOR_END: close_send

    // ANCHOR: close
    fn close(&mut self, cx: &mut Context<'_>) {
        match self.state {
            // "Delete the TCB."
            TcpState::SynSent | TcpState::Listen => self.transition(TcpState::Closed),
            TcpState::Closed => {}
            // What the user has not read is lost, and the peer must know
            // (RFC 9293 §3.6.1, RFC 2525 §2.17).
            state
                if self.receive_buffer.readable() > 0
                    && (state.can_receive() || state == TcpState::CloseWait) =>
            {
                self.abort(cx);
            }
            _ => {
                self.close_send(cx);
                self.guard_fin_wait2(cx);
            }
        }
    }
    // ANCHOR_END: close

    pub(crate) fn abort(&mut self, cx: &mut Context<'_>) {
        match self.state {
            TcpState::SynReceived
            | TcpState::Established
            | TcpState::FinWait1
            | TcpState::FinWait2
            | TcpState::CloseWait => self.send_reset(cx),
            // The peer knows of no connection, or of its end.
            _ => {}
        }
        if self.state != TcpState::Closed {
            self.transition(TcpState::Closed);
        }
    }
}
