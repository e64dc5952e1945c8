//! Guide step 10: ICMP messages are checked and shown, but not answered yet.

use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use log::{debug, error};
use step04_icmp::device::Devices;
use step04_icmp::ethertype::EtherType;
use step04_icmp::hexdump::hexdump;
use step04_icmp::icmp::Header;
use step04_icmp::ip::{self, Cidr, Datagram, Interfaces, Ip, IpInput, IpProtocol, Upper};
use step04_icmp::net::Net;
use step04_icmp::packet::Packet;
use step04_icmp::protocol::Protocols;
use step04_icmp::{cli, loopback, sample};

/// ICMP as it is at this step.
struct IcmpInput;

// ANCHOR: icmp
impl Upper for IcmpInput {
    fn input(&mut self, datagram: Datagram<'_>) {
        let ip::Header { src, dst, .. } = datagram.header;
        let message = datagram.payload;
        match Header::parse(&message) {
            Ok(header) => debug!(
                target: "icmp::input",
                "{src} => {dst}, len={}\n{header}{}",
                message.len(), hexdump(&message)
            ),
            Err(error) => error!(target: "icmp::input", "{error}"),
        }
    }
}
// ANCHOR_END: icmp

fn main() -> ExitCode {
    cli::scene("guide10_icmp_input", "Guide step 10: ICMP input.", |env| {
        let mut devices = Devices::new(env);
        let device = loopback::init(&mut devices);
        let mut interfaces = Interfaces::new();
        interfaces.register(&device, Cidr::new(Ipv4Addr::LOCALHOST, 8)?)?;
        // ANCHOR: root
        let ip = Arc::new(Ip::new(env, &Arc::new(interfaces)));
        let mut ip_input = IpInput::new(&ip);
        ip_input.register(IpProtocol::ICMP, IcmpInput)?;
        let mut protocols = Protocols::new();
        protocols.register(EtherType::IP, ip_input)?;
        let mut net = Net::new(env, devices, protocols);
        // ANCHOR_END: root

        net.open()?;
        let me = Ipv4Addr::LOCALHOST;
        for _ in 0..3 {
            let message = Packet::new(&sample::PACKET[20..]);
            ip.output(IpProtocol::ICMP, me, me, message)?;
            net.step();
            env.advance(Duration::from_secs(1));
        }
        net.close();
        Ok(())
    })
}
