//! Network devices.
//!
//! A device hides the hardware behind one name, one MTU and one address. It is
//! split in two halves, and so will be every layer above it:
//!
//! ```text
//!        way down                     way up
//!   Arc<Device>::output()        main loop ─► Input
//!            │                        ▲
//!   ┌────────▼─────────┐    ┌─────────┴────────┐
//!   │   Transmitter    │    │     Receiver     │
//!   │ shared, frozen   │    │ owned by the loop│
//!   └────────┬─────────┘    └─────────▲────────┘
//!            └───────── driver ───────┘
//! ```
//!
//! The way down is shared by all who send and never changes after start-up.
//! The way up belongs to the main loop alone, which calls it with `&mut`.

use std::fmt;
use std::io;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use log::{Level, debug, error, info, log};

use crate::env::Env;
use crate::hexdump::hexdump;
use crate::interrupt::Irq;
use crate::packet::Packet;
use crate::time::Time;

/// The kind of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceType(pub u16);

impl DeviceType {
    /// Swallows everything.
    pub const NULL: Self = Self(0x0000);
    /// Returns everything.
    pub const LOOPBACK: Self = Self(0x0001);
    /// Carries Ethernet frames.
    pub const ETHERNET: Self = Self(0x0002);
}

impl fmt::Display for DeviceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match *self {
            Self::NULL => "NULL",
            Self::LOOPBACK => "LOOPBACK",
            Self::ETHERNET => "ETHERNET",
            _ => "UNKNOWN",
        };
        write!(f, "{name}(0x{:04x})", self.0)
    }
}

/// What a device can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeviceFlags(pub u16);

impl DeviceFlags {
    /// Nothing special.
    pub const NONE: Self = Self(0);
    /// What is sent comes back.
    pub const LOOPBACK: Self = Self(0x0010);
    /// One frame can reach all neighbours.
    pub const BROADCAST: Self = Self(0x0020);
    /// There is exactly one neighbour.
    pub const P2P: Self = Self(0x0040);
    /// A neighbour's hardware address must be found out first.
    pub const NEED_ARP: Self = Self(0x0100);
    /// The device finishes what is [`Unfinished`](crate::unfinished::Unfinished).
    pub const OFFLOAD: Self = Self(0x1000);

    /// Both sets of flags.
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// True if all of `other`'s flags are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// A hardware address of up to 16 octets: link protocols differ in the length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HwAddr {
    len: u8,
    octets: [u8; Self::MAX_LEN],
}

impl HwAddr {
    /// The longest address.
    pub const MAX_LEN: usize = 16;
    /// No address: for links that have none.
    pub const NONE: Self = Self {
        len: 0,
        octets: [0; Self::MAX_LEN],
    };

    /// The octets of the address.
    pub fn octets(&self) -> &[u8] {
        self.octets.get(..self.len.into()).unwrap_or_default()
    }
}

impl<const N: usize> From<[u8; N]> for HwAddr {
    fn from(from: [u8; N]) -> Self {
        const { assert!(N <= Self::MAX_LEN) };
        let mut octets = [0; Self::MAX_LEN];
        octets[..N].copy_from_slice(&from);
        #[allow(clippy::cast_possible_truncation)] // N <= 16, asserted above
        Self {
            len: N as u8,
            octets,
        }
    }
}

/// The way down of a driver.
// ANCHOR: transmitter
pub trait Transmitter: Send + Sync {
    /// Gets the hardware ready. Called once, before the first packet.
    ///
    /// # Errors
    /// What keeps the hardware from working.
    fn open(&self, _device: &Device) -> io::Result<()> {
        Ok(())
    }

    /// Stops the hardware. Called once, after the last packet.
    fn close(&self, _device: &Device) {}

