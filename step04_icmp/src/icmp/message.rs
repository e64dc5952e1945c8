//! ICMP messages.

use std::fmt;

use crate::checksum::checksum;

/// Length of the header that all messages share, in octets.
pub const HEADER_LEN: usize = 8;

/// The type of a message (RFC 792).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IcmpType(pub u8);

impl IcmpType {
    /// The answer to an echo.
    pub const ECHO_REPLY: Self = Self(0);
    /// A datagram could not be delivered.
    pub const DEST_UNREACH: Self = Self(3);
    /// Slow down (deprecated, RFC 6633).
    pub const SOURCE_QUENCH: Self = Self(4);
    /// There is a better gateway.
    pub const REDIRECT: Self = Self(5);
    /// Send this back.
    pub const ECHO: Self = Self(8);
    /// A datagram was too long under way.
    pub const TIME_EXCEEDED: Self = Self(11);
    /// A header is wrong.
    pub const PARAM_PROBLEM: Self = Self(12);
    /// What time is it?
    pub const TIMESTAMP: Self = Self(13);
    /// This is the time.
    pub const TIMESTAMP_REPLY: Self = Self(14);
    /// What network is this? (deprecated, RFC 6918)
    pub const INFO_REQUEST: Self = Self(15);
    /// This is the network. (deprecated, RFC 6918)
    pub const INFO_REPLY: Self = Self(16);
    /// What is the mask of this network? (deprecated, RFC 6918)
    pub const MASK_REQUEST: Self = Self(17);
    /// This is the mask. (deprecated, RFC 6918)
    pub const MASK_REPLY: Self = Self(18);

    // ANCHOR: is_error
    /// True if the message reports an error, and so must not cause another
    /// (RFC 1122 §3.2.2). Unknown types might.
    pub fn is_error(self) -> bool {
        !matches!(
            self,
            Self::ECHO
                | Self::ECHO_REPLY
                | Self::TIMESTAMP
                | Self::TIMESTAMP_REPLY
                | Self::INFO_REQUEST
                | Self::INFO_REPLY
                | Self::MASK_REQUEST
                | Self::MASK_REPLY
        )
    }
    // ANCHOR_END: is_error
}

/// Shown as the log does: `Echo(8)`.
impl fmt::Display for IcmpType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match *self {
            Self::ECHO_REPLY => "EchoReply",
            Self::DEST_UNREACH => "DestinationUnreachable",
            Self::SOURCE_QUENCH => "SourceQuench",
            Self::REDIRECT => "Redirect",
            Self::ECHO => "Echo",
            Self::TIME_EXCEEDED => "TimeExceeded",
            Self::PARAM_PROBLEM => "ParameterProblem",
            Self::TIMESTAMP => "Timestamp",
            Self::TIMESTAMP_REPLY => "TimestampReply",
            Self::INFO_REQUEST => "InformationRequest",
            Self::INFO_REPLY => "InformationReply",
            Self::MASK_REQUEST => "AddressMaskRequest",
            Self::MASK_REPLY => "AddressMaskReply",
            _ => "Unknown",
        };
        write!(f, "{name}({})", self.0)
    }
}

/// The code of a message, whose meaning depends on the type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Code(pub u8);

impl Code {
    /// The only code of types that have one.
    pub const NONE: Self = Self(0);
    /// Destination unreachable: no way to the network.
    pub const NET: Self = Self(0);
    /// Destination unreachable: the host does not answer.
    pub const HOST: Self = Self(1);
    /// Destination unreachable: the host does not speak the protocol.
    pub const PROTOCOL: Self = Self(2);
    /// Destination unreachable: nobody serves the port.
    pub const PORT: Self = Self(3);
    /// Destination unreachable: it must not be fragmented, but is too long.
    pub const FRAGMENT_NEEDED: Self = Self(4);
    /// Destination unreachable: the way that the sender has given cannot be gone.
    pub const SOURCE_ROUTE: Self = Self(5);
    /// Time exceeded: not all fragments have come in time.
    pub const REASSEMBLY: Self = Self(1);
}

// ANCHOR: header
/// What all ICMP messages begin with (RFC 792).
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +---------------+---------------+-------------------------------+
/// |     Type      |     Code      |           Checksum            |
/// +---------------+---------------+-------------------------------+
/// |      Values: depends on the type (Echo: identifier and        |
/// |      sequence number, 16 bits each)                           |
/// +---------------------------------------------------------------+
/// |  Data: Echo: anything. Errors: header and at least 8 octets   |
/// |  of the datagram in question                                  |
/// +---------------------------------------------------------------+
/// ```
// ANCHOR_END: header
// ANCHOR: fields
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What kind of message it is.
    pub icmp_type: IcmpType,
    /// What exactly it says.
    pub code: Code,
    /// The checksum as received; [`Header::emit`] computes its own.
    pub checksum: u16,
    /// The four octets that depend on the type.
    pub values: u32,
}
// ANCHOR_END: fields

