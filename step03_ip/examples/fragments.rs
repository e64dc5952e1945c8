//! A datagram that is longer than the link allows: it leaves in pieces, and
//! becomes a datagram again. Then one of the pieces gets lost.

use std::collections::VecDeque;
use std::io;
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use log::{debug, info};
use step03_ip::device::{
    Device, DeviceConfig, DeviceFlags, DeviceType, Devices, HwAddr, Received, Receiver, Transmitter,
};
use step03_ip::ethertype::EtherType;
use step03_ip::ip::{Cidr, Datagram, Interfaces, Ip, IpInput, IpProtocol, IpTimer, Upper};
use step03_ip::net::Net;
use step03_ip::packet::Packet;
use step03_ip::protocol::Protocols;
use step03_ip::sync::lock;
use step03_ip::{cli, counters};

/// A protocol for experiments (RFC 3692).
const EXPERIMENT: IpProtocol = IpProtocol(253);
/// The longest packet of [`ShortLink`], in octets.
const MTU: usize = 576;
/// Which of all packets is lost: the middle piece of the second datagram.
const LOST: usize = 5;

/// A loopback device on which packets are short, the newest arrives first, and
/// one gets lost.
#[derive(Default)]
struct ShortLink {
    queue: Mutex<VecDeque<Packet>>,
    sent: AtomicUsize,
}

struct Driver(Arc<ShortLink>);

// ANCHOR: link
impl Transmitter for Driver {
    fn transmit(&self, device: &Device, _: HwAddr, _: u16, packet: Packet) -> io::Result<()> {
        if self.0.sent.fetch_add(1, Ordering::Relaxed) + 1 != LOST {
            lock(&self.0.queue).push_back(packet);
        }
        device.irq().raise();
        Ok(())
    }
}

impl Receiver for Driver {
    fn receive(&mut self, _: &Device) -> io::Result<Received> {
        let newest = lock(&self.0.queue).pop_back();
        Ok(newest.map_or(Received::Nothing, |packet| {
            Received::Packet(EtherType::IP.0, packet)
        }))
    }
}
// ANCHOR_END: link

/// Says how much has arrived.
struct Experiment;

impl Upper for Experiment {
    fn input(&mut self, datagram: Datagram<'_>) {
        debug!(target: "experiment::input", "len={}", datagram.payload.len());
    }
}

fn main() -> ExitCode {
    cli::scene(
        "fragments",
        "A datagram that is longer than the link allows.",
        |env| {
            let link = Arc::new(ShortLink::default());
            let config = DeviceConfig {
                device_type: DeviceType::LOOPBACK,
                mtu: MTU,
                flags: DeviceFlags::LOOPBACK,
                addr: HwAddr::NONE,
                broadcast: HwAddr::NONE,
            };
            let mut devices = Devices::new(env);
            let device = devices.register(config, Driver(Arc::clone(&link)), Driver(link));
            let mut interfaces = Interfaces::new();
            interfaces.register(&device, Cidr::new(Ipv4Addr::LOCALHOST, 8)?)?;
            let ip = Arc::new(Ip::new(env, &Arc::new(interfaces)));
            let mut ip_input = IpInput::new(&ip);
            ip_input.register(EXPERIMENT, Experiment)?;
            let mut protocols = Protocols::new();
            protocols.register(EtherType::IP, ip_input)?;
            let mut net = Net::new(env, devices, protocols);
            net.add_source(IpTimer::new(&ip));

            net.open()?;
            let me = Ipv4Addr::LOCALHOST;
            for what in ["1200 octets", "1200 octets, and a piece gets lost"] {
                info!("{what}");
                ip.output(EXPERIMENT, me, me, Packet::new(&[b'x'; 1200]))?;
                net.step();
                env.advance(Duration::from_secs(1));
            }
            env.advance(Duration::from_secs(59));
            net.step();
            net.close();
            print!("{}", counters::table(&[("ip", &ip.counters)]));
            Ok(())
        },
    )
}
