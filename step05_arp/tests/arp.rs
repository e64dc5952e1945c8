//! ARP as a neighbour sees it: whole frames in and out of a host.
#![allow(clippy::unwrap_used)]

#[path = "harness/frames.rs"]
#[allow(dead_code)] // other tests need the rest
mod frames;

use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use frames::{
    End, ME, MY_MAC, PEER, PEER_MAC, REPLY, REQUEST, arp, arp_messages, config, datagrams, echo,
    frame, ip,
};
use step05_arp::arp::cache::{CACHE_LIMIT, MAX_REQUESTS, WAITING_LIMIT, WAITING_MEMORY};
use step05_arp::arp::{Message, Opcode};
use step05_arp::counters::CounterSet;
use step05_arp::env::Env;
use step05_arp::ethernet::MacAddr;
use step05_arp::ethertype::EtherType;
use step05_arp::host::Host;
use step05_arp::icmp::{Answer, Code, IcmpType};
use step05_arp::ip::{IpProtocol, Neighbor};
use step05_arp::net::Net;
use step05_arp::packet::Packet;
use step05_arp::{logger, simulation};

/// A host, and the test at the other end of its wire.
struct Bench {
    env: Arc<Env>,
    host: Host,
    net: Net,
    end: End,
}

impl Bench {
    fn new() -> Self {
        let env = Env::manual(1);
        let (end, port) = End::new(&env);
        let (host, mut net) = Host::new(&env, port, &config()).unwrap();
        net.open().unwrap();
        Self {
            env,
            host,
            net,
            end,
        }
    }

    /// Lets a frame arrive, and takes what the host sends because of it.
    fn receive(&mut self, frame: &[u8]) -> Vec<Vec<u8>> {
        self.end.send(frame);
        simulation::settle(&mut [&mut self.net]);
        self.end.take()
    }

    /// Lets time pass, and takes what the host sends meanwhile.
    fn pass(&mut self, millis: u64) -> Vec<Vec<u8>> {
        let span = Duration::from_millis(millis);
        simulation::run_for(&self.env, &mut [&mut self.net], span);
        self.end.take()
    }

    fn ping(&self, data: &[u8]) -> io::Result<u16> {
        self.host.ping.send(Ipv4Addr::UNSPECIFIED, PEER, data)
    }

    /// The addresses that are known, with their hardware addresses.
    fn known(&self) -> Vec<(Ipv4Addr, MacAddr)> {
        let neighbors = self.host.arp.neighbors().into_iter();
        neighbors.map(|(_, pa, ha)| (pa, ha)).collect()
    }

    /// The names of those of ARP's counters that are not zero, with values.
    fn counted(&self) -> Vec<(&'static str, u64)> {
        let mut counted = Vec::new();
        self.host.arp.counters.each(&mut |meaning, value| {
            if value != 0 {
                counted.push((meaning, value));
            }
        });
        counted
    }
}

const RECEIVED: (&str, u64) = ("messages received", 1);

#[test]
fn a_request_is_answered_with_this_frame() {
    let mut bench = Bench::new();
    // As Linux has sent it, but for the addresses.
    let request = b"\xff\xff\xff\xff\xff\xff\x02\x00\x00\x00\x00\x99\x08\x06\
        \x00\x01\x08\x00\x06\x04\x00\x01\x02\x00\x00\x00\x00\x99\xc0\x00\x02\x01\
        \x00\x00\x00\x00\x00\x00\xc0\x00\x02\x02";
    let reply = b"\x02\x00\x00\x00\x00\x99\x00\x00\x5e\x00\x53\x01\x08\x06\
        \x00\x01\x08\x00\x06\x04\x00\x02\x00\x00\x5e\x00\x53\x01\xc0\x00\x02\x02\
        \x02\x00\x00\x00\x00\x99\xc0\x00\x02\x01\
        \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    assert_eq!(bench.receive(request), [reply]);
}

#[test]
fn a_neighbour_is_asked_for_with_this_frame() {
    let bench = Bench::new();
    bench.ping(b"").unwrap();
    let request = b"\xff\xff\xff\xff\xff\xff\x00\x00\x5e\x00\x53\x01\x08\x06\
        \x00\x01\x08\x00\x06\x04\x00\x01\x00\x00\x5e\x00\x53\x01\xc0\x00\x02\x02\
        \x00\x00\x00\x00\x00\x00\xc0\x00\x02\x01\
        \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    assert_eq!(bench.end.take(), [request]);
}

