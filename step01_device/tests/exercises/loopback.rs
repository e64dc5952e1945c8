//! The loopback device.

use std::io::ErrorKind;
use std::sync::{Arc, Mutex};

use step01_device::device::{Device, DeviceFlags, Devices, HwAddr};
use step01_device::env::Env;
use step01_device::loopback::{self, QUEUE_LIMIT};
use step01_device::net::{Input, Net};
use step01_device::packet::Packet;
use step01_device::sync::lock;
use step01_device::testing::History;

#[test]
fn init_registers_the_device() {
    let history = History::new();
    let mut devices = Devices::new(&Env::manual(0));
    let device = loopback::init(&mut devices);
    history.did("make a loopback device");
    history.expect("its MTU", device.mtu(), 65_535);
    history.expect(
        "is it marked as loopback",
        device.flags().contains(DeviceFlags::LOOPBACK),
        true,
    );
    history.expect(
        "does it need ARP",
        device.flags().contains(DeviceFlags::NEED_ARP),
        false,
    );
    history.expect("its hardware address", device.addr(), HwAddr::NONE);
    history.expect_log(&[
        "device::register: registered, dev=net0, type=LOOPBACK(0x0001)",
        "interrupt::request: registered: irq=0, name=net0",
        "loopback::init: initialized, dev=net0",
    ]);
}

#[test]
fn what_is_sent_waits_in_the_queue() {
    let history = History::new();
    let device = loopback::init(&mut Devices::new(&Env::manual(0)));
    device.open().unwrap();
    drop(history);
    let history = History::new();
    for num in 1..=2 {
        history.did("send 48 octets through the loopback device");
        let sent = device.output(HwAddr::NONE, 0x0800, Packet::zeroed(48));
        history.expect("what output says", sent.map_err(|e| e.kind()), Ok(()));
        history.expect(
            "is its interrupt line raised",
            device.irq().is_pending(),
            true,
        );
        history.expect_log(&[
            "device::output: dev=net0, type=0x0800, len=48",
            &format!("loopback::transmit: queue pushed (num:{num}), dev=net0, type=0x0800, len=48"),
        ]);
    }
}

#[test]
fn the_queue_takes_16_packets() {
    let history = History::new();
    let device = loopback::init(&mut Devices::new(&Env::manual(0)));
    device.open().unwrap();
    for num in 1..=QUEUE_LIMIT {
        let sent = device.output(HwAddr::NONE, 0x0800, Packet::zeroed(1));
        history.expect(&format!("is packet {num} taken"), sent.is_ok(), true);
    }
    history.did("send 16 packets; nobody takes them out");
    let full = device.output(HwAddr::NONE, 0x0800, Packet::zeroed(1));
    history.did("send one more");
    let full = full.map_err(|e| e.kind());
    history.expect("what output says", full, Err(ErrorKind::WouldBlock));
    history.expect(
        "packets dropped as the queue is full",
        device.counters.queue_full.get(),
        1,
    );
}

/// Ethertypes and contents.
type Arrived = Arc<Mutex<Vec<(u16, Vec<u8>)>>>;

struct Collect(Arrived);

impl Input for Collect {
    fn input(&mut self, _: &Arc<Device>, ethertype: u16, packet: Packet) {
        lock(&self.0).push((ethertype, packet.to_vec()));
    }
}

#[test]
fn what_was_sent_comes_back_in_order() {
    let history = History::new();
    let env = Env::manual(0);
    let mut devices = Devices::new(&env);
    let device = loopback::init(&mut devices);
    let arrived = Arc::new(Mutex::default());
    let mut net = Net::new(&env, devices, Collect(Arc::clone(&arrived)));
    net.open().unwrap();
    device
        .output(HwAddr::NONE, 0x0800, Packet::new(b"one"))
        .unwrap();
    device
        .output(HwAddr::NONE, 0x0806, Packet::new(b"other"))
        .unwrap();
    history.did("send \"one\" as 0x0800 and \"other\" as 0x0806");
    history.expect(
        "what has arrived before the crank is turned",
        lock(&arrived).len(),
        0,
    );
    drop(history);
    let history = History::new();
    net.step();
    history.did("turn the crank");
    let expected = vec![(0x0800, b"one".to_vec()), (0x0806, b"other".to_vec())];
    history.expect("what has arrived", lock(&arrived).clone(), expected);
    history.expect_log(&[
        "interrupt: irq=0, name=net0",
        "loopback::isr: queue popped (num:1), dev=net0, type=0x0800, len=3",
        "loopback::isr: queue popped (num:0), dev=net0, type=0x0806, len=5",
    ]);
    history.did("turn it again");
    net.step();
    history.expect("how many have arrived", lock(&arrived).len(), 2);
}
