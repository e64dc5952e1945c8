//! Requirements of RFC 9293 that no other conversation shows by the way: see
//! CONFORMANCE.md.

use std::io::ErrorKind;
use std::net::SocketAddrV4;
use std::num::NonZeroU8;

use step07_tcp::config::Config;
use step07_tcp::flags::Flags;
use step07_tcp::header::Header;
use step07_tcp::options::Options;
use step07_tcp::segment::{Outgoing, Segment};
use step07_tcp::tcb::TcpState;

use crate::harness::{Talk, peer, s, us};

fn window(talk: &Talk, ack: u32, window: u16) -> Segment {
    Segment {
        window,
        ..talk.ack(1, ack)
    }
}

/// What is sent when data is written.
fn sent(talk: &mut Talk, data: &[u8]) -> Vec<Outgoing> {
    let mut out = vec![];
    talk.state.send(talk.id, data, talk.now, &mut out).unwrap();
    out
}

#[test]
fn window_is_a_number_without_a_sign() {
    let mut talk = Talk::established();
    for size in [0x7fff, 0x8000, 0xffff] {
        talk.inject(window(&talk, 1, size));
        let measures = talk.status().measures.unwrap();
        assert_eq!(measures.send_window, u32::from(size));
    }
}

#[test]
fn options_may_begin_anywhere_and_unknown_ones_are_skipped() {
    let expected = Options {
        mss: Some(1460),
        ..Options::default()
    };
    // After 0 to 3 octets of padding, before and behind an unknown one, and
    // before the end of the list.
    let mss = [2, 4, 5, 0xb4];
    let unknown = [254, 6, 1, 2, 3, 4];
    for shift in 0..4 {
        let nops = vec![1; shift];
        let octets = [&nops[..], &unknown, &mss, &unknown, &[0, 0]].concat();
        assert_eq!(Options::parse(&octets), expected, "{octets:?}");
    }
}

#[test]
fn options_are_read_in_any_segment() {
    // One with text, one that ends, one that resets: an MSS option there means
    // nothing, and does no harm.
    let mut talk = Talk::established();
    let mss = Options {
        mss: Some(100),
        ..Options::default()
    };
    for segment in [talk.text(1, 1, b"abc"), talk.fin(4, 1)] {
        talk.inject(Segment {
            options: mss,
            ..segment
        });
    }
    assert_eq!(talk.receive(9).unwrap(), b"abc");
    assert_eq!(talk.tcp_state(), TcpState::CloseWait);
    assert_eq!(talk.status().measures.unwrap().mss, 1460);
    talk.inject(Segment {
        options: mss,
        ..talk.rst(5)
    });
    assert_eq!(talk.tcp_state(), TcpState::Closed);
}

#[test]
fn mss_is_told_with_a_syn_only() {
    let mut talk = Talk::established();
    for out in sent(&mut talk, &[1; 5000]) {
        assert_eq!(out.segment.options.mss, None);
    }
    assert_eq!(talk.close().len(), 1);
    let (mut out, now) = (vec![], talk.now);
    talk.state.on_timer(now + s(1), &mut out);
    assert!(out.iter().all(|out| out.segment.options.mss.is_none()));
}

#[test]
fn last_segment_of_what_was_written_is_pushed() {
    let mut talk = Talk::established();
    let pushed = |out: &Outgoing| out.segment.flags.contains(Flags::PSH);
    let out = sent(&mut talk, &[1; 3000]);
    let all: Vec<_> = out.iter().map(pushed).collect();
    assert_eq!(all, [false, false, true]);
    // Several writes that leave in one segment are pushed once.
    let mut talk = Talk::established_with(Config::default());
    talk.write(b"a");
    assert!(talk.write(b"b").is_empty() && talk.write(b"c").is_empty());
    let answer = talk.inject(talk.ack(1, 2));
    assert_eq!(answer, ["---AP--- seq=2 ack=1 len=2 wnd=65535"]);
}

#[test]
fn full_segments_are_sent_when_possible() {
    let mut talk = Talk::established();
    talk.inject(window(&talk, 1, 0));
    for _ in 0..30 {
        assert!(talk.write(&[1; 100]).is_empty());
    }
    let lengths: Vec<_> = talk.inject(window(&talk, 1, 9000));
    assert_eq!(
        lengths,
        [
            "---A---- seq=1 ack=1 len=1460 wnd=65535",
            "---A---- seq=1461 ack=1 len=1460 wnd=65535",
            "---AP--- seq=2921 ack=1 len=80 wnd=65535"
        ]
    );
}