    /// Sends `packet`, which carries the protocol `ethertype`, to the
    /// neighbour `dst`.
    ///
    /// # Errors
    /// What kept the packet from being sent; the packet is lost.
    fn transmit(
        &self,
        device: &Device,
        dst: HwAddr,
        ethertype: u16,
        packet: Packet,
    ) -> io::Result<()>;
}
// ANCHOR_END: transmitter

// ANCHOR: received
/// What a driver has found when it was asked for a packet.
#[derive(Debug, PartialEq, Eq)]
pub enum Received {
    /// A packet, and the number of the protocol that it carries.
    Packet(u16, Packet),
    /// A packet that the driver has dropped, and counted. It was work like any
    /// other: a flood of such packets must not keep the loop from the rest.
    Dropped,
    /// Nothing, for now.
    Nothing,
}
// ANCHOR_END: received

// ANCHOR: receiver
/// The way up of a driver: its interrupt service routine.
pub trait Receiver: Send {
    /// The descriptor that becomes readable when a packet has arrived. `None`
    /// if the driver raises [`Device::irq`] instead.
    fn fd(&self) -> Option<RawFd> {
        None
    }

    /// When the next packet will be there, if the driver knows (a simulated
    /// wire does).
    fn deadline(&self) -> Option<Time> {
        None
    }

    /// Takes the next packet that has arrived. Never blocks.
    ///
    /// # Errors
    /// The device is broken or gone, and will not be asked again.
    fn receive(&mut self, device: &Device) -> io::Result<Received>;
}
// ANCHOR_END: receiver

crate::counters! {
    /// What a device counts.
    pub struct DeviceCounters {
        /// packets sent
        pub sent,
        /// packets received
        pub received,
        /// dropped on sending: device is down
        pub down,
        /// dropped on sending: longer than the MTU
        pub too_long,
        /// dropped on sending: the driver failed
        pub transmit_failed,
        /// dropped on sending: the device's queue was full
        pub queue_full,
        /// dropped on receiving: malformed or truncated
        pub malformed,
        /// dropped on receiving: not for this host
        pub other_host,
        /// failures of the device on receiving
        pub receive_failed,
    }
}

/// What a driver tells about its device when it registers it.
#[derive(Clone, Copy, Debug)]
pub struct DeviceConfig {
    /// The kind of device.
    pub device_type: DeviceType,
    /// The longest packet, in octets, without the link's own header.
    pub mtu: usize,
    /// What it can do.
    pub flags: DeviceFlags,
    /// Its own address.
    pub addr: HwAddr,
    /// The address that reaches all neighbours.
    pub broadcast: HwAddr,
}

/// A network device: the half that everybody shares.
pub struct Device {
    index: usize,
    name: String,
    config: DeviceConfig,
    up: AtomicBool,
    /// The last packet could not be sent.
    failing: AtomicBool,
    irq: Irq,
    transmitter: Box<dyn Transmitter>,
    /// What happened on this device.
    pub counters: DeviceCounters,
}

impl Device {
    /// The place in the order of registration: 0, 1, …
    pub fn index(&self) -> usize {
        self.index
    }

    /// The name, `net0`, `net1`, … in the order of registration.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The longest packet, in octets, without the link's own header.
    pub fn mtu(&self) -> usize {
        self.config.mtu
    }

    /// What the device can do.
    pub fn flags(&self) -> DeviceFlags {
        self.config.flags
    }

    /// The device's own address.
    pub fn addr(&self) -> HwAddr {
        self.config.addr
    }

    /// The address that reaches all neighbours.
    pub fn broadcast(&self) -> HwAddr {
        self.config.broadcast
    }

    /// The interrupt line, for drivers that have no descriptor.
    pub fn irq(&self) -> &Irq {
        &self.irq
    }

    /// True between [`open`](Self::open) and [`close`](Self::close).
    pub fn is_up(&self) -> bool {
        self.up.load(Ordering::SeqCst)
    }

    fn set_up(&self, up: bool) {
        self.up.store(up, Ordering::SeqCst);
        let state = if up { "up" } else { "down" };
        info!(target: "device::state", "dev={}, state={state}", self.name);
    }

