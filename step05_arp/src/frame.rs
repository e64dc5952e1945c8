//! What a driver for Ethernet has to do: move whole frames.
//!
//! There are two drivers for devices that exist, a TAP ([`tap`](crate::tap)) and
//! a packet socket ([`packet_socket`](crate::packet_socket)); [`open_device`]
//! picks the right one by the name of the device. [`Capture`] wraps either.

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, RawFd};
use std::path::Path;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard};

use anyhow::{Context, Result};
use log::error;

use crate::cli::usage;
use crate::env::Env;
use crate::interrupt::Irq;
use crate::packet_socket::PacketSocket;
use crate::pcap;
use crate::sync::lock;
use crate::sys;
use crate::tap::Tap;
use crate::time::Time;

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
    /// # Errors
    /// The device is broken or gone.
    fn read_frame(&self, buffer: &mut [u8]) -> io::Result<Option<usize>>;

    /// Writes one frame.
    ///
    /// # Errors
    /// `WouldBlock` if the device's queue is full, `NetworkDown` if somebody
    /// has set it down; otherwise the device is broken or gone. The frame is lost.
    fn write_frame(&self, frame: &[u8]) -> io::Result<()>;
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
        }
    )*};
}
forward!(Arc, Box);

/// A driver, and a file in which all that crosses it is written down.
///
/// Frames of both ways stand in it in the order in which they crossed: the file
/// stays locked from the crossing to the writing. A file that cannot be written
/// any more is left alone, and the driver goes on without it.
#[derive(Debug)]
pub struct Capture<F, W = File> {
    frames: F,
    env: Arc<Env>,
    /// `None` after an error.
    file: Mutex<Option<pcap::Writer<W>>>,
}

impl<F: FrameIo> Capture<F> {
    /// Captures what crosses `frames` into a new file.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn create(frames: F, path: &Path, env: &Arc<Env>) -> io::Result<Self> {
        Self::new(frames, File::create(path)?, env)
    }
}

impl<F: FrameIo, W: Write + Send> Capture<F, W> {
    /// Captures what crosses `frames` into `file`.
    ///
    /// # Errors
    /// `file` cannot be written.
    pub fn new(frames: F, file: W, env: &Arc<Env>) -> io::Result<Self> {
        Ok(Self {
            frames,
            env: Arc::clone(env),
            file: Mutex::new(Some(pcap::Writer::new(file)?)),
        })
    }

    fn record(&self, mut file: MutexGuard<'_, Option<pcap::Writer<W>>>, frame: &[u8]) {
        if let Some(writer) = file.as_mut()
            && let Err(error) = writer.record(self.env.unix_time(), frame)
        {
            error!(target: "frame::capture", "write: {error}; the capture ends here");
            *file = None;
        }
    }
}

impl<F: FrameIo, W: Write + Send> FrameIo for Capture<F, W> {
    fn attach(&self, irq: &Irq) {
        self.frames.attach(irq);
    }

    fn fd(&self) -> Option<RawFd> {
        self.frames.fd()
    }

    fn deadline(&self) -> Option<Time> {
        self.frames.deadline()
    }

    fn read_frame(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let file = lock(&self.file);
        let len = self.frames.read_frame(buffer)?;
        if let Some(frame) = len.and_then(|len| buffer.get(..len)) {
            self.record(file, frame);
        }
        Ok(len)
    }

    fn write_frame(&self, frame: &[u8]) -> io::Result<()> {
        let file = lock(&self.file);
        self.frames.write_frame(frame)?;
        self.record(file, frame);
        Ok(())
    }
}

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
    use std::collections::VecDeque;
    use std::time::Duration;

    use super::*;

    /// A device that hands out what it was given.
    #[derive(Default)]
    struct Echo(Mutex<VecDeque<Vec<u8>>>);

    impl FrameIo for Echo {
        fn read_frame(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
            let frame = lock(&self.0).pop_front();
            Ok(frame.map(|frame| {
                buffer[..frame.len()].copy_from_slice(&frame);
                frame.len()
            }))
        }
        fn write_frame(&self, frame: &[u8]) -> io::Result<()> {
            if frame.is_empty() {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            lock(&self.0).push_back(frame.to_vec());
            Ok(())
        }
    }

    /// A disk that the test can look at, and that has only so much room.
    #[derive(Clone)]
    struct Disk(Arc<Mutex<Vec<u8>>>, usize);

    impl Write for Disk {
        fn write(&mut self, data: &[u8]) -> io::Result<usize> {
            let mut octets = lock(&self.0);
            if octets.len() + data.len() > self.1 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            octets.extend(data);
            Ok(data.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_capture_holds_what_crossed_both_ways() {
        let env = Env::manual(0);
        let disk = Disk(Arc::default(), 1000);
        let capture = Capture::new(Echo::default(), disk.clone(), &env).unwrap();
        let capture: Box<dyn FrameIo> = Box::new(capture);
        assert_eq!(lock(&disk.0).len(), 24);
        capture.write_frame(b"abc").unwrap();
        // It can be read at any time, without the writer having ended.
        assert_eq!(lock(&disk.0).len(), 24 + 16 + 3);
        capture.write_frame(b"").unwrap_err(); // has not crossed
        env.advance(Duration::from_nanos(5));
        let mut buffer = [0; 8];
        assert_eq!(capture.read_frame(&mut buffer).unwrap(), Some(3));
        assert_eq!(capture.read_frame(&mut buffer).unwrap(), None);
        let octets = lock(&disk.0);
        assert_eq!(octets.len(), 24 + 2 * (16 + 3));
        assert_eq!(&octets[43 + 4..43 + 8], [5, 0, 0, 0]); // nanoseconds
    }

    #[test]
    fn a_full_disk_ends_the_capture_and_nothing_else() {
        let disk = Disk(Arc::default(), 24 + 20);
        let capture = Capture::new(Echo::default(), disk.clone(), &Env::manual(0)).unwrap();
        for frame in [b"abcd", b"efgh", b"ijkl"] {
            capture.write_frame(frame).unwrap();
            assert_eq!(capture.read_frame(&mut [0; 8]).unwrap(), Some(4));
        }
        assert_eq!(lock(&disk.0).len(), 24 + 20);
        assert!(lock(&capture.file).is_none());
    }

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
