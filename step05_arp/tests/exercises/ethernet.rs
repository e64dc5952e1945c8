//! Frames.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};

use step05_arp::device::{Device, Devices, HwAddr};
use step05_arp::env::Env;
use step05_arp::ethernet::{self, Header, MacAddr};
use step05_arp::ethertype::EtherType;
use step05_arp::frame::FrameIo;
use step05_arp::net::{Input, Net};
use step05_arp::packet::Packet;
use step05_arp::sync::lock;
use step05_arp::testing::History;

use crate::frames::{MY_MAC, PEER_MAC};

const FIELDS: [(&str, usize); 3] = [("destination", 6), ("source", 6), ("type", 2)];
const BYTES: [u8; 14] = [2, 0, 0, 0, 0, 0x99, 0, 0, 0x5e, 0, 0x53, 1, 0x08, 0x06];
const HEADER: Header = Header {
    dst: PEER_MAC,
    src: MY_MAC,
    ethertype: EtherType::ARP,
};

#[test]
fn header_is_read_and_written() {
    let history = History::new();
    history.did(format!("read the header {BYTES:02x?}"));
    let header = Header::parse(&[&BYTES[..], b"payload"].concat());
    history.expect("the header", header, Some(HEADER));
    history.did("read 13 octets");
    history.expect("the header", Header::parse(&BYTES[..13]), None);
    let mut out = [0xee; 14];
    HEADER.emit(&mut out);
    history.did("write the header");
    history.expect_bytes("the header", &out, &BYTES, &FIELDS);
}

#[test]
fn dump_shows_source_first() {
    let history = History::new();
    let shown = HEADER.to_string();
    history.did("show a header");
    let lines: Vec<&str> = shown.split('\n').collect();
    let expected = [
        "        src: 00:00:5e:00:53:01",
        "        dst: 02:00:00:00:00:99",
        "       type: ARP(0x0806)",
    ];
    history.expect("the lines", lines, expected);
}

/// Frames of both ways.
#[derive(Default)]
struct Frames {
    sent: Mutex<Vec<Vec<u8>>>,
    arriving: Mutex<VecDeque<Vec<u8>>>,
}

impl FrameIo for Frames {
    fn read_frame(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        Ok(lock(&self.arriving).pop_front().map(|frame| {
            let len = frame.len().min(buffer.len());
            buffer[..len].copy_from_slice(&frame[..len]);
            len
        }))
    }

    fn write_frame(&self, frame: &[u8]) -> io::Result<()> {
        lock(&self.sent).push(frame.to_vec());
        Ok(())
    }
}

#[test]
fn transmit_makes_a_frame() {
    let history = History::new();
    let frames = Arc::new(Frames::default());
    let device = ethernet::init(
        &mut Devices::new(&Env::manual(0)),
        Arc::clone(&frames),
        MY_MAC,
    );
    device.open().unwrap();
    for (len, padded) in [(7, 60), (46, 60), (47, 61), (1500, 1514)] {
        history.did(format!("send {len} octets as ARP to 02:00:00:00:00:99"));
        let sent = device.output(PEER_MAC.into(), 0x0806, Packet::new(&vec![7; len]));
        history.expect("what output says", sent.is_ok(), true);
        let mut expected = [&BYTES[..], &vec![7; len]].concat();
        expected.resize(padded, 0);
        let frame = lock(&frames.sent).pop().unwrap_or_default();
        history.expect_bytes("the frame", &frame, &expected, &FIELDS);
    }
    history.did("send something to nobody: a hardware address of no octets");
    let sent = device.output(HwAddr::NONE, 0x0806, Packet::new(b"x"));
    history.expect("is that an error", sent.is_err(), true);
    history.expect("how many frames are sent", lock(&frames.sent).len(), 0);
}

/// What has arrived: type, payload, whether the frame was for all.
type Arrived = Arc<Mutex<Vec<(u16, Vec<u8>, bool)>>>;

struct Collect(Arrived);

impl Input for Collect {
    fn input(&mut self, _: &Arc<Device>, ethertype: u16, packet: Packet) {
        let broadcast = packet.is_link_broadcast();
        lock(&self.0).push((ethertype, packet.to_vec(), broadcast));
    }
}

#[test]
fn accept_takes_what_is_for_us() {
    let history = History::new();
    let env = Env::manual(0);
    let mut devices = Devices::new(&env);
    let frames = Arc::new(Frames::default());
    let device = ethernet::init(&mut devices, Arc::clone(&frames), MY_MAC);
    let arrived = Arrived::default();
    let mut net = Net::new(&env, devices, Collect(Arc::clone(&arrived)));
    net.open().unwrap();
    let mut receive = |what: &str, frame: Vec<u8>| {
        lock(&frames.arriving).push_back(frame);
        device.irq().raise();
        while net.step() {}
        history.did(format!("a frame arrives: {what}"));
        lock(&arrived).pop()
    };
    let frame = |dst: MacAddr, len: usize| {
        let mut frame = [&dst.0[..], &PEER_MAC.0, &[0x08, 0x00]].concat();
        frame.resize(14 + len, 7);
        frame
    };
    let group = MacAddr([1, 0, 0x5e, 0, 0, 1]);
    let other = MacAddr([2, 0, 0, 0, 0, 1]);
    for (what, frame, taken) in [
        ("for us", frame(MY_MAC, 46), Some((46, false))),
        ("for all", frame(MacAddr::BROADCAST, 46), Some((46, true))),
        (
            "for us, as long as may be",
            frame(MY_MAC, 1500),
            Some((1500, false)),
        ),
        ("for another", frame(other, 46), None),
        ("for a group", frame(group, 46), None),
        ("too long by one octet", frame(MY_MAC, 1501), None),
        ("13 octets", frame(MY_MAC, 0)[..13].to_vec(), None),
        (
            "a header and nothing else",
            frame(MY_MAC, 0),
            Some((0, false)),
        ),
    ] {
        let expected = taken.map(|(len, broadcast)| (0x0800, vec![7; len], broadcast));
        history.expect(
            &format!("{what}: what goes up"),
            receive(what, frame),
            expected,
        );
    }
    history.expect("malformed, as counted", device.counters.malformed.get(), 2);
    history.expect(
        "for others, as counted",
        device.counters.other_host.get(),
        2,
    );
}
