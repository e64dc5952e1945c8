//! Guide step 18: UDP datagrams go out, and come in. They have ports, but
//! nobody who listens there yet.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use log::{debug, error};
use step06_udp::device::Devices;
use step06_udp::ethertype::EtherType;
use step06_udp::hexdump::hexdump;
use step06_udp::icmp::Icmp;
use step06_udp::ip::{Datagram, Interfaces, Ip, IpInput, IpProtocol, Upper};
use step06_udp::net::Net;
use step06_udp::protocol::Protocols;
use step06_udp::route::Routes;
use step06_udp::udp::{Header, Udp};
use step06_udp::{cli, loopback, sample};

/// UDP's way up as it is at this step.
struct UdpInput;

// ANCHOR: udp
impl Upper for UdpInput {
    fn input(&mut self, datagram: Datagram<'_>) {
        let (src, dst) = (datagram.header.src, datagram.header.dst);
        let datagram = datagram.payload;
        match Header::parse(&datagram, src, dst) {
            Ok(header) => debug!(
                target: "udp::input",
                "{src}:{} => {dst}:{}, len={} (payload={})\n{header}{}",
                header.src_port, header.dst_port, header.len, datagram.len() - 8, hexdump(&datagram)
            ),
            Err(error) => error!(target: "udp::input", "{error}"),
        }
    }
}
// ANCHOR_END: udp

fn main() -> ExitCode {
    cli::scene("guide18_udp", "Guide step 18: UDP datagrams.", |env| {
        let mut devices = Devices::new(env);
        let lo = loopback::init(&mut devices);
        let mut interfaces = Interfaces::new();
        interfaces.register(&lo, "127.0.0.1/8".parse()?)?;
        let interfaces = Arc::new(interfaces);
        // ANCHOR: root
        let ip = Arc::new(Ip::new(env, &interfaces).router(Routes::new(&interfaces)));
        let icmp = Arc::new(Icmp::new(&ip));
        let udp = Udp::new(&ip, &icmp);
        let mut ip_input = IpInput::new(&ip);
        ip_input.register(IpProtocol::UDP, UdpInput)?;
        // ANCHOR_END: root
        let mut protocols = Protocols::new();
        protocols.register(EtherType::IP, ip_input)?;
        let mut net = Net::new(env, devices, protocols);

        net.open()?;
        let src = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 10000);
        let dst = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 7);
        for _ in 0..3 {
            udp.output(src, dst, &sample::PACKET[28..])?;
            net.step();
            env.advance(Duration::from_secs(1));
        }
        net.close();
        Ok(())
    })
}
