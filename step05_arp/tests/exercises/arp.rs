//! ARP as a neighbour sees it.

use std::net::Ipv4Addr;

use step05_arp::arp::cache::WAITING_LIMIT;
use step05_arp::arp::{Message, Opcode};
use step05_arp::ethernet::{Header, MacAddr};
use step05_arp::ethertype::EtherType;
use step05_arp::ip::Neighbor;
use step05_arp::packet::Packet;
use step05_arp::testing::History;

use crate::bench::Bench;
use crate::frames::{ME, MY_MAC, PEER, PEER_MAC, REPLY, REQUEST, arp, arp_messages, frame, parts};
use crate::message::FIELDS;

/// Who asks before it has an address (RFC 5227): nothing can be learned from it.
const PROBE: Message = Message {
    spa: Ipv4Addr::UNSPECIFIED,
    ..REQUEST
};

#[test]
fn a_question_for_us_is_answered() {
    let history = History::new();
    let mut bench = Bench::new();
    let sent = bench.receive(&arp(&PROBE));
    history.did("a probe for 192.0.2.2 arrives from 02:00:00:00:00:99");
    history.expect("how many frames the host sends", sent.len(), 1);
    let (header, payload) = parts(&sent[0]);
    let expected = Header {
        dst: PEER_MAC,
        src: MY_MAC,
        ethertype: EtherType::ARP,
    };
    history.expect("the frame's header", header, expected);
    let reply = Message {
        opcode: Opcode::REPLY,
        sha: MY_MAC,
        spa: ME,
        tha: PEER_MAC,
        tpa: Ipv4Addr::UNSPECIFIED,
    };
    history.expect_bytes("the answer", &payload[..28], &reply.emit(), &FIELDS);
    history.expect(
        "replies sent, as counted",
        bench.arp.counters.replies_sent.get(),
        1,
    );
}

#[test]
fn what_is_not_answered() {
    let history = History::new();
    let mut bench = Bench::new();
    let elsewhere = Message {
        tpa: Ipv4Addr::new(192, 0, 2, 9),
        ..PROBE
    };
    let reply = Message {
        opcode: Opcode::REPLY,
        ..PROBE
    };
    let stranger = Message {
        sha: MacAddr::BROADCAST,
        ..PROBE
    };
    let mut other_kind = PROBE.emit();
    other_kind[1] = 6;
    for (what, bytes) in [
        ("a question for 192.0.2.9", arp(&elsewhere)),
        ("a reply", arp(&reply)),
        ("a question from the address of all", arp(&stranger)),
        (
            "27 octets",
            frame(MY_MAC, EtherType::ARP, &PROBE.emit()[..27]),
        ),
        (
            "a question about another kind of hardware",
            frame(MY_MAC, EtherType::ARP, &other_kind),
        ),
    ] {
        let sent = bench.receive(&bytes);
        history.did(format!("{what} arrives"));
        history.expect(
            &format!("how many frames the host sends, on {what}"),
            sent.len(),
            0,
        );
    }
    let counters = &bench.arp.counters;
    history.expect("messages received", counters.received.get(), 5);
    history.expect("about others", counters.other_host.get(), 1);
    history.expect("bad senders", counters.bad_sender.get(), 1);
    history.expect("too short", counters.too_short.get(), 1);
    history.expect("unsupported", counters.unsupported.get(), 1);
}

fn known(bench: &Bench) -> Vec<(Ipv4Addr, MacAddr)> {
    let neighbors = bench.arp.neighbors().into_iter();
    neighbors.map(|(_, pa, ha)| (pa, ha)).collect()
}

#[test]
fn who_asks_for_us_is_learned() {
    let history = History::new();
    let mut bench = Bench::new();
    let elsewhere = Message {
        tpa: Ipv4Addr::new(192, 0, 2, 9),
        ..REQUEST
    };
    bench.receive(&arp(&elsewhere));
    history.did("192.0.2.1 asks for 192.0.2.9");
    history.expect("who is known", known(&bench), []);
    let sent = bench.receive(&arp(&REQUEST));
    history.did("192.0.2.1 asks for us");
    history.expect("how many frames the host sends", sent.len(), 1);
    history.expect("who is known", known(&bench), [(PEER, PEER_MAC)]);
    history.expect(
        "entries made, as counted",
        bench.arp.counters.inserted.get(),
        1,
    );
    let moved = MacAddr([2, 0, 0, 0, 0, 0x77]);
    bench.receive(&arp(&Message {
        sha: moved,
        ..elsewhere
    }));
    history.did("192.0.2.1 asks for 192.0.2.9 again, from 02:00:00:00:00:77");
    history.expect("who is known", known(&bench), [(PEER, moved)]);
    history.expect(
        "entries made, as counted",
        bench.arp.counters.inserted.get(),
        1,
    );
}

