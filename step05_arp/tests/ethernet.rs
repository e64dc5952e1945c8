//! Ethernet's helper under all drivers: what becomes of frames, both ways.
#![allow(clippy::unwrap_used)]

#[path = "harness/frames.rs"]
#[allow(dead_code)] // other tests need the rest
mod frames;

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use frames::{End, MY_MAC, PEER_MAC, frame};
use step05_arp::device::{Device, Devices, HwAddr};
use step05_arp::env::Env;
use step05_arp::ethernet::{self, MAX_FRAME_LEN, MIN_FRAME_LEN, MTU, MacAddr};
use step05_arp::ethertype::EtherType;
use step05_arp::frame::FrameIo;
use step05_arp::host::Host;
use step05_arp::net::{Input, Net};
use step05_arp::packet::Packet;
use step05_arp::scene;
use step05_arp::simulation;
use step05_arp::wire::{Faults, Wire};

/// Passes on what the device has made of the frames.
struct Collect(mpsc::Sender<(u16, Vec<u8>)>);

impl Input for Collect {
    fn input(&mut self, _: &Arc<Device>, ethertype: u16, packet: Packet) {
        self.0.send((ethertype, packet.to_vec())).unwrap();
    }
}

/// An Ethernet device, and the test on both its sides.
struct Bench {
    device: Arc<Device>,
    net: Net,
    received: mpsc::Receiver<(u16, Vec<u8>)>,
}

impl Bench {
    fn new(frames: impl FrameIo + 'static) -> Self {
        let env = Env::manual(0);
        let mut devices = Devices::new(&env);
        let device = ethernet::init(&mut devices, frames, MY_MAC);
        let (tx, received) = mpsc::channel();
        let mut net = Net::new(&env, devices, Collect(tx));
        net.open().unwrap();
        Self {
            device,
            net,
            received,
        }
    }

    fn settle(&mut self) {
        simulation::settle(&mut [&mut self.net]);
    }

    fn send(&self, payload: &[u8]) -> io::Result<()> {
        self.device
            .output(PEER_MAC.into(), 0x1234, Packet::new(payload))
    }
}

fn on_a_wire() -> (Bench, End) {
    let (end, port) = End::new(&Env::manual(0));
    (Bench::new(port), end)
}

#[test]
fn what_is_sent_has_a_header_and_is_padded() {
    let (bench, end) = on_a_wire();
    bench.send(b"data").unwrap();
    let mut expected = [&PEER_MAC.0[..], &MY_MAC.0, &[0x12, 0x34], b"data"].concat();
    expected.resize(MIN_FRAME_LEN, 0);
    assert_eq!(end.take(), [expected]);
    for (payload, frame) in [(0, 60), (45, 60), (46, 60), (47, 61), (MTU, MAX_FRAME_LEN)] {
        bench.send(&vec![1; payload]).unwrap();
        let sent = end.take();
        assert_eq!(sent[0].len(), frame, "{payload} octets of payload");
        assert!(sent[0][14..14 + payload].iter().all(|octet| *octet == 1));
        assert!(sent[0][14 + payload..].iter().all(|octet| *octet == 0));
    }
    assert_eq!(bench.device.counters.sent.get(), 6);
}

