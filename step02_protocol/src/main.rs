//! The scene of step 02: three packets arrive at a device; two find their
//! protocol, the third speaks one that nobody knows.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use log::debug;
use step02_protocol::device::{Device, Devices, HwAddr};
use step02_protocol::ethertype::EtherType;
use step02_protocol::net::Net;
use step02_protocol::packet::Packet;
use step02_protocol::protocol::{Protocol, Protocols};
use step02_protocol::{cli, counters, loopback, sample};

/// A protocol that only says that it was reached. The real ones are upstairs.
struct Reached(&'static str);

impl Protocol for Reached {
    fn input(&mut self, device: &Arc<Device>, packet: Packet) {
        debug!(target: self.0, "dev={}, len={}", device.name(), packet.len());
    }
}

fn main() -> ExitCode {
    cli::scene(
        "step02_protocol",
        "A table of protocols, with a queue for each.",
        |env| {
            // ANCHOR: root
            let mut devices = Devices::new(env);
            let loopback = loopback::init(&mut devices);
            let mut protocols = Protocols::new();
            protocols.register(EtherType::IP, Reached("ip::input"))?;
            protocols.register(EtherType::ARP, Reached("arp::input"))?;
            let protocol_counters = Arc::clone(&protocols.counters);
            let mut net = Net::new(env, devices, protocols);
            // ANCHOR_END: root

            net.open()?;
            env.advance(Duration::from_secs(1));
            for ethertype in [EtherType::IP, EtherType::ARP, EtherType::IPV6] {
                loopback.output(HwAddr::NONE, ethertype.0, Packet::new(sample::PACKET))?;
            }
            net.step();
            net.close();
            print!(
                "{}",
                counters::table(&[
                    (loopback.name(), &loopback.counters),
                    ("protocol", &*protocol_counters),
                ])
            );
            Ok(())
        },
    )
}
