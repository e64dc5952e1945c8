//! ARP messages.

use std::fmt;
use std::net::Ipv4Addr;

use crate::ethernet::MacAddr;
use crate::ethertype::EtherType;

/// Length of a message about Ethernet and IPv4, in octets.
pub const LEN: usize = 28;

/// Hardware type of Ethernet (IANA, "arp-parameters").
const HARDWARE_ETHERNET: u16 = 1;

/// What a message wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opcode(pub u16);

impl Opcode {
    /// Who has this address?
    pub const REQUEST: Self = Self(1);
    /// I have.
    pub const REPLY: Self = Self(2);
}

/// Shown as the log does: `Request(0x0001)`.
impl fmt::Display for Opcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match *self {
            Self::REQUEST => "Request",
            Self::REPLY => "Reply",
            _ => "Unknown",
        };
        write!(f, "{name}(0x{:04x})", self.0)
    }
}

// ANCHOR: diagram
/// An ARP message about Ethernet and IPv4 (RFC 826).
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-------------------------------+-------------------------------+
/// |  Hardware type (1: Ethernet)  | Protocol type (0x0800: IPv4)  |
/// +---------------+---------------+-------------------------------+
/// | Hardw. len (6)| Prot. len (4) |           Opcode              |
/// +---------------+---------------+-------------------------------+
/// |          Sender hardware address (6 octets)                   |
/// |                               +-------------------------------+
/// |                               |  Sender protocol address      |
/// +-------------------------------+-------------------------------+
/// |  Sender protocol (continued)  |  Target hardware address (6)  |
/// +-------------------------------+                               |
/// |                                                               |
/// +---------------------------------------------------------------+
/// |                   Target protocol address                     |
/// +---------------------------------------------------------------+
/// ```
// ANCHOR_END: diagram
// ANCHOR: fields
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// What it wants.
    pub opcode: Opcode,
    /// Sender hardware address.
    pub sha: MacAddr,
    /// Sender protocol address.
    pub spa: Ipv4Addr,
    /// Target hardware address; unknown in a request.
    pub tha: MacAddr,
    /// Target protocol address.
    pub tpa: Ipv4Addr,
}
// ANCHOR_END: fields

/// Why bytes are no message about Ethernet and IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseError {
    /// Fewer octets than a message.
    TooShort {
        /// How many there are.
        len: usize,
    },
    /// Not about Ethernet.
    Hardware {
        /// Hardware type.
        hrd: u16,
        /// Length of a hardware address.
        hln: u8,
    },
    /// Not about IPv4.
    Protocol {
        /// Protocol type.
        pro: u16,
        /// Length of a protocol address.
        pln: u8,
    },
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::TooShort { len } => write!(f, "too short: len={len} < {LEN}"),
            Self::Hardware { hrd, hln } => {
                write!(
                    f,
                    "unsupported hardware address: hrd=0x{hrd:04x}, hln={hln}"
                )
            }
            Self::Protocol { pro, pln } => {
                write!(
                    f,
                    "unsupported protocol address: pro=0x{pro:04x}, pln={pln}"
                )
            }
        }
    }
}

impl std::error::Error for ParseError {}