    /// Starts the device.
    ///
    /// # Errors
    /// `AlreadyExists` if it is up, or what the driver says.
    // ANCHOR: open
    pub fn open(&self) -> io::Result<()> {
        // EXERCISE 1.4: Up and down
        if self.is_up() {
            error!(target: "device::open", "already opened, dev={}", self.name);
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.transmitter.open(self).inspect_err(|error| {
            error!(target: "device::open", "failure, dev={}: {error}", self.name);
        })?;
        self.set_up(true);
        Ok(())
        // END 1.4
    }
    // ANCHOR_END: open

    // ANCHOR: close
    /// Stops the device. Closing a device that is down changes nothing.
    pub fn close(&self) {
        // EXERCISE 1.4: Up and down
        if self.up.swap(false, Ordering::SeqCst) {
            self.transmitter.close(self);
            self.set_up(false);
        }
        // END 1.4
    }
    // ANCHOR_END: close

    // ANCHOR: output
    /// Sends `packet`, which carries the protocol `ethertype`, to `dst`.
    ///
    /// # Errors
    /// `NetworkDown` if the device is down, `InvalidInput` if the packet is
    /// longer than the MTU, or what the driver says. The packet is lost.
    pub fn output(&self, dst: HwAddr, ethertype: u16, packet: Packet) -> io::Result<()> {
        // ANCHOR_END: output
        // EXERCISE 1.5: Send through a device
        // ANCHOR: refuse
        if !self.is_up() {
            self.counters.down.inc();
            debug!(target: "device::output", "not opened, dev={}", self.name);
            return Err(io::ErrorKind::NetworkDown.into());
        }
        let len = packet.len();
        if len > self.config.mtu && !packet.is_to_be_cut() {
            self.counters.too_long.inc();
            error!(target: "device::output", "too long, dev={}, mtu={}, len={len}", self.name, self.config.mtu);
            return Err(io::ErrorKind::InvalidInput.into());
        }
        // ANCHOR_END: refuse
        // ANCHOR: hand_over
        debug!(target: "device::output", "dev={}, type=0x{ethertype:04x}, len={len}{}", self.name, hexdump(&packet));
        match self.transmitter.transmit(self, dst, ethertype, packet) {
            Ok(()) => {
                self.counters.sent.inc();
                self.failing.store(false, Ordering::Relaxed);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.counters.queue_full.inc();
                debug!(target: "device::output", "queue is full, dev={}, len={len}", self.name);
                return Err(error);
            }
            Err(error) => {
                self.counters.transmit_failed.inc();
                self.report_failure(len, &error);
                return Err(error);
            }
        }
        Ok(())
        // ANCHOR_END: hand_over
        // END 1.5
    }

    /// Once for many packets in a row: a window full of them may be lost.
    fn report_failure(&self, len: usize, error: &io::Error) {
        let again = self.failing.swap(true, Ordering::Relaxed);
        let level = if again { Level::Debug } else { Level::Error };
        log!(target: "device::output", level, "device transmit failure, dev={}, len={len}: {error}", self.name);
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device")
            .field("name", &self.name)
            .field("config", &self.config)
            .field("up", &self.is_up())
            .finish_non_exhaustive()
    }
}

/// A device with the half that the main loop owns.
pub(crate) struct Attached {
    pub(crate) device: Arc<Device>,
    pub(crate) receiver: Box<dyn Receiver>,
}

/// The table of devices, while it can still grow: [`Net::new`](crate::net::Net::new) takes it away.
///
/// The original warns that no device may be registered after the stack is
/// running. Here the compiler says so:
///
/// ```compile_fail
/// use step01_device::{device::Devices, env::Env, net::{DropInput, Net}, null};
/// let env = Env::manual(0);
/// let mut devices = Devices::new(&env);
/// let net = Net::new(&env, devices, DropInput::default());
/// null::init(&mut devices); // error: borrow of moved value: `devices`
/// ```
pub struct Devices {
    env: Arc<Env>,
    pub(crate) table: Vec<Attached>,
}

impl Devices {
    /// An empty table.
    pub fn new(env: &Arc<Env>) -> Self {
        Self {
            env: Arc::clone(env),
            table: Vec::new(),
        }
    }

