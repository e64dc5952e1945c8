//! The TCP header on the wire (RFC 9293 §3.1).

use std::fmt;
use std::net::Ipv4Addr;

use crate::checksum::Checksum;
use crate::flags::Flags;
use crate::options::{self, Options};
use crate::packet::Packet;
use crate::seq::SeqNumber;
use crate::unfinished::Unfinished;

/// TCP's number in the protocol field of the IP header.
pub const PROTOCOL: u8 = 6;

/// Length of a header without options.
pub const MIN_LEN: usize = 20;

/// Where in the header the checksum stands.
const CHECKSUM: u16 = 16;

/// A TCP header, in host byte order.
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |          Source Port          |       Destination Port        |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                        Sequence Number                        |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                    Acknowledgment Number                      |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |  Data |       |C|E|U|A|P|R|S|F|                               |
/// | Offset| Rsrvd |W|C|R|C|S|S|Y|I|            Window             |
/// |       |       |R|E|G|K|H|T|N|N|                               |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |           Checksum            |         Urgent Pointer        |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                           [Options]                           |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
// ANCHOR: header
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Port of the sender.
    pub src_port: u16,
    /// Port of the receiver.
    pub dst_port: u16,
    /// Sequence number of the first octet of text, or of the SYN.
    pub seq: SeqNumber,
    /// The next sequence number that the sender expects, if ACK is set.
    pub ack: SeqNumber,
    /// Length of the header in 32-bit words, as received; a header that is sent
    /// gets the one that its options need.
    pub data_offset: u8,
    /// The control bits.
    pub flags: Flags,
    /// How many octets from `ack` on the sender is willing to take.
    pub window: u16,
    /// The checksum as received; computed anew when a segment is sent.
    pub checksum: u16,
    /// Where urgent data ends, relative to `seq`, if URG is set.
    pub urgent_pointer: u16,
    /// The options.
    pub options: Options,
}
// ANCHOR_END: header

/// Why octets are not a TCP segment. Its `Display` is the line for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseError {
    /// Fewer octets than a header has.
    TooShort {
        /// The length of the segment.
        len: usize,
    },
    /// The data offset points into the fixed header or beyond the segment.
    DataOffset {
        /// The data offset, in octets.
        offset: usize,
        /// The length of the segment.
        len: usize,
    },
    /// The checksum is wrong.
    Checksum {
        /// What the header says.
        sum: u16,
        /// What it should say.
        verify: u16,
    },
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort { len } => write!(f, "too short, len={len}"),
            Self::DataOffset { offset, len } => {
                write!(f, "data offset error: off={offset}, len={len}")
            }
            Self::Checksum { sum, verify } => {
                write!(f, "checksum error: sum=0x{sum:04x}, verify=0x{verify:04x}")
            }
        }
    }
}

impl std::error::Error for ParseError {}

impl Header {
    /// Reads the header of a segment and tells its length, options included:
    /// that is where the text begins. Does not look at the checksum, which
    /// needs the addresses: see [`verify`].
    // ANCHOR: parse
    pub fn parse(segment: &[u8]) -> Result<(Self, usize), ParseError> {
        // EXERCISE 7.1: Read a TCP header
        let len = segment.len();
        let Some(fixed) = segment.first_chunk::<MIN_LEN>() else {
            return Err(ParseError::TooShort { len });
        };
        let offset = usize::from(fixed[12] >> 4) * 4;
        let Some(options) = segment.get(MIN_LEN..offset) else {
            return Err(ParseError::DataOffset { offset, len });
        };
        // ANCHOR_END: parse
        // ANCHOR: fields
        let u16_at = |at: usize| u16::from_be_bytes([fixed[at], fixed[at + 1]]);
        let u32_at = |at: usize| {
            u32::from_be_bytes([fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]])
        };
        let header = Self {
            src_port: u16_at(0),
            dst_port: u16_at(2),
            seq: SeqNumber::new(u32_at(4)),
            ack: SeqNumber::new(u32_at(8)),
            data_offset: fixed[12] >> 4,
            flags: Flags::from_bits(fixed[13]),
            window: u16_at(14),
            checksum: u16_at(16),
            urgent_pointer: u16_at(18),
            options: Options::parse(options),
        };
        Ok((header, offset))
        // ANCHOR_END: fields
        // END 7.1
    }

    /// The octets that [`emit`](Self::emit) writes.
    pub fn header_len(&self) -> usize {
        MIN_LEN + self.options.len()
    }

    /// Writes the header, with the checksum field as it is, into the first
    /// [`header_len`](Self::header_len) octets of `buffer`. A buffer that is
    /// too short for that is left alone.
    pub fn emit(&self, buffer: &mut [u8]) {
        let mut area = [0; options::MAX_LEN];
        let options_len = self.options.emit(&mut area);
        let Some((fixed, rest)) = buffer.split_first_chunk_mut::<MIN_LEN>() else {
            return;
        };
        let (Some(place), Some(emitted)) = (rest.get_mut(..options_len), area.get(..options_len))
        else {
            return;
        };
        place.copy_from_slice(emitted);
        // ANCHOR: emit
        fixed[0..2].copy_from_slice(&self.src_port.to_be_bytes());
        fixed[2..4].copy_from_slice(&self.dst_port.to_be_bytes());
        fixed[4..8].copy_from_slice(&self.seq.value().to_be_bytes());
        fixed[8..12].copy_from_slice(&self.ack.value().to_be_bytes());
        fixed[12] = data_offset(options_len) << 4;
        fixed[13] = self.flags.bits();
        fixed[14..16].copy_from_slice(&self.window.to_be_bytes());
        fixed[16..18].copy_from_slice(&self.checksum.to_be_bytes());
        fixed[18..20].copy_from_slice(&self.urgent_pointer.to_be_bytes());
        // ANCHOR_END: emit
    }

    /// Puts this header before the text in `packet`, with the right checksum.
    // ANCHOR: prepend
    pub fn prepend_to(mut self, packet: &mut Packet, src: Ipv4Addr, dst: Ipv4Addr) {
        // EXERCISE 7.2: A header before the text
        self.checksum = 0;
        self.emit(packet.prepend(self.header_len()));
        let sum = segment_checksum(packet, src, dst);
        if let Some(field) = packet.get_mut(usize::from(CHECKSUM)..usize::from(CHECKSUM) + 2) {
            field.copy_from_slice(&sum.to_be_bytes());
        }
        // END 7.2
    }
    // ANCHOR_END: prepend

    // ANCHOR: prepend_unfinished
    /// The same, for a device that adds the checksum itself; and cuts the
    /// text into segments of `segment` octets, if that is not `None`.
    pub fn prepend_unfinished(
        mut self,
        packet: &mut Packet,
        src: Ipv4Addr,
        dst: Ipv4Addr,
        segment: Option<u16>,
    ) {
        let header_len = self.header_len();
        let len = header_len + packet.len();
        self.checksum = !Checksum::pseudo_header(src, dst, PROTOCOL, len).finish();
        self.emit(packet.prepend(header_len));
        packet.leave_unfinished(Unfinished {
            start: 0,
            checksum: CHECKSUM,
            header_len: u16::from(data_offset(self.options.len())) * 4,
            segment,
        });
    }
    // ANCHOR_END: prepend_unfinished
}