#[test]
fn who_asks_for_us_is_learned() {
    let mut bench = Bench::new();
    bench.receive(&arp(&REQUEST));
    assert_eq!(bench.known(), [(PEER, PEER_MAC)]);
    // And so is sent to without a question.
    bench.ping(b"x").unwrap();
    let sent = bench.end.take();
    assert_eq!(datagrams(&sent)[0].0.dst, PEER);
    assert_eq!(frames::parts(&sent[0]).0.dst, PEER_MAC);
}

#[test]
fn who_asks_for_others_is_not_learned_but_updated() {
    let mut bench = Bench::new();
    let other = Message {
        tpa: Ipv4Addr::new(192, 0, 2, 77),
        ..REQUEST
    };
    assert!(bench.receive(&arp(&other)).is_empty());
    assert_eq!(bench.known(), []);
    assert_eq!(
        bench.counted(),
        [RECEIVED, ("dropped: about another host", 1)]
    );
    // Known by now, and then heard with another hardware address.
    bench.receive(&arp(&REQUEST));
    let moved = MacAddr([2, 0, 0, 0, 0, 0x55]);
    bench.receive(&arp(&Message {
        sha: moved,
        ..other
    }));
    assert_eq!(bench.known(), [(PEER, moved)]);
}

#[test]
fn an_announcement_updates_and_does_not_insert() {
    let mut bench = Bench::new();
    let announcement = Message {
        tpa: PEER,
        ..REQUEST
    };
    assert!(bench.receive(&arp(&announcement)).is_empty());
    assert_eq!(bench.known(), []);
    bench.receive(&arp(&REQUEST));
    let moved = MacAddr([2, 0, 0, 0, 0, 0x55]);
    let announcement = Message {
        sha: moved,
        ..announcement
    };
    assert!(bench.receive(&arp(&announcement)).is_empty());
    assert_eq!(bench.known(), [(PEER, moved)]);
}

#[test]
fn a_probe_is_answered_and_teaches_nothing() {
    let mut bench = Bench::new();
    let probe = Message {
        spa: Ipv4Addr::UNSPECIFIED,
        ..REQUEST
    };
    let sent = bench.receive(&arp(&probe));
    let [(dst, reply)] = arp_messages(&sent)[..] else {
        panic!("{sent:?}")
    };
    assert_eq!(dst, PEER_MAC);
    assert_eq!((reply.opcode, reply.sha), (Opcode::REPLY, MY_MAC));
    assert_eq!((reply.spa, reply.tpa), (ME, Ipv4Addr::UNSPECIFIED));
    assert_eq!(bench.known(), []);
}

#[test]
fn impossible_senders_are_dropped() {
    let from = |sha, spa| Message {
        sha,
        spa,
        ..REQUEST
    };
    for (what, message) in [
        ("everybody", from(MacAddr::BROADCAST, PEER)),
        ("a group", from(MacAddr([1, 0, 0x5e, 0, 0, 1]), PEER)),
        ("nobody", from(MacAddr::ANY, PEER)),
        (
            "a multicast address",
            from(PEER_MAC, Ipv4Addr::new(224, 0, 0, 1)),
        ),
        (
            "the link's broadcast address",
            from(PEER_MAC, Ipv4Addr::new(192, 0, 2, 255)),
        ),
        ("255.255.255.255", from(PEER_MAC, Ipv4Addr::BROADCAST)),
    ] {
        let mut bench = Bench::new();
        assert!(bench.receive(&arp(&message)).is_empty(), "{what}: answered");
        assert_eq!(bench.known(), [], "{what}: learned");
        let expected = [RECEIVED, ("dropped: impossible sender address", 1)];
        assert_eq!(bench.counted(), expected, "{what}");
    }
}

#[test]
fn what_is_known_survives_an_impossible_sender() {
    let mut bench = Bench::new();
    bench.receive(&arp(&REQUEST));
    let poison = Message {
        sha: MacAddr::BROADCAST,
        ..REPLY
    };
    bench.receive(&arp(&poison));
    assert_eq!(bench.known(), [(PEER, PEER_MAC)]);
}

