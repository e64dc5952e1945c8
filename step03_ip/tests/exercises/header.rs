//! The header, read and written.

use std::net::Ipv4Addr;

use step03_ip::ip::header::{Fragment, Header, IpProtocol, MIN_LEN, ParseError};
use step03_ip::testing::History;

use crate::bench::{FIELDS, ME, PEER, datagram, seal};

/// A header in which no two fields are equal.
const BYTES: [u8; 20] = [
    0x45, 0x12, 0x01, 0x02, 0x34, 0x56, 0x40, 0x03, 0x21, 0x11, 0xab, 0xcd, 192, 0, 2, 1, 198, 51,
    100, 9,
];

#[test]
fn quoted_fields_are_where_they_belong() {
    let history = History::new();
    history.did(format!("read the header {BYTES:02x?}"));
    let header = Header::parse_quoted(&BYTES).unwrap();
    history.expect("header length, in octets", header.header_len, 20);
    history.expect("type of service", header.tos, 0x12);
    history.expect("total length", header.total_len, 0x0102);
    history.expect("identification", header.id, 0x3456);
    history.expect(
        "flags and fragment offset",
        header.fragment,
        Fragment(0x4003),
    );
    history.expect("time to live", header.ttl, 0x21);
    history.expect("protocol", header.protocol, IpProtocol::UDP);
    history.expect("checksum", header.checksum, 0xabcd);
    history.expect("source", header.src, PEER);
    history.expect("destination", header.dst, Ipv4Addr::new(198, 51, 100, 9));
}

#[test]
fn quoted_headers_that_are_none() {
    let history = History::new();
    let read = |bytes: &[u8]| Header::parse_quoted(bytes);
    for len in [0, 19] {
        history.did(format!("read {len} octets"));
        history.expect(
            "the error",
            read(&BYTES[..len]).unwrap_err(),
            ParseError::TooShort { len },
        );
    }
    let first = |octet: u8| {
        let mut bytes = BYTES.to_vec();
        bytes[0] = octet;
        bytes.resize(24, 1);
        bytes
    };
    history.did("read a header of version 6");
    history.expect(
        "the error",
        read(&first(0x65)).unwrap_err(),
        ParseError::Version(6),
    );
    for (octet, header_len) in [(0x40, 0), (0x44, 16), (0x47, 28), (0x4f, 60)] {
        history.did(format!(
            "read 24 octets that claim a header of {header_len}"
        ));
        let error = ParseError::HeaderLength {
            len: 24,
            header_len,
        };
        history.expect("the error", read(&first(octet)).unwrap_err(), error);
    }
    history.did("read 24 octets that claim a header of 24: options");
    history.expect("header length", read(&first(0x46)).unwrap().header_len, 24);
}

#[test]
fn parse_wants_all_of_the_datagram() {
    let history = History::new();
    let bytes = datagram(ME, 17, b"payload");
    history.did("read a datagram of 27 octets");
    history.expect("total length", Header::parse(&bytes).unwrap().total_len, 27);
    history.did("read it with padding behind it, as Ethernet has it");
    let padded = [&bytes[..], &[0; 19]].concat();
    history.expect(
        "total length",
        Header::parse(&padded).unwrap().total_len,
        27,
    );
    history.did("read it without its last octet");
    let cut = Header::parse(&bytes[..26]).unwrap_err();
    let error = ParseError::TotalLength {
        len: 26,
        total_len: 27,
    };
    history.expect("the error", cut, error);
    let mut short = bytes.clone();
    short[2..4].copy_from_slice(&[0, 19]);
    seal(&mut short);
    history.did("read one that claims 19 octets, less than its header has");
    let error = ParseError::TotalLength {
        len: 27,
        total_len: 19,
    };
    history.expect("the error", Header::parse(&short).unwrap_err(), error);
}