#[test]
fn everybody_is_asked() {
    let history = History::new();
    let bench = Bench::new();
    bench.arp.announce();
    history.did("tell all links which address is ours: a request for it");
    let sent = bench.end.take();
    history.expect("how many frames the host sends", sent.len(), 1);
    let (header, payload) = parts(&sent[0]);
    history.expect("whom it asks", header.dst, MacAddr::BROADCAST);
    let request = Message {
        opcode: Opcode::REQUEST,
        sha: MY_MAC,
        spa: ME,
        tha: MacAddr::ANY,
        tpa: ME,
    };
    history.expect_bytes("the request", &payload[..28], &request.emit(), &FIELDS);
    history.expect(
        "requests sent, as counted",
        bench.arp.counters.requests_sent.get(),
        1,
    );
}

#[test]
fn packets_wait_for_the_answer() {
    let history = History::new();
    let mut bench = Bench::new();
    let interfaces = std::sync::Arc::clone(&bench.interfaces);
    let iface = interfaces.on(&bench.device).unwrap();
    let deliver = |bench: &Bench, text: &[u8]| {
        let delivered = bench.arp.deliver(iface, PEER, Packet::new(text));
        delivered.map_err(|error| error.kind())
    };
    for text in [b"one", b"two"] {
        history.did(format!(
            "a packet for 192.0.2.1: {:?}",
            text.map(char::from)
        ));
        history.expect("what deliver says", deliver(&bench, text), Ok(()));
    }
    let sent = bench.end.take();
    let asked: Vec<_> = arp_messages(&sent)
        .iter()
        .map(|(dst, m)| (*dst, m.tpa))
        .collect();
    history.expect(
        "what has been asked, and whom",
        asked,
        [(MacAddr::BROADCAST, PEER)],
    );
    history.expect("how many frames the host has sent", sent.len(), 1);
    history.expect(
        "packets that waited, as counted",
        bench.arp.counters.packets_queued.get(),
        2,
    );
    let sent = bench.receive(&frame(MY_MAC, EtherType::ARP, &REPLY.emit()));
    history.did("192.0.2.1 answers");
    let texts: Vec<_> = sent
        .iter()
        .map(|f| (parts(f).0.dst, parts(f).1[..3].to_vec()))
        .collect();
    let expected = [(PEER_MAC, b"one".to_vec()), (PEER_MAC, b"two".to_vec())];
    history.expect("what goes out then", texts, expected);
    history.did("a third packet");
    history.expect("what deliver says", deliver(&bench, b"3rd"), Ok(()));
    let sent = bench.end.take();
    history.expect("how many frames the host sends", sent.len(), 1);
    history.expect("to whom", parts(&sent[0]).0.dst, PEER_MAC);
    history.expect("as what", parts(&sent[0]).0.ethertype, EtherType::IP);
}

#[test]
fn not_too_many_wait() {
    let history = History::new();
    let bench = Bench::new();
    let iface = bench.interfaces.on(&bench.device).unwrap();
    let deliver = || {
        bench
            .arp
            .deliver(iface, PEER, Packet::new(b"x"))
            .map_err(|e| e.kind())
    };
    for _ in 0..WAITING_LIMIT {
        history.expect("what deliver says", deliver(), Ok(()));
    }
    history.did("64 packets for 192.0.2.1, which does not answer; and one more");
    history.expect("what deliver says: the latest is kept", deliver(), Ok(()));
    history.expect(
        "queue full, as counted",
        bench.arp.counters.queue_full.get(),
        1,
    );
    history.expect(
        "how many frames the host has sent",
        bench.end.take().len(),
        1,
    );
}
