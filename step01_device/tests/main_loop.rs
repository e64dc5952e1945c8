//! The main loop: budgets, deadlines, sleep and wake-up, broken devices.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use step01_device::device::{
    Device, DeviceConfig, DeviceFlags, DeviceType, Devices, HwAddr, Received, Receiver, Transmitter,
};
use step01_device::env::Env;
use step01_device::loopback;
use step01_device::net::{DropInput, Input, Net, Source};
use step01_device::packet::Packet;
use step01_device::time::Time;

/// Passes on what arrives.
struct Collect(mpsc::Sender<(u16, usize)>);

impl Input for Collect {
    fn input(&mut self, _: &Arc<Device>, ethertype: u16, packet: Packet) {
        // A test that has seen enough has dropped its end.
        let _ = self.0.send((ethertype, packet.len()));
    }
}

/// A device whose receiver plays a script.
struct Script<F>(F);

impl<F> Transmitter for Script<F>
where
    F: Send + Sync,
{
    fn transmit(&self, _: &Device, _: HwAddr, _: u16, _: Packet) -> io::Result<()> {
        Ok(())
    }
}

impl<F> Receiver for Script<F>
where
    F: FnMut() -> io::Result<Received> + Send,
{
    fn receive(&mut self, _: &Device) -> io::Result<Received> {
        (self.0)()
    }
}

const CONFIG: DeviceConfig = DeviceConfig {
    device_type: DeviceType::NULL,
    mtu: 1500,
    flags: DeviceFlags::NONE,
    addr: HwAddr::NONE,
    broadcast: HwAddr::NONE,
};

#[test]
fn a_flood_from_one_device_does_not_starve_the_rest() {
    struct Tick(Arc<AtomicUsize>);
    impl Source for Tick {
        fn deadline(&self) -> Option<Time> {
            Some(Time::ZERO)
        }
        fn service(&mut self, _: Time) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let env = Env::manual(0);
    let (tx, rx) = mpsc::channel();
    let mut devices = Devices::new(&env);
    let flood = || Ok(Received::Packet(1, Packet::zeroed(1)));
    let flooded = devices.register(CONFIG, Script(()), Script(flood));
    let quiet = loopback::init(&mut devices);
    let mut net = Net::new(&env, devices, Collect(tx));
    let ticks = Arc::new(AtomicUsize::new(0));
    net.add_source(Tick(Arc::clone(&ticks)));
    net.open().unwrap();
    flooded.irq().raise();
    quiet.output(HwAddr::NONE, 2, Packet::zeroed(2)).unwrap();
    assert!(net.step());
    let arrived: Vec<_> = rx.try_iter().collect();
    assert_eq!(
        arrived
            .iter()
            .filter(|(ethertype, _)| *ethertype == 1)
            .count(),
        64
    );
    assert!(arrived.contains(&(2, 2)));
    assert_eq!(ticks.load(Ordering::SeqCst), 1);
    // Not drained: the next turn goes on without another interrupt.
    assert!(net.step());
    assert_eq!(rx.try_iter().count(), 64);
}

#[test]
fn a_broken_device_is_closed_and_left_alone() {
    let env = Env::manual(0);
    let mut devices = Devices::new(&env);
    let asked = Arc::new(AtomicUsize::new(0));
    let fail = {
        let asked = Arc::clone(&asked);
        move || {
            asked.fetch_add(1, Ordering::SeqCst);
            Err(io::ErrorKind::NotConnected.into())
        }
    };
    let device = devices.register(CONFIG, Script(()), Script(fail));
    let mut net = Net::new(&env, devices, DropInput::default());
    net.open().unwrap();
    for _ in 0..3 {
        device.irq().raise();
        net.step();
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    assert!(!device.is_up());
    assert_eq!(device.counters.receive_failed.get(), 1);
}

#[test]
fn a_device_that_cannot_be_opened_stops_the_start() {
    struct NoHardware;
    impl Transmitter for NoHardware {
        fn open(&self, _: &Device) -> io::Result<()> {
            Err(io::ErrorKind::PermissionDenied.into())
        }
        fn transmit(&self, _: &Device, _: HwAddr, _: u16, _: Packet) -> io::Result<()> {
            Ok(())
        }
    }
    let env = Env::manual(0);
    let mut devices = Devices::new(&env);
    let lo = loopback::init(&mut devices);
    devices.register(CONFIG, NoHardware, Script(|| Ok(Received::Nothing)));
    let mut net = Net::new(&env, devices, DropInput::default());
    let error = net.open().unwrap_err();
    assert_eq!(error.to_string(), "cannot open device net1");
    assert!(!lo.is_up(), "closed again");
}

#[test]
fn the_sleeping_loop_wakes_for_a_packet_and_for_the_end() {
    let env = Env::system();
    let (tx, rx) = mpsc::channel();
    let mut devices = Devices::new(&env);
    let lo = loopback::init(&mut devices);
    let running = Net::new(&env, devices, Collect(tx)).spawn().unwrap();
    for n in 1..=100 {
        lo.output(HwAddr::NONE, 7, Packet::zeroed(n)).unwrap();
        let arrived = rx.recv_timeout(Duration::from_secs(10));
        assert_eq!(arrived, Ok((7, n)), "a wake-up was missed");
    }
    running.shutdown().unwrap();
    assert!(!lo.is_up());
    assert!(lo.output(HwAddr::NONE, 7, Packet::zeroed(1)).is_err());
}

#[test]
fn the_sleeping_loop_wakes_for_a_deadline() {
    struct Alarm(mpsc::Sender<()>, Option<Time>);
    impl Source for Alarm {
        fn deadline(&self) -> Option<Time> {
            self.1
        }
        fn service(&mut self, now: Time) {
            assert!(self.1.take().unwrap() <= now);
            self.0.send(()).unwrap();
        }
    }
    let env = Env::system();
    let (tx, rx) = mpsc::channel();
    let mut net = Net::new(&env, Devices::new(&env), DropInput::default());
    net.add_source(Alarm(tx, Some(env.now() + Duration::from_millis(20))));
    let _running = net.spawn().unwrap();
    assert_eq!(rx.recv_timeout(Duration::from_secs(10)), Ok(()));
}
