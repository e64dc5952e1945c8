//! Sockets, in the shape of `std::net::UdpSocket`.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, ToSocketAddrs};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use log::debug;

use crate::logger;
use crate::sync::lock;
use crate::udp::output::Udp;
use crate::udp::pcb::{Id, Pcb};

/// The first IPv4 address that `addr` stands for.
///
/// # Errors
/// `InvalidInput`: there is none.
pub fn resolve(addr: impl ToSocketAddrs) -> io::Result<SocketAddrV4> {
    let mut addrs = addr.to_socket_addrs()?.filter_map(|addr| match addr {
        SocketAddr::V4(addr) => Some(addr),
        SocketAddr::V6(_) => None,
    });
    addrs.next().ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            "no IPv4 address: this stack speaks no other",
        )
    })
}

/// How a socket's calls behave.
#[derive(Clone, Copy, Debug, Default)]
struct Mode {
    nonblocking: bool,
    read_timeout: Option<Duration>,
}

/// Closes the control block when the last handle is dropped.
pub(super) struct Handle {
    pub(super) udp: Arc<Udp>,
    id: Id,
    mode: Mutex<Mode>,
}

// ANCHOR: drop
impl Drop for Handle {
    fn drop(&mut self) {
        let _scope = logger::scope(self.udp.ip().env());
        self.udp.pcbs.with(|state| state.close(self.id));
        self.udp.pcbs.wakeup(self.id.key());
    }
}
// ANCHOR_END: drop

/// A UDP socket. Clones are handles of the same socket; the last one closes it.
#[derive(Clone)]
pub struct UdpSocket(pub(super) Arc<Handle>);

impl UdpSocket {
    /// Opens a socket with the address `addr`. The address 0.0.0.0 stands for
    /// all of the host's, and port 0 for any free port.
    ///
    /// # Errors
    /// `AddrInUse`: another socket has it. `AddrNotAvailable`: it is none of
    /// the host's.
    // ANCHOR: bind
    pub fn bind(udp: &Arc<Udp>, addr: impl ToSocketAddrs) -> io::Result<Self> {
        let _scope = logger::scope(udp.ip().env());
        let addr = resolve(addr)?;
        let ip = *addr.ip();
        if !ip.is_unspecified() && !udp.ip().interfaces().owns(ip) {
            return Err(io::ErrorKind::AddrNotAvailable.into());
        }
        let random = udp.ip().env().random();
        let id = udp.pcbs.with(|state| state.open(addr, random))?;
        Ok(Self(Arc::new(Handle {
            udp: Arc::clone(udp),
            id,
            mode: Mutex::default(),
        })))
    }
    // ANCHOR_END: bind

    pub(super) fn with<R>(&self, f: impl FnOnce(&mut Pcb) -> R) -> io::Result<R> {
        let id = self.0.id;
        self.0.udp.pcbs.with(|state| state.get(id).map(f))
    }

    /// Limits the socket to `addr`: it receives from nobody else, hears of
    /// errors, and [`send`](Self::send) needs no address.
    ///
    /// # Errors
    /// `NetworkUnreachable`: there is no way to `addr`. `PermissionDenied`: a
    /// broadcast address, without [`set_broadcast`](Self::set_broadcast).
    pub fn connect(&self, addr: impl ToSocketAddrs) -> io::Result<()> {
        let _scope = logger::scope(self.0.udp.ip().env());
        let remote = resolve(addr)?;
        let (local, broadcast) = self.with(|pcb| (*pcb.local.ip(), pcb.broadcast))?;
        self.check_broadcast(*remote.ip(), broadcast)?;
        let local = if local.is_unspecified() {
            self.0.udp.source_for(*remote.ip())?
        } else {
            local
        };
        self.with(|pcb| pcb.connect(local, remote))
    }

