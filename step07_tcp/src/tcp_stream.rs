//! Connections, in the shape of `std::net::TcpStream`.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, SocketAddrV4, ToSocketAddrs};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::ip::Route;
use crate::segment::Outgoing;
use crate::state::State;
use crate::status::Status;
use crate::sync::lock;
use crate::tcb::{Id, TcpState};
use crate::tcp::Tcp;
use crate::time::Time;
use crate::udp::socket::resolve;

/// How a connection's calls behave.
#[derive(Clone, Copy, Debug, Default)]
struct Mode {
    nonblocking: bool,
    read_timeout: Option<Duration>,
    write_timeout: Option<Duration>,
}

// ANCHOR: handle
/// Closes the connection when the last handle is dropped.
struct Handle {
    tcp: Arc<Tcp>,
    id: Id,
    mode: Mutex<Mode>,
}
// ANCHOR_END: handle

// ANCHOR: handle_drop
impl Drop for Handle {
    fn drop(&mut self) {
        self.tcp
            .run(|state, now, out| state.close(self.id, now, out));
    }
}
// ANCHOR_END: handle_drop

/// A connection. Clones are handles of the same connection; the last one
/// closes it: what was written is still delivered, in the background.
#[derive(Clone)]
pub struct TcpStream(Arc<Handle>);

impl TcpStream {
    pub(crate) fn new(tcp: &Arc<Tcp>, id: Id) -> Self {
        Self(Arc::new(Handle {
            tcp: Arc::clone(tcp),
            id,
            mode: Mutex::default(),
        }))
    }

    /// Opens a connection to `addr`, and waits until it is there.
    ///
    /// # Errors
    /// `ConnectionRefused`: nobody listens there. `TimedOut`: no answer.
    /// `HostUnreachable`, `NetworkUnreachable`: there is no way to it.
    /// `Interrupted`: by [`Tcp::interrupt`], or at shutdown.
    pub fn connect(tcp: &Arc<Tcp>, addr: impl ToSocketAddrs) -> io::Result<Self> {
        let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
        let stream = Self::start_connect(tcp, any, resolve(addr)?)?;
        stream.wait_until_open(None)?;
        Ok(stream)
    }

