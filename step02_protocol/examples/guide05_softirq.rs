//! Guide step 5: the software interrupt drains the queues.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use log::debug;
use step02_protocol::device::{Device, Devices, HwAddr};
use step02_protocol::ethertype::EtherType;
use step02_protocol::net::Net;
use step02_protocol::packet::Packet;
use step02_protocol::protocol::{Protocol, Protocols};
use step02_protocol::{cli, loopback, sample};

/// Stands in for IP, which is one floor up.
struct Ip;

impl Protocol for Ip {
    fn input(&mut self, device: &Arc<Device>, packet: Packet) {
        debug!(target: "ip::input", "dev={}, len={}", device.name(), packet.len());
    }
}

fn main() -> ExitCode {
    cli::scene(
        "guide05_softirq",
        "Guide step 5: the software interrupt.",
        |env| {
            // ANCHOR: root
            let mut devices = Devices::new(env);
            let device = loopback::init(&mut devices);
            let mut protocols = Protocols::new();
            protocols.register(EtherType::IP, Ip)?;
            let mut net = Net::new(env, devices, protocols);
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
