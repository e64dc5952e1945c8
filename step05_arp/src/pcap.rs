//! Capture files, in the classic format of `tcpdump` that Wireshark opens.
//!
//! All numbers are little-endian here; the magic number tells the reader so,
//! and that the fractions of a second are nanoseconds.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +---------------------------------------------------------------+
//! |                    Magic Number = 0xa1b23c4d                  |  once,
//! +-------------------------------+-------------------------------+  at the
//! |       Major Version = 2       |       Minor Version = 4       |  start of
//! +-------------------------------+-------------------------------+  the file
//! |                          Reserved = 0                         |
//! +---------------------------------------------------------------+
//! |                          Reserved = 0                         |
//! +---------------------------------------------------------------+
//! |                     Snapshot Length = 65535                   |
//! +---------------------------------------------------------------+
//! |                   Link Type = 1 (Ethernet)                    |
//! +===============================================================+
//! |                 Timestamp: seconds since 1970                 |  before
//! +---------------------------------------------------------------+  each
//! |                     Timestamp: nanoseconds                    |  frame
//! +---------------------------------------------------------------+
//! |                   Captured Length (in the file)               |
//! +---------------------------------------------------------------+
//! |                  Original Length (on the wire)                |
//! +---------------------------------------------------------------+
//! |                          the frame …                          |
//! ```
//!
//! The format has no room for the direction of a frame; its addresses tell.

use std::io::{self, Write};
use std::time::Duration;

/// Nanoseconds; written little-endian.
const MAGIC: u32 = 0xa1b2_3c4d;
/// No frame is kept beyond this many octets.
const SNAPSHOT_LEN: u16 = 65_535;
/// LINKTYPE_ETHERNET.
const LINK_TYPE: u32 = 1;

/// Writes a capture file.
///
/// Each frame goes out whole, in one `write`: nothing waits in a buffer, so the
/// file can be read while it grows, and is complete when the program is killed.
/// That costs one system call per frame, as much as reading or writing the
/// frame itself did, and only while a capture runs.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    /// One frame with its header; kept, so that it is allocated once.
    record: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// Starts a capture: writes the file's header.
    ///
    /// # Errors
    /// As `out`'s.
    pub fn new(mut out: W) -> io::Result<Self> {
        let mut header = Vec::with_capacity(24);
        header.extend(MAGIC.to_le_bytes());
        header.extend(2u16.to_le_bytes());
        header.extend(4u16.to_le_bytes());
        header.extend([0; 8]);
        header.extend(u32::from(SNAPSHOT_LEN).to_le_bytes());
        header.extend(LINK_TYPE.to_le_bytes());
        out.write_all(&header)?;
        Ok(Self {
            out,
            record: Vec::new(),
        })
    }

    /// Writes a frame that crossed at `time` (since 1970).
    ///
    /// # Errors
    /// As `out`'s. The file may end in the middle of the frame then, so
    /// nothing should be added to it any more.
    pub fn record(&mut self, time: Duration, frame: &[u8]) -> io::Result<()> {
        let kept = &frame[..frame.len().min(SNAPSHOT_LEN.into())];
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes();
        // Unsigned seconds last until 2106.
        let seconds = u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
        self.record.clear();
        self.record.extend(seconds.to_le_bytes());
        self.record.extend(time.subsec_nanos().to_le_bytes());
        self.record.extend(number(kept.len()));
        self.record.extend(number(frame.len()));
        self.record.extend(kept);
        self.out.write_all(&self.record)?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_of_a_small_capture() {
        let mut file = Vec::new();
        let mut writer = Writer::new(&mut file).unwrap();
        writer
            .record(Duration::new(0x6955_b900, 0x0102_0304), b"\xff\xff\xff")
            .unwrap();
        let expected = b"\x4d\x3c\xb2\xa1\x02\x00\x04\x00\0\0\0\0\0\0\0\0\xff\xff\0\0\x01\0\0\0\
            \x00\xb9\x55\x69\x04\x03\x02\x01\x03\0\0\0\x03\0\0\0\xff\xff\xff";
        assert_eq!(file, expected);
    }

    #[test]
    fn a_frame_beyond_the_snapshot_length_is_cut() {
        let mut file = Vec::new();
        let mut writer = Writer::new(&mut file).unwrap();
        writer.record(Duration::ZERO, &[0; 70_000]).unwrap();
        assert_eq!(file.len(), 24 + 16 + 65_535);
        assert_eq!(&file[32..40], b"\xff\xff\0\0\x70\x11\x01\0");
    }
}
