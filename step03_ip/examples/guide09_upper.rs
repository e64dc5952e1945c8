//! Guide step 9: the protocol that a datagram carries gets its payload.

use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use log::debug;
use step03_ip::device::Devices;
use step03_ip::ethertype::EtherType;
use step03_ip::hexdump::hexdump;
use step03_ip::ip::{Cidr, Datagram, Header, Interfaces, Ip, IpInput, IpProtocol, Upper};
use step03_ip::net::Net;
use step03_ip::packet::Packet;
use step03_ip::protocol::Protocols;
use step03_ip::{cli, loopback, sample};

// ANCHOR: icmp
/// Stands in for ICMP, which is one floor up.
struct Icmp;

impl Upper for Icmp {
    fn input(&mut self, datagram: Datagram<'_>) {
        let Header { src, dst, .. } = datagram.header;
        let payload = datagram.payload;
        debug!(target: "icmp::input", "{src} => {dst}, len={}{}", payload.len(), hexdump(&payload));
    }
}
// ANCHOR_END: icmp

fn main() -> ExitCode {
    cli::scene(
        "guide09_upper",
        "Guide step 9: the registry of the protocols above IP.",
        |env| {
            // ANCHOR: root
            let mut devices = Devices::new(env);
            let device = loopback::init(&mut devices);
            let mut interfaces = Interfaces::new();
            interfaces.register(&device, Cidr::new(Ipv4Addr::LOCALHOST, 8)?)?;
            let ip = Arc::new(Ip::new(env, &Arc::new(interfaces)));
            let mut ip_input = IpInput::new(&ip);
            ip_input.register(IpProtocol::ICMP, Icmp)?;
            let mut protocols = Protocols::new();
            protocols.register(EtherType::IP, ip_input)?;
            let mut net = Net::new(env, devices, protocols);
            // ANCHOR_END: root

            net.open()?;
            let me = Ipv4Addr::LOCALHOST;
            for _ in 0..3 {
                let payload = Packet::new(&sample::PACKET[20..]);
                ip.output(IpProtocol::ICMP, me, me, payload)?;
                net.step();
                env.advance(Duration::from_secs(1));
            }
            net.close();
            Ok(())
        },
    )
}
