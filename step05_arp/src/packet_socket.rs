//! The PF_PACKET driver: a share in an interface that the kernel uses as well.
//!
//! A packet socket sees every frame that its interface receives, beside the
//! kernel's own protocols, and sends frames as they are. So this host can be on
//! the same cable as the kernel's, with an address of its own. Four things make
//! frames arrive as if from the wire:
//!
//! - **Promiscuous mode**, as our hardware address may not be the interface's.
//!   The original sets the interface's flag IFF_PROMISC, and never takes it
//!   back. Here the socket *joins*: the kernel counts who wants the mode, and
//!   leaves when the socket is closed, even by a crash.
//! - **Only what comes in**, while a packet socket also sees what the kernel sends
//!   through the interface. (So the two hosts that share an interface do not hear
//!   each other: what either sends goes out on the cable.)
//! - **Checksums and long segments** that the sender left to hardware are
//!   finished here, as told by the kernel in front of each frame
//!   (PACKET_VNET_HDR, see `offload.rs`): a peer at the other end of
//!   a veth pair works as it is, no `ethtool -K … tx off` is needed.
//! - **VLAN tags**, which the kernel takes out of the frame, are put back: what
//!   belongs to another network must not look as if it were ours.

use std::fs::File;
use std::io::{self, ErrorKind, IoSlice, Write};
use std::ops::Range;
use std::os::fd::{AsFd, RawFd};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use log::{debug, warn};

use crate::cli::usage;
use crate::frame::{self, DeviceName, FrameIo, failure};
use crate::offload::{self, Offload, Segments};
use crate::sync::lock;
use crate::sys::{self, Received};

/// The length of a VLAN tag, and of the two addresses before it.
const TAG_LEN: usize = 4;
const ADDRESSES_LEN: usize = 12;
/// The length of an Ethernet header.
const HEADER_LEN: usize = 14;

/// An open packet socket on one interface.
#[derive(Debug)]
pub struct PacketSocket {
    name: DeviceName,
    index: i32,
    /// A descriptor to read and write; what kind does not matter to `File`.
    socket: File,
    /// The interface is down, and that has been logged.
    down: AtomicBool,
    input: Mutex<Input>,
}

impl PacketSocket {
    /// Opens the interface `name`, which takes the privilege CAP_NET_RAW.
    ///
    /// # Errors
    /// [`UsageError`](crate::cli::UsageError) if the name is not one; otherwise
    /// what the kernel says, and what to do about it.
    pub fn open(name: &str) -> Result<Self> {
        let name = frame::parse_name(name)?;
        let control = sys::control_socket().context("socket")?;
        let fail = |call| {
            let name = name.clone();
            move |e: io::Error| failure(call, &e, name.as_str(), meaning(&e))
        };
        let index =
            sys::interface_index(control.as_fd(), &name).map_err(fail("ioctl [SIOCGIFINDEX]"))?;
        let (kind, _) =
            sys::hardware_address(control.as_fd(), &name).map_err(fail("ioctl [SIOCGIFHWADDR]"))?;
        if kind != sys::ARPHRD_ETHER {
            let message =
                format!("device '{name}': not an Ethernet interface (its type is {kind})");
            return Err(usage(message));
        }
        let socket = sys::packet_socket().map_err(fail("socket [PF_PACKET]"))?;
        // The options first: the socket receives nothing until it is bound.
        sys::enable(socket.as_fd(), sys::PACKET_AUXDATA)
            .map_err(fail("setsockopt [PACKET_AUXDATA]"))?;
        sys::enable(socket.as_fd(), sys::PACKET_VNET_HDR)
            .map_err(fail("setsockopt [PACKET_VNET_HDR]"))?;
        if let Err(error) = sys::enable(socket.as_fd(), sys::PACKET_IGNORE_OUTGOING) {
            // Linux before 4.20: each frame says whether it is outgoing.
            debug!(target: "packet_socket::open", "setsockopt [PACKET_IGNORE_OUTGOING]: {error}, dev={name}");
        }
        sys::bind_packet(socket.as_fd(), index).map_err(fail("bind"))?;
        sys::join_promiscuous(socket.as_fd(), index)
            .map_err(fail("setsockopt [PACKET_ADD_MEMBERSHIP]"))?;
        debug!(target: "packet_socket::open", "bound, dev={name}, index={index}");
        Ok(Self {
            name,
            index,
            socket: socket.into(),
            down: AtomicBool::new(false),
            input: Mutex::default(),
        })
    }

    /// The interface's name.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// The interface's hardware address, which the kernel uses. A host that
    /// takes it too must have another IP address than the kernel.
    ///
    /// # Errors
    /// The kernel's.
    pub fn hardware_address(&self) -> io::Result<[u8; 6]> {
        sys::hardware_address(self.socket.as_fd(), &self.name).map(|(_, address)| address)
    }

