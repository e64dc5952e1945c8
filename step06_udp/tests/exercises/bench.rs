//! A host with UDP over its loopback device, and nothing else.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::{Arc, Mutex};

use step06_udp::device::Devices;
use step06_udp::env::Env;
use step06_udp::ethertype::EtherType;
use step06_udp::icmp::Icmp;
use step06_udp::ip::{Datagram, Interfaces, Ip, IpInput, IpProtocol, Upper};
use step06_udp::loopback;
use step06_udp::net::Net;
use step06_udp::packet::Packet;
use step06_udp::protocol::Protocols;
use step06_udp::sync::lock;
use step06_udp::udp::{Udp, UdpInput};

/// The host's own address.
pub const LO: Ipv4Addr = Ipv4Addr::LOCALHOST;

pub fn at(port: u16) -> SocketAddrV4 {
    SocketAddrV4::new(LO, port)
}

/// Payloads of datagrams.
pub type Seen = Arc<Mutex<Vec<Vec<u8>>>>;

struct Collect(Seen);

impl Upper for Collect {
    fn input(&mut self, datagram: Datagram<'_>) {
        lock(&self.0).push(datagram.payload.to_vec());
    }
}

/// The host under test: 127.0.0.1/8.
pub struct Bench {
    pub net: Net,
    pub ip: Arc<Ip>,
    pub icmp: Arc<Icmp>,
    pub udp: Arc<Udp>,
}

impl Bench {
    pub fn new() -> Self {
        Self::with(|udp, input| {
            input.register(IpProtocol::UDP, UdpInput::new(udp)).unwrap();
        })
    }

    /// A host whose UDP only sends; `seen` gets what IP delivers for it.
    pub fn deaf(seen: &Seen) -> Self {
        Self::with(|_, input| {
            input
                .register(IpProtocol::UDP, Collect(Arc::clone(seen)))
                .unwrap();
        })
    }

    fn with(register: impl FnOnce(&Arc<Udp>, &mut IpInput)) -> Self {
        let env = Env::manual(1);
        let mut devices = Devices::new(&env);
        let device = loopback::init(&mut devices);
        let mut interfaces = Interfaces::new();
        interfaces
            .register(&device, "127.0.0.1/8".parse().unwrap())
            .unwrap();
        let ip = Arc::new(Ip::new(&env, &Arc::new(interfaces)));
        let icmp = Arc::new(Icmp::new(&ip));
        let udp = Udp::new(&ip, &icmp);
        let mut input = IpInput::new(&ip);
        register(&udp, &mut input);
        let mut protocols = Protocols::new();
        protocols.register(EtherType::IP, input).unwrap();
        let mut net = Net::new(&env, devices, protocols);
        net.open().unwrap();
        Self { net, ip, icmp, udp }
    }

    pub fn settle(&mut self) {
        while self.net.step() {}
    }

    /// A UDP datagram arrives, as it stands behind the IP header.
    pub fn receive(&mut self, datagram: &[u8]) {
        let sent = self
            .ip
            .output(IpProtocol::UDP, LO, LO, Packet::new(datagram));
        sent.unwrap();
        self.settle();
    }
}