    /// The socket's own address.
    ///
    /// # Errors
    /// None, as long as the socket is open.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.with(|pcb| pcb.local.into())
    }

    /// Whom it is connected to.
    ///
    /// # Errors
    /// `NotConnected`: to nobody.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        let remote = self.with(|pcb| pcb.remote)?;
        remote
            .map(SocketAddr::V4)
            .ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// Sends `data` to `addr`, as one datagram. Returns its length.
    ///
    /// # Errors
    /// As [`Udp::output`]; `PermissionDenied`: a broadcast address, without
    /// [`set_broadcast`](Self::set_broadcast).
    pub fn send_to(&self, data: &[u8], addr: impl ToSocketAddrs) -> io::Result<usize> {
        self.send_from(data, Ipv4Addr::UNSPECIFIED, addr)
    }

    /// As [`send_to`](Self::send_to), from `source`, one of the host's own
    /// addresses; 0.0.0.0 leaves the choice to the host. An answer goes out
    /// from the address that was asked ([`Message::to`](super::Message::to)).
    ///
    /// # Errors
    /// As [`send_to`](Self::send_to); `AddrNotAvailable`: `source` is none of
    /// the host's, or not the one that the socket is bound to.
    pub fn send_from(
        &self,
        data: &[u8],
        source: Ipv4Addr,
        addr: impl ToSocketAddrs,
    ) -> io::Result<usize> {
        let udp = &self.0.udp;
        let _scope = logger::scope(udp.ip().env());
        let remote = resolve(addr)?;
        if remote.port() == 0 {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        // ANCHOR: choose
        let (mut local, broadcast, parameters) =
            self.with(|pcb| (pcb.local, pcb.broadcast, pcb.parameters))?;
        self.check_broadcast(*remote.ip(), broadcast)?;
        if local.ip().is_unspecified() {
            local.set_ip(source);
        } else if !source.is_unspecified() && source != *local.ip() {
            return Err(io::ErrorKind::AddrNotAvailable.into());
        }
        if local.ip().is_unspecified() && !remote.ip().is_broadcast() {
            local.set_ip(udp.source_for(*remote.ip())?);
            debug!(target: "udp::sendto", "select local address, addr={}", local.ip());
        }
        udp.output_with(&parameters, local, remote, data)?;
        Ok(data.len())
        // ANCHOR_END: choose
    }

    fn check_broadcast(&self, dst: Ipv4Addr, allowed: bool) -> io::Result<()> {
        if self.0.udp.ip().interfaces().is_broadcast(dst) && !allowed {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        Ok(())
    }

    /// Sends `data` to whom the socket is connected.
    ///
    /// # Errors
    /// `NotConnected`; an error that was reported about an earlier datagram;
    /// as [`send_to`](Self::send_to).
    pub fn send(&self, data: &[u8]) -> io::Result<usize> {
        let (remote, error) = self.with(|pcb| (pcb.remote, pcb.error.take()))?;
        if let Some(kind) = error {
            return Err(kind.into());
        }
        let remote = remote.ok_or(io::ErrorKind::NotConnected)?;
        self.send_to(data, remote)
    }

    /// Waits for a datagram, and takes what `found` makes of it.
    pub(super) fn receive<R>(&self, found: impl FnMut(&mut Pcb) -> Option<R>) -> io::Result<R> {
        // EXERCISE 6.12: Receive, or wait
        let _scope = logger::scope(self.0.udp.ip().env());
        // ANCHOR: look
        let (mode, id, mut found) = (*lock(&self.0.mode), self.0.id, found);
        let mut look = |state: &mut super::pcb::State| match state.get(id) {
            Err(closed) => Some(Err(closed)),
            Ok(pcb) => match pcb.error.take() {
                Some(kind) => Some(Err(kind.into())),
                None => found(pcb).map(Ok),
            },
        };
        // ANCHOR_END: look
        // ANCHOR: block
        if mode.nonblocking {
            let found = self.0.udp.pcbs.with(look);
            return found.unwrap_or_else(|| Err(io::ErrorKind::WouldBlock.into()));
        }
        // Who has a full queue never sleeps, and would never hear of the end.
        if self.0.udp.pcbs.is_closed() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        self.0
            .udp
            .pcbs
            .sleep_until(id.key(), mode.read_timeout, |state| look(state))?
        // ANCHOR_END: block
        // END 6.12
    }

    // ANCHOR: recv_from
    /// Waits for a datagram and copies it into `buffer`; what does not fit is
    /// lost. Returns the length and the sender.
    ///
    /// # Errors
    /// `WouldBlock`: the timeout has passed, or the socket does not block.
    /// `Interrupted`: by [`Udp::interrupt`], or at shutdown. An error that was
    /// reported about an earlier datagram.
    pub fn recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let arrival = self.receive(Pcb::pop)?;
        Ok((copy(&arrival.data, buffer), arrival.from.into()))
    }
    // ANCHOR_END: recv_from

    /// As [`recv_from`](Self::recv_from), but leaves the datagram in the queue.
    ///
    /// # Errors
    /// As [`recv_from`](Self::recv_from).
    pub fn peek_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let arrival = self.receive(|pcb| pcb.peek().cloned())?;
        Ok((copy(&arrival.data, buffer), arrival.from.into()))
    }

    /// As [`recv_from`](Self::recv_from), without the sender.
    ///
    /// # Errors
    /// As [`recv_from`](Self::recv_from).
    pub fn recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.recv_from(buffer).map(|(len, _)| len)
    }

    /// The error that was reported last about what was sent, once.
    ///
    /// # Errors
    /// None, as long as the socket is open.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.with(|pcb| pcb.error.take().map(Into::into))
    }

    /// Says whether receiving waits. All handles of the socket share this.
    ///
    /// # Errors
    /// None; as `std` has it.
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        lock(&self.0.mode).nonblocking = nonblocking;
        Ok(())
    }

    /// How long receiving waits at most; `None`: for ever.
    ///
    /// # Errors
    /// `InvalidInput`: zero, as `std` has it.
    pub fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        if timeout.is_some_and(|timeout| timeout.is_zero()) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        lock(&self.0.mode).read_timeout = timeout;
        Ok(())
    }

    /// How long receiving waits at most.
    ///
    /// # Errors
    /// None; as `std` has it.
    pub fn read_timeout(&self) -> io::Result<Option<Duration>> {
        Ok(lock(&self.0.mode).read_timeout)
    }

    /// Allows to send to broadcast addresses.
    ///
    /// # Errors
    /// None, as long as the socket is open.
    pub fn set_broadcast(&self, broadcast: bool) -> io::Result<()> {
        self.with(|pcb| pcb.broadcast = broadcast)
    }

    /// True if the socket may send to broadcast addresses.
    ///
    /// # Errors
    /// None, as long as the socket is open.
    pub fn broadcast(&self) -> io::Result<bool> {
        self.with(|pcb| pcb.broadcast)
    }

    /// Another handle of the same socket.
    ///
    /// # Errors
    /// None; as `std` has it.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(self.clone())
    }
}

pub(super) fn copy(data: &[u8], buffer: &mut [u8]) -> usize {
    let len = data.len().min(buffer.len());
    buffer[..len].copy_from_slice(&data[..len]);
    len
}

impl fmt::Debug for UdpSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("UdpSocket");
        if let Ok((local, remote)) = self.with(|pcb| (pcb.local, pcb.remote)) {
            debug.field("local", &local).field("remote", &remote);
        }
        debug.finish()
    }
}
