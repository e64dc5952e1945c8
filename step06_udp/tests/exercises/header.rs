//! The UDP header.

use std::net::Ipv4Addr;

use step06_udp::testing::History;
use step06_udp::udp::Header;
use step06_udp::udp::header::ParseError;

pub const FIELDS: [(&str, usize); 4] = [
    ("source port", 2),
    ("destination port", 2),
    ("length", 2),
    ("checksum", 2),
];

const SRC: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const DST: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

/// "hello" from port 40000 to port 9. Linux has sent it; see the quotation in
/// the tests of step04's messages.
const BYTES: [u8; 13] = *b"\x9c\x40\x00\x09\x00\x0d\x84\x22hello";

#[test]
fn parse_reads_the_fields() {
    let history = History::new();
    history.did(format!("read {BYTES:02x?}, sent by 192.0.2.1 to 192.0.2.2"));
    // The capture was taken before the sender's hardware had summed up.
    let mut bytes = BYTES;
    let expected = Header {
        src_port: 40_000,
        dst_port: 9,
        len: 13,
        checksum: 0,
    };
    bytes[6..8].fill(0);
    history.expect("the header", Header::parse(&bytes, SRC, DST), Ok(expected));
    history.did("read it with padding behind");
    let padded = [&bytes[..], &[0; 9]].concat();
    history.expect("the header", Header::parse(&padded, SRC, DST), Ok(expected));
}

/// Ports 1 and 2, no data; the sum over pseudo-header and header is
/// c000 + 0201 + c000 + 0202 + 0011 + 0008 + 0001 + 0002 + 0008 = 8428 (with
/// the carry), and its complement 7bd7.
const SUMMED: [u8; 8] = [0, 1, 0, 2, 0, 8, 0x7b, 0xd7];

#[test]
fn parse_verifies() {
    let history = History::new();
    let read = |bytes: &[u8]| Header::parse(bytes, SRC, DST);
    history.did("read a datagram with the right checksum");
    history.expect_that("it is accepted", read(&SUMMED).is_ok());
    history.did("read it as if it had been sent to 192.0.2.3");
    let astray = Header::parse(&SUMMED, SRC, Ipv4Addr::new(192, 0, 2, 3));
    let error = ParseError::Checksum {
        sum: 0x7bd7,
        verify: 0xfffe,
    };
    history.expect("the addresses are part of the sum", astray, Err(error));
    history.did("read 7 octets");
    history.expect(
        "the error",
        read(&SUMMED[..7]),
        Err(ParseError::TooShort { len: 7 }),
    );
    for (header, why) in [
        (9, "longer than what is there"),
        (7, "shorter than a header"),
    ] {
        let mut bytes = SUMMED;
        bytes[5] = header;
        bytes[6..8].fill(0);
        history.did(format!("read one whose length is {why}"));
        let header = u16::from(header);
        history.expect(
            "the error",
            read(&bytes),
            Err(ParseError::Length { len: 8, header }),
        );
    }
}

#[test]
fn emit_writes_and_sums_up() {
    let history = History::new();
    let header = Header {
        src_port: 1,
        dst_port: 2,
        len: 8,
        checksum: 0xffff,
    };
    let mut out = [0xee; 8];
    header.emit(&mut out, SRC, DST);
    history.did("write the header of a datagram without data, over octets that hold ee");
    history.expect_bytes("the datagram", &out, &SUMMED, &FIELDS);
    // With this data the sum is ffff, and so the checksum would be 0: "none".
    let mut out = [0, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0xd3];
    let header = Header { len: 10, ..header };
    header.emit(&mut out, SRC, DST);
    history.did("write one whose checksum comes out as 0");
    let expected = [0, 1, 0, 2, 0, 10, 0xff, 0xff, 0x7b, 0xd3];
    history.expect_bytes("the datagram", &out, &expected, &FIELDS);
}

#[test]
fn dump_shows_four_fields() {
    let history = History::new();
    let header = Header {
        src_port: 40_000,
        dst_port: 9,
        len: 13,
        checksum: 0x8422,
    };
    history.did("show a header");
    let shown = header.to_string();
    let lines: Vec<&str> = shown.split('\n').collect();
    let expected = [
        "        src: 40000",
        "        dst: 9",
        "        len: 13 (payload: 5)",
        "        sum: 0x8422",
    ];
    history.expect("the lines", lines, expected);
}