/// The data offset of a header with so many octets of options: at most 15 words.
fn data_offset(options_len: usize) -> u8 {
    u8::try_from((MIN_LEN + options_len) / 4).unwrap_or(15)
}

/// The checksum over the pseudo-header and the segment; 0 if the segment
/// carries the right one already.
// ANCHOR: checksum
fn segment_checksum(segment: &[u8], src: Ipv4Addr, dst: Ipv4Addr) -> u16 {
    let mut sum = Checksum::pseudo_header(src, dst, PROTOCOL, segment.len());
    sum.add(segment);
    sum.finish()
}
// ANCHOR_END: checksum

/// Verifies the checksum of a segment that went from `src` to `dst`
/// (RFC 9293 §3.1, MUST-3).
// ANCHOR: verify
pub fn verify(segment: &[u8], src: Ipv4Addr, dst: Ipv4Addr) -> Result<(), ParseError> {
    let Some((head, &[a, b], tail)) = split_checksum(segment) else {
        return Err(ParseError::TooShort { len: segment.len() });
    };
    if segment_checksum(segment, src, dst) == 0 {
        return Ok(());
    }
    // Only for the log: what would have been right.
    let mut sum = Checksum::pseudo_header(src, dst, PROTOCOL, segment.len());
    sum.add(head);
    sum.add(tail);
    Err(ParseError::Checksum {
        sum: u16::from_be_bytes([a, b]),
        verify: sum.finish(),
    })
}
// ANCHOR_END: verify

/// What is before the checksum field, the field, and what is behind it.
fn split_checksum(segment: &[u8]) -> Option<(&[u8], &[u8; 2], &[u8])> {
    let (head, rest) = segment.split_at_checked(16)?;
    let (field, tail) = rest.split_first_chunk::<2>()?;
    Some((head, field, tail))
}

/// The dump: a line for each field and for each option. No line break at the end.
impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let off = self.data_offset;
        writeln!(f, "{:>11}: {}", "src", self.src_port)?;
        writeln!(f, "{:>11}: {}", "dst", self.dst_port)?;
        writeln!(f, "{:>11}: {}", "seq", self.seq)?;
        writeln!(f, "{:>11}: {}", "ack", self.ack)?;
        writeln!(
            f,
            "{:>11}: 0x{:02x} ({} bytes)",
            "off",
            off << 4,
            u16::from(off) * 4
        )?;
        writeln!(
            f,
            "{:>11}: 0x{:02x} ({})",
            "flg",
            self.flags.bits(),
            self.flags
        )?;
        writeln!(f, "{:>11}: {}", "wnd", self.window)?;
        writeln!(f, "{:>11}: 0x{:04x}", "sum", self.checksum)?;
        write!(f, "{:>11}: {}", "up", self.urgent_pointer)?;
        if !self.options.is_empty() {
            write!(f, "\n{}", self.options)?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "header/tests.rs"]
mod tests;
