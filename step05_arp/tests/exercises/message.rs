//! ARP messages.

use step05_arp::arp::message::ParseError;
use step05_arp::arp::{Message, Opcode};
use step05_arp::testing::History;

use crate::frames::{ME, MY_MAC, PEER, PEER_MAC};

pub const FIELDS: [(&str, usize); 9] = [
    ("hardware type", 2),
    ("protocol type", 2),
    ("hardware length", 1),
    ("protocol length", 1),
    ("opcode", 2),
    ("sender hardware address", 6),
    ("sender protocol address", 4),
    ("target hardware address", 6),
    ("target protocol address", 4),
];

const BYTES: [u8; 28] =
    *b"\x00\x01\x08\x00\x06\x04\x00\x02\x02\x00\x00\x00\x00\x99\xc0\x00\x02\x01\
    \x00\x00\x5e\x00\x53\x01\xc0\x00\x02\x02";

const MESSAGE: Message = Message {
    opcode: Opcode::REPLY,
    sha: PEER_MAC,
    spa: PEER,
    tha: MY_MAC,
    tpa: ME,
};

#[test]
fn parse_reads_the_fields() {
    let history = History::new();
    history.did(format!("read the message {BYTES:02x?}, and padding"));
    let message = Message::parse(&[&BYTES[..], &[0; 18]].concat()).unwrap();
    history.expect("opcode", message.opcode, Opcode::REPLY);
    history.expect("sender hardware address", message.sha, PEER_MAC);
    history.expect("sender protocol address", message.spa, PEER);
    history.expect("target hardware address", message.tha, MY_MAC);
    history.expect("target protocol address", message.tpa, ME);
}

#[test]
fn parse_refuses_other_kinds() {
    let history = History::new();
    history.did("read 27 octets");
    let error = ParseError::TooShort { len: 27 };
    history.expect("the error", Message::parse(&BYTES[..27]), Err(error));
    for (at, octet, error) in [
        (1, 6, ParseError::Hardware { hrd: 6, hln: 6 }),
        (4, 8, ParseError::Hardware { hrd: 1, hln: 8 }),
        (
            3,
            6,
            ParseError::Protocol {
                pro: 0x0806,
                pln: 4,
            },
        ),
        (
            5,
            16,
            ParseError::Protocol {
                pro: 0x0800,
                pln: 16,
            },
        ),
    ] {
        let mut bytes = BYTES;
        bytes[at] = octet;
        history.did(format!("read a message whose octet {at} is {octet}"));
        history.expect("the error", Message::parse(&bytes), Err(error));
    }
}

#[test]
fn emit_writes_the_fields() {
    let history = History::new();
    history.did("write a reply");
    history.expect_bytes("the message", &MESSAGE.emit(), &BYTES, &FIELDS);
}

#[test]
fn dump_shows_nine_fields() {
    let history = History::new();
    history.did("show a reply");
    let shown = MESSAGE.to_string();
    let lines: Vec<&str> = shown.split('\n').collect();
    let expected = [
        "        hrd: 0x0001",
        "        pro: 0x0800",
        "        hln: 6",
        "        pln: 4",
        "         op: Reply(0x0002)",
        "        sha: 02:00:00:00:00:99",
        "        spa: 192.0.2.1",
        "        tha: 00:00:5e:00:53:01",
        "        tpa: 192.0.2.2",
    ];
    history.expect("the lines", lines, expected);
}