#[test]
fn window_that_shrinks_stops_what_is_new_and_nothing_else() {
    let mut talk = Talk::established();
    talk.write(&[1; 3000]);
    // The right edge moves before what was sent.
    assert!(talk.inject(window(&talk, 1, 1500)).is_empty());
    assert!(talk.write(&[2; 100]).is_empty());
    // What is within it is sent again, and so may be what lies behind it.
    let again = talk.wait(s(1));
    assert!(again[0].contains(" seq=1 ack=1 len=1460 "), "{again:?}");
    // As long as the peer answers, it is not given up.
    for _ in 0..100 {
        talk.wait(s(10));
        talk.inject(window(&talk, 1, 1500));
    }
    assert_eq!(talk.tcp_state(), TcpState::Established);
    talk.inject(window(&talk, 3001, 9000));
    talk.inject(window(&talk, 3101, 9000));
    assert!(talk.status().flushed);
}

#[test]
fn urgent_pointer_is_heard_through_a_closed_window() {
    let mut talk = Talk::established();
    // As many segments as fit into that length: it is not acknowledged late.
    assert_eq!(
        talk.inject(talk.text(1, 1, &[0; 65_535])),
        ["---A---- seq=1 ack=65536 len=0 wnd=0"]
    );
    let urgent = Segment {
        flags: Flags::ACK | Flags::URG,
        urgent_pointer: 10,
        ..talk.text(65_536, 1, b"x")
    };
    talk.inject(urgent);
    assert_eq!(talk.status().urgent, 65_535 + 10);
    assert_eq!(talk.status().readable, 65_535);
}

#[test]
fn passive_open_leaves_others_alone() {
    let mut talk = Talk::established();
    talk.write(b"abc");
    let before = format!("{:?}", talk.status());
    let other = SocketAddrV4::new(*us().ip(), 8);
    talk.state.listen(other, 4).unwrap();
    talk.state.open_passive(us(), Some(peer())).unwrap();
    assert_eq!(format!("{:?}", talk.status()), before);
    // A segment for the connection is the connection's.
    talk.inject(talk.ack(1, 4));
    assert!(talk.status().flushed);
}

#[test]
fn one_port_can_be_listened_at_for_several_addresses_and_peers() {
    let mut talk = Talk::listening(Config::default());
    let elsewhere = "192.0.2.3:7".parse().unwrap();
    talk.state.listen(elsewhere, 4).unwrap();
    let friend: SocketAddrV4 = "192.0.2.9:9".parse().unwrap();
    let for_friend = talk.state.open_passive(us(), Some(friend)).unwrap();
    assert!(talk.inject(talk.syn())[0].starts_with("---A--S-"));
    assert!(talk.inject_from(friend, talk.syn())[0].starts_with("---A--S-"));
    assert_eq!(
        talk.state.status(for_friend).unwrap().state,
        TcpState::SynReceived
    );
}

#[test]
fn all_segments_of_a_connection_have_its_addresses() {
    let mut talk = Talk::established();
    let mut out = sent(&mut talk, &[1; 3000]);
    talk.now += s(1);
    talk.state.on_timer(talk.now, &mut out);
    talk.state.close(talk.id, talk.now, &mut out);
    talk.state.abort(talk.id, talk.now, &mut out);
    assert!(out.len() > 3);
    for out in out {
        assert_eq!((out.local, out.remote), (us(), peer()));
    }
}

#[test]
fn diffserv_and_time_to_live_are_chosen_for_each_connection() {
    let mut talk = Talk::established();
    let id = talk.id;
    let mut set = |diffserv: u8, ttl| {
        talk.state.set_service(id, |service| {
            service.diffserv = diffserv;
            service.ttl = NonZeroU8::new(ttl);
        })
    };
    set(46, 7).unwrap();
    let error = set(64, 9).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let out = sent(&mut talk, b"x");
    let service = out[0].service;
    assert_eq!((service.diffserv, service.ttl), (46, NonZeroU8::new(7)));
    // It can be changed at any time, and does not change by itself.
    talk.state.set_service(id, |s| s.diffserv = 0).unwrap();
    let out = sent(&mut talk, b"y");
    assert_eq!(out[0].service.diffserv, 0);
    assert_eq!(talk.state.service(id).unwrap().ttl, NonZeroU8::new(7));
}

#[test]
fn reserved_bits_are_sent_as_zero_and_ignored() {
    let mut talk = Talk::established();
    let packet = sent(&mut talk, b"x").remove(0).into_packet();
    assert_eq!(packet[12] & 0x0f, 0);
    let mut octets = packet.to_vec();
    octets[12] |= 0x0f;
    let (header, offset) = Header::parse(&octets).unwrap();
    assert_eq!((header.data_offset, offset), (5, 20));
}