#[test]
fn what_is_longer_than_the_mtu_is_not_sent() {
    let (bench, end) = on_a_wire();
    let error = bench.send(&[0; MTU + 1]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    assert_eq!(bench.device.counters.too_long.get(), 1);
    assert!(end.take().is_empty());
}

#[test]
fn an_address_of_another_kind_is_refused() {
    let (bench, end) = on_a_wire();
    let result = bench
        .device
        .output(HwAddr::from([1; 8]), 0x1234, Packet::new(b"x"));
    assert!(result.is_err());
    assert_eq!(bench.device.counters.transmit_failed.get(), 1);
    assert!(end.take().is_empty());
}

#[test]
fn frames_for_us_and_for_all_are_taken() {
    let (mut bench, end) = on_a_wire();
    for dst in [MY_MAC, MacAddr::BROADCAST] {
        end.send(&frame(dst, EtherType::IP, b"data"));
        bench.settle();
        let expected = (0x0800, b"data".to_vec());
        assert_eq!(bench.received.try_recv(), Ok(expected), "{dst}");
    }
    assert_eq!(bench.device.counters.received.get(), 2);
}

#[test]
fn what_comes_by_broadcast_is_marked() {
    struct Marks(mpsc::Sender<bool>);
    impl Input for Marks {
        fn input(&mut self, _: &Arc<Device>, _: u16, packet: Packet) {
            self.0.send(packet.is_link_broadcast()).unwrap();
        }
    }
    let env = Env::manual(0);
    let (end, port) = End::new(&env);
    let mut devices = Devices::new(&env);
    ethernet::init(&mut devices, port, MY_MAC);
    let (tx, marks) = mpsc::channel();
    let mut net = Net::new(&env, devices, Marks(tx));
    net.open().unwrap();
    for dst in [MY_MAC, MacAddr::BROADCAST] {
        end.send(&frame(dst, EtherType::IP, b"data"));
        simulation::settle(&mut [&mut net]);
        assert_eq!(marks.try_recv(), Ok(dst == MacAddr::BROADCAST));
    }
}

#[test]
fn frames_for_others_are_dropped() {
    let (mut bench, end) = on_a_wire();
    for dst in [
        PEER_MAC,
        MacAddr::ANY,
        MacAddr([0x01, 0x00, 0x5e, 0x00, 0x00, 0x01]), // all hosts (224.0.0.1)
        MacAddr([0x33, 0x33, 0x00, 0x00, 0x00, 0x01]), // the same of IPv6
        MacAddr([0xff, 0xff, 0xff, 0xff, 0xff, 0xfe]),
    ] {
        end.send(&frame(dst, EtherType::IP, b"data"));
    }
    bench.settle();
    assert!(bench.received.try_recv().is_err());
    let counters = &bench.device.counters;
    assert_eq!((counters.other_host.get(), counters.received.get()), (5, 0));
}

#[test]
fn frames_of_impossible_lengths_are_dropped() {
    let (mut bench, end) = on_a_wire();
    let whole = frame(MY_MAC, EtherType::IP, &[1; 2000]);
    for len in [0, 1, 6, 13, MAX_FRAME_LEN + 1, MAX_FRAME_LEN + 2, 2000] {
        end.send(&whole[..len]);
    }
    bench.settle();
    assert!(bench.received.try_recv().is_err());
    let counters = &bench.device.counters;
    assert_eq!((counters.malformed.get(), counters.received.get()), (7, 0));
    // The shortest and the longest that are possible. (Padding is the
    // business of who sends: a TAP has none.)
    for len in [14, MAX_FRAME_LEN] {
        end.send(&whole[..len]);
        bench.settle();
        let (_, payload) = bench.received.try_recv().unwrap();
        assert_eq!(payload.len(), len - 14);
    }
}

#[test]
fn no_frame_shows_what_another_has_left() {
    let (mut bench, end) = on_a_wire();
    end.send(&frame(MY_MAC, EtherType::IP, &[0xaa; 1500]));
    end.send(&frame(MY_MAC, EtherType::IP, b"short"));
    bench.settle();
    let received: Vec<_> = bench.received.try_iter().map(|(_, data)| data).collect();
    assert_eq!(received, [vec![0xaa; 1500], b"short".to_vec()]);
    // And room in front of it, as for any packet, holds no secret either.
    bench.send(b"x").unwrap();
    assert!(end.take()[0][15..].iter().all(|octet| *octet == 0));
}

#[test]
fn a_frame_under_way_raises_no_interrupt_before_it_arrives() {
    let env = Env::manual(0);
    let wire = Wire::with_faults(
        &env,
        Faults {
            delay: Duration::from_millis(5),
            ..Faults::default()
        },
    );
    let peer = wire.port();
    let bench = Bench::new(wire.port());
    peer.write_frame(&frame(MY_MAC, EtherType::IP, b"data"))
        .unwrap();
    assert!(!bench.device.irq().is_pending());
    assert_eq!(
        bench.net.deadline(),
        Some(env.now() + Duration::from_millis(5))
    );
}

/// A driver that plays a script when it is read, and fails when it is written.
#[derive(Default)]
struct Script {
    reads: Mutex<VecDeque<io::Result<Option<usize>>>>,
    write_error: Option<io::ErrorKind>,
}

impl FrameIo for Script {
    fn deadline(&self) -> Option<step05_arp::time::Time> {
        Some(step05_arp::time::Time::ZERO)
    }

    fn read_frame(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        buffer[..14].fill(0xff);
        let next = self.reads.lock().unwrap().pop_front();
        next.unwrap_or(Ok(None))
    }

    fn write_frame(&self, _: &[u8]) -> io::Result<()> {
        self.write_error.map_or(Ok(()), |kind| Err(kind.into()))
    }
}

#[test]
fn a_device_that_fails_is_closed_after_what_it_has_read() {
    let reads = [
        Ok(Some(60)),
        Err(io::ErrorKind::NotConnected.into()),
        Ok(Some(60)),
    ];
    let mut bench = Bench::new(Script {
        reads: Mutex::new(reads.into()),
        ..Script::default()
    });
    bench.settle();
    assert_eq!(bench.received.try_iter().count(), 1);
    let counters = &bench.device.counters;
    assert_eq!(
        (counters.received.get(), counters.receive_failed.get()),
        (1, 1)
    );
    assert!(!bench.device.is_up());
    let error = bench.send(b"x").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NetworkDown);
    assert_eq!(bench.net.deadline(), None, "and not asked again");
}

