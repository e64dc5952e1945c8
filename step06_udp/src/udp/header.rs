//! The UDP header.

use std::fmt;
use std::net::Ipv4Addr;

use crate::checksum::Checksum;
use crate::ip::IpProtocol;

/// Length of the header, in octets.
pub const LEN: usize = 8;

// ANCHOR: header
/// A UDP header (RFC 768).
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-------------------------------+-------------------------------+
/// |          Source port          |       Destination port        |
/// +-------------------------------+-------------------------------+
/// |            Length             |           Checksum            |
/// +-------------------------------+-------------------------------+
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Who sent it.
    pub src_port: u16,
    /// Whom it is for.
    pub dst_port: u16,
    /// Length of header and data, in octets.
    pub len: u16,
    /// The checksum as received (0: the sender computed none);
    /// [`Header::emit`] computes its own.
    pub checksum: u16,
}
// ANCHOR_END: header

/// Why bytes are no UDP datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseError {
    /// Fewer octets than a header.
    TooShort {
        /// How many there are.
        len: usize,
    },
    /// The datagram is longer than what IP has delivered, or shorter than its header.
    Length {
        /// Octets that IP has delivered.
        len: usize,
        /// Octets in the datagram, as it says.
        header: u16,
    },
    /// The checksum is wrong.
    Checksum {
        /// The checksum in the header.
        sum: u16,
        /// What remains when the sum is taken over the datagram: not 0.
        verify: u16,
    },
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::TooShort { len } => write!(f, "too short: len={len} < {LEN}"),
            Self::Length { len, header } => {
                write!(f, "length error: len={len}, hdr->len={header}")
            }
            Self::Checksum { sum, verify } => {
                write!(f, "checksum error: sum=0x{sum:04x}, verify=0x{verify:04x}")
            }
        }
    }
}

impl std::error::Error for ParseError {}

impl Header {
    /// Reads the header at the front of `datagram`, which went from `src` to
    /// `dst`, and verifies the whole.
    ///
    /// After this, `LEN <= header.len <= datagram.len()`.
    ///
    /// # Errors
    /// Too short, or damaged.
    // ANCHOR: parse
    pub fn parse(datagram: &[u8], src: Ipv4Addr, dst: Ipv4Addr) -> Result<Self, ParseError> {
        // EXERCISE 6.2: Read a UDP header
        let len = datagram.len();
        let Some(&[s0, s1, d0, d1, l0, l1, c0, c1]) = datagram.first_chunk::<LEN>() else {
            return Err(ParseError::TooShort { len });
        };
        let header = Self {
            src_port: u16::from_be_bytes([s0, s1]),
            dst_port: u16::from_be_bytes([d0, d1]),
            len: u16::from_be_bytes([l0, l1]),
            checksum: u16::from_be_bytes([c0, c1]),
        };
        // ANCHOR_END: parse
        // ANCHOR: verify
        let Some(datagram) = datagram.get(..header.len.into()).filter(|d| d.len() >= LEN) else {
            return Err(ParseError::Length {
                len,
                header: header.len,
            });
        };
        // 0 means that the sender has not computed one.
        let verify = if header.checksum == 0 {
            0
        } else {
            checksum(datagram, src, dst)
        };
        if verify != 0 {
            return Err(ParseError::Checksum {
                sum: header.checksum,
                verify,
            });
        }
        Ok(header)
        // ANCHOR_END: verify
        // END 6.2
    }

    /// Writes the header to the front of `datagram`, whose data is in place,
    /// with the checksum over both. Does nothing if there is no room for it.
    // ANCHOR: emit
    pub fn emit(&self, datagram: &mut [u8], src: Ipv4Addr, dst: Ipv4Addr) {
        // EXERCISE 6.3: Write a UDP header
        let Some(header) = datagram.first_chunk_mut::<LEN>() else {
            return;
        };
        header[0..2].copy_from_slice(&self.src_port.to_be_bytes());
        header[2..4].copy_from_slice(&self.dst_port.to_be_bytes());
        header[4..6].copy_from_slice(&self.len.to_be_bytes());
        header[6..8].fill(0);
        // 0 would mean "none": its other form in one's complement stands for it.
        let sum = match checksum(datagram, src, dst) {
            0 => 0xffff,
            sum => sum,
        };
        datagram[6..8].copy_from_slice(&sum.to_be_bytes());
        // END 6.3
    }
    // ANCHOR_END: emit
}

