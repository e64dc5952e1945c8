//! The IPv4 header.

use std::fmt;
use std::net::Ipv4Addr;

use crate::checksum::checksum;
use crate::ip::options::Options;

/// Length of a header without options, in octets.
pub const MIN_LEN: usize = 20;

/// The number by which IP names the protocol that a datagram carries (IANA, "protocol-numbers").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IpProtocol(pub u8);

impl IpProtocol {
    /// Internet Control Message Protocol.
    pub const ICMP: Self = Self(1);
    /// Transmission Control Protocol.
    pub const TCP: Self = Self(6);
    /// User Datagram Protocol.
    pub const UDP: Self = Self(17);
}

/// Shown as the log does: `ICMP(0x01)`.
impl fmt::Display for IpProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match *self {
            Self::ICMP => "ICMP",
            Self::TCP => "TCP",
            Self::UDP => "UDP",
            _ => "UNKNOWN",
        };
        write!(f, "{name}(0x{:02x})", self.0)
    }
}

// ANCHOR: layout
/// An IPv4 header (RFC 791 §3.1).
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-------+-------+---------------+-------------------------------+
/// |Version|  IHL  |Type of Service|         Total Length          |
/// +-------+-------+---------------+-----+-------------------------+
/// |        Identification         |Flags|     Fragment Offset     |
/// +---------------+---------------+-----+-------------------------+
/// |  Time to Live |   Protocol    |        Header Checksum        |
/// +---------------+---------------+-------------------------------+
/// |                        Source Address                         |
/// +---------------------------------------------------------------+
/// |                      Destination Address                      |
/// +---------------------------------------------------------------+
/// |                  Options (IHL > 5), padding                   |
/// +---------------------------------------------------------------+
/// ```
// ANCHOR_END: layout
// ANCHOR: header
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// IHL: length of the header with its options, here in octets (20 to 60).
    pub header_len: u8,
    /// Type of service (today: DSCP and ECN).
    pub tos: u8,
    /// Length of header and payload, in octets.
    pub total_len: u16,
    /// Tells which fragments belong together.
    pub id: u16,
    /// Flags and fragment offset, as they stand in the header.
    pub fragment: Fragment,
    /// How many more routers may pass it on.
    pub ttl: u8,
    /// What it carries.
    pub protocol: IpProtocol,
    /// The checksum as received; [`Header::emit`] computes its own.
    pub checksum: u16,
    /// Who sent it.
    pub src: Ipv4Addr,
    /// Whom it is for.
    pub dst: Ipv4Addr,
}
// ANCHOR_END: header

// ANCHOR: flags
/// Flags (3 bits) and fragment offset (13 bits, in units of 8 octets).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fragment(pub u16);

impl Fragment {
    /// "Don't fragment".
    pub const DF: u16 = 0x4000;
    /// "More fragments".
    pub const MF: u16 = 0x2000;
    // ANCHOR_END: flags

    /// True if routers must not fragment this datagram.
    pub fn dont_fragment(self) -> bool {
        // EXERCISE 3.4: The fragment word
        self.0 & Self::DF != 0
        // END 3.4
    }

    /// True if this is not the last fragment.
    pub fn more_fragments(self) -> bool {
        // EXERCISE 3.4: The fragment word
        self.0 & Self::MF != 0
        // END 3.4
    }

    // ANCHOR: fragment
    /// Where this fragment's payload belongs, in octets.
    pub fn offset(self) -> usize {
        // EXERCISE 3.4: The fragment word
        usize::from(self.0 & 0x1fff) * 8
        // END 3.4
    }

    /// True if this is a part of a datagram, not a whole one.
    pub fn is_fragment(self) -> bool {
        // EXERCISE 3.4: The fragment word
        self.more_fragments() || self.offset() != 0
        // END 3.4
    }
    // ANCHOR_END: fragment
}

/// Why bytes are no IPv4 header, with the values that are wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseError {
    /// Fewer octets than the shortest header.
    TooShort {
        /// How many there are.
        len: usize,
    },
    /// Another version.
    Version(u8),
    /// The header is longer than the packet, or shorter than 20 octets.
    HeaderLength {
        /// Octets in the packet.
        len: usize,
        /// Octets of header, as it says.
        header_len: u8,
    },
    /// The datagram is longer than the packet, or shorter than its own header.
    TotalLength {
        /// Octets in the packet.
        len: usize,
        /// Octets in the datagram, as it says.
        total_len: u16,
    },
    /// The checksum is wrong.
    Checksum {
        /// The checksum in the header.
        sum: u16,
        /// What remains when the sum is taken over the header: not 0.
        verify: u16,
    },
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::TooShort { len } => write!(f, "too short: len={len} < {MIN_LEN}"),
            Self::Version(version) => write!(f, "ip version error: v={version}"),
            Self::HeaderLength { len, header_len } => {
                write!(f, "header length error: len={len}, hlen={header_len}")
            }
            Self::TotalLength { len, total_len } => {
                write!(f, "total length error: len={len}, total={total_len}")
            }
            Self::Checksum { sum, verify } => {
                write!(f, "checksum error: sum=0x{sum:04x}, verify=0x{verify:04x}")
            }
        }
    }
}

impl std::error::Error for ParseError {}

