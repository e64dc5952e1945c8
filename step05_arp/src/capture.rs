//! Writing down what crosses a device.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::RawFd;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use log::error;

use crate::env::Env;
use crate::frame::FrameIo;
use crate::interrupt::Irq;
use crate::sync::lock;
use crate::time::Time;
use crate::unfinished::Unfinished;
use crate::{offload, pcap};

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
            error!(target: "capture::record", "write: {error}; the capture ends here");
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

    fn offloads(&self) -> bool {
        self.frames.offloads()
    }

    fn read_unfinished(
        &self,
        buffer: &mut [u8],
    ) -> io::Result<Option<(usize, Option<Unfinished>)>> {
        let file = lock(&self.file);
        let read = self.frames.read_unfinished(buffer)?;
        if let Some((len, left)) = read
            && let Some(frame) = buffer.get(..len)
        {
            self.record(file, &summed(frame, left.as_ref()));
        }
        Ok(read)
    }

    fn write_unfinished(&self, frame: &[u8], left: &Unfinished) -> io::Result<()> {
        let file = lock(&self.file);
        self.frames.write_unfinished(frame, left)?;
        self.record(file, &summed(frame, Some(left)));
        Ok(())
    }
}

/// A frame as a reader wants it: with its checksum. It stays in one piece.
fn summed<'a>(frame: &'a [u8], left: Option<&Unfinished>) -> Cow<'a, [u8]> {
    let mut frame = Cow::Borrowed(frame);
    if let Some(left) = left {
        offload::complete_checksum(frame.to_mut(), left.start.into(), left.checksum.into());
    }
    frame
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
}
