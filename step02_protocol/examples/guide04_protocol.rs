//! Guide step 4: packets are sorted into their protocol's queue, and stay
//! there: the count grows, as nobody drains it yet.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use log::debug;
use step02_protocol::device::{Device, Devices, HwAddr};
use step02_protocol::ethertype::EtherType;
use step02_protocol::net::{Input, Net};
use step02_protocol::packet::Packet;
use step02_protocol::protocol::{Protocol, Protocols};
use step02_protocol::{cli, loopback, sample};

/// Stands in for IP, which is one floor up.
struct Ip;

// ANCHOR: ip
impl Protocol for Ip {
    fn input(&mut self, device: &Arc<Device>, packet: Packet) {
        debug!(target: "ip::input", "dev={}, len={}", device.name(), packet.len());
    }
}
// ANCHOR_END: ip

/// The registry, without its software interrupt.
struct NoSoftirq(Protocols);

// ANCHOR: no_softirq
impl Input for NoSoftirq {
    fn input(&mut self, device: &Arc<Device>, ethertype: u16, packet: Packet) {
        self.0.input(device, ethertype, packet);
    }
}
// ANCHOR_END: no_softirq

fn main() -> ExitCode {
    cli::scene(
        "guide04_protocol",
        "Guide step 4: the protocol registry and its queues.",
        |env| {
            // ANCHOR: root
            let mut devices = Devices::new(env);
            let device = loopback::init(&mut devices);
            let mut protocols = Protocols::new();
            protocols.register(EtherType::IP, Ip)?;
            let mut net = Net::new(env, devices, NoSoftirq(protocols));
            // ANCHOR_END: root

            net.open()?;
            for _ in 0..3 {
                device.output(HwAddr::NONE, EtherType::IP.0, Packet::new(sample::PACKET))?;
                net.step();
                env.advance(Duration::from_secs(1));
            }
            net.close();
            Ok(())
        },
    )
}
