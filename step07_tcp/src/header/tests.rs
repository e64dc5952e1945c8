//! The TCP header: read, written, and refused, octet by octet.

use super::*;

const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

/// A SYN of Linux, captured on a TUN device: 192.0.2.1:43210 => 192.0.2.2:7.
const SYN: [u8; 40] = [
    0xa8, 0xca, 0x00, 0x07, 0x1d, 0xc8, 0xd2, 0x3c, 0x00, 0x00, 0x00, 0x00, 0xa0, 0x02, 0xfa, 0xf0,
    0xbe, 0x20, 0x00, 0x00, 0x02, 0x04, 0x05, 0xb4, 0x04, 0x02, 0x08, 0x0a, 0x5d, 0x47, 0x14, 0xca,
    0x00, 0x00, 0x00, 0x00, 0x01, 0x03, 0x03, 0x0a,
];

fn header() -> Header {
    Header {
        src_port: 43210,
        dst_port: 7,
        seq: SeqNumber::new(0x1dc8_d23c),
        ack: SeqNumber::new(0),
        data_offset: 10,
        flags: Flags::SYN,
        window: 64240,
        checksum: 0xbe20,
        urgent_pointer: 0,
        options: Options::parse(&SYN[20..]),
    }
}

#[test]
fn syn_is_read_field_by_field() {
    assert_eq!(Header::parse(&SYN), Ok((header(), 40)));
    assert_eq!(verify(&SYN, CLIENT, SERVER), Ok(()));
}

#[test]
fn syn_is_written_octet_by_octet() {
    let mut packet = Packet::new(b"");
    header().prepend_to(&mut packet, CLIENT, SERVER);
    assert_eq!(*packet, SYN);
}

#[test]
fn text_is_covered_by_the_checksum() {
    let mut packet = Packet::new(b"foo\n");
    let sent = Header {
        flags: Flags::PSH | Flags::ACK,
        options: Options::default(),
        ..header()
    };
    sent.prepend_to(&mut packet, SERVER, CLIENT);
    assert_eq!(packet.len(), 24);
    assert_eq!(verify(&packet, SERVER, CLIENT), Ok(()));
    let (read, offset) = Header::parse(&packet).unwrap();
    assert_eq!(&packet[offset..], b"foo\n");
    assert_eq!(
        Header {
            data_offset: 5,
            checksum: read.checksum,
            ..sent
        },
        read
    );
    packet[21] ^= 1;
    assert!(matches!(
        verify(&packet, SERVER, CLIENT),
        Err(ParseError::Checksum { .. })
    ));
}

#[test]
fn wrong_checksum_is_told_with_the_right_one() {
    let mut bytes = SYN;
    bytes[16] = 0xbf;
    let error = verify(&bytes, CLIENT, SERVER).unwrap_err();
    assert_eq!(
        error,
        ParseError::Checksum {
            sum: 0xbf20,
            verify: 0xbe20
        }
    );
    assert_eq!(
        error.to_string(),
        "checksum error: sum=0xbf20, verify=0xbe20"
    );
}

#[test]
fn every_truncation_is_an_error() {
    for len in 0..MIN_LEN {
        assert_eq!(
            Header::parse(&SYN[..len]),
            Err(ParseError::TooShort { len })
        );
        assert!(verify(&SYN[..len], CLIENT, SERVER).is_err());
    }
    for len in MIN_LEN..SYN.len() {
        assert_eq!(
            Header::parse(&SYN[..len]),
            Err(ParseError::DataOffset { offset: 40, len })
        );
    }
    assert_eq!(
        ParseError::TooShort { len: 3 }.to_string(),
        "too short, len=3"
    );
}

#[test]
fn every_data_offset_is_accepted_or_refused() {
    for words in 0..16_u8 {
        let mut bytes = SYN;
        bytes[12] = words << 4;
        let offset = usize::from(words) * 4;
        match Header::parse(&bytes) {
            Ok((header, len)) => {
                assert!((5..=10).contains(&words));
                assert_eq!((header.data_offset, len), (words, offset));
            }
            Err(error) => {
                assert!(!(5..=10).contains(&words));
                assert_eq!(error, ParseError::DataOffset { offset, len: 40 });
                assert_eq!(
                    error.to_string(),
                    format!("data offset error: off={offset}, len=40")
                );
            }
        }
    }
}

#[test]
fn any_octets_are_read_without_panic() {
    // A small generator is enough to walk through many shapes.
    let mut state = 1_u64;
    for _ in 0..20_000 {
        let mut bytes = [0; 64];
        for byte in &mut bytes {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            *byte = state.to_le_bytes()[7];
        }
        let len = usize::from(bytes[0]) % 64;
        if let Ok((header, offset)) = Header::parse(&bytes[..len]) {
            assert!(offset <= len);
            // What was understood can be written and read again.
            let mut packet = Packet::new(b"");
            header.prepend_to(&mut packet, CLIENT, SERVER);
            let (again, _) = Header::parse(&packet).unwrap();
            let canonical = |header: Header| Header {
                data_offset: 0,
                checksum: 0,
                ..header
            };
            assert_eq!(canonical(again).flags, header.flags);
            assert_eq!(canonical(again).options.mss, header.options.mss);
            let _ = header.to_string();
        }
    }
}

#[test]
fn dump_is_the_original_layout() {
    let text = header().to_string();
    assert_eq!(
        text,
        "        src: 43210
        dst: 7
        seq: 499700284
        ack: 0
        off: 0xa0 (40 bytes)
        flg: 0x02 (------S-)
        wnd: 64240
        sum: 0xbe20
         up: 0
     opt[0]: kind=2 (MSS), len=4, mss=1460
     opt[1]: kind=4 (SACK Permitted), len=2
     opt[2]: kind=8 (Timestamps), len=10, value=1564939466, echo=0
     opt[3]: kind=3 (Window Scale), len=3, shift=10"
    );
}
