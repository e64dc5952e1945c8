//! The TAP driver: a network card whose cable ends in this program.
//!
//! The kernel sees an Ethernet interface. What it sends there we read from a
//! descriptor; what we write to the descriptor it receives.
//!
//! ```text
//!   kernel: 192.0.2.1 ── tap0 ═══ /dev/net/tun ── this program: 192.0.2.2
//! ```

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::os::fd::{AsFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;

use anyhow::Result;
use log::{debug, error};

use crate::frame::{self, DeviceName, FrameIo, Kind, failure};
use crate::napi::Switch;
use crate::unfinished::Unfinished;
use crate::{offload, sys};

/// The door to the kernel's TUN/TAP driver.
const TUN: &str = "/dev/net/tun";

/// An open TAP. One that was there before stays when it is closed; one that
/// [`open`](Self::open) created goes with it.
#[derive(Debug)]
pub struct Tap {
    name: DeviceName,
    file: File,
    /// Frames may be unfinished, both ways.
    offload: bool,
}

impl Tap {
    /// Attaches to the TAP `name`, or creates it, which takes the privilege
    /// CAP_NET_ADMIN. If we have it and the TAP was there before, a thread of
    /// the kernel's works off what we write ([`napi`](crate::napi)).
    ///
    /// # Errors
    /// [`UsageError`](crate::cli::UsageError) if the name is not one; otherwise
    /// what the kernel says, and what to do about it.
    pub fn open(name: &str) -> Result<Self> {
        Self::open_as(name, false)
    }

    /// The same, and the kernel and we leave one another the work that a
    /// network card can do: checksums, and cutting TCP into segments. Between
    /// the two of us nobody needs to do it at all.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_offloading(name: &str) -> Result<Self> {
        Self::open_as(name, true)
    }

    fn open_as(name: &str, offload: bool) -> Result<Self> {
        let name = frame::parse_name(name)?;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(sys::O_NONBLOCK) // O_CLOEXEC is std's default
            .open(TUN)
            .map_err(|e| failure(&format!("open [{TUN}]"), &e, name.as_str(), no_door(&e)))?;
        // ANCHOR: thread
        // Offloading moves so much with one call that a second thread only costs.
        let thread = if offload { None } else { Switch::find(&name) };
        sys::attach_tap(file.as_fd(), &name, offload, thread.is_some()).map_err(|e| {
            let kind = frame::kind(name.as_str()).ok().flatten();
            let meaning = not_attached(&e, name.as_str(), kind);
            failure("ioctl [TUNSETIFF]", &e, name.as_str(), &meaning)
        })?;
        if let Some(Err(error)) = thread.map(|thread| thread.turn_on()) {
            debug!(target: "tap::open", "no thread: {error}, dev={name}");
        }
        // ANCHOR_END: thread
        debug!(target: "tap::open", "attached, dev={name}");
        Ok(Self {
            name,
            file,
            offload,
        })
    }

    /// The interface's name.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// The hardware address that the kernel's end has. The original takes it
    /// for its own end too when it is given none; one cable, two stations, one
    /// address: that goes well only as long as nobody else is on the link.
    ///
    /// # Errors
    /// The kernel's.
    pub fn hardware_address(&self) -> io::Result<[u8; 6]> {
        // The descriptor answers, so it works whatever the interface is called by now.
        sys::hardware_address(self.file.as_fd(), &self.name).map(|(_, address)| address)
    }

    /// Calls `read` or `write` until no signal is in the way.
    fn call(&self, mut call: impl FnMut(&File) -> io::Result<usize>) -> io::Result<usize> {
        loop {
            match call(&self.file) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    /// Says so if an error means that the interface is no more.
    fn explain(&self, error: io::Error) -> io::Error {
        match error.raw_os_error() {
            // Deleted, and deleted while we were in the call.
            Some(sys::EBADFD | sys::EFAULT) => {
                let text = format!("{} has been deleted: {error}", self.name);
                io::Error::new(ErrorKind::NotConnected, text)
            }
            _ => error,
        }
    }
}

impl FrameIo for Tap {
    fn fd(&self) -> Option<RawFd> {
        Some(sys::raw(&self.file))
    }

    // ANCHOR: read
    fn read_frame(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        self.finish_read(self.call(|mut file| file.read(buffer)))
    }
    // ANCHOR_END: read

    fn write_frame(&self, frame: &[u8]) -> io::Result<()> {
        if self.offload {
            let nothing_left = [0; offload::HEADER_LEN];
            return self.write_behind(&nothing_left, frame);
        }
        self.finish_write(self.call(|mut file| file.write(frame)))
    }

    fn offloads(&self) -> bool {
        self.offload
    }

    fn read_unfinished(
        &self,
        buffer: &mut [u8],
    ) -> io::Result<Option<(usize, Option<Unfinished>)>> {
        if !self.offload {
            return Ok(self.read_frame(buffer)?.map(|len| (len, None)));
        }
        let mut header = [0; offload::HEADER_LEN];
        let read = self.call(|mut file| {
            file.read_vectored(&mut [IoSliceMut::new(&mut header), IoSliceMut::new(buffer)])
        });
        let len = self.finish_read(read)?;
        Ok(len.map(|len| (len.saturating_sub(header.len()), offload::left(&header))))
    }

    // ANCHOR: write_unfinished
    fn write_unfinished(&self, frame: &[u8], left: &Unfinished) -> io::Result<()> {
        if !self.offload {
            return Err(ErrorKind::Unsupported.into());
        }
        self.write_behind(&offload::header(left), frame)
    }
    // ANCHOR_END: write_unfinished
}

impl Tap {
    fn write_behind(&self, header: &[u8], frame: &[u8]) -> io::Result<()> {
        let pieces = [IoSlice::new(header), IoSlice::new(frame)];
        self.finish_write(self.call(|mut file| file.write_vectored(&pieces)))
    }

    /// What the result of a `read` means.
    fn finish_read(&self, read: io::Result<usize>) -> io::Result<Option<usize>> {
        match read {
            Ok(len) => Ok(Some(len)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
            Err(error) => {
                error!(target: "tap::read", "read: {error}, dev={}", self.name);
                Err(self.explain(error))
            }
        }
    }

    /// What the result of a `write` means.
    fn finish_write(&self, written: io::Result<usize>) -> io::Result<()> {
        match written {
            Ok(_) => Ok(()), // all or nothing
            Err(error) => Err(match error.raw_os_error() {
                // The driver's way to say that the interface is down.
                Some(sys::EIO) => io::Error::from_raw_os_error(sys::ENETDOWN),
                Some(sys::ENOBUFS) => ErrorKind::WouldBlock.into(),
                _ => self.explain(error),
            }),
        }
    }
}

/// What it means that `/dev/net/tun` does not open.
fn no_door(error: &io::Error) -> &'static str {
    match (error.kind(), error.raw_os_error()) {
        (ErrorKind::PermissionDenied, _) => {
            "this user may not use TAP devices; run it with sudo, or let all users open the file \
             as most systems do ('sudo chmod 666 /dev/net/tun')"
        }
        (_, Some(sys::ENOENT | sys::ENODEV | sys::ENXIO)) => {
            "the kernel offers no TAP devices here; 'sudo modprobe tun' loads the driver \
             (in a container: start it with '--device /dev/net/tun')"
        }
        _ => "",
    }
}

/// What it means that the descriptor does not become the TAP `name`; `kind` is
/// what the name belongs to.
fn not_attached(error: &io::Error, name: &str, kind: Option<Kind>) -> String {
    match (error.raw_os_error(), kind) {
        (Some(sys::EBUSY), _) => "another program is using this TAP".to_owned(),
        (Some(sys::EINVAL), Some(Kind::PacketSocket)) => {
            "an interface of this name exists, and is not a TAP".to_owned()
        }
        (Some(sys::EINVAL), Some(Kind::Tap)) => format!(
            "this TAP was made with options that we do not use (multi_queue?); \
             'sudo ip tuntap del mode tap name {name}' removes it"
        ),
        _ if error.kind() != ErrorKind::PermissionDenied => String::new(),
        (_, Some(_)) => format!(
            "this TAP is another user's; make it yours: 'sudo ip tuntap del mode tap name {name}', \
             'sudo ip tuntap add mode tap user $USER name {name}'"
        ),
        (_, None) => format!(
            "there is no such TAP, and this user may not create one; \
             'sudo ip tuntap add mode tap user $USER name {name}' does"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_obstacle_has_its_advice() {
        let door = |errno| no_door(&io::Error::from_raw_os_error(errno));
        assert!(door(libc::EACCES).contains("sudo chmod 666 /dev/net/tun"));
        assert!(door(libc::EPERM).contains("this user may not"));
        assert!(door(libc::ENOENT).contains("modprobe tun"));
        assert_eq!(door(libc::EMFILE), "");

        let attach = |errno, kind| {
            let error = io::Error::from_raw_os_error(errno);
            let meaning = not_attached(&error, "tap7", kind);
            failure("ioctl [TUNSETIFF]", &error, "tap7", &meaning).to_string()
        };
        assert_eq!(
            attach(libc::EBUSY, Some(Kind::Tap)),
            "ioctl [TUNSETIFF]: Device or resource busy (os error 16), dev=tap7: \
             another program is using this TAP"
        );
        assert!(attach(libc::EINVAL, Some(Kind::PacketSocket)).contains("not a TAP"));
        assert!(attach(libc::EINVAL, Some(Kind::Tap)).contains("multi_queue"));
        assert!(attach(libc::EPERM, Some(Kind::Tap)).contains("another user's"));
        assert!(
            attach(libc::EPERM, None)
                .ends_with("'sudo ip tuntap add mode tap user $USER name tap7' does")
        );
        assert!(attach(libc::EMFILE, None).ends_with(", dev=tap7"));
    }
}
