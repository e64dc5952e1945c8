//! The Ethernet header.

use std::fmt;

use crate::ethernet::mac::MacAddr;
use crate::ethertype::EtherType;

/// Length of the header, in octets.
pub const LEN: usize = 14;

// ANCHOR: diagram
/// The header of an Ethernet frame (IEEE 802.3, as RFC 894 uses it).
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +---------------------------------------------------------------+
/// |                     Destination address                       |
/// +-------------------------------+-------------------------------+
/// |  Destination (continued)      |        Source address         |
/// +-------------------------------+-------------------------------+
/// |                      Source (continued)                       |
/// +-------------------------------+-------------------------------+
/// |           EtherType           |        Data: 46 to 1,500 octets
/// +-------------------------------+
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Who is to take it.
    pub dst: MacAddr,
    /// Who has sent it.
    pub src: MacAddr,
    /// What it carries.
    pub ethertype: EtherType,
}
// ANCHOR_END: diagram

impl Header {
    // ANCHOR: parse
    /// Reads the header at the front of `frame`; `None` if it is too short.
    pub fn parse(frame: &[u8]) -> Option<Self> {
        // EXERCISE 5.1: The frame's header
        let &[d0, d1, d2, d3, d4, d5, s0, s1, s2, s3, s4, s5, t0, t1] =
            frame.first_chunk::<LEN>()?;
        Some(Self {
            dst: MacAddr([d0, d1, d2, d3, d4, d5]),
            src: MacAddr([s0, s1, s2, s3, s4, s5]),
            ethertype: EtherType(u16::from_be_bytes([t0, t1])),
        })
        // END 5.1
    }
    // ANCHOR_END: parse

    // ANCHOR: emit
    /// Writes the header.
    pub fn emit(&self, out: &mut [u8; LEN]) {
        // EXERCISE 5.1: The frame's header
        out[..6].copy_from_slice(&self.dst.0);
        out[6..12].copy_from_slice(&self.src.0);
        out[12..].copy_from_slice(&self.ethertype.0.to_be_bytes());
        // END 5.1
    }
    // ANCHOR_END: emit
}

/// The dump of all fields, a line each.
impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // EXERCISE 5.2: A frame as the log shows it
        writeln!(f, "        src: {}", self.src)?;
        writeln!(f, "        dst: {}", self.dst)?;
        write!(f, "       type: {}", self.ethertype)
        // END 5.2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_read_and_written_back() {
        // The start of an ARP request, captured on a TAP device.
        let frame = b"\xff\xff\xff\xff\xff\xff\x02\x00\x00\x00\x00\x01\x08\x06\x00\x01";
        let header = Header::parse(frame).unwrap();
        assert_eq!(header.dst, MacAddr::BROADCAST);
        assert_eq!(header.src, MacAddr([2, 0, 0, 0, 0, 1]));
        assert_eq!(header.ethertype, EtherType::ARP);
        let mut out = [0; LEN];
        header.emit(&mut out);
        assert_eq!(out, frame[..LEN]);
        assert_eq!(Header::parse(&frame[..13]), None);
    }
}
