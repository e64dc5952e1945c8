//! The scene of step 03: a host sends a datagram to itself, and then gets
//! some that are not as they should be.

use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use log::{debug, info};
use step03_ip::device::{Devices, HwAddr};
use step03_ip::ethertype::EtherType;
use step03_ip::ip::{Cidr, Datagram, Header, Interfaces, Ip, IpInput, IpProtocol, IpTimer, Upper};
use step03_ip::net::Net;
use step03_ip::packet::Packet;
use step03_ip::protocol::Protocols;
use step03_ip::{cli, counters, loopback, sample};

/// Another host.
const STRANGER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 9);

/// A protocol that only says that it was reached. The real one is upstairs.
struct Reached(&'static str);

impl Upper for Reached {
    fn input(&mut self, datagram: Datagram<'_>) {
        let Header { src, dst, .. } = datagram.header;
        debug!(target: self.0, "{src} => {dst}, len={}", datagram.payload.len());
    }
}

/// The sample packet with another header, whose checksum is right even if
/// nothing else is.
fn sample_with(change: impl FnOnce(&mut Header)) -> anyhow::Result<Packet> {
    let mut header = Header::parse(sample::PACKET)?;
    change(&mut header);
    let mut packet = Packet::new(sample::PACKET);
    if let Some(out) = packet.first_chunk_mut() {
        header.emit(out);
    }
    Ok(packet)
}

fn main() -> ExitCode {
    cli::scene(
        "step03_ip",
        "Addresses, and the datagrams that go to them.",
        |env| {
            // ANCHOR: root
            let mut devices = Devices::new(env);
            let lo = loopback::init(&mut devices);

            let mut interfaces = Interfaces::new();
            interfaces.register(&lo, Cidr::new(Ipv4Addr::LOCALHOST, 8)?)?;
            let interfaces = Arc::new(interfaces);

            let ip = Arc::new(Ip::new(env, &interfaces));

            let mut ip_input = IpInput::new(&ip);
            ip_input.register(IpProtocol::ICMP, Reached("icmp::input"))?;

            let mut protocols = Protocols::new();
            protocols.register(EtherType::IP, ip_input)?;
            let protocol_counters = Arc::clone(&protocols.counters);

            let mut net = Net::new(env, devices, protocols);
            net.add_source(IpTimer::new(&ip));
            // ANCHOR_END: root

            net.open()?;
            env.advance(Duration::from_secs(1));
            info!("a datagram to ourselves");
            let payload = Packet::new(&sample::PACKET[20..]);
            let me = Ipv4Addr::LOCALHOST;
            ip.output(IpProtocol::ICMP, me, me, payload)?;
            net.step();

            // ANCHOR: bad
            let mut damaged = Packet::new(sample::PACKET);
            damaged[8] = 254; // a router counts the TTL down, and forgets the checksum
            let nobodys = IpProtocol(253);
            let bad = [
                ("a wrong checksum", damaged),
                ("total length 0", sample_with(|h| h.total_len = 0)?),
                ("to another host", sample_with(|h| h.dst = STRANGER)?),
                ("unknown protocol", sample_with(|h| h.protocol = nobodys)?),
            ];
            // ANCHOR_END: bad
            for (what, packet) in bad {
                env.advance(Duration::from_secs(1));
                info!("{what}");
                lo.output(HwAddr::NONE, EtherType::IP.0, packet)?;
                net.step();
            }
            net.close();
            print!(
                "{}",
                counters::table(&[
                    (lo.name(), &lo.counters),
                    ("protocol", &*protocol_counters),
                    ("ip", &ip.counters),
                ])
            );
            Ok(())
        },
    )
}
