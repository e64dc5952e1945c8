//! Messages, read, shown and written.

use step04_icmp::icmp::message::{Code, Header, IcmpType, ParseError};
use step04_icmp::testing::History;

/// The fields of the header.
pub const FIELDS: [(&str, usize); 4] = [("type", 1), ("code", 1), ("checksum", 2), ("values", 4)];

/// An echo request with 5 octets of data: identifier 0x1234, sequence number 5.
const ECHO: [u8; 13] = *b"\x08\x00\xa1\xf4\x12\x34\x00\x05\x68\x65\x6c\x6c\x6f";

#[test]
fn parse_reads_the_fields() {
    let history = History::new();
    history.did(format!("read the message {ECHO:02x?}"));
    let header = Header::parse(&ECHO).unwrap();
    history.expect("type", header.icmp_type, IcmpType::ECHO);
    history.expect("code", header.code, Code::NONE);
    history.expect("checksum", header.checksum, 0xa1f4);
    history.expect("values", header.values, 0x1234_0005);
}

#[test]
fn parse_sees_damage() {
    let history = History::new();
    for len in [0, 7] {
        history.did(format!("read {len} octets"));
        let error = Header::parse(&ECHO[..len]).unwrap_err();
        history.expect("the error", error, ParseError::TooShort { len });
    }
    let mut damaged = ECHO;
    damaged[12] = b'O';
    history.did("damage the last octet of the data, and read the message");
    // 'o' was 0x6f, the high half of the last word: 0x20 less in the sum.
    let error = ParseError::Checksum {
        sum: 0xa1f4,
        verify: 0x2000,
    };
    let seen = Header::parse(&damaged);
    history.expect("the checksum covers the data", seen, Err(error));
}

#[test]
fn dump_shows_what_the_type_means() {
    let history = History::new();
    let header = Header {
        icmp_type: IcmpType::ECHO_REPLY,
        code: Code(0),
        checksum: 0x3564,
        values: 0x0080_0001,
    };
    let error = Header {
        icmp_type: IcmpType::DEST_UNREACH,
        code: Code::PORT,
        ..header
    };
    for (header, expected) in [
        (
            header,
            "type: EchoReply(0)\ncode: 0\nsum: 0x3564\nid: 128\nseq: 1",
        ),
        (
            error,
            "type: DestinationUnreachable(3)\ncode: 3\nsum: 0x3564\nvalues: 0x00800001",
        ),
    ] {
        history.did(format!("show a header of the type {}", header.icmp_type));
        let shown = header.to_string();
        let lines: Vec<&str> = shown.split('\n').collect();
        let expected: Vec<&str> = expected.lines().collect();
        for (got, line) in lines.iter().zip(&expected) {
            history.expect("a line of the dump", got.trim(), *line);
            history.expect(
                &format!("where the colon of '{line}' is"),
                got.find(':'),
                Some(11),
            );
        }
        history.expect("how many lines there are", lines.len(), expected.len());
    }
}

#[test]
fn emit_writes_the_header_and_the_checksum() {
    let history = History::new();
    let header = Header {
        icmp_type: IcmpType::ECHO,
        code: Code::NONE,
        checksum: 0xffff, // as received: not what is to be written
        values: 0x1234_0005,
    };
    let mut message = [&[0xee; 8], b"hello".as_slice()].concat();
    header.emit(&mut message);
    history.did("write an echo over octets that hold ee, before the data \"hello\"");
    history.expect_bytes("the message", &message, &ECHO, &FIELDS);
    header.emit(&mut message[..7]);
    history.did("write it where there is no room");
    history.expect_bytes("the message is unchanged", &message, &ECHO, &FIELDS);
}
