//! A device whose wire is the test, and the datagrams that the test puts on it.

use std::collections::VecDeque;
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use step03_ip::checksum::checksum;
use step03_ip::counters::{Counter, CounterSet};
use step03_ip::device::{
    Device, DeviceConfig, DeviceFlags, DeviceType, Devices, HwAddr, Received, Receiver, Transmitter,
};
use step03_ip::env::Env;
use step03_ip::ip::header::{Fragment, MIN_LEN};
use step03_ip::ip::{Header, IpProtocol, Options};
use step03_ip::packet::Packet;
use step03_ip::sync::lock;

/// The host under test.
pub const ME: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
/// Its address on a second device.
pub const ALSO_ME: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 2);
/// Who sends to it.
pub const PEER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// A protocol for experiments (RFC 3692).
pub const EXPERIMENT: IpProtocol = IpProtocol(253);
/// The longest packet of a [`TestWire`].
pub const MTU: usize = 1500;

/// A packet that the host has sent.
#[derive(Debug)]
pub struct Frame {
    /// To which neighbour.
    pub dst: HwAddr,
    /// The datagram.
    pub packet: Packet,
}

#[derive(Default)]
struct Ends {
    sent: Mutex<Vec<Frame>>,
    arriving: Mutex<VecDeque<Packet>>,
}

struct Driver(Arc<Ends>);

impl Transmitter for Driver {
    fn transmit(&self, _: &Device, dst: HwAddr, _: u16, packet: Packet) -> io::Result<()> {
        lock(&self.0.sent).push(Frame { dst, packet });
        Ok(())
    }
}

impl Receiver for Driver {
    fn receive(&mut self, _: &Device) -> io::Result<Received> {
        let packet = lock(&self.0.arriving).pop_front();
        Ok(packet.map_or(Received::Nothing, |packet| Received::Packet(0x0800, packet)))
    }
}

/// A device with the test at the other end: it sees what is sent, and says
/// what arrives.
pub struct TestWire {
    /// The device.
    pub device: Arc<Device>,
    ends: Arc<Ends>,
}

impl TestWire {
    /// The hardware address that reaches everybody.
    pub const BROADCAST: [u8; 6] = [0xff; 6];

    /// A device with `flags`.
    pub fn attach(devices: &mut Devices, flags: DeviceFlags) -> Self {
        let config = DeviceConfig {
            device_type: DeviceType::ETHERNET,
            mtu: MTU,
            flags,
            addr: [2, 0, 0, 0, 0, 2].into(),
            broadcast: Self::BROADCAST.into(),
        };
        let ends = Arc::new(Ends::default());
        let device = devices.register(config, Driver(Arc::clone(&ends)), Driver(Arc::clone(&ends)));
        Self { device, ends }
    }

    /// Puts a packet on the wire; the host takes it with its next turn.
    pub fn arrive(&self, packet: &[u8]) {
        lock(&self.ends.arriving).push_back(Packet::new(packet));
        self.device.irq().raise();
    }

    /// As [`arrive`](Self::arrive), but by the link's broadcast address.
    pub fn arrive_by_broadcast(&self, packet: &[u8]) {
        let mut packet = Packet::new(packet);
        packet.mark_link_broadcast();
        lock(&self.ends.arriving).push_back(packet);
        self.device.irq().raise();
    }

    /// Takes what the host has sent since the last call.
    pub fn sent(&self) -> Vec<Frame> {
        std::mem::take(&mut lock(&self.ends.sent))
    }
}

/// A header with nothing wrong in it: from [`PEER`] to [`ME`].
pub fn header(protocol: IpProtocol) -> Header {
    Header {
        header_len: 20,
        tos: 0,
        total_len: 0, // as long as it will be, see `datagram`
        id: 7,
        fragment: Fragment(0),
        ttl: 64,
        protocol,
        checksum: 0,
        src: PEER,
        dst: ME,
    }
}

/// A datagram as it stands on the wire: total length and checksum are right.
pub fn datagram(header: Header, payload: &[u8]) -> Vec<u8> {
    let mut bytes = [&[0; MIN_LEN], payload].concat();
    let total_len = u16::try_from(bytes.len()).expect("short enough");
    let header = Header {
        total_len,
        ..header
    };
    header.emit(bytes.first_chunk_mut().expect("made with room for it"));
    bytes
}

/// As [`datagram`], with options.
pub fn datagram_with(header: Header, options: &Options, payload: &[u8]) -> Vec<u8> {
    let header_len = MIN_LEN + options.len();
    let mut bytes = [vec![0; header_len].as_slice(), payload].concat();
    let total_len = u16::try_from(bytes.len()).expect("short enough");
    let header = Header {
        total_len,
        ..header
    };
    header.emit_with(options, &mut bytes);
    bytes
}

/// Makes the header's checksum right again, as far as there is a header.
pub fn seal(packet: &mut [u8]) {
    if packet.len() >= MIN_LEN {
        let header_len = packet.len().min(usize::from(packet[0] & 0x0f) * 4);
        packet[10..12].fill(0);
        let sum = checksum(&packet[..header_len]);
        packet[10..12].copy_from_slice(&sum.to_be_bytes());
    }
}

/// The sum of all counters.
pub fn total(counters: &dyn CounterSet) -> u64 {
    let mut total = 0;
    counters.each(&mut |_, value| total += value);
    total
}

/// The sum of some counters.
pub fn sum(counters: &[&Counter]) -> u64 {
    counters.iter().map(|counter| counter.get()).sum()
}

/// A number below `end`.
pub fn below(env: &Env, end: usize) -> usize {
    usize::try_from(env.random() % (end as u64)).expect("less than a usize")
}

/// An octet.
pub fn octet(env: &Env) -> u8 {
    env.random().to_le_bytes()[0]
}

/// Damages `packet` in up to four places; now and then also its length, and
/// sometimes so that the header's checksum does not tell.
pub fn mutate(env: &Env, packet: &mut Vec<u8>) {
    for _ in 0..below(env, 5) {
        // Mostly the header: that is where the decisions are made.
        let end = if below(env, 4) == 0 { packet.len() } else { 28 };
        let at = below(env, end.max(1));
        if let Some(target) = packet.get_mut(at) {
            *target = octet(env);
        }
    }
    match below(env, 12) {
        0 => packet.truncate(below(env, packet.len() + 1)),
        1 => packet.resize(packet.len() + below(env, 60), 0xee),
        _ => {}
    }
    if below(env, 8) != 0 {
        seal(packet);
    }
}