/// Why bytes are no ICMP message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseError {
    /// Fewer octets than a header.
    TooShort {
        /// How many there are.
        len: usize,
    },
    /// The checksum, which covers the whole message, is wrong.
    Checksum {
        /// The checksum in the header.
        sum: u16,
        /// What remains when the sum is taken over the message: not 0.
        verify: u16,
    },
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::TooShort { len } => write!(f, "too short: len={len} < {HEADER_LEN}"),
            Self::Checksum { sum, verify } => {
                write!(f, "checksum error, sum=0x{sum:04x}, verify=0x{verify:04x}")
            }
        }
    }
}

impl std::error::Error for ParseError {}

impl Header {
    // ANCHOR: parse
    /// Reads the header at the front of `message` and verifies the whole.
    ///
    /// # Errors
    /// Too short, or damaged.
    pub fn parse(message: &[u8]) -> Result<Self, ParseError> {
        // EXERCISE 4.1: Read a message
        let Some(&[kind, code, s0, s1, v0, v1, v2, v3]) = message.first_chunk::<HEADER_LEN>()
        else {
            return Err(ParseError::TooShort { len: message.len() });
        };
        let (sum, verify) = (u16::from_be_bytes([s0, s1]), checksum(message));
        if verify != 0 {
            return Err(ParseError::Checksum { sum, verify });
        }
        Ok(Self {
            icmp_type: IcmpType(kind),
            code: Code(code),
            checksum: sum,
            values: u32::from_be_bytes([v0, v1, v2, v3]),
        })
        // END 4.1
    }
    // ANCHOR_END: parse

    // ANCHOR: emit
    /// Writes the header to the front of `message`, whose data is in place,
    /// with the checksum over both. Does nothing if there is no room for it.
    pub fn emit(&self, message: &mut [u8]) {
        // EXERCISE 4.3: Write a message
        let Some(header) = message.first_chunk_mut::<HEADER_LEN>() else {
            return;
        };
        let [v0, v1, v2, v3] = self.values.to_be_bytes();
        *header = [self.icmp_type.0, self.code.0, 0, 0, v0, v1, v2, v3];
        let sum = checksum(message).to_be_bytes();
        message[2..4].copy_from_slice(&sum);
        // END 4.3
    }
    // ANCHOR_END: emit

    // ANCHOR: echo
    /// Identifier and sequence number of an echo or its reply.
    pub fn echo(&self) -> (u16, u16) {
        let [i0, i1, s0, s1] = self.values.to_be_bytes();
        (u16::from_be_bytes([i0, i1]), u16::from_be_bytes([s0, s1]))
    }
    // ANCHOR_END: echo
}

/// Identifier and sequence number, as the values of an echo.
pub fn echo_values(id: u16, seq: u16) -> u32 {
    u32::from(id) << 16 | u32::from(seq)
}

