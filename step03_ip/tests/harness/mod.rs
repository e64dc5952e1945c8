//! A host with a loopback device and two wires, and somebody above its IP who
//! keeps what is delivered.

// Each test file is a program of its own, and none needs all of this.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

pub mod wire;

use std::net::Ipv4Addr;
use std::sync::{Arc, mpsc};

use step03_ip::device::{Device, DeviceFlags, Devices, HwAddr};
use step03_ip::env::Env;
use step03_ip::ethertype::EtherType;
use step03_ip::ip::{
    Cidr, Datagram, DeliveryError, ErrorReporter, Header, Interfaces, Ip, IpInput, IpTimer, Upper,
};
use step03_ip::loopback;
use step03_ip::net::Net;
use step03_ip::packet::Packet;
use step03_ip::protocol::Protocols;
use wire::{ALSO_ME, EXPERIMENT, ME, TestWire};

/// A datagram that has reached the protocol above, or the error reporter.
#[derive(Debug)]
pub struct Delivered {
    /// The address of the interface where it came in.
    pub iface: Ipv4Addr,
    /// Its header.
    pub header: Header,
    /// Its payload.
    pub payload: Vec<u8>,
    /// Its options.
    pub options: Vec<u8>,
    /// What [`Datagram::is_broadcast`] says.
    pub broadcast: bool,
    /// All of it, as [`Datagram::into_packet`] gives it back.
    pub packet: Vec<u8>,
}

impl From<Datagram<'_>> for Delivered {
    fn from(datagram: Datagram<'_>) -> Self {
        Self {
            iface: datagram.iface.unicast(),
            header: datagram.header,
            payload: datagram.payload.to_vec(),
            options: datagram.options().to_vec(),
            broadcast: datagram.is_broadcast(),
            packet: datagram.into_packet().to_vec(),
        }
    }
}

struct Collect(mpsc::Sender<Delivered>);

impl Upper for Collect {
    fn input(&mut self, datagram: Datagram<'_>) {
        self.0.send(datagram.into()).unwrap();
    }
}

struct Report(mpsc::Sender<(DeliveryError, Delivered)>);

impl ErrorReporter for Report {
    fn report(&mut self, error: DeliveryError, datagram: Datagram<'_>) {
        self.0.send((error, datagram.into())).unwrap();
    }
}

/// The host under test.
pub struct Host {
    /// Its clock and its random numbers.
    pub env: Arc<Env>,
    /// Its main loop.
    pub net: Net,
    /// Its way down.
    pub ip: Arc<Ip>,
    /// 127.0.0.1/8.
    pub lo: Arc<Device>,
    /// 192.0.2.2/24.
    pub wire: TestWire,
    /// 198.51.100.2/24.
    pub second: TestWire,
    /// A device without an address.
    pub bare: TestWire,
    /// What was delivered to [`EXPERIMENT`].
    pub delivered: mpsc::Receiver<Delivered>,
    /// What was reported.
    pub reported: mpsc::Receiver<(DeliveryError, Delivered)>,
}

impl Host {
    /// A host whose wires need no hardware addresses, with nothing plugged in.
    pub fn new() -> Self {
        Self::with(DeviceFlags::BROADCAST, |ip| ip)
    }

    /// A host with something plugged into its IP.
    pub fn with(flags: DeviceFlags, plug: impl FnOnce(Ip) -> Ip) -> Self {
        let env = Env::manual(1);
        let mut devices = Devices::new(&env);
        let lo = loopback::init(&mut devices);
        let wire = TestWire::attach(&mut devices, flags);
        let second = TestWire::attach(&mut devices, flags);
        let bare = TestWire::attach(&mut devices, flags);

        let mut interfaces = Interfaces::new();
        for (device, addr, prefix) in [
            (&lo, Ipv4Addr::LOCALHOST, 8),
            (&wire.device, ME, 24),
            (&second.device, ALSO_ME, 24),
        ] {
            let network = Cidr::new(addr, prefix).unwrap();
            interfaces.register(device, network).unwrap();
        }
        let ip = Arc::new(plug(Ip::new(&env, &Arc::new(interfaces))));

        let (tx, delivered) = mpsc::channel();
        let (report_tx, reported) = mpsc::channel();
        let timeout_tx = report_tx.clone();
        let mut ip_input = IpInput::new(&ip).error_reporter(Report(report_tx));
        ip_input.register(EXPERIMENT, Collect(tx)).unwrap();
        let mut protocols = Protocols::new();
        protocols.register(EtherType::IP, ip_input).unwrap();

        let mut net = Net::new(&env, devices, protocols);
        net.add_source(IpTimer::new(&ip).error_reporter(Report(timeout_tx)));
        net.open().unwrap();
        Self {
            env,
            net,
            ip,
            lo,
            wire,
            second,
            bare,
            delivered,
            reported,
        }
    }

    /// Turns the crank until there is nothing to do.
    pub fn settle(&mut self) {
        while self.net.step() {}
    }

    /// What becomes of `packet` when it arrives at the first wire.
    pub fn receive(&mut self, packet: &[u8]) -> Option<Delivered> {
        self.wire.arrive(packet);
        self.settle();
        self.delivered.try_recv().ok()
    }

    /// What becomes of `packet` when the host sends it to itself.
    pub fn receive_from_self(&mut self, packet: &[u8]) -> Option<Delivered> {
        let packet = Packet::new(packet);
        let sent = self.lo.output(HwAddr::NONE, EtherType::IP.0, packet);
        sent.unwrap();
        self.settle();
        self.delivered.try_recv().ok()
    }
}
