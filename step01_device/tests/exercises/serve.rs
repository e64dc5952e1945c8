//! What the main loop does for a device that has raised its interrupt.

use std::io::ErrorKind;
use std::sync::{Arc, Mutex};

use step01_device::device::{Device, Devices, Received};
use step01_device::env::Env;
use step01_device::net::{Input, Net};
use step01_device::packet::Packet;
use step01_device::sync::lock;
use step01_device::testing::History;

use crate::driver::{self, Notes, count};

/// Protocol and length of each packet that has arrived.
type Arrived = Arc<Mutex<Vec<(u16, usize)>>>;

struct Collect(Arrived);

impl Input for Collect {
    fn input(&mut self, _: &Arc<Device>, ethertype: u16, packet: Packet) {
        lock(&self.0).push((ethertype, packet.len()));
    }
}

struct Host {
    net: Net,
    device: Arc<Device>,
    notes: Arc<Notes>,
    arrived: Arrived,
}

fn host() -> Host {
    let env = Env::manual(0);
    let mut devices = Devices::new(&env);
    let (device, notes) = driver::add(&mut devices);
    let arrived = Arrived::default();
    let mut net = Net::new(&env, devices, Collect(Arc::clone(&arrived)));
    net.open().unwrap();
    Host {
        net,
        device,
        notes,
        arrived,
    }
}

fn packet(len: usize) -> Received {
    Received::Packet(0x0800, Packet::zeroed(len))
}

#[test]
fn who_has_not_raised_is_left_alone() {
    let history = History::new();
    let mut host = host();
    history.did("turn the crank; no line is raised");
    history.expect("is there more to do", host.net.step(), false);
    history.expect(
        "how often the driver was asked",
        count(&host.notes.asked),
        0,
    );
}

#[test]
fn packets_are_taken_until_there_are_none() {
    let history = History::new();
    let mut host = host();
    lock(&host.notes.arriving).extend([Ok(packet(1)), Ok(Received::Dropped), Ok(packet(3))]);
    host.device.irq().raise();
    history.did("a packet, one that the driver drops, and another arrive; turn the crank");
    host.net.step();
    history.expect(
        "what has arrived",
        lock(&host.arrived).clone(),
        vec![(0x0800, 1), (0x0800, 3)],
    );
    history.expect(
        "packets received, as counted",
        host.device.counters.received.get(),
        2,
    );
    history.expect(
        "is the line still raised",
        host.device.irq().is_pending(),
        false,
    );
    let asked = count(&host.notes.asked);
    history.expect("how often the driver was asked", asked, 4);
    host.net.step();
    history.did("turn the crank again; nothing has been raised");
    history.expect(
        "how often the driver was asked",
        count(&host.notes.asked),
        asked,
    );
}

#[test]
fn one_turn_takes_64_and_the_next_goes_on() {
    let history = History::new();
    let mut host = host();
    lock(&host.notes.arriving).extend((0..100).map(|_| Ok(packet(1))));
    host.device.irq().raise();
    history.did("100 packets arrive; turn the crank once");
    history.expect("is there more to do", host.net.step(), true);
    history.expect("how many have been taken", lock(&host.arrived).len(), 64);
    host.net.step();
    history.did("turn it again, though no line is raised");
    history.expect("how many have been taken", lock(&host.arrived).len(), 100);
    host.net.step();
    history.did("and again");
    history.expect("is there more to do", host.net.step(), false);
}

#[test]
fn a_broken_device_is_closed_and_not_asked_again() {
    let history = History::new();
    let mut host = host();
    lock(&host.notes.arriving).push(Err(ErrorKind::NotConnected.into()));
    host.device.irq().raise();
    history.did("the driver fails when it is asked for a packet; turn the crank");
    host.net.step();
    history.expect("is the device up", host.device.is_up(), false);
    history.expect(
        "failures, as counted",
        host.device.counters.receive_failed.get(),
        1,
    );
    host.device.irq().raise();
    host.net.step();
    history.did("raise its line once more, and turn the crank");
    history.expect(
        "how often the driver was asked",
        count(&host.notes.asked),
        1,
    );
}