    /// As [`connect`](Self::connect), for at most `timeout`.
    ///
    /// # Errors
    /// As [`connect`](Self::connect); `InvalidInput`: no time at all.
    pub fn connect_timeout(
        tcp: &Arc<Tcp>,
        addr: &SocketAddr,
        timeout: Duration,
    ) -> io::Result<Self> {
        if timeout.is_zero() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
        let stream = Self::start_connect(tcp, any, resolve(addr)?)?;
        match stream.wait_until_open(Some(timeout)) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                Err(io::ErrorKind::TimedOut.into())
            }
            result => result.map(|()| stream),
        }
    }

    /// Begins to open a connection from `local` (0.0.0.0: any address of the
    /// host's, 0: any port) to `remote`, and does not wait.
    /// [`is_open`](Self::is_open) tells how it goes.
    ///
    /// # Errors
    /// `NetworkUnreachable`, `AddrInUse`, `AddrNotAvailable`, `InvalidInput`.
    pub fn start_connect(
        tcp: &Arc<Tcp>,
        mut local: SocketAddrV4,
        remote: SocketAddrV4,
    ) -> io::Result<Self> {
        // ANCHOR: start_connect
        let ip = tcp.ip();
        let Route { iface, .. } = ip
            .route(*remote.ip())
            .ok_or(io::ErrorKind::NetworkUnreachable)?;
        if iface.is_broadcast(*remote.ip()) {
            return Err(io::ErrorKind::NetworkUnreachable.into());
        }
        if local.ip().is_unspecified() {
            let source = ip.source_for(*remote.ip());
            local.set_ip(source.ok_or(io::ErrorKind::NetworkUnreachable)?);
        } else if ip.interfaces().select(*local.ip()).is_none() {
            return Err(io::ErrorKind::AddrNotAvailable.into());
        }
        let mtu = iface.device().mtu();
        let id = tcp.run(|state, now, out| state.connect(local, remote, mtu, now, out))?;
        Ok(Self::new(tcp, id))
        // ANCHOR_END: start_connect
    }

    /// True if the connection is there; false if it is still being opened.
    ///
    /// # Errors
    /// What has ended the attempt.
    pub fn is_open(&self) -> io::Result<bool> {
        match self.opening() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            result => result.map(|()| true),
        }
    }

    fn opening(&self) -> io::Result<()> {
        let id = self.0.id;
        self.0.tcp.run(|state, _, _| opening(state, id))
    }

    pub(crate) fn wait_until_open(&self, timeout: Option<Duration>) -> io::Result<()> {
        let id = self.0.id;
        self.0
            .tcp
            .run_blocking(id, timeout, |state, _, _| opening(state, id))
    }

    fn status(&self) -> io::Result<Status> {
        let status = self.0.tcp.status(self.0.id);
        status.ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// The state of the connection.
    ///
    /// # Errors
    /// None, as long as the host is up.
    pub fn state(&self) -> io::Result<TcpState> {
        Ok(self.status()?.state)
    }

    /// Our end.
    ///
    /// # Errors
    /// None, as long as the host is up.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.status()?.local.into())
    }

    /// The peer's end.
    ///
    /// # Errors
    /// None, as long as the host is up.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.status()?.remote.into())
    }

    /// Ends one direction, or both. After [`Shutdown::Write`] the peer reads
    /// to the end of what was written.
    ///
    /// # Errors
    /// `NotConnected`.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        let id = self.0.id;
        self.0
            .tcp
            .run(|state, now, out| state.shutdown(id, how, now, out))
    }

    /// Waits until the peer has acknowledged all that was written, the end of
    /// the stream included, if it was shut down; or until the connection ends.
    ///
    /// # Errors
    /// `WouldBlock`: `timeout` has passed. `Interrupted`.
    pub fn wait_flushed(&self, timeout: Option<Duration>) -> io::Result<()> {
        let id = self.0.id;
        self.0
            .tcp
            .run_blocking(id, timeout, |state, _, _| match state.status(id) {
                Some(status) if !status.flushed && status.state != TcpState::Closed => {
                    Err(io::ErrorKind::WouldBlock.into())
                }
                _ => Ok(()),
            })
    }

    /// Resets the connection at once: nothing more is delivered, and the peer
    /// learns of it (RFC 9293 §3.10.5).
    pub fn abort(&self) {
        let id = self.0.id;
        self.0.tcp.run(|state, now, out| state.abort(id, now, out));
    }

    // ANCHOR: by_mode
    /// Runs `call`, which may have to wait, as the mode says.
    fn run<R>(
        &self,
        id: Id,
        timeout: Option<Duration>,
        mut call: impl FnMut(&mut State, Time, &mut Vec<Outgoing>) -> io::Result<R>,
    ) -> io::Result<R> {
        if lock(&self.0.mode).nonblocking {
            self.0.tcp.run(call)
        } else {
            self.0
                .tcp
                .run_blocking(id, timeout, |state, now, out| call(state, now, out))
        }
    }
    // ANCHOR_END: by_mode

    /// Reads without taking: the same will be read again.
    ///
    /// # Errors
    /// As for reading.
    pub fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let (timeout, id) = (lock(&self.0.mode).read_timeout, self.0.id);
        self.run(id, timeout, |state, _, _| state.peek(id, buffer))
    }

    fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let (mode, id) = (*lock(&self.0.mode), self.0.id);
        let result = self.run(id, mode.read_timeout, |state, now, out| {
            state.set_reader_waits(id, !mode.nonblocking);
            state.receive(id, buffer, now, out)
        });
        if result.is_err() {
            let tcp = &self.0.tcp;
            tcp.run(|state, _, _| state.set_reader_waits(id, false));
        }
        result
    }

    fn send(&self, data: &[u8]) -> io::Result<usize> {
        let (timeout, id) = (lock(&self.0.mode).write_timeout, self.0.id);
        self.run(id, timeout, |state, now, out| {
            state.send(id, data, now, out)
        })
    }

    /// The error that ended the connection, once.
    ///
    /// # Errors
    /// None; as `std` has it.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        let id = self.0.id;
        Ok(self.0.tcp.run(|state, _, _| state.take_error(id)))
    }

    /// Lets something happen to the connection that need not wait.
    pub(crate) fn call<R>(
        &self,
        call: impl FnOnce(Id, &mut State, Time, &mut Vec<Outgoing>) -> R,
    ) -> R {
        let id = self.0.id;
        self.0.tcp.run(|state, now, out| call(id, state, now, out))
    }

    /// Says whether reading and writing wait. All handles share this.
    ///
    /// # Errors
    /// None; as `std` has it.
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        lock(&self.0.mode).nonblocking = nonblocking;
        Ok(())
    }

    /// How long reading waits at most; `None`: for ever.
    ///
    /// # Errors
    /// `InvalidInput`: zero, as `std` has it.
    pub fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        lock(&self.0.mode).read_timeout = not_zero(timeout)?;
        Ok(())
    }

    /// How long writing waits at most; `None`: for ever.
    ///
    /// # Errors
    /// `InvalidInput`: zero, as `std` has it.
    pub fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        lock(&self.0.mode).write_timeout = not_zero(timeout)?;
        Ok(())
    }

    /// How long reading waits at most.
    ///
    /// # Errors
    /// None; as `std` has it.
    pub fn read_timeout(&self) -> io::Result<Option<Duration>> {
        Ok(lock(&self.0.mode).read_timeout)
    }

    /// How long writing waits at most.
    ///
    /// # Errors
    /// None; as `std` has it.
    pub fn write_timeout(&self) -> io::Result<Option<Duration>> {
        Ok(lock(&self.0.mode).write_timeout)
    }

    /// Another handle of the same connection.
    ///
    /// # Errors
    /// None; as `std` has it.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(self.clone())
    }
}

