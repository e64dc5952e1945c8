//! The TCP header.

use std::net::Ipv4Addr;

use step07_tcp::flags::Flags;
use step07_tcp::header::{Header, ParseError, verify};
use step07_tcp::packet::Packet;
use step07_tcp::seq::SeqNumber;
use step07_tcp::testing::History;

const FIELDS: [(&str, usize); 9] = [
    ("source port", 2),
    ("destination port", 2),
    ("sequence number", 4),
    ("acknowledgment number", 4),
    ("data offset", 1),
    ("flags", 1),
    ("window", 2),
    ("checksum", 2),
    ("urgent pointer", 2),
];

const SRC: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const DST: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

/// "hi" from port 40000 to port 7; the pseudo-header adds c000 + 0201 + c000 +
/// 0202 + 0006 + 0016, the rest what stands here.
const SEGMENT: [u8; 22] =
    *b"\x9c\x40\x00\x07\x01\x02\x03\x04\x0a\x0b\x0c\x0d\x50\x18\x12\x34\x00\x00\x00\x00hi";

fn header() -> Header {
    Header {
        src_port: 40_000,
        dst_port: 7,
        seq: SeqNumber::new(0x0102_0304),
        ack: SeqNumber::new(0x0a0b_0c0d),
        data_offset: 5,
        flags: Flags::ACK | Flags::PSH,
        window: 0x1234,
        ..Header::default()
    }
}

#[test]
fn parse_reads_the_fields() {
    let history = History::new();
    history.did("read a segment of 22 octets, of which 20 are the header");
    history.expect(
        "header and length",
        Header::parse(&SEGMENT),
        Ok((header(), 20)),
    );
    let mut with_options = SEGMENT.to_vec();
    with_options[12] = 0x60;
    with_options.splice(20..20, *b"\x02\x04\x05\xb4");
    history.did("read one with four octets of options: an MSS of 1460");
    let (parsed, len) = Header::parse(&with_options).unwrap();
    history.expect("the length of the header", len, 24);
    history.expect("the MSS", parsed.options.mss, Some(1460));
}

#[test]
fn parse_refuses_a_wrong_length() {
    let history = History::new();
    history.did("read 19 octets");
    let short = Header::parse(&SEGMENT[..19]);
    history.expect("the error", short, Err(ParseError::TooShort { len: 19 }));
    for (octet, offset) in [(0x40, 16), (0x70, 28)] {
        let mut segment = SEGMENT;
        segment[12] = octet;
        history.did(format!(
            "read 22 octets whose header claims to have {offset}"
        ));
        let error = ParseError::DataOffset { offset, len: 22 };
        history.expect("the error", Header::parse(&segment), Err(error));
    }
}

#[test]
fn prepend_writes_and_sums_up() {
    let history = History::new();
    let mut packet = Packet::new(b"hi");
    header().prepend_to(&mut packet, SRC, DST);
    history.did("put the header before \"hi\"");
    history.expect("the length", packet.len(), 22);
    // Its checksum is judged on its own.
    let mut expected = SEGMENT[..20].to_vec();
    expected[16..18].copy_from_slice(&packet[16..18]);
    history.expect_bytes("the header", &packet[..20], &expected, &FIELDS);
    history.expect("the text", &packet[20..], &b"hi"[..]);
    history.expect(
        "what a receiver makes of the checksum",
        verify(&packet, SRC, DST),
        Ok(()),
    );
    let elsewhere = verify(&packet, SRC, Ipv4Addr::new(192, 0, 2, 9));
    history.expect_that("the addresses are part of it", elsewhere.is_err());
    let mut again = Packet::new(b"hi");
    let marked = Header {
        checksum: 0x1234,
        ..header()
    };
    marked.prepend_to(&mut again, SRC, DST);
    history.did("the same with a header whose field for the checksum is not 0");
    history.expect("the checksum", &again[16..18], &packet[16..18]);
}
