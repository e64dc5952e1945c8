//! Guide step 11: an echo is sent, and answered.

use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use step04_icmp::device::Devices;
use step04_icmp::ethertype::EtherType;
use step04_icmp::icmp::message::echo_values;
use step04_icmp::icmp::{Code, Icmp, IcmpInput, IcmpType};
use step04_icmp::ip::{Cidr, Interfaces, Ip, IpInput, IpProtocol};
use step04_icmp::net::Net;
use step04_icmp::packet::Packet;
use step04_icmp::protocol::Protocols;
use step04_icmp::{cli, loopback, sample};

fn main() -> ExitCode {
    cli::scene(
        "guide11_icmp_output",
        "Guide step 11: ICMP output.",
        |env| {
            let mut devices = Devices::new(env);
            let device = loopback::init(&mut devices);
            let mut interfaces = Interfaces::new();
            interfaces.register(&device, Cidr::new(Ipv4Addr::LOCALHOST, 8)?)?;
            // ANCHOR: root
            let ip = Arc::new(Ip::new(env, &Arc::new(interfaces)));
            let icmp = Arc::new(Icmp::new(&ip));
            let mut ip_input = IpInput::new(&ip);
            ip_input.register(IpProtocol::ICMP, IcmpInput::new(&icmp))?;
            let mut protocols = Protocols::new();
            protocols.register(EtherType::IP, ip_input)?;
            let mut net = Net::new(env, devices, protocols);
            // ANCHOR_END: root

            net.open()?;
            let (me, id) = (Ipv4Addr::LOCALHOST, 1);
            for seq in 1..=3 {
                let (values, data) = (echo_values(id, seq), Packet::new(&sample::PACKET[28..]));
                icmp.output(IcmpType::ECHO, Code::NONE, values, data, me, me)?;
                // The echo comes in with one turn, its reply with the next.
                while net.step() {}
                env.advance(Duration::from_secs(1));
            }
            net.close();
            Ok(())
        },
    )
}
