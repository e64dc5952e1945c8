//! The stack's start and end, and one turn of its crank.

use std::io::ErrorKind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use step01_device::device::{Device, Devices};
use step01_device::env::Env;
use step01_device::net::{DropInput, Input, Net, Source};
use step01_device::packet::Packet;
use step01_device::sync::lock;
use step01_device::testing::History;
use step01_device::time::Time;

use crate::driver::{self, count};

#[test]
fn all_devices_are_opened() {
    let history = History::new();
    let env = Env::manual(0);
    let mut devices = Devices::new(&env);
    let (first, _) = driver::add(&mut devices);
    let (second, _) = driver::add(&mut devices);
    let mut net = Net::new(&env, devices, DropInput::default());
    history.expect_log(&[
        "device::register: registered, dev=net0, type=NULL(0x0000)",
        "interrupt::request: registered: irq=0, name=net0",
        "device::register: registered, dev=net1, type=NULL(0x0000)",
        "interrupt::request: registered: irq=1, name=net1",
        "net::init: initialized",
    ]);
    history.did("open a Net with two devices");
    history.expect("does it open", net.open().is_ok(), true);
    history.expect("are both up", (first.is_up(), second.is_up()), (true, true));
    history.expect_log(&[
        "net::run: open all devices...",
        "device::state: dev=net0, state=up",
        "device::state: dev=net1, state=up",
        "net::run: running...",
    ]);
}

#[test]
fn one_that_cannot_be_opened_stops_the_start() {
    let history = History::new();
    let env = Env::manual(0);
    let mut devices = Devices::new(&env);
    let (first, notes) = driver::add(&mut devices);
    let (_, broken) = driver::add(&mut devices);
    let (_, last) = driver::add(&mut devices);
    *lock(&broken.fails) = Some(ErrorKind::PermissionDenied);
    let mut net = Net::new(&env, devices, DropInput::default());
    history.did("open a Net whose second device of three cannot be opened");
    let error = net.open().unwrap_err();
    history.expect(
        "the error",
        error.to_string().as_str(),
        "cannot open device net1",
    );
    history.expect("is the first one up", first.is_up(), false);
    history.expect("how often it was closed", count(&notes.closed), 1);
    history.expect("how often the third was opened", count(&last.opened), 0);
}

/// Notes when it is served.
struct Alarm {
    at: Option<Time>,
    served: Arc<Mutex<Vec<Time>>>,
}

impl Source for Alarm {
    fn deadline(&self) -> Option<Time> {
        self.at
    }

    fn service(&mut self, now: Time) {
        self.at = None;
        lock(&self.served).push(now);
    }
}

/// Counts the software interrupts.
#[derive(Default)]
struct Layer(Arc<AtomicUsize>);

impl Input for Layer {
    fn input(&mut self, _: &Arc<Device>, _: u16, _: Packet) {}

    fn softirq(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_turn_raises_the_software_interrupt() {
    let history = History::new();
    let env = Env::manual(0);
    let softirqs = Arc::new(AtomicUsize::new(0));
    let mut net = Net::new(&env, Devices::new(&env), Layer(Arc::clone(&softirqs)));
    for turns in 1..=2 {
        history.did("turn the crank of a Net without devices");
        history.expect("is there more to do", net.step(), false);
        history.expect("software interrupts so far", count(&softirqs), turns);
    }
}

#[test]
fn a_turn_serves_what_is_due() {
    let history = History::new();
    let env = Env::manual(0);
    let mut net = Net::new(&env, Devices::new(&env), Layer::default());
    let served = Arc::new(Mutex::default());
    let second = Duration::from_secs(1);
    for at in [Some(env.now() + second), Some(env.now() + second * 2), None] {
        let served = Arc::clone(&served);
        net.add_source(Alarm { at, served });
    }
    history.did("two alarms, one second and two from now, and a source without");
    net.step();
    history.did("turn the crank at once");
    history.expect("how many alarms were served", lock(&served).len(), 0);
    env.advance(second - Duration::from_nanos(1));
    net.step();
    history.did("turn it 1 ns before the first is due");
    history.expect("how many alarms were served", lock(&served).len(), 0);
    env.advance(Duration::from_nanos(1));
    history.did("turn it when the first is due");
    history.expect("may there be more to do", net.step(), true);
    history.expect(
        "when alarms were served",
        lock(&served).clone(),
        vec![env.now()],
    );
    history.did("turn it again");
    history.expect("is there more to do", net.step(), false);
    env.advance(second * 9);
    net.step();
    history.did("turn it nine seconds later");
    history.expect("how many alarms were served", lock(&served).len(), 2);
}