/// The dump of all fields, a line each.
// ANCHOR: dump
impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // EXERCISE 4.2: A message as the log shows it
        writeln!(f, "       type: {}", self.icmp_type)?;
        writeln!(f, "       code: {}", self.code.0)?;
        writeln!(f, "        sum: 0x{:04x}", self.checksum)?;
        match self.icmp_type {
            IcmpType::ECHO | IcmpType::ECHO_REPLY => {
                let (id, seq) = self.echo();
                writeln!(f, "         id: {id}")?;
                write!(f, "        seq: {seq}")
            }
            _ => write!(f, "     values: 0x{:08x}", self.values),
        }
        // END 4.2
    }
}
// ANCHOR_END: dump

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ip::{Header as IpHeader, IpProtocol};
    use crate::sample;

    #[test]
    fn the_sample_is_read_and_written_back() {
        let message = &sample::PACKET[20..];
        let header = Header::parse(message).unwrap();
        assert_eq!(header.icmp_type, IcmpType::ECHO);
        assert_eq!(header.echo(), (128, 1));
        let mut out = message.to_vec();
        out[..HEADER_LEN].fill(0);
        header.emit(&mut out);
        assert_eq!(out, message);
    }

    #[test]
    fn a_captured_echo_and_its_reply_are_read() {
        // `ping 192.0.2.2` from Linux 6.18: the data is the same both ways, a
        // time and 40 octets that count up from 0x10.
        let mut data = b"\xb7\xfd\x03\x6b\x00\x00\x00\x00\xec\x38\x05\x00\x00\x00\x00\x00".to_vec();
        data.extend(0x10..0x38);
        let echo = [b"\x08\x00\x59\xff\x32\x8b\x00\x01".as_slice(), &data].concat();
        let reply = [b"\x00\x00\x61\xff\x32\x8b\x00\x01".as_slice(), &data].concat();
        let parsed = Header::parse(&echo).unwrap();
        assert_eq!(parsed.icmp_type, IcmpType::ECHO);
        assert_eq!(parsed.echo(), (12939, 1));
        // Our reply would be the same, octet for octet.
        let mut ours = echo;
        let header = Header {
            icmp_type: IcmpType::ECHO_REPLY,
            ..parsed
        };
        header.emit(&mut ours);
        assert_eq!(ours, reply);
    }

    #[test]
    fn captured_unreachables_are_read() {
        // Linux 6.18 at 192.0.2.2 about a datagram to UDP port 9, and about
        // one of protocol 253.
        let port = b"\x03\x03\x98\xb1\x00\x00\x00\x00\
            \x45\x00\x00\x21\xf3\x77\x40\x00\x40\x11\xc3\x50\xc0\x00\x02\x01\
            \xc0\x00\x02\x02\x9c\x40\x00\x09\x00\x0d\x84\x22hello";
        let protocol = b"\x03\x02\xd8\xdc\x00\x00\x00\x00\
            \x45\x00\x00\x1e\x9c\x4d\x40\x00\x40\xfd\x19\x92\xc0\x00\x02\x01\
            \xc0\x00\x02\x02experiment";
        for (message, code, quoted, len) in [
            (port.as_slice(), Code::PORT, IpProtocol::UDP, 33),
            (protocol, Code::PROTOCOL, IpProtocol(253), 30),
        ] {
            let header = Header::parse(message).unwrap();
            assert_eq!(
                (header.icmp_type, header.code),
                (IcmpType::DEST_UNREACH, code)
            );
            assert!(header.icmp_type.is_error());
            let datagram = IpHeader::parse_quoted(&message[HEADER_LEN..]).unwrap();
            assert_eq!((datagram.protocol, datagram.total_len), (quoted, len));
            let mut out = message.to_vec();
            header.emit(&mut out);
            assert_eq!(out, message);
        }
    }

    #[test]
    fn other_captured_errors_are_read_and_written_back() {
        // Linux 6.18 at 192.0.2.2 about an echo to be forwarded whose time to
        // live is over, about a first fragment whose rest did not come, and
        // about a record route option whose pointer points to itself.
        let in_transit = b"\x0b\x00\xf4\xff\x00\x00\x00\x00\
            \x45\x00\x00\x24\xe8\x42\x40\x00\x01\x01\x93\x8f\xc0\x00\x02\x01\
            \xcb\x00\x71\x05\x08\x00\xd9\xa5\x12\x49\x00\x01\x00\x01\x02\x03\
            \x04\x05\x06\x07";
        let reassembly = b"\x0b\x01\xbe\xdb\x00\x00\x00\x00\
            \x45\x00\x00\x24\x00\x77\x20\x00\x40\x11\xd6\x4e\xc0\x00\x02\x01\
            \xc0\x00\x02\x02\x9c\x40\x00\x09\x00\x40\x00\x00ffffffff";
        let parameter = b"\x0c\x00\x5d\xc6\x16\x00\x00\x00\
            \x47\x00\x00\x28\x12\x34\x00\x00\x40\x11\xd8\x86\xc0\x00\x02\x01\
            \xc0\x00\x02\x02\x07\x07\x03\x00\x00\x00\x00\x00\
            \x9c\x40\x00\x09\x00\x0c\x00\x00opts";
        for (message, icmp_type, code, values) in [
            (in_transit.as_slice(), IcmpType::TIME_EXCEEDED, 0, 0),
            (reassembly, IcmpType::TIME_EXCEEDED, Code::REASSEMBLY.0, 0),
            (parameter, IcmpType::PARAM_PROBLEM, 0, 22 << 24),
        ] {
            let header = Header::parse(message).unwrap();
            assert_eq!((header.icmp_type, header.code), (icmp_type, Code(code)));
            assert_eq!(header.values, values);
            let quote = IpHeader::parse_quoted(&message[HEADER_LEN..]).unwrap();
            assert_eq!(quote.src.octets(), [192, 0, 2, 1]);
            let mut out = message.to_vec();
            out[..HEADER_LEN].fill(0);
            header.emit(&mut out);
            assert_eq!(out, message);
        }
    }

    #[test]
    fn what_may_be_an_error_counts_as_one() {
        let queries = [0, 8, 13, 14, 15, 16, 17, 18];
        for kind in 0..=255 {
            assert_eq!(
                IcmpType(kind).is_error(),
                !queries.contains(&kind),
                "{kind}"
            );
        }
    }

    #[test]
    fn the_dump_shows_what_the_type_means() {
        let header = Header::parse(&sample::PACKET[20..]).unwrap();
        let expected = "       type: Echo(8)
       code: 0
        sum: 0x3564
         id: 128
        seq: 1";
        assert_eq!(header.to_string(), expected);
        let header = Header {
            icmp_type: IcmpType::DEST_UNREACH,
            ..header
        };
        let expected = "       type: DestinationUnreachable(3)
       code: 0
        sum: 0x3564
     values: 0x00800001";
        assert_eq!(header.to_string(), expected);
    }

    #[test]
    fn damage_is_seen() {
        let message = &sample::PACKET[20..];
        assert_eq!(
            Header::parse(&message[..7]),
            Err(ParseError::TooShort { len: 7 })
        );
        let mut damaged = message.to_vec();
        damaged[20] ^= 1;
        let error = Header::parse(&damaged).unwrap_err();
        assert!(
            matches!(error, ParseError::Checksum { sum: 0x3564, .. }),
            "{error}"
        );
    }
}