impl Message {
    /// Reads the message at the front of `bytes`; what follows is padding.
    ///
    /// # Errors
    /// Too short, or about other kinds of addresses.
    // ANCHOR: parse
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        // EXERCISE 5.5: Read an ARP message
        let Some(m) = bytes.first_chunk::<LEN>() else {
            return Err(ParseError::TooShort { len: bytes.len() });
        };
        let be16 = |at: usize| u16::from_be_bytes([m[at], m[at + 1]]);
        let mac =
            |at: usize| MacAddr([m[at], m[at + 1], m[at + 2], m[at + 3], m[at + 4], m[at + 5]]);
        let addr = |at: usize| Ipv4Addr::new(m[at], m[at + 1], m[at + 2], m[at + 3]);
        let (hrd, pro, hln, pln) = (be16(0), be16(2), m[4], m[5]);
        if (hrd, hln) != (HARDWARE_ETHERNET, 6) {
            return Err(ParseError::Hardware { hrd, hln });
        }
        if (pro, pln) != (EtherType::IP.0, 4) {
            return Err(ParseError::Protocol { pro, pln });
        }
        Ok(Self {
            opcode: Opcode(be16(6)),
            sha: mac(8),
            spa: addr(14),
            tha: mac(18),
            tpa: addr(24),
        })
        // END 5.5
    }
    // ANCHOR_END: parse

    // ANCHOR: emit
    /// The message as it goes over the link.
    pub fn emit(&self) -> [u8; LEN] {
        // EXERCISE 5.6: Write an ARP message
        let mut out = [0; LEN];
        out[0..2].copy_from_slice(&HARDWARE_ETHERNET.to_be_bytes());
        out[2..4].copy_from_slice(&EtherType::IP.0.to_be_bytes());
        out[4] = 6;
        out[5] = 4;
        out[6..8].copy_from_slice(&self.opcode.0.to_be_bytes());
        out[8..14].copy_from_slice(&self.sha.0);
        out[14..18].copy_from_slice(&self.spa.octets());
        out[18..24].copy_from_slice(&self.tha.0);
        out[24..28].copy_from_slice(&self.tpa.octets());
        out
        // END 5.6
    }
    // ANCHOR_END: emit
}

/// The dump of all fields, a line each.
impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // EXERCISE 5.7: An ARP message as the log shows it
        writeln!(f, "        hrd: 0x{HARDWARE_ETHERNET:04x}")?;
        writeln!(f, "        pro: 0x{:04x}", EtherType::IP.0)?;
        writeln!(f, "        hln: 6")?;
        writeln!(f, "        pln: 4")?;
        writeln!(f, "         op: {}", self.opcode)?;
        writeln!(f, "        sha: {}", self.sha)?;
        writeln!(f, "        spa: {}", self.spa)?;
        writeln!(f, "        tha: {}", self.tha)?;
        write!(f, "        tpa: {}", self.tpa)
        // END 5.7
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A request of the Linux kernel's, captured on a TAP device.
    const REQUEST: [u8; LEN] = *b"\x00\x01\x08\x00\x06\x04\x00\x01\x7e\x2a\x11\x30\x9c\x05\
        \xc0\x00\x02\x01\x00\x00\x00\x00\x00\x00\xc0\x00\x02\x02";

    #[test]
    fn a_captured_request_is_read_and_written_back() {
        let message = Message::parse(&REQUEST).unwrap();
        assert_eq!(message.opcode, Opcode::REQUEST);
        assert_eq!(message.spa, Ipv4Addr::new(192, 0, 2, 1));
        assert_eq!(message.tpa, Ipv4Addr::new(192, 0, 2, 2));
        assert_eq!(message.tha, MacAddr::ANY);
        assert_eq!(message.emit(), REQUEST);
    }

    #[test]
    fn a_captured_reply_is_read_and_written_back() {
        let reply = *b"\x00\x01\x08\x00\x06\x04\x00\x02\xfe\x16\x6c\xaf\x32\xba\
            \xc0\x00\x02\x02\x32\x70\x01\xd0\x2c\xd9\xc0\x00\x02\x01";
        let message = Message::parse(&reply).unwrap();
        assert_eq!(message.opcode, Opcode::REPLY);
        assert_eq!(message.spa, Ipv4Addr::new(192, 0, 2, 2));
        assert_eq!(message.tha, MacAddr([0x32, 0x70, 0x01, 0xd0, 0x2c, 0xd9]));
        assert_eq!(message.emit(), reply);
    }

    #[test]
    fn other_kinds_of_addresses_are_refused() {
        let with = |at: usize, value| {
            let mut bytes = REQUEST;
            bytes[at] = value;
            Message::parse(&bytes).unwrap_err()
        };
        assert_eq!(with(1, 6), ParseError::Hardware { hrd: 6, hln: 6 });
        assert_eq!(with(4, 8), ParseError::Hardware { hrd: 1, hln: 8 });
        assert_eq!(
            with(2, 0x86),
            ParseError::Protocol {
                pro: 0x8600,
                pln: 4
            }
        );
        assert_eq!(
            with(5, 16),
            ParseError::Protocol {
                pro: 0x0800,
                pln: 16
            }
        );
        assert_eq!(
            Message::parse(&REQUEST[..27]),
            Err(ParseError::TooShort { len: 27 })
        );
    }
}