    /// What to make of an error when reading.
    fn failed(&self, error: io::Error) -> io::Result<Option<usize>> {
        match error.raw_os_error() {
            _ if error.kind() == ErrorKind::WouldBlock => Ok(None),
            // The frame at hand is to be cut in a way that cannot be told in
            // front of it. It is lost; the next turn takes the next one.
            Some(sys::EINVAL) => {
                debug!(target: "packet_socket::read", "recvmsg: {error}, dev={}", self.name);
                Ok(None)
            }
            Some(sys::ENETDOWN) => {
                // Down or deleted? The kernel says it but once, and in both
                // cases at the moment when the interface goes down. This call
                // waits until a deletion is through.
                sys::join_promiscuous(self.socket.as_fd(), self.index).map_err(|_| {
                    let text = format!("{} has been deleted: {error}", self.name);
                    io::Error::new(ErrorKind::NotConnected, text)
                })?;
                if !self.down.swap(true, Ordering::Relaxed) {
                    warn!(target: "packet_socket::read", "recvmsg: {error}, dev={}", self.name);
                }
                Ok(None)
            }
            _ => Err(error),
        }
    }
}

impl FrameIo for PacketSocket {
    fn fd(&self) -> Option<RawFd> {
        Some(sys::raw(&self.socket))
    }

    fn read_frame(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let input = &mut *lock(&self.input);
        loop {
            if let Some(len) = input.next_segment(buffer) {
                return Ok(Some(len));
            }
            let mut header = [0; offload::HEADER_LEN];
            let place = &mut input.buffer[TAG_LEN..];
            let received = match sys::receive(self.socket.as_fd(), &mut header, place) {
                Ok(received) => received,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return self.failed(error),
            };
            if self.down.swap(false, Ordering::Relaxed) {
                debug!(target: "packet_socket::read", "up again, dev={}", self.name);
            }
            if received.outgoing {
                continue;
            }
            let offload = Offload::parse(&header);
            if received.cut || offload.unknown {
                debug!(
                    target: "packet_socket::read",
                    "not to be finished, dev={}, len={}, {offload:?}", self.name, received.len
                );
            }
            input.take(&received, offload);
            if input.segments.is_none() {
                return Ok(Some(input.copy(buffer)));
            }
        }
    }

    fn write_frame(&self, frame: &[u8]) -> io::Result<()> {
        let nothing_to_finish = [0; offload::HEADER_LEN];
        let pieces = [IoSlice::new(&nothing_to_finish), IoSlice::new(frame)];
        loop {
            return match (&self.socket).write_vectored(&pieces) {
                Ok(_) => Ok(()), // all or nothing
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.raw_os_error() == Some(sys::ENOBUFS) => {
                    Err(ErrorKind::WouldBlock.into())
                }
                Err(error) => Err(error),
            };
        }
    }
}

/// The frame that was received last, and what is left of it.
#[derive(Debug)]
struct Input {
    /// Room for a VLAN tag, then the frame.
    buffer: Box<[u8]>,
    frame: Range<usize>,
    segments: Option<Segments>,
}

impl Default for Input {
    fn default() -> Self {
        Self {
            buffer: vec![0; TAG_LEN + offload::MAX_LEN].into(),
            frame: 0..0,
            segments: None,
        }
    }
}

impl Input {
    /// Takes the frame that was received behind the room for a tag.
    fn take(&mut self, received: &Received, offload: Offload) {
        let len = received.len.saturating_sub(offload::HEADER_LEN);
        let end = (TAG_LEN + len).min(self.buffer.len());
        if let Some((start, offset)) = offload.checksum
            // Each segment will get a checksum of its own.
            && offload.segment.is_none()
        {
            offload::complete_checksum(&mut self.buffer[TAG_LEN..end], start, offset);
        }
        let mut start = TAG_LEN;
        // Network 0 is none: such a tag tells a priority only.
        if let Some((protocol, tag)) = received.vlan.filter(|(_, tag)| tag & 0x0fff != 0)
            && len >= ADDRESSES_LEN
        {
            self.buffer.copy_within(TAG_LEN..TAG_LEN + ADDRESSES_LEN, 0);
            let place = &mut self.buffer[ADDRESSES_LEN..ADDRESSES_LEN + TAG_LEN];
            place[..2].copy_from_slice(&protocol.to_be_bytes());
            place[2..].copy_from_slice(&tag.to_be_bytes());
            start = 0;
        }
        self.frame = start..end;
        let ip = TAG_LEN + HEADER_LEN - start;
        let frame = &self.buffer[self.frame.clone()];
        self.segments = offload
            .segment
            .and_then(|size| Segments::new(frame, ip, size));
    }

    /// The next segment of a frame that is being cut.
    fn next_segment(&mut self, out: &mut [u8]) -> Option<usize> {
        let frame = &self.buffer[self.frame.clone()];
        let len = self.segments.as_mut()?.next(frame, out);
        if len.is_none() {
            self.segments = None;
        }
        len
    }

    /// The whole frame, or as much as fits.
    fn copy(&self, out: &mut [u8]) -> usize {
        let frame = &self.buffer[self.frame.clone()];
        let len = frame.len().min(out.len());
        out[..len].copy_from_slice(&frame[..len]);
        len
    }
}

/// What an error of [`PacketSocket::open`] means.
fn meaning(error: &io::Error) -> &'static str {
    match error.raw_os_error() {
        Some(sys::ENODEV) => "there is no such interface",
        _ if error.kind() == ErrorKind::PermissionDenied => {
            "frames of an interface are for privileged programs: run it with sudo, \
             or give the program CAP_NET_RAW ('sudo setcap cap_net_raw+ep PROGRAM')"
        }
        _ => "",
    }
}
