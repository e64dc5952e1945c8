//! Devices: registering, opening, closing, sending.

use std::io::ErrorKind;
use std::sync::Arc;

use step01_device::device::{Devices, HwAddr};
use step01_device::env::Env;
use step01_device::net::{DropInput, Net};
use step01_device::packet::Packet;
use step01_device::sync::lock;
use step01_device::testing::History;

use crate::driver::{self, MTU, count};

#[test]
fn register_names_and_numbers() {
    let history = History::new();
    let env = Env::manual(0);
    let mut devices = Devices::new(&env);
    for (index, name) in ["net0", "net1", "net2"].into_iter().enumerate() {
        history.did(format!("register device number {index}"));
        let (device, notes) = driver::add(&mut devices);
        history.expect("its name", device.name(), name);
        history.expect("its index", device.index(), index);
        history.expect(
            "the number of its interrupt line",
            device.irq().number() as usize,
            index,
        );
        history.expect("is it up before it was opened", device.is_up(), false);
        history.expect("its MTU", device.mtu(), MTU);
        history.expect_log(&[
            &format!("device::register: registered, dev={name}, type=NULL(0x0000)"),
            &format!("interrupt::request: registered: irq={index}, name={name}"),
        ]);
        history.expect("how often the driver was opened", count(&notes.opened), 0);
    }
}

#[test]
fn register_keeps_the_receiver_for_the_main_loop() {
    let history = History::new();
    let env = Env::manual(0);
    let mut devices = Devices::new(&env);
    let (device, notes) = driver::add(&mut devices);
    history.did("register a device, and give the table to a Net");
    let net = Net::new(&env, devices, DropInput::default());
    // The table holds the device and the driver's other half.
    history.expect_that(
        "the table holds the device",
        Arc::strong_count(&device) == 2,
    );
    history.expect_that(
        "the driver's receiver is kept",
        Arc::strong_count(&notes) == 3,
    );
    drop(net);
    history.did("drop the Net");
    history.expect_that(
        "only the device itself is left",
        Arc::strong_count(&device) == 1,
    );
}

#[test]
fn open_and_close() {
    let history = History::new();
    let (device, notes) = driver::add(&mut Devices::new(&Env::manual(0)));
    history.expect_log(&[
        "device::register: registered, dev=net0, type=NULL(0x0000)",
        "interrupt::request: registered: irq=0, name=net0",
    ]);
    history.did("open the device");
    history.expect(
        "what open says",
        device.open().map_err(|e| e.kind()),
        Ok(()),
    );
    history.expect("is it up", device.is_up(), true);
    history.expect("how often the driver was opened", count(&notes.opened), 1);
    history.expect_log(&["device::state: dev=net0, state=up"]);
    history.did("open it again");
    let again = device.open().map_err(|e| e.kind());
    history.expect("what open says", again, Err(ErrorKind::AlreadyExists));
    history.expect("how often the driver was opened", count(&notes.opened), 1);
    history.expect_log(&["device::open: already opened, dev=net0"]);
    history.did("close it, twice");
    device.close();
    device.close();
    history.expect("is it up", device.is_up(), false);
    history.expect("how often the driver was closed", count(&notes.closed), 1);
    history.expect_log(&["device::state: dev=net0, state=down"]);
}

#[test]
fn a_driver_that_cannot_open() {
    let history = History::new();
    let (device, notes) = driver::add(&mut Devices::new(&Env::manual(0)));
    *lock(&notes.fails) = Some(ErrorKind::PermissionDenied);
    history.did("open a device whose driver may not");
    let opened = device.open().map_err(|e| e.kind());
    history.expect("what open says", opened, Err(ErrorKind::PermissionDenied));
    history.expect("is it up", device.is_up(), false);
    device.close();
    history.did("close it");
    history.expect("how often the driver was closed", count(&notes.closed), 0);
}

#[test]
fn output_hands_to_the_driver() {
    let history = History::new();
    let (device, notes) = driver::add(&mut Devices::new(&Env::manual(0)));
    device.open().unwrap();
    let dst = HwAddr::from([1, 2, 3]);
    history.did("send a packet of 100 octets, as long as the MTU, to 01:02:03");
    let sent = device.output(dst, 0x0806, Packet::new(&[7; MTU]));
    history.expect("what output says", sent.map_err(|e| e.kind()), Ok(()));
    let sent = lock(&notes.sent);
    history.expect("how many packets the driver has got", sent.len(), 1);
    history.expect("the destination", sent[0].0, dst);
    history.expect("the protocol", sent[0].1, 0x0806);
    history.expect_bytes("the packet", &sent[0].2, &[7; MTU], &[]);
    history.expect("packets sent, as counted", device.counters.sent.get(), 1);
}

#[test]
fn output_refuses() {
    let history = History::new();
    let (device, notes) = driver::add(&mut Devices::new(&Env::manual(0)));
    let send = |len| device.output(HwAddr::NONE, 0x0800, Packet::zeroed(len));
    history.did("send through a device that is down");
    let down = send(1).map_err(|e| e.kind());
    history.expect("what output says", down, Err(ErrorKind::NetworkDown));
    history.expect(
        "packets dropped as it is down",
        device.counters.down.get(),
        1,
    );
    device.open().unwrap();
    history.did("open it, and send 101 octets where the MTU is 100");
    let long = send(MTU + 1).map_err(|e| e.kind());
    history.expect("what output says", long, Err(ErrorKind::InvalidInput));
    history.expect(
        "packets dropped as too long",
        device.counters.too_long.get(),
        1,
    );
    history.expect(
        "how many packets the driver has got",
        lock(&notes.sent).len(),
        0,
    );
    for (kind, what) in [
        (ErrorKind::BrokenPipe, "is broken"),
        (ErrorKind::WouldBlock, "has a full queue"),
    ] {
        *lock(&notes.fails) = Some(kind);
        history.did(format!("send through a device whose driver {what}"));
        let failed = send(1).map_err(|e| e.kind());
        history.expect("what output says", failed, Err(kind));
    }
    let counters = &device.counters;
    history.expect("failures of the driver", counters.transmit_failed.get(), 1);
    history.expect(
        "packets dropped as the queue is full",
        counters.queue_full.get(),
        1,
    );
    history.expect("packets sent, as counted", counters.sent.get(), 0);
}
