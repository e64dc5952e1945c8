//! Frames of any content: the host lives, its memory is bounded, and every
//! frame is accounted for.
#![allow(clippy::unwrap_used)]

#[path = "harness/frames.rs"]
#[allow(dead_code)] // other tests need the rest
mod frames;

use std::time::Duration;

use frames::{
    End, ME, MY_MAC, PEER, PEER_MAC, REPLY, REQUEST, arp, below, config, echo, frame, ip, mutate,
    octet, parts,
};
use step05_arp::arp::Message;
use step05_arp::arp::cache::CACHE_LIMIT;
use step05_arp::counters::Counter;
use step05_arp::env::Env;
use step05_arp::ethernet::{MAX_FRAME_LEN, MIN_FRAME_LEN, MacAddr};
use step05_arp::ethertype::EtherType;
use step05_arp::host::Host;
use step05_arp::ip::IpProtocol;
use step05_arp::simulation;

const FRAMES: usize = 20_000;

/// A frame that would be taken, before it is damaged.
fn template(env: &Env) -> Vec<u8> {
    let dst = [MY_MAC, MacAddr::BROADCAST][below(env, 2)];
    match below(env, 6) {
        0 => arp(&REQUEST),
        1 => arp(&REPLY),
        2 => arp(&Message {
            spa: [192, 0, 2, octet(env)].into(),
            ..REQUEST
        }),
        3 => {
            let data = vec![octet(env); below(env, 1400)];
            let echo = ip(IpProtocol::ICMP, PEER, ME, &echo(&data));
            frame(dst, EtherType::IP, &echo)
        }
        4 => {
            let protocol = IpProtocol(octet(env));
            frame(dst, EtherType::IP, &ip(protocol, PEER, ME, b"payload"))
        }
        _ => {
            let noise: Vec<u8> = (0..below(env, 120)).map(|_| octet(env)).collect();
            let ethertype = [EtherType::IP, EtherType::ARP, EtherType::IPV6][below(env, 3)];
            frame(dst, ethertype, &noise)
        }
    }
}

fn sum(counters: &[&Counter]) -> u64 {
    counters.iter().map(|counter| counter.get()).sum()
}

#[test]
fn any_frame_is_survived_and_accounted_for() {
    let env = Env::manual(42);
    let (end, port) = End::new(&env);
    let (host, mut net) = Host::new(&env.host("", 7), port, &config()).unwrap();
    net.open().unwrap();
    let mut sent = 0;
    for n in 0..FRAMES {
        let mut frame = template(&env);
        mutate(&env, &mut frame);
        end.send(&frame);
        // Now and then we have something to say as well.
        if n % 50 == 0 {
            let dst = [192, 0, 2, octet(&env) | 0x80].into();
            let _ = host.ping.send(ME, dst, b"hello");
        }
        simulation::run_for(&env, &mut [&mut net], Duration::from_millis(3));
        for frame in end.take() {
            sent += 1;
            // What goes out is in order, whatever has come in.
            assert!((MIN_FRAME_LEN..=MAX_FRAME_LEN).contains(&frame.len()));
            let (header, payload) = parts(&frame);
            assert_eq!(header.src, MY_MAC);
            match header.ethertype {
                EtherType::ARP => {
                    let message = Message::parse(payload).unwrap();
                    assert_eq!((message.sha, message.spa), (MY_MAC, ME));
                }
                ethertype => {
                    assert_eq!(ethertype, EtherType::IP);
                    frames::datagrams(std::slice::from_ref(&frame));
                }
            }
        }
        assert!(host.arp.neighbors().len() <= CACHE_LIMIT);
    }

    let device = &host.device.counters;
    let taken = sum(&[&device.received, &device.malformed, &device.other_host]);
    assert_eq!(taken, FRAMES as u64, "each frame is taken or dropped");
    let protocols = &host.protocols;
    let sorted = sum(&[
        &protocols.queued,
        &protocols.unknown_protocol,
        &protocols.queue_full,
    ]);
    assert_eq!(sorted, device.received.get(), "each is for some protocol");
    let to_ip_and_arp = sum(&[&host.arp.counters.received, &host.ip.counters.received]);
    assert_eq!(to_ip_and_arp, protocols.queued.get());
    assert_eq!(device.sent.get(), sent);

    // The test means something only if much was dropped and much was not.
    let (arp, icmp) = (&host.arp.counters, &host.icmp.counters);
    for (what, counter) in [
        ("other host", &device.other_host),
        ("malformed", &device.malformed),
        ("too short", &arp.too_short),
        ("unsupported", &arp.unsupported),
        ("bad sender", &arp.bad_sender),
        ("conflict", &arp.conflict),
        ("replies", &arp.replies_sent),
        ("echoes", &icmp.echo_answered),
        ("bad checksum", &icmp.bad_checksum),
        ("no such protocol", &host.ip.counters.unknown_protocol),
    ] {
        assert!(counter.get() > 0, "{what}: {}", counter.get());
    }

    // And the host still does its work. (Who the peer is must be said again:
    // damaged frames may have told something else.)
    let answered = icmp.echo_answered.get();
    let echo = ip(IpProtocol::ICMP, PEER, ME, &echo(b"still there?"));
    end.send(&frames::arp(&REQUEST));
    end.send(&frame(MY_MAC, EtherType::IP, &echo));
    simulation::settle(&mut [&mut net]);
    assert_eq!(icmp.echo_answered.get(), answered + 1);
    let answers = end.take();
    assert_eq!(answers.len(), 2);
    assert!(answers.iter().all(|frame| parts(frame).0.dst == PEER_MAC));
}
