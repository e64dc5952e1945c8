//! Urgent data: it stays in the stream, and the pointer is kept.

use std::io::ErrorKind;

use step07_tcp::config::Config;
use step07_tcp::flags::Flags;
use step07_tcp::segment::{Outgoing, Segment};

use crate::harness::{Talk, ms};

/// Text with an urgent pointer.
fn urgent(talk: &Talk, seq: u32, text: &[u8], pointer: u16) -> Segment {
    Segment {
        flags: Flags::ACK | Flags::URG,
        urgent_pointer: pointer,
        ..talk.text(seq, 1, text)
    }
}

fn send_urgent(talk: &mut Talk, data: &[u8]) -> Vec<Outgoing> {
    let (id, now, mut out) = (talk.id, talk.now, vec![]);
    let taken = talk.state.send_urgent(id, data, now, &mut out).unwrap();
    assert_eq!(taken, data.len());
    out
}

/// Sequence number, length, and the urgent pointer, if it counts.
fn pointers(talk: &Talk, out: &[Outgoing]) -> Vec<(u32, usize, Option<u16>)> {
    let show = |out: &Outgoing| {
        let segment = &out.segment;
        let pointer = segment.flags.urg().then_some(segment.urgent_pointer);
        (segment.seq.since(talk.iss), segment.payload.len(), pointer)
    };
    out.iter().map(show).collect()
}

#[test]
fn user_learns_how_much_is_urgent() {
    let mut talk = Talk::established();
    talk.state.take_changed();
    // A pointer without text: it may come before the text does.
    talk.inject(urgent(&talk, 1, b"", 5));
    assert_eq!(talk.state.take_changed(), [talk.id], "the signal");
    assert_eq!(talk.status().urgent, 5);
    talk.inject(talk.text(1, 1, b"0123456789"));
    assert_eq!(talk.status().urgent, 5);
    assert_eq!(talk.receive(3).unwrap(), b"012");
    assert_eq!(talk.status().urgent, 2);
    assert_eq!(talk.receive(9).unwrap(), b"3456789");
    assert_eq!(talk.status().urgent, 0);
}

#[test]
fn pointer_goes_forward_only() {
    let mut talk = Talk::established();
    talk.inject(urgent(&talk, 1, b"abc", 9));
    talk.inject(urgent(&talk, 4, b"def", 2));
    assert_eq!(talk.status().urgent, 9);
    talk.inject(urgent(&talk, 7, b"", 100));
    assert_eq!(talk.status().urgent, 106);
    assert_eq!(talk.state.counters().urgent.get(), 2);
    // It is read like everything else.
    assert_eq!(talk.receive(9).unwrap(), b"abcdef");
    assert_eq!(talk.receive(9), Err(ErrorKind::WouldBlock));
    assert_eq!(talk.status().urgent, 100);
}

#[test]
fn pointer_counts_only_with_its_flag() {
    let mut talk = Talk::established();
    let segment = Segment {
        urgent_pointer: 3,
        ..talk.text(1, 1, b"abc")
    };
    talk.inject(segment);
    assert_eq!(talk.status().urgent, 0);
}

#[test]
fn every_segment_before_the_end_of_it_points_there() {
    let mut talk = Talk::established();
    talk.write(b"normal ");
    let out = send_urgent(&mut talk, &[7; 2000]);
    assert_eq!(
        pointers(&talk, &out),
        [(8, 1460, Some(2000)), (1468, 540, Some(540))]
    );
    let mut out = vec![];
    talk.state
        .send(talk.id, b"normal", talk.now, &mut out)
        .unwrap();
    assert_eq!(pointers(&talk, &out), [(2008, 6, None)]);
    // Sent again, it points to the same place; an empty ACK behind it nowhere.
    talk.now += ms(200);
    let mut out = vec![];
    talk.state.on_timer(talk.now, &mut out);
    assert_eq!(pointers(&talk, &out)[0], (1, 7, Some(2007)));
    talk.inject(talk.ack(1, 2014));
    let out = send_urgent(&mut talk, b"x");
    assert_eq!(pointers(&talk, &out), [(2014, 1, Some(1))]);
}

#[test]
fn urgent_data_of_any_length() {
    let mut talk = Talk::established_with(Config {
        send_buffer: 200_000,
        ..Config::default()
    });
    let out = send_urgent(&mut talk, &[7; 100_000]);
    assert_eq!(pointers(&talk, &out)[0], (1, 1460, Some(65_535)));
    let mut acked = 1;
    let mut last = None;
    while acked < 100_001 {
        let mut out = vec![];
        acked = (acked + 1460).min(100_001);
        let ack = talk.ack(1, acked);
        let (us, peer) = (crate::harness::us(), crate::harness::peer());
        talk.state
            .segment_arrives(us, peer, ack, 1500, talk.now, &mut out);
        last = pointers(&talk, &out).last().copied().or(last);
    }
    let (seq, len, pointer) = last.unwrap();
    assert_eq!(u32::from(pointer.unwrap()), 100_001 - seq);
    assert_eq!(usize::from(pointer.unwrap()), len);
}

#[test]
fn refused_urgent_data_leaves_no_pointer() {
    let mut talk = Talk::syn_sent(Config::default());
    let (id, now) = (talk.id, talk.now);
    let error = talk.state.send_urgent(id, b"x", now, &mut vec![]);
    assert_eq!(error.unwrap_err().kind(), ErrorKind::WouldBlock);
    talk.inject(talk.syn_ack());
    let mut out = vec![];
    talk.state.send(id, b"x", now, &mut out).unwrap();
    assert_eq!(pointers(&talk, &out), [(1, 1, None)]);
}