/// What all tests of this program have logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn another_host_with_our_address_is_reported() {
    let mut bench = Bench::new();
    let log = Log::default();
    let levels = logger::LogLevels::all(log::LevelFilter::Warn);
    logger::init(&bench.env, levels, false, log.clone());
    let mut answers = Vec::new();
    for message in [
        Message { spa: ME, ..REQUEST },
        // Not even to us.
        Message {
            spa: ME,
            tpa: PEER,
            ..REPLY
        },
    ] {
        let sent = bench.receive(&arp(&message));
        let announced = arp_messages(&sent).into_iter();
        let announced: Vec<_> = announced.map(|(dst, m)| (dst, m.spa, m.tpa)).collect();
        answers.push(announced);
    }
    // The first is answered with an announcement, the next not so soon.
    assert_eq!(answers, [vec![(MacAddr::BROADCAST, ME, ME)], vec![]]);
    assert_eq!(bench.known(), []);
    assert_eq!(bench.host.arp.counters.conflict.get(), 2);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let line = "[W] arp::input: address conflict, dev=net1, pa=192.0.2.2, ha=02:00:00:00:00:99\n";
    assert_eq!(log.matches(line).count(), 1, "{log}");
}

#[test]
fn unknown_opcodes_are_not_answered() {
    for opcode in [0, 3, 8, 0xffff] {
        let mut bench = Bench::new();
        let message = Message {
            opcode: Opcode(opcode),
            ..REQUEST
        };
        assert!(bench.receive(&arp(&message)).is_empty(), "{opcode}");
    }
}

#[test]
fn replies_are_not_answered() {
    let mut bench = Bench::new();
    assert!(bench.receive(&arp(&REPLY)).is_empty());
}

#[test]
fn malformed_messages_are_dropped_for_their_reason() {
    let with = |at: usize, value: u8| {
        let mut message = REQUEST.emit();
        message[at] = value;
        message.to_vec()
    };
    let too_short = "dropped: shorter than a message";
    let unsupported = "dropped: not about Ethernet and IPv4";
    for (what, message, reason) in [
        ("nothing", vec![], too_short),
        ("27 octets", REQUEST.emit()[..27].to_vec(), too_short),
        ("IEEE 802 hardware", with(1, 6), unsupported),
        ("8 octets of hardware address", with(4, 8), unsupported),
        ("0 octets of hardware address", with(4, 0), unsupported),
        ("ARP about IPv6", with(2, 0x86), unsupported),
        ("16 octets of protocol address", with(5, 16), unsupported),
    ] {
        let mut bench = Bench::new();
        let frame = frame(MacAddr::BROADCAST, EtherType::ARP, &message);
        assert!(bench.receive(&frame).is_empty(), "{what}: answered");
        assert_eq!(bench.known(), [], "{what}: learned");
        assert_eq!(bench.counted(), [RECEIVED, (reason, 1)], "{what}");
    }
}

#[test]
fn requests_are_repeated_each_second_and_given_up() {
    let mut bench = Bench::new();
    let seq = bench.ping(b"lost").unwrap();
    let requests = |sent: Vec<Vec<u8>>| {
        let messages = arp_messages(&sent);
        let to_all = |(dst, m): &(MacAddr, Message)| *dst == MacAddr::BROADCAST && m.tpa == PEER;
        assert!(messages.iter().all(to_all), "{messages:?}");
        messages.len()
    };
    assert_eq!(requests(bench.end.take()), 1, "at once");
    assert_eq!(requests(bench.pass(999)), 0);
    assert_eq!(requests(bench.pass(1)), 1, "after a second");
    assert_eq!(requests(bench.pass(999)), 0);
    assert_eq!(requests(bench.pass(1)), 1, "after two");
    assert_eq!(MAX_REQUESTS, 3);
    assert_eq!(bench.host.ping.wait(Duration::ZERO), None, "not yet");
    assert_eq!(requests(bench.pass(1000)), 0, "after three, no more");
    // Who sent it hears of it, as if from a router.
    let failed = Answer::Failed {
        from: ME,
        seq,
        icmp_type: IcmpType::DEST_UNREACH,
        code: Code::HOST,
    };
    assert_eq!(bench.host.ping.wait(Duration::ZERO), Some(failed));
    assert_eq!(bench.host.arp.counters.unresolved.get(), 1);
    assert_eq!(bench.net.deadline(), None, "an idle host sleeps");
    // For a moment nobody is asked, and the sender hears of it at once.
    let failed = bench.ping(b"too soon").unwrap_err();
    assert_eq!(failed.kind(), io::ErrorKind::HostUnreachable);
    assert_eq!(requests(bench.end.take()), 0);
    assert_eq!(bench.host.arp.counters.unreachable.get(), 1);
    // Then the next packet asks again.
    bench.pass(1000);
    bench.ping(b"again").unwrap();
    assert_eq!(requests(bench.end.take()), 1);
}