#[test]
fn what_the_driver_cannot_send_is_counted() {
    for (kind, full, failed) in [
        (io::ErrorKind::WouldBlock, 1, 0),
        (io::ErrorKind::BrokenPipe, 0, 1),
    ] {
        let bench = Bench::new(Script {
            write_error: Some(kind),
            ..Script::default()
        });
        assert_eq!(bench.send(b"x").unwrap_err().kind(), kind);
        let counters = &bench.device.counters;
        assert_eq!(counters.queue_full.get(), full);
        assert_eq!(counters.transmit_failed.get(), failed);
        assert_eq!(counters.sent.get(), 0);
        assert!(bench.device.is_up(), "others may get through");
    }
}

#[test]
fn two_hosts_in_one_world_play_the_same_scene_twice() {
    let play = |seed| {
        let env = Env::manual(seed);
        let wire = Wire::with_faults(
            &env,
            Faults {
                loss: 300,
                duplicate: 100,
                reorder: 300,
                jitter: Duration::from_millis(5),
                ..scene::faults()
            },
        );
        wire.record();
        let config = [scene::config_a().unwrap(), scene::config_b().unwrap()];
        let (a, mut a_net) = Host::new(&env.host("a", 1), wire.port(), &config[0]).unwrap();
        let (_, mut b_net) = Host::new(&env.host("b", 2), wire.port(), &config[1]).unwrap();
        a_net.open().unwrap();
        b_net.open().unwrap();
        for n in 0..100u8 {
            let dst = config[1].addr.addr();
            // Where three questions in a row are lost, it cannot be sent.
            let _ = a.ping.send(config[0].addr.addr(), dst, &[n]);
            let span = Duration::from_millis(700);
            simulation::run_for(&env, &mut [&mut a_net, &mut b_net], span);
        }
        let answered = a.icmp.counters.echo_reply.get();
        (wire.take_record(), answered)
    };
    let (record, answered) = play(1);
    assert!((20..90).contains(&answered), "{answered} of 100 answered");
    assert_eq!(play(1), (record.clone(), answered));
    assert_ne!(play(2).0, record);
}
