//! The IP header: read, written, and refused, field by field.

use super::*;
use crate::sample;

/// The sample packet with one octet changed and the checksum made good.
fn with(at: usize, value: u8) -> Vec<u8> {
    let mut packet = sample::PACKET.to_vec();
    packet[at] = value;
    packet[10..12].fill(0);
    let sum = checksum(&packet[..MIN_LEN]);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet
}

#[test]
fn the_sample_is_read_and_written_back() {
    let header = Header::parse(sample::PACKET).unwrap();
    assert_eq!(header.src, Ipv4Addr::LOCALHOST);
    assert_eq!((header.id, header.ttl), (128, 255));
    assert_eq!((header.total_len, header.payload_len()), (48, 28));
    assert_eq!(header.protocol, IpProtocol::ICMP);
    let mut out = [0; MIN_LEN];
    header.emit(&mut out);
    assert_eq!(out, sample::PACKET[..MIN_LEN]);
}

#[test]
fn a_captured_header_with_options_is_read() {
    // Linux 6.18 joins 239.192.0.2: an IGMPv3 report with the router alert option.
    let packet = b"\x46\xc0\x00\x28\x00\x00\x40\x00\x01\x02\x41\xf8\xc0\x00\x02\x01\
        \xe0\x00\x00\x16\x94\x04\x00\x00\x22\x00\xea\x3b\x00\x00\x00\x01\
        \x04\x00\x00\x00\xef\xc0\x00\x02";
    let header = Header::parse(packet).unwrap();
    let mut out = [0; 24];
    header.emit_with(&Options::new(&packet[20..24]).unwrap(), &mut out);
    assert_eq!(out, packet[..24]);
    assert_eq!((header.header_len, header.payload_len()), (24, 16));
    assert_eq!((header.tos, header.ttl), (0xc0, 1));
    assert_eq!(header.protocol, IpProtocol(2));
    assert_eq!(header.dst, Ipv4Addr::new(224, 0, 0, 22));
    assert!(header.fragment.dont_fragment() && !header.fragment.is_fragment());
    // Past the fixed fields the checksum counts too.
    let mut damaged = *packet;
    damaged[21] ^= 1;
    assert!(matches!(
        Header::parse(&damaged),
        Err(ParseError::Checksum { sum: 0x41f8, .. })
    ));
}

#[test]
fn a_captured_header_of_the_greatest_length_is_read() {
    // `ping -R 192.0.2.2`: a record route option fills all 60 octets. The
    // total length reaches beyond what is here, as in a quotation.
    let mut packet = b"\x4f\x00\x00\x7c\x06\xc1\x40\x00\x40\x01\xbb\xab\xc0\x00\x02\x01\
        \xc0\x00\x02\x02\x01\x07\x27\x08\xc0\x00\x02\x01"
        .to_vec();
    packet.resize(60, 0);
    let header = Header::parse_quoted(&packet).unwrap();
    assert_eq!((header.header_len, header.total_len), (60, 124));
    assert_eq!(checksum(&packet), 0);
    let mut out = [0; 60];
    header.emit_with(&Options::new(&packet[20..]).unwrap(), &mut out);
    assert_eq!(out, packet[..]);
    let error = Header::parse(&packet).unwrap_err();
    assert_eq!(
        error,
        ParseError::TotalLength {
            len: 60,
            total_len: 124
        }
    );
    packet.pop();
    assert_eq!(
        Header::parse_quoted(&packet),
        Err(ParseError::HeaderLength {
            len: 59,
            header_len: 60
        })
    );
}

#[test]
fn captured_fragments_are_read() {
    // `ping -s 2000 192.0.2.2` over an MTU of 1500: two headers of one datagram.
    let first = b"\x45\x00\x05\xdc\x07\x79\x20\x00\x40\x01\xc9\xa4\xc0\x00\x02\x01\
        \xc0\x00\x02\x02";
    let last = b"\x45\x00\x02\x24\x07\x79\x00\xb9\x40\x01\xec\xa3\xc0\x00\x02\x01\
        \xc0\x00\x02\x02";
    let [first, last] = [first, last].map(|header| {
        let mut packet = header.to_vec();
        packet.resize(1500, 0); // the payload does not matter here
        let parsed = Header::parse(&packet).unwrap();
        let mut out = [0; MIN_LEN];
        parsed.emit(&mut out);
        assert_eq!(out, *header);
        parsed
    });
    assert!(first.fragment.is_fragment() && last.fragment.is_fragment());
    assert!(first.fragment.more_fragments() && !last.fragment.more_fragments());
    assert_eq!(first.id, last.id);
    assert_eq!(first.fragment.offset(), 0);
    assert_eq!(last.fragment.offset(), usize::from(first.payload_len()));
}

#[test]
fn the_dump_shows_every_field() {
    let expected = "        vhl: 0x45 [v: 4, hl: 5 (20)]
        tos: 0x00
      total: 48 (payload: 28)
         id: 128
     offset: 0x0000 [flags=0, offset=0]
        ttl: 255
   protocol: ICMP(0x01)
        sum: 0xbd4a
        src: 127.0.0.1
        dst: 127.0.0.1";
    let header = Header::parse(sample::PACKET).unwrap();
    assert_eq!(header.to_string(), expected);
}

#[test]
fn each_wrong_field_is_named() {
    use ParseError as E;
    let parse = |packet: &[u8]| Header::parse(packet).unwrap_err();
    assert_eq!(parse(&[]), E::TooShort { len: 0 });
    assert_eq!(parse(&sample::PACKET[..19]), E::TooShort { len: 19 });
    assert_eq!(parse(&with(0, 0x65)), E::Version(6));
    assert_eq!(
        parse(&with(0, 0x44)),
        E::HeaderLength {
            len: 48,
            header_len: 16
        }
    );
    assert_eq!(
        parse(&with(0, 0x4f)),
        E::HeaderLength {
            len: 48,
            header_len: 60
        }
    );
    // The killers of the original and of its ports: total length 0, or below the header's.
    assert_eq!(
        parse(&with(3, 0)),
        E::TotalLength {
            len: 48,
            total_len: 0
        }
    );
    assert_eq!(
        parse(&with(3, 19)),
        E::TotalLength {
            len: 48,
            total_len: 19
        }
    );
    assert_eq!(
        parse(&with(3, 49)),
        E::TotalLength {
            len: 48,
            total_len: 49
        }
    );
    let mut packet = *sample::PACKET;
    packet[8] = 1;
    assert_eq!(
        parse(&packet),
        E::Checksum {
            sum: 0xbd4a,
            verify: 0xfe00
        }
    );
    assert_eq!(
        parse(&packet).to_string(),
        "checksum error: sum=0xbd4a, verify=0xfe00"
    );
}

#[test]
fn any_bytes_are_parsed_without_panic() {
    let env = crate::env::Env::manual(1);
    for _ in 0..20_000 {
        let len = usize::try_from(env.random() % 70).unwrap();
        let mut bytes: Vec<u8> = (0..len).map(|_| env.random().to_le_bytes()[0]).collect();
        if let Some(first) = bytes.first_mut() {
            *first = 0x40 | (*first & 0x0f); // mostly past the first check
        }
        if let Ok(header) = Header::parse(&bytes) {
            assert!(usize::from(header.total_len) <= len);
            let _ = header.to_string();
        }
    }
}

#[test]
fn fragments() {
    assert!(!Fragment(Fragment::DF).is_fragment());
    assert!(Fragment(Fragment::MF).is_fragment());
    assert_eq!(Fragment(0x20b9).offset(), 1480);
}