    // ANCHOR: register
    /// Adds a device, names it, and gives it an interrupt line.
    pub fn register(
        &mut self,
        config: DeviceConfig,
        transmitter: impl Transmitter + 'static,
        receiver: impl Receiver + 'static,
    ) -> Arc<Device> {
        // ANCHOR_END: register
        // EXERCISE 1.3: Register a device
        // ANCHOR: register_body
        let index = self.table.len();
        let name = format!("net{index}");
        let line = u32::try_from(index).unwrap_or(u32::MAX);
        let irq = Irq::new(line, Arc::clone(self.env.doorbell()));
        info!(target: "device::register", "registered, dev={name}, type={}", config.device_type);
        debug!(target: "interrupt::request", "registered: irq={line}, name={name}");
        let device = Arc::new(Device {
            index,
            name,
            config,
            up: AtomicBool::new(false),
            failing: AtomicBool::new(false),
            irq,
            transmitter: Box::new(transmitter),
            counters: DeviceCounters::default(),
        });
        self.table.push(Attached {
            device: Arc::clone(&device),
            receiver: Box::new(receiver),
        });
        device
        // ANCHOR_END: register_body
        // END 1.3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Broken;

    impl Transmitter for Broken {
        fn open(&self, _: &Device) -> io::Result<()> {
            Err(io::ErrorKind::PermissionDenied.into())
        }
        fn transmit(&self, _: &Device, _: HwAddr, _: u16, _: Packet) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }

    impl Receiver for Broken {
        fn receive(&mut self, _: &Device) -> io::Result<Received> {
            Ok(Received::Nothing)
        }
    }

    fn config() -> DeviceConfig {
        DeviceConfig {
            device_type: DeviceType::NULL,
            mtu: 4,
            flags: DeviceFlags::NONE,
            addr: HwAddr::NONE,
            broadcast: HwAddr::NONE,
        }
    }

    #[test]
    fn addresses_of_different_lengths() {
        assert_eq!(HwAddr::NONE.octets(), &[] as &[u8]);
        assert_eq!(HwAddr::from([1, 2, 3]).octets(), &[1, 2, 3]);
        assert_ne!(HwAddr::from([0; 6]), HwAddr::from([0; 8]));
    }

    #[test]
    fn names_follow_the_order_of_registration() {
        let mut devices = Devices::new(&Env::manual(0));
        assert_eq!(devices.register(config(), Broken, Broken).name(), "net0");
        assert_eq!(devices.register(config(), Broken, Broken).name(), "net1");
    }

    #[test]
    fn each_refusal_is_counted() {
        let mut devices = Devices::new(&Env::manual(0));
        let device = devices.register(config(), Broken, Broken);
        let send = |len| {
            device
                .output(HwAddr::NONE, 0, Packet::zeroed(len))
                .map_err(|e| e.kind())
        };
        assert_eq!(send(1), Err(io::ErrorKind::NetworkDown));
        assert_eq!(
            device.open().unwrap_err().kind(),
            io::ErrorKind::PermissionDenied
        );
        assert!(!device.is_up());
        device.set_up(true);
        assert_eq!(send(5), Err(io::ErrorKind::InvalidInput));
        assert_eq!(send(4), Err(io::ErrorKind::BrokenPipe));
        let counters = &device.counters;
        assert_eq!(counters.down.get(), 1);
        assert_eq!(counters.too_long.get(), 1);
        assert_eq!(counters.transmit_failed.get(), 1);
        assert_eq!(counters.sent.get(), 0);
    }
}