#[test]
fn a_reply_after_a_lost_request_is_in_time() {
    let mut bench = Bench::new();
    bench.ping(b"patience").unwrap();
    bench.pass(1500);
    let sent = bench.receive(&arp(&REPLY));
    assert_eq!(&datagrams(&sent)[0].1[8..], b"patience");
    assert!(arp_messages(&bench.pass(20_000)).is_empty(), "all is known");
}

#[test]
fn packets_wait_in_order_up_to_a_limit() {
    let mut bench = Bench::new();
    for n in 0..WAITING_LIMIT {
        bench.ping(&[u8::try_from(n).unwrap()]).unwrap();
    }
    // One more takes the place of the oldest.
    bench.ping(&[u8::try_from(WAITING_LIMIT).unwrap()]).unwrap();
    assert_eq!(arp_messages(&bench.end.take()).len(), 1, "one question");
    let counters = &bench.host.arp.counters;
    assert_eq!(counters.packets_queued.get(), WAITING_LIMIT as u64 + 1);
    assert_eq!(counters.queue_full.get(), 1);

    let sent = bench.receive(&arp(&REPLY));
    let arrived = datagrams(&sent).into_iter().map(|(_, echo)| echo[8]);
    let expected = 1..=u8::try_from(WAITING_LIMIT).unwrap();
    assert!(arrived.eq(expected), "in the order of sending");
    let to_peer = |frame: &Vec<u8>| frames::parts(frame).0.dst == PEER_MAC;
    assert!(sent.iter().all(to_peer));
}

#[test]
fn a_request_from_whom_we_wait_for_is_as_good_as_a_reply() {
    let mut bench = Bench::new();
    bench.ping(b"x").unwrap();
    bench.end.take();
    let sent = bench.receive(&arp(&REQUEST));
    assert_eq!(datagrams(&sent).len(), 1);
    assert_eq!(arp_messages(&sent).len(), 1, "and is answered");
}

#[test]
fn static_entries_are_used_and_never_change() {
    let mut bench = Bench::new();
    let by_hand = MacAddr([2, 0, 0, 0, 0, 0x33]);
    let iface = bench.host.ip.interfaces().select(ME).unwrap();
    bench.host.arp.add_static(iface, PEER, by_hand);
    for message in [REQUEST, REPLY] {
        bench.receive(&arp(&message));
    }
    bench.pass(1_000_000);
    bench.ping(b"x").unwrap();
    let sent = bench.end.take();
    assert_eq!(frames::parts(&sent[0]).0.dst, by_hand);
    assert_eq!(arp_messages(&sent).len(), 0);
    assert_eq!(bench.known(), [(PEER, by_hand)]);
}

#[test]
fn a_static_entry_ends_the_wait_for_an_answer() {
    let bench = Bench::new();
    bench.ping(b"waiting").unwrap();
    bench.end.take();
    let iface = bench.host.ip.interfaces().select(ME).unwrap();
    bench.host.arp.add_static(iface, PEER, PEER_MAC);
    let sent = bench.end.take();
    assert_eq!(datagrams(&sent).len(), 1, "it was waiting for that");
}

#[test]
fn who_is_in_use_is_asked_before_it_is_forgotten() {
    let mut bench = Bench::new();
    bench.receive(&arp(&REQUEST));
    bench.pass(20_000);
    bench.ping(b"x").unwrap();
    bench.end.take();
    let asked = arp_messages(&bench.pass(5_000));
    let [(dst, message)] = asked[..] else {
        panic!("{asked:?}")
    };
    assert_eq!(dst, PEER_MAC, "only the neighbour itself");
    assert_eq!((message.opcode, message.tpa), (Opcode::REQUEST, PEER));
    bench.receive(&arp(&REPLY));
    bench.pass(20_000);
    assert_eq!(bench.known(), [(PEER, PEER_MAC)], "another half minute");
    bench.pass(10_000);
    assert_eq!(bench.known(), [], "of silence");
}