#[test]
fn parse_verifies_the_checksum() {
    let history = History::new();
    let mut bytes = datagram(ME, 17, b"payload");
    let sum = u16::from_be_bytes([bytes[10], bytes[11]]);
    bytes[8] -= 1;
    history.did("lower the time to live of a datagram by 1, but leave its checksum");
    let verify = 0x0100;
    let error = ParseError::Checksum { sum, verify };
    history.expect("the error", Header::parse(&bytes).unwrap_err(), error);
    let mut bytes = datagram(ME, 17, b"payload");
    bytes[22] ^= 0xff;
    history.did("damage the payload of a datagram");
    history.expect_that(
        "IP does not look at the payload",
        Header::parse(&bytes).is_ok(),
    );
    let mut options = datagram(ME, 17, &[1, 1, 1, 1, b'x']);
    options[0] = 0x46;
    seal(&mut options);
    history.did("read a header with four octets of options");
    history.expect_that("its checksum is right", Header::parse(&options).is_ok());
    options[21] = 0;
    history.did("damage an option");
    let seen = matches!(Header::parse(&options), Err(ParseError::Checksum { .. }));
    history.expect_that("the checksum covers the options", seen);
}

#[test]
fn fragment_word() {
    let history = History::new();
    for (word, dont, more, offset, is_fragment) in [
        (0x0000, false, false, 0, false),
        (0x4000, true, false, 0, false),
        (0x2000, false, true, 0, true),
        (0x2001, false, true, 8, true),
        (0x00b9, false, false, 1480, true),
        (0x1fff, false, false, 65_528, true),
        (0xc000, true, false, 0, false),
    ] {
        history.did(format!("the word 0x{word:04x}"));
        let fragment = Fragment(word);
        history.expect("don't fragment", fragment.dont_fragment(), dont);
        history.expect("more fragments", fragment.more_fragments(), more);
        history.expect("offset, in octets", fragment.offset(), offset);
        history.expect("is it a fragment", fragment.is_fragment(), is_fragment);
    }
}

#[test]
fn dump_shows_all_fields() {
    let history = History::new();
    let header = Header::parse_quoted(&BYTES).unwrap();
    history.did(format!("show the header {BYTES:02x?}"));
    let expected = "\
        vhl: 0x45 [v: 4, hl: 5 (20)]
        tos: 0x12
      total: 258 (payload: 238)
         id: 13398
     offset: 0x4003 [flags=2, offset=3]
        ttl: 33
   protocol: UDP(0x11)
        sum: 0xabcd
        src: 192.0.2.1
        dst: 198.51.100.9";
    let shown = header.to_string();
    let expected: Vec<&str> = expected.lines().map(str::trim_end).collect();
    let shown: Vec<&str> = shown.lines().collect();
    for (got, line) in shown.iter().zip(&expected) {
        history.expect("a line of the dump", got.trim(), line.trim());
        let colon = got.find(':');
        history.expect(
            &format!("where the colon of '{}' is", line.trim()),
            colon,
            Some(11),
        );
    }
    history.expect("how many lines there are", shown.len(), expected.len());
}

#[test]
fn emit_writes_all_fields() {
    let history = History::new();
    let header = Header {
        header_len: 20,
        tos: 0x12,
        total_len: 0x0102,
        id: 0x3456,
        fragment: Fragment(0x2003),
        ttl: 33,
        protocol: IpProtocol::UDP,
        checksum: 0xffff, // as received: not what is to be written
        src: PEER,
        dst: Ipv4Addr::new(198, 51, 100, 9),
    };
    let mut out = [0xee; MIN_LEN];
    header.emit(&mut out);
    history.did("write a header over octets that hold ee");
    let mut expected = BYTES;
    expected[6] = 0x20;
    seal(&mut expected);
    history.expect_bytes("the header", &out, &expected, &FIELDS);
    let mut again = out;
    header.emit(&mut again);
    history.did("write it once more over itself");
    history.expect_bytes("the header", &again, &expected, &FIELDS);
}
