//! A driver that notes what is done to it.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use step01_device::device::{
    Device, DeviceConfig, DeviceFlags, DeviceType, Devices, HwAddr, Received, Receiver, Transmitter,
};
use step01_device::packet::Packet;
use step01_device::sync::lock;
use step01_device::time::Time;

/// What has happened to the driver, and what it is to say.
#[derive(Default)]
pub struct Notes {
    pub opened: AtomicUsize,
    pub closed: AtomicUsize,
    /// Destination, protocol and packet of what was sent.
    pub sent: Mutex<Vec<(HwAddr, u16, Packet)>>,
    /// Why it cannot be opened, or cannot send.
    pub fails: Mutex<Option<io::ErrorKind>>,
    /// What it will say when it is asked for a packet; then `Nothing`.
    pub arriving: Mutex<Vec<io::Result<Received>>>,
    /// How often it was asked.
    pub asked: AtomicUsize,
}

impl Notes {
    fn result(&self) -> io::Result<()> {
        lock(&self.fails).map_or(Ok(()), |kind| Err(kind.into()))
    }
}

pub fn count(counter: &AtomicUsize) -> usize {
    counter.load(Ordering::SeqCst)
}

pub struct Driver(pub Arc<Notes>);

impl Transmitter for Driver {
    fn open(&self, _: &Device) -> io::Result<()> {
        self.0.opened.fetch_add(1, Ordering::SeqCst);
        self.0.result()
    }

    fn close(&self, _: &Device) {
        self.0.closed.fetch_add(1, Ordering::SeqCst);
    }

    fn transmit(&self, _: &Device, dst: HwAddr, ethertype: u16, packet: Packet) -> io::Result<()> {
        self.0.result()?;
        lock(&self.0.sent).push((dst, ethertype, packet));
        Ok(())
    }
}

impl Receiver for Driver {
    fn deadline(&self) -> Option<Time> {
        None
    }

    fn receive(&mut self, _: &Device) -> io::Result<Received> {
        self.0.asked.fetch_add(1, Ordering::SeqCst);
        let mut arriving = lock(&self.0.arriving);
        if arriving.is_empty() {
            return Ok(Received::Nothing);
        }
        arriving.remove(0)
    }
}

/// The longest packet of the device that [`add`] makes.
pub const MTU: usize = 100;

/// Registers a device with this driver.
pub fn add(devices: &mut Devices) -> (Arc<Device>, Arc<Notes>) {
    let config = DeviceConfig {
        device_type: DeviceType::NULL,
        mtu: MTU,
        flags: DeviceFlags::NONE,
        addr: HwAddr::NONE,
        broadcast: HwAddr::NONE,
    };
    let notes = Arc::new(Notes::default());
    let (tx, rx) = (Driver(Arc::clone(&notes)), Driver(Arc::clone(&notes)));
    (devices.register(config, tx, rx), notes)
}
