//! What a driver for Ethernet has to do: move whole frames.
//!
//! There are two drivers for devices that exist, a TAP ([`tap`](crate::tap)) and
//! a packet socket ([`packet_socket`](crate::packet_socket)); [`open_device`]
//! picks the right one by the name of the device. [`Capture`] wraps either.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, RawFd};
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context, Result};

use crate::cli::usage;
use crate::interrupt::Irq;
use crate::packet_socket::PacketSocket;
use crate::sys;
use crate::tap::Tap;
use crate::time::Time;
use crate::unfinished::Unfinished;

pub use crate::capture::Capture;

/// A device that carries whole Ethernet frames.
pub trait FrameIo: Send + Sync {
    /// Tells the driver which interrupt line is its own. Drivers with a
    /// descriptor need none.
    fn attach(&self, _irq: &Irq) {}

    /// The descriptor that polls readable when a frame waits; `None` for
    /// devices of software.
    fn fd(&self) -> Option<RawFd> {
        None
    }

    /// When the next frame will arrive, if the driver knows.
    fn deadline(&self) -> Option<Time> {
        None
    }

    /// Reads one frame into `buffer`; `None` if there is none now. Never
    /// blocks. A frame that is longer than `buffer` is cut.
    ///
    /// The descriptor is not to be waited for before this has returned `None`:
    /// a driver may hold frames that it has already taken from the kernel.
    ///
    /// # Errors
    /// The device is broken or gone.
    fn read_frame(&self, buffer: &mut [u8]) -> io::Result<Option<usize>>;

    /// Writes one frame.
    ///
    /// # Errors
    /// `WouldBlock` if the device's queue is full, `NetworkDown` if somebody
    /// has set it down; otherwise the device is broken or gone. The frame is lost.
    fn write_frame(&self, frame: &[u8]) -> io::Result<()>;

    /// True if the driver can be given frames that are not finished, and may
    /// hand out such frames.
    fn offloads(&self) -> bool {
        false
    }

    /// As [`read_frame`](Self::read_frame), and tells what its sender has left
    /// out. Such a frame can be longer than the MTU.
    ///
    /// # Errors
    /// As [`read_frame`](Self::read_frame).
    fn read_unfinished(
        &self,
        buffer: &mut [u8],
    ) -> io::Result<Option<(usize, Option<Unfinished>)>> {
        Ok(self.read_frame(buffer)?.map(|len| (len, None)))
    }

    /// Writes a frame on which something is left to do.
    ///
    /// # Errors
    /// As [`write_frame`](Self::write_frame); `Unsupported` if the driver does
    /// not offload.
    fn write_unfinished(&self, frame: &[u8], left: &Unfinished) -> io::Result<()> {
        let _ = (frame, left);
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// A pointer to a driver is a driver.
macro_rules! forward {
    ($($pointer:ident),*) => {$(
        impl<T: FrameIo + ?Sized> FrameIo for $pointer<T> {
            fn attach(&self, irq: &Irq) {
                (**self).attach(irq);
            }
            fn fd(&self) -> Option<RawFd> {
                (**self).fd()
            }
            fn deadline(&self) -> Option<Time> {
                (**self).deadline()
            }
            fn read_frame(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
                (**self).read_frame(buffer)
            }
            fn write_frame(&self, frame: &[u8]) -> io::Result<()> {
                (**self).write_frame(frame)
            }
            fn offloads(&self) -> bool {
                (**self).offloads()
            }
            fn read_unfinished(
                &self,
                buffer: &mut [u8],
            ) -> io::Result<Option<(usize, Option<Unfinished>)>> {
                (**self).read_unfinished(buffer)
            }
            fn write_unfinished(&self, frame: &[u8], left: &Unfinished) -> io::Result<()> {
                (**self).write_unfinished(frame, left)
            }
        }
    )*};
}
forward!(Arc, Box);

/// The name of a network interface, as Linux allows it: 1 to 15 octets, no
/// space, no slash, no colon. A percent sign is left out as well: the kernel
/// would put a number in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceName(String);

impl DeviceName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is no [`DeviceName`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadName {
    /// There is no text.
    Empty,
    /// So many octets.
    TooLong(usize),
    /// A character, or a name, that Linux reserves.
    Reserved,
}

impl fmt::Display for BadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a device name is not empty"),
            Self::TooLong(len) => write!(f, "a device name has at most 15 octets, not {len}"),
            Self::Reserved => f.write_str(
                "a device name has no spaces, control characters, '/', ':' or '%', and is not '.' or '..'",
            ),
        }
    }
}