// ANCHOR: opening
/// Is the connection open yet? `WouldBlock`: not yet.
fn opening(state: &mut State, id: Id) -> io::Result<()> {
    let status = state.status(id).ok_or(io::ErrorKind::NotConnected)?;
    match status.state {
        TcpState::SynSent | TcpState::SynReceived | TcpState::Listen => {
            Err(io::ErrorKind::WouldBlock.into())
        }
        TcpState::Closed => {
            let error = state.take_error(id);
            Err(error.unwrap_or_else(|| io::ErrorKind::ConnectionAborted.into()))
        }
        _ => Ok(()),
    }
}
// ANCHOR_END: opening

fn not_zero(timeout: Option<Duration>) -> io::Result<Option<Duration>> {
    match timeout {
        Some(timeout) if timeout.is_zero() => Err(io::ErrorKind::InvalidInput.into()),
        timeout => Ok(timeout),
    }
}

// ANCHOR: read_shared
/// Reads what has arrived; waits if nothing has. `Ok(0)`: the peer has closed.
impl Read for &TcpStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.receive(buffer)
    }
}
// ANCHOR_END: read_shared

/// Writes into the send buffer; waits if it is full.
impl Write for &TcpStream {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.send(data)
    }

    /// Nothing to do: TCP sends by itself what it has been given.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for TcpStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.receive(buffer)
    }
}

impl Write for TcpStream {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.send(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for TcpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("TcpStream");
        if let Ok(status) = self.status() {
            debug
                .field("local", &status.local)
                .field("remote", &status.remote);
            debug.field("state", &status.state);
        }
        debug.finish()
    }
}
