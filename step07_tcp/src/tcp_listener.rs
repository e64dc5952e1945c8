//! Listeners, in the shape of `std::net::TcpListener`, and the OPEN of the RFC.

use std::fmt;
use std::io;
use std::net::{SocketAddr, SocketAddrV4, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::tcb::{Id, TcpState};
use crate::tcp::Tcp;
use crate::tcp_stream::TcpStream;
use crate::udp::socket::resolve;

/// How many connections wait to be accepted, unless somebody says otherwise.
pub const DEFAULT_BACKLOG: usize = 128;

/// Closes the listener when the last handle is dropped.
struct Handle {
    tcp: Arc<Tcp>,
    id: Id,
    local: SocketAddrV4,
    nonblocking: AtomicBool,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.tcp
            .run(|state, now, out| state.close(self.id, now, out));
    }
}

/// Takes connections on a port. Clones are handles of the same listener; the
/// last one closes it, and resets the connections that nobody has accepted.
#[derive(Clone)]
pub struct TcpListener(Arc<Handle>);

impl TcpListener {
    /// Listens at `addr`, for up to [`DEFAULT_BACKLOG`] connections that wait
    /// to be accepted. The address 0.0.0.0 stands for all of the host's, and
    /// port 0 for any free one.
    ///
    /// # Errors
    /// `AddrInUse`: somebody listens there already. `AddrNotAvailable`: it is
    /// none of the host's.
    pub fn bind(tcp: &Arc<Tcp>, addr: impl ToSocketAddrs) -> io::Result<Self> {
        Self::bind_with_backlog(tcp, addr, DEFAULT_BACKLOG)
    }

    /// As [`bind`](Self::bind), with another backlog.
    ///
    /// # Errors
    /// As [`bind`](Self::bind).
    pub fn bind_with_backlog(
        tcp: &Arc<Tcp>,
        addr: impl ToSocketAddrs,
        backlog: usize,
    ) -> io::Result<Self> {
        let addr = own_address(tcp, addr)?;
        let (id, local) = tcp.run(|state, _, _| {
            let id = state.listen(addr, backlog)?;
            let status = state.status(id).ok_or(io::ErrorKind::NotFound)?;
            io::Result::Ok((id, status.local))
        })?;
        Ok(Self(Arc::new(Handle {
            tcp: Arc::clone(tcp),
            id,
            local,
            nonblocking: AtomicBool::new(false),
        })))
    }

    // ANCHOR: accept
    /// Waits for a connection, and takes it.
    ///
    /// # Errors
    /// `WouldBlock`: there is none, and the listener does not wait.
    /// `Interrupted`: by [`Tcp::interrupt`], or at shutdown.
    pub fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let Handle { tcp, id, .. } = &*self.0;
        let (id, remote) = if self.0.nonblocking.load(Ordering::Relaxed) {
            tcp.run(|state, _, _| state.accept(*id))?
        } else {
            tcp.run_blocking(*id, None, |state, _, _| state.accept(*id))?
        };
        Ok((TcpStream::new(tcp, id), remote.into()))
    }
    // ANCHOR_END: accept

    /// The connections, one after the other, for ever.
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming(self)
    }

    /// Where it listens.
    ///
    /// # Errors
    /// None; as `std` has it.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.0.local.into())
    }

    /// Says whether [`accept`](Self::accept) waits. All handles share this.
    ///
    /// # Errors
    /// None; as `std` has it.
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.0.nonblocking.store(nonblocking, Ordering::Relaxed);
        Ok(())
    }

    /// Another handle of the same listener.
    ///
    /// # Errors
    /// None; as `std` has it.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(self.clone())
    }
}

impl fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpListener")
            .field("local", &self.0.local)
            .finish()
    }
}

/// The connections that a listener takes.
#[derive(Debug)]
pub struct Incoming<'a>(&'a TcpListener);

impl Iterator for Incoming<'_> {
    type Item = io::Result<TcpStream>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.0.accept().map(|(stream, _)| stream))
    }
}

fn own_address(tcp: &Arc<Tcp>, addr: impl ToSocketAddrs) -> io::Result<SocketAddrV4> {
    let addr = resolve(addr)?;
    if !addr.ip().is_unspecified() && tcp.ip().interfaces().select(*addr.ip()).is_none() {
        return Err(io::ErrorKind::AddrNotAvailable.into());
    }
    Ok(addr)
}

/// OPEN as RFC 9293 §3.9.1 (and RFC 793) has it: one call for both sides, and
/// the block that listens becomes the connection.
///
/// `remote` must be given for an active open; for a passive one it limits who
/// may connect. The stream is returned before the connection is there:
/// [`wait_established`] waits for that.
///
/// # Errors
/// As [`TcpStream::start_connect`] and [`TcpListener::bind`].
pub fn open_rfc793(
    tcp: &Arc<Tcp>,
    local: SocketAddrV4,
    remote: Option<SocketAddrV4>,
    active: bool,
) -> io::Result<TcpStream> {
    if active {
        let remote = remote.ok_or(io::ErrorKind::InvalidInput)?;
        return TcpStream::start_connect(tcp, local, remote);
    }
    let local = own_address(tcp, local)?;
    let id = tcp.run(|state, _, _| state.open_passive(local, remote))?;
    Ok(TcpStream::new(tcp, id))
}

/// Waits until a connection that [`open_rfc793`] has begun is established.
///
/// # Errors
/// What has ended the attempt; `Interrupted`.
pub fn wait_established(stream: &TcpStream) -> io::Result<TcpState> {
    stream.wait_until_open(None)?;
    stream.state()
}
