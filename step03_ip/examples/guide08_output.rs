//! Guide step 8: IP puts its own header in front of a payload, and finds the
//! device by which it leaves.

use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use step03_ip::device::Devices;
use step03_ip::ethertype::EtherType;
use step03_ip::ip::{Cidr, Interfaces, Ip, IpInput, IpProtocol};
use step03_ip::net::Net;
use step03_ip::packet::Packet;
use step03_ip::protocol::Protocols;
use step03_ip::{cli, loopback, sample};

fn main() -> ExitCode {
    cli::scene("guide08_output", "Guide step 8: IP output.", |env| {
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
        let me = Ipv4Addr::LOCALHOST;
        for _ in 0..3 {
            let payload = Packet::new(&sample::PACKET[20..]);
            ip.output(IpProtocol::ICMP, me, me, payload)?;
            net.step();
            env.advance(Duration::from_secs(1));
        }
        net.close();
        // ANCHOR_END: scene
        Ok(())
    })
}
