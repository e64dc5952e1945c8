//! Selective acknowledgment (RFC 2018), and what has arrived twice (RFC 2883).

use step07_tcp::config::Config;
use step07_tcp::options::{Options, Timestamps};
use step07_tcp::segment::Segment;

use crate::harness::{Talk, ms};

fn config() -> Config {
    Config {
        nodelay: true,
        delayed_ack: ms(0),
        ..Config::default()
    }
}

fn permitted() -> Options {
    Options {
        mss: Some(1460),
        sack_permitted: true,
        ..Options::default()
    }
}

fn established() -> Talk {
    let (talk, answer) = Talk::established_by(config(), permitted());
    assert_eq!(
        answer,
        "---A--S- seq=0 ack=1 len=0 wnd=65535 mss=1460 sackOK"
    );
    talk
}

/// The blocks that a segment of ten octets is answered with.
fn blocks(talk: &mut Talk, seq: u32) -> String {
    let answer = talk.inject(talk.text(seq, 1, b"0123456789"));
    assert_eq!(answer.len(), 1, "{answer:?}");
    let blocks = answer[0].split_once(" sack=");
    blocks.map_or(String::new(), |(_, blocks)| blocks.replace("sack=", ""))
}

#[test]
fn permitted_only_if_both_do() {
    let (mut talk, answer) = Talk::established_by(
        Config {
            sack: false,
            ..config()
        },
        permitted(),
    );
    assert!(!answer.contains("sackOK"));
    assert_eq!(blocks(&mut talk, 11), "");
    let mut talk = Talk::established();
    assert_eq!(blocks(&mut talk, 11), "");
}

#[test]
fn piece_that_changed_last_comes_first() {
    let mut talk = established();
    assert_eq!(blocks(&mut talk, 101), "101-111");
    assert_eq!(blocks(&mut talk, 111), "101-121");
    assert_eq!(blocks(&mut talk, 301), "301-311 101-121");
    assert_eq!(blocks(&mut talk, 201), "201-211 301-311 101-121");
    assert_eq!(blocks(&mut talk, 401), "401-411 201-211 301-311 101-121");
    // Four are all that fit; the one that changed first is not told again.
    assert_eq!(blocks(&mut talk, 501), "501-511 401-411 201-211 301-311");
    assert_eq!(blocks(&mut talk, 311), "301-321 501-511 401-411 201-211");
    // Two pieces become one.
    talk.inject(talk.text(411, 1, &[b'x'; 80]));
    assert_eq!(blocks(&mut talk, 491), "401-511 301-321 201-211");
}

#[test]
fn three_blocks_beside_timestamps() {
    let options = Options {
        timestamps: Some(Timestamps { value: 5, echo: 0 }),
        ..permitted()
    };
    let (mut talk, _) = Talk::established_by(config(), options);
    let mut last = vec![];
    for seq in [100, 200, 300, 400] {
        let mut text = talk.text(seq, 1, b"x");
        text.options.timestamps = options.timestamps;
        last = talk.inject_all(text);
    }
    let header = last[0].header();
    assert_eq!(header.options.len(), 12 + 4 + 3 * 8);
}

#[test]
fn filled_gap_is_reported_no_more() {
    let mut talk = established();
    blocks(&mut talk, 11);
    assert_eq!(blocks(&mut talk, 31), "31-41 11-21");
    assert_eq!(
        talk.inject(talk.text(1, 1, b"0123456789")),
        ["---A---- seq=1 ack=21 len=0 wnd=65515 sack=31-41"]
    );
    assert_eq!(
        talk.inject(talk.text(21, 1, b"0123456789")),
        ["---A---- seq=1 ack=41 len=0 wnd=65495"]
    );
}

#[test]
fn what_arrives_twice_is_reported_once_before_all() {
    let mut talk = established();
    assert_eq!(blocks(&mut talk, 1), "");
    // In order, all of it, then a part of it.
    assert_eq!(blocks(&mut talk, 1), "1-11");
    assert_eq!(
        talk.inject(talk.text(6, 1, b"0123456789")),
        ["---A---- seq=1 ack=16 len=0 wnd=65520 sack=6-11"]
    );
    // Beyond a gap: the part, then the piece (RFC 2883 §4.1.2).
    blocks(&mut talk, 101);
    blocks(&mut talk, 111);
    assert_eq!(blocks(&mut talk, 111), "111-121 101-121");
    assert_eq!(blocks(&mut talk, 201), "201-211 101-121");
}

#[test]
fn blocks_take_the_place_of_text() {
    let mut talk = established();
    talk.inject(Segment {
        window: 65_000,
        ..talk.ack(1, 1)
    });
    assert_eq!(blocks(&mut talk, 11), "11-21");
    let sent = talk.write(&[1; 3000]);
    assert_eq!(
        sent,
        [
            "---A---- seq=1 ack=1 len=1448 wnd=65535 sack=11-21",
            "---A---- seq=1449 ack=1 len=1448 wnd=65535 sack=11-21",
            "---AP--- seq=2897 ack=1 len=104 wnd=65535 sack=11-21"
        ]
    );
}

#[test]
fn blocks_that_do_not_fit_beside_repeated_text_go_alone() {
    let mut talk = established();
    assert_eq!(talk.write(&[1; 1460]).len(), 1);
    let mut sent = talk.wait(ms(199));
    assert!(sent.is_empty());
    // The gap appears in the same moment in which the timer expires.
    sent = talk.inject(talk.text(11, 1, b"x"));
    assert_eq!(sent, ["---A---- seq=1461 ack=1 len=0 wnd=65535 sack=11-12"]);
    // A full segment goes out again; nobody waits for the blocks any more.
    sent = talk.wait(ms(1));
    assert_eq!(
        sent,
        [
            "---AP--- seq=1 ack=1 len=1460 wnd=65535",
            "---A---- seq=1461 ack=1 len=0 wnd=65535 sack=11-12"
        ]
    );
}