impl Header {
    // ANCHOR: parse
    /// Reads the header at the front of `packet`.
    ///
    /// After this, `MIN_LEN <= header_len <= total_len <= packet.len()`.
    ///
    /// # Errors
    /// The first thing that is wrong, in the order of the header's fields.
    pub fn parse(packet: &[u8]) -> Result<Self, ParseError> {
        // EXERCISE 3.3: Whole and intact
        let header = Self::parse_quoted(packet)?;
        let (len, total_len) = (packet.len(), header.total_len);
        if usize::from(total_len) > len || total_len < header.header_len.into() {
            return Err(ParseError::TotalLength { len, total_len });
        }
        let sum = checksum(&packet[..header.header_len.into()]);
        if sum != 0 {
            return Err(ParseError::Checksum {
                sum: header.checksum,
                verify: sum,
            });
        }
        Ok(header)
        // END 3.3
    }
    // ANCHOR_END: parse

    /// Reads a header that an ICMP error message quotes. Only the beginning of
    /// the datagram is there, and routers on the way have changed fields: the
    /// total length and the checksum are not verified.
    ///
    /// After this, `MIN_LEN <= header_len <= packet.len()`.
    ///
    /// # Errors
    /// The first thing that is wrong, in the order of the header's fields.
    pub fn parse_quoted(packet: &[u8]) -> Result<Self, ParseError> {
        // EXERCISE 3.2: Read a header
        // ANCHOR: octets
        let len = packet.len();
        let Some(fixed) = packet.first_chunk::<MIN_LEN>() else {
            return Err(ParseError::TooShort { len });
        };
        let be16 = |at: usize| u16::from_be_bytes([fixed[at], fixed[at + 1]]);
        let addr =
            |at: usize| Ipv4Addr::new(fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]);
        let version = fixed[0] >> 4;
        if version != 4 {
            return Err(ParseError::Version(version));
        }
        let header_len = (fixed[0] & 0x0f) * 4;
        if usize::from(header_len) < MIN_LEN || usize::from(header_len) > len {
            return Err(ParseError::HeaderLength { len, header_len });
        }
        // ANCHOR_END: octets
        // ANCHOR: fields
        Ok(Self {
            header_len,
            tos: fixed[1],
            total_len: be16(2),
            id: be16(4),
            fragment: Fragment(be16(6)),
            ttl: fixed[8],
            protocol: IpProtocol(fixed[9]),
            checksum: be16(10),
            src: addr(12),
            dst: addr(16),
        })
        // ANCHOR_END: fields
        // END 3.2
    }

    // ANCHOR: emit
    /// Writes the header, without options, with its checksum.
    pub fn emit(&self, out: &mut [u8; MIN_LEN]) {
        // EXERCISE 3.10: Write a header
        out[0] = 0x45;
        out[1] = self.tos;
        out[2..4].copy_from_slice(&self.total_len.to_be_bytes());
        out[4..6].copy_from_slice(&self.id.to_be_bytes());
        out[6..8].copy_from_slice(&self.fragment.0.to_be_bytes());
        out[8] = self.ttl;
        out[9] = self.protocol.0;
        out[10..12].fill(0);
        out[12..16].copy_from_slice(&self.src.octets());
        out[16..20].copy_from_slice(&self.dst.octets());
        let sum = checksum(out);
        out[10..12].copy_from_slice(&sum.to_be_bytes());
        // END 3.10
    }
    // ANCHOR_END: emit

    // ANCHOR: emit_with
    /// Writes the header and `options` behind it, with the checksum over both.
    /// Writes nothing if there is no room for them.
    pub fn emit_with(&self, options: &Options, out: &mut [u8]) {
        let Some(header) = out.get_mut(..MIN_LEN + options.len()) else {
            return;
        };
        let Some((fixed, rest)) = header.split_first_chunk_mut() else {
            return;
        };
        self.emit(fixed);
        if !options.is_empty() {
            rest.copy_from_slice(options);
            // At most 60 octets are 15 words.
            fixed[0] = 0x40 | u8::try_from((MIN_LEN + options.len()) / 4).unwrap_or(0x0f);
            fixed[10..12].fill(0);
            let sum = checksum(header);
            header[10..12].copy_from_slice(&sum.to_be_bytes());
        }
    }
    // ANCHOR_END: emit_with

    /// Length of the payload, in octets.
    pub fn payload_len(&self) -> u16 {
        self.total_len.saturating_sub(self.header_len.into())
    }
}

/// The dump of all fields, a line each.
impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // EXERCISE 3.5: A header as the log shows it
        // ANCHOR: dump
        let (hl, fragment) = (self.header_len / 4, self.fragment.0);
        writeln!(
            f,
            "        vhl: 0x4{hl:x} [v: 4, hl: {hl} ({})]",
            self.header_len
        )?;
        writeln!(f, "        tos: 0x{:02x}", self.tos)?;
        writeln!(
            f,
            "      total: {} (payload: {})",
            self.total_len,
            self.payload_len()
        )?;
        // ANCHOR_END: dump
        writeln!(f, "         id: {}", self.id)?;
        writeln!(
            f,
            "     offset: 0x{fragment:04x} [flags={:x}, offset={}]",
            fragment >> 13,
            fragment & 0x1fff
        )?;
        writeln!(f, "        ttl: {}", self.ttl)?;
        writeln!(f, "   protocol: {}", self.protocol)?;
        writeln!(f, "        sum: 0x{:04x}", self.checksum)?;
        writeln!(f, "        src: {}", self.src)?;
        write!(f, "        dst: {}", self.dst)
        // END 3.5
    }
}

#[cfg(test)]
mod tests;
