//! A host on a wire that is the test, and datagrams made by hand.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use step03_ip::checksum::checksum;
use step03_ip::device::{DeviceFlags, Devices};
use step03_ip::env::Env;
use step03_ip::ethertype::EtherType;
use step03_ip::ip::{Cidr, Datagram, DeliveryError, ErrorReporter, Interfaces, Ip, IpInput, Upper};
use step03_ip::loopback;
use step03_ip::net::Net;
use step03_ip::protocol::Protocols;
use step03_ip::sync::lock;

use crate::wire::TestWire;

/// The host.
pub const ME: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
/// Who talks to it.
pub const PEER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// The header's fields, for [`History::expect_bytes`](step03_ip::testing::History::expect_bytes).
pub const FIELDS: [(&str, usize); 10] = [
    ("version and header length", 1),
    ("type of service", 1),
    ("total length", 2),
    ("identification", 2),
    ("flags and fragment offset", 2),
    ("time to live", 1),
    ("protocol", 1),
    ("checksum", 2),
    ("source", 4),
    ("destination", 4),
];

/// A datagram from [`PEER`] to `dst`, right in every field.
pub fn datagram(dst: Ipv4Addr, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let total = u16::try_from(20 + payload.len()).unwrap().to_be_bytes();
    let mut bytes = vec![0x45, 0, total[0], total[1], 0, 7, 0, 0, 64, protocol, 0, 0];
    bytes.extend(PEER.octets());
    bytes.extend(dst.octets());
    bytes.extend(payload);
    seal(&mut bytes);
    bytes
}

/// Makes the checksum of the header right.
pub fn seal(bytes: &mut [u8]) {
    let header = usize::from(bytes[0] & 15) * 4;
    bytes[10..12].fill(0);
    let header = header.clamp(20, bytes.len());
    let sum = checksum(&bytes[..header]);
    bytes[10..12].copy_from_slice(&sum.to_be_bytes());
}

/// What has reached the protocols, or the reporter, as text.
pub type Seen = Arc<Mutex<Vec<String>>>;

/// A protocol that notes what it gets.
pub struct Note(pub Seen);

impl Upper for Note {
    fn input(&mut self, datagram: Datagram<'_>) {
        let (header, payload) = (datagram.header, &*datagram.payload);
        let text = String::from_utf8_lossy(payload).into_owned();
        lock(&self.0).push(format!("{} {text}", header.protocol));
    }
}

impl ErrorReporter for Note {
    fn report(&mut self, error: DeliveryError, datagram: Datagram<'_>) {
        let len = datagram.into_packet().len();
        lock(&self.0).push(format!("{error:?} for {len} octets"));
    }
}

/// The host under test.
pub struct Host {
    pub net: Net,
    pub ip: Arc<Ip>,
    pub wire: TestWire,
}

impl Host {
    /// A host at 192.0.2.2/24, on a wire with these flags, and 127.0.0.1/8.
    /// `plug` plugs into its way up.
    pub fn new(flags: DeviceFlags, plug: impl FnOnce(IpInput) -> IpInput) -> Self {
        let env = Env::manual(1);
        let mut devices = Devices::new(&env);
        let lo = loopback::init(&mut devices);
        let wire = TestWire::attach(&mut devices, flags);
        let mut interfaces = Interfaces::new();
        for (device, addr, prefix) in [(&lo, Ipv4Addr::LOCALHOST, 8), (&wire.device, ME, 24)] {
            let network = Cidr::new(addr, prefix).unwrap();
            interfaces.register(device, network).unwrap();
        }
        let ip = Arc::new(Ip::new(&env, &Arc::new(interfaces)));
        let mut protocols = Protocols::new();
        let input = plug(IpInput::new(&ip));
        protocols.register(EtherType::IP, input).unwrap();
        let mut net = Net::new(&env, devices, protocols);
        net.open().unwrap();
        Self { net, ip, wire }
    }

    /// A packet comes from the wire.
    pub fn receive(&mut self, packet: &[u8]) {
        self.wire.arrive(packet);
        while self.net.step() {}
    }
}