impl std::error::Error for BadName {}

impl FromStr for DeviceName {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let reserved = |c: char| c.is_whitespace() || c.is_control() || "/:%".contains(c);
        match text {
            "" => Err(BadName::Empty),
            "." | ".." => Err(BadName::Reserved),
            _ if text.len() > 15 => Err(BadName::TooLong(text.len())),
            _ if text.contains(reserved) => Err(BadName::Reserved),
            _ => Ok(Self(text.to_owned())),
        }
    }
}

/// What a driver's `open` makes of the user's text.
pub(crate) fn parse_name(name: &str) -> Result<DeviceName> {
    name.parse()
        .map_err(|error| usage(format!("device '{name}': {error}")))
}

/// A failed system call in the form of all our logs, and what it means.
pub(crate) fn failure(call: &str, error: &io::Error, name: &str, meaning: &str) -> anyhow::Error {
    let gap = if meaning.is_empty() { "" } else { ": " };
    let text = format!("{call}: {error}, dev={name}{gap}{meaning}");
    io::Error::new(error.kind(), text).into()
}

/// Which driver an interface takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A TAP: we are the station at the other end of the kernel's cable.
    Tap,
    /// Any other interface: we share it with the kernel, through a packet socket.
    PacketSocket,
}

/// The kind of the interface `name`; `None` if there is none.
///
/// The interface's driver is asked, not `/sys/class/net`: that shows the network
/// namespace it was mounted in, which is not ours in the lab.
///
/// # Errors
/// The name is not one, or the kernel does not answer.
pub fn kind(name: &str) -> Result<Option<Kind>> {
    let name = parse_name(name)?;
    let socket = sys::control_socket().context("socket")?;
    match sys::interface_index(socket.as_fd(), &name) {
        Ok(_) => {}
        Err(error) if error.raw_os_error() == Some(sys::ENODEV) => return Ok(None),
        Err(error) => return Err(failure("ioctl [SIOCGIFINDEX]", &error, name.as_str(), "")),
    }
    // A driver that does not know the question is certainly not that of the TAPs.
    let driver = sys::driver(socket.as_fd(), &name).unwrap_or_default();
    Ok(Some(if driver == ("tun".to_owned(), "tap".to_owned()) {
        Kind::Tap
    } else {
        Kind::PacketSocket
    }))
}

/// Opens the device `name` with the driver that it takes. A TAP that does not
/// exist is created.
///
/// # Errors
/// [`UsageError`](crate::cli::UsageError) if the name is not one; otherwise as
/// the driver's `open`.
pub fn open_device(name: &str) -> Result<Box<dyn FrameIo>> {
    Ok(match kind(name)? {
        Some(Kind::PacketSocket) => Box::new(PacketSocket::open(name)?),
        Some(Kind::Tap) | None => Box::new(Tap::open(name)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_linux_takes_and_refuses() {
        for name in ["tap0", "eth0.5", "a", "fifteen-octets-"] {
            assert_eq!(name.parse::<DeviceName>().unwrap().as_str(), name);
        }
        let refused = |name: &str| name.parse::<DeviceName>().unwrap_err();
        assert_eq!(refused(""), BadName::Empty);
        assert_eq!(refused("sixteen-octets--"), BadName::TooLong(16));
        for name in [".", "..", "a b", "a/b", "a:b", "tap%d", "a\0b", "a\n"] {
            assert_eq!(refused(name), BadName::Reserved, "{name:?}");
        }
    }

    #[test]
    fn a_wrong_name_is_the_users_mistake() {
        for open in [Tap::open("tap/0").map(drop), open_device("tap/0").map(drop)] {
            let error = open.unwrap_err();
            assert!(error.is::<crate::cli::UsageError>(), "{error}");
            assert!(
                error
                    .to_string()
                    .starts_with("device 'tap/0': a device name has no")
            );
        }
    }
}