// ANCHOR: checksum
fn checksum(datagram: &[u8], src: Ipv4Addr, dst: Ipv4Addr) -> u16 {
    let mut sum = Checksum::pseudo_header(src, dst, IpProtocol::UDP.0, datagram.len());
    sum.add(datagram);
    sum.finish()
}
// ANCHOR_END: checksum

/// The dump of all fields, a line each.
impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // EXERCISE 6.4: A UDP header as the log shows it
        writeln!(f, "        src: {}", self.src_port)?;
        writeln!(f, "        dst: {}", self.dst_port)?;
        writeln!(
            f,
            "        len: {} (payload: {})",
            self.len,
            self.len.saturating_sub(8)
        )?;
        write!(f, "        sum: 0x{:04x}", self.checksum)
        // END 6.4
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SRC: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
    const DST: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

    fn datagram(data: &[u8]) -> Vec<u8> {
        let mut out = vec![0; LEN];
        out.extend_from_slice(data);
        let len = u16::try_from(out.len()).unwrap();
        Header {
            src_port: 49152,
            dst_port: 7,
            len,
            checksum: 0,
        }
        .emit(&mut out, SRC, DST);
        out
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes = datagram(b"hello");
        let header = Header::parse(&bytes, SRC, DST).unwrap();
        assert_eq!(
            (header.src_port, header.dst_port, header.len),
            (49152, 7, 13)
        );
        // To another host it would be damaged: the pseudo-header is covered.
        assert!(Header::parse(&bytes, SRC, Ipv4Addr::LOCALHOST).is_err());
    }

    #[test]
    fn captured_datagrams_are_read_and_written_back() {
        // "hello" to the echo service and back, and one without a checksum, all
        // three as Linux 6.18 sends them.
        for (datagram, src, dst, ports) in [
            (
                b"\x9c\x41\x00\x07\x00\x0d\x9b\xb5hello".as_slice(),
                SRC,
                DST,
                (40001, 7),
            ),
            (
                b"\x00\x07\x9c\x41\x00\x0d\x9b\xb5hello",
                DST,
                SRC,
                (7, 40001),
            ),
            (
                b"\xd0\xfc\x00\x07\x00\x0c\x00\x00nock",
                SRC,
                DST,
                (53500, 7),
            ),
        ] {
            let header = Header::parse(datagram, src, dst).unwrap();
            assert_eq!((header.src_port, header.dst_port), ports);
            assert_eq!(usize::from(header.len), datagram.len());
            let mut out = datagram.to_vec();
            out[..LEN].fill(0);
            header.emit(&mut out, src, dst);
            if header.checksum == 0 {
                out[6..8].fill(0); // ours always have one
            }
            assert_eq!(out, datagram);
        }
    }

    #[test]
    fn zero_checksums() {
        // None computed: accepted.
        let mut bytes = datagram(b"hello");
        bytes[6..8].fill(0);
        assert!(Header::parse(&bytes, SRC, DST).is_ok());
        // Computed as zero: sent as ffff, and accepted.
        let sum = checksum(
            &{
                let mut d = datagram(&[0, 0]);
                d[6..8].fill(0);
                d
            },
            SRC,
            DST,
        );
        let bytes = datagram(&sum.to_be_bytes());
        assert_eq!(bytes[6..8], [0xff, 0xff]);
        assert!(Header::parse(&bytes, SRC, DST).is_ok());
    }

    #[test]
    fn damage_is_seen() {
        let bytes = datagram(b"hello");
        let parse = |bytes: &[u8]| Header::parse(bytes, SRC, DST).unwrap_err();
        assert_eq!(parse(&bytes[..7]), ParseError::TooShort { len: 7 });
        assert_eq!(
            parse(&bytes[..12]),
            ParseError::Length {
                len: 12,
                header: 13
            }
        );
        let with = |at: usize, value| {
            let mut bytes = bytes.clone();
            bytes[at] = value;
            bytes
        };
        assert_eq!(
            parse(&with(5, 7)),
            ParseError::Length { len: 13, header: 7 }
        );
        assert!(matches!(parse(&with(12, 0)), ParseError::Checksum { .. }));
        // What follows the datagram is padding.
        let padded = [bytes.as_slice(), b"\0\0\0"].concat();
        assert_eq!(Header::parse(&padded, SRC, DST).unwrap().len, 13);
    }
}