#[test]
fn a_flood_of_senders_fills_no_memory_and_evicts_no_static_entry() {
    const SENDERS: u32 = 10_000;
    let mut bench = Bench::new();
    let iface = bench.host.ip.interfaces().select(ME).unwrap();
    bench.host.arp.add_static(iface, PEER, PEER_MAC);
    for n in 0..SENDERS {
        let [_, a, b, c] = n.to_be_bytes();
        let message = Message {
            sha: MacAddr([2, 1, 0, a, b, c]),
            spa: Ipv4Addr::new(10, a, b, c),
            ..REQUEST
        };
        assert_eq!(bench.receive(&arp(&message)).len(), 1, "all are answered");
        bench.env.advance(Duration::from_micros(1));
    }
    assert_eq!(bench.known().len(), CACHE_LIMIT);
    assert!(bench.known().contains(&(PEER, PEER_MAC)));
    let counters = &bench.host.arp.counters;
    assert_eq!(counters.inserted.get(), SENDERS.into());
    let room = CACHE_LIMIT as u64 - 1;
    assert_eq!(counters.evicted.get(), u64::from(SENDERS) - room);
    // Those that were heard last are still there.
    let last = Ipv4Addr::new(10, 0, 0x27, 0x0f);
    assert!(bench.known().iter().any(|(pa, _)| *pa == last));
}

#[test]
fn a_flood_does_not_keep_us_from_finding_a_neighbour() {
    let mut bench = Bench::new();
    let stranger = |n: u32| Message {
        spa: Ipv4Addr::from_bits(0x0a00_0000 + n),
        ..REQUEST
    };
    for n in 0..1000 {
        bench.receive(&arp(&stranger(n)));
        bench.env.advance(Duration::from_micros(1));
    }
    bench.ping(b"through the crowd").unwrap();
    // The question is under way; its answer comes after some of the others.
    for n in 1000..1100 {
        bench.receive(&arp(&stranger(n)));
        bench.env.advance(Duration::from_micros(1));
    }
    let sent = bench.receive(&arp(&REPLY));
    assert_eq!(&datagrams(&sent)[0].1[8..], b"through the crowd");
}

#[test]
fn what_waits_for_an_evicted_entry_is_counted() {
    let mut bench = Bench::new();
    let count = CACHE_LIMIT as u64 + 10;
    for n in 0..count {
        let dst = Ipv4Addr::from_bits(0xc000_0300 + u32::try_from(n).unwrap());
        let iface = bench.host.ip.interfaces().select(ME).unwrap();
        let packet = Packet::new(&ip(IpProtocol::ICMP, ME, dst, &echo(b"")));
        bench.host.arp.deliver(iface, dst, packet).unwrap();
        bench.env.advance(Duration::from_micros(1));
    }
    let counters = &bench.host.arp.counters;
    assert_eq!(counters.evicted.get(), 10);
    assert_eq!(counters.evicted_packets.get(), 10);
    bench.pass(10_000);
    assert_eq!(bench.host.arp.counters.unresolved.get(), count - 10);
}

#[test]
fn what_waits_for_all_neighbours_has_a_limit_in_octets() {
    let bench = Bench::new();
    let iface = bench.host.ip.interfaces().select(ME).unwrap();
    let text = vec![0; 1400];
    let ask = |n| {
        let dst = Ipv4Addr::from_bits(0xc000_0300 + n);
        let packet = Packet::new(&ip(IpProtocol::ICMP, ME, dst, &echo(&text)));
        bench.host.arp.deliver(iface, dst, packet).unwrap();
    };
    // As many as may wait for each of a hundred neighbours who are not there.
    let count = 100 * u32::try_from(WAITING_LIMIT).unwrap();
    for n in 0..count {
        ask(n % 100);
    }
    let counters = &bench.host.arp.counters;
    assert_eq!(counters.packets_queued.get(), count.into());
    assert_eq!(counters.queue_full.get(), 0);
    let waiting = u64::from(count) - counters.memory_full.get();
    let octets = waiting * text.len() as u64;
    let limit = WAITING_MEMORY as u64;
    assert!(
        (limit / 2..=limit).contains(&octets),
        "{octets} octets wait"
    );
}
