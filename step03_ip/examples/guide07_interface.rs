//! Guide step 7: the host has an address on a device, and takes what is for it.

use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use step03_ip::device::{Devices, HwAddr};
use step03_ip::ethertype::EtherType;
use step03_ip::ip::{Cidr, Interfaces, Ip, IpInput};
use step03_ip::net::Net;
use step03_ip::packet::Packet;
use step03_ip::protocol::Protocols;
use step03_ip::{cli, loopback, sample};

fn main() -> ExitCode {
    cli::scene(
        "guide07_interface",
        "Guide step 7: the logical interface.",
        |env| {
            // ANCHOR: root
            let mut devices = Devices::new(env);
            let device = loopback::init(&mut devices);
            let mut interfaces = Interfaces::new();
            interfaces.register(&device, Cidr::new(Ipv4Addr::LOCALHOST, 8)?)?;
            let ip = Arc::new(Ip::new(env, &Arc::new(interfaces)));
            let mut protocols = Protocols::new();
            protocols.register(EtherType::IP, IpInput::new(&ip))?;
            let mut net = Net::new(env, devices, protocols);
            // ANCHOR_END: root

            // ANCHOR: scene
            net.open()?;
            for _ in 0..3 {
                device.output(HwAddr::NONE, EtherType::IP.0, Packet::new(sample::PACKET))?;
                net.step();
                env.advance(Duration::from_secs(1));
            }
            net.close();
            // ANCHOR_END: scene
            Ok(())
        },
    )
}
