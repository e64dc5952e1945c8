//! Guide step 12: frames arrive at an Ethernet device. A neighbour asks for our
//! hardware address, as Linux does before it pings us, and gets no answer:
//! nobody here speaks ARP yet.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use step05_arp::device::Devices;
use step05_arp::ethertype::EtherType;
use step05_arp::frame::FrameIo;
use step05_arp::icmp::{Icmp, IcmpInput};
use step05_arp::ip::{Interfaces, Ip, IpInput, IpProtocol};
use step05_arp::net::Net;
use step05_arp::protocol::Protocols;
use step05_arp::wire::Wire;
use step05_arp::{cli, counters, ethernet, loopback, scene, simulation};

/// Who has 192.0.2.2? Tell 192.0.2.1. The whole frame, as Linux sends it: TAP
/// devices need no padding.
const REQUEST: &[u8; 42] = b"\
    \xff\xff\xff\xff\xff\xff\x00\x00\x5e\x00\x53\x02\x08\x06\
    \x00\x01\x08\x00\x06\x04\x00\x01\
    \x00\x00\x5e\x00\x53\x02\xc0\x00\x02\x01\
    \x00\x00\x00\x00\x00\x00\xc0\x00\x02\x02";

fn main() -> ExitCode {
    cli::scene(
        "guide12_ethernet",
        "Guide step 12: Ethernet frames.",
        |env| {
            let wire = Wire::with_faults(env, scene::faults());
            let neighbour = wire.port();

            let config = scene::config_a()?;
            // ANCHOR: device
            let mut devices = Devices::new(env);
            let lo = loopback::init(&mut devices);
            let device = ethernet::init(&mut devices, wire.port(), config.mac);
            let mut interfaces = Interfaces::new();
            interfaces.register(&lo, "127.0.0.1/8".parse()?)?;
            interfaces.register(&device, config.addr)?;
            // ANCHOR_END: device
            // ANCHOR: root
            let ip = Arc::new(Ip::new(env, &Arc::new(interfaces)));
            let icmp = Arc::new(Icmp::new(&ip));
            let mut ip_input = IpInput::new(&ip);
            ip_input.register(IpProtocol::ICMP, IcmpInput::new(&icmp))?;
            let mut protocols = Protocols::new();
            protocols.register(EtherType::IP, ip_input)?;
            let protocol_counters = Arc::clone(&protocols.counters);
            let mut net = Net::new(env, devices, protocols);
            // ANCHOR_END: root

            net.open()?;
            for _ in 0..3 {
                neighbour.write_frame(REQUEST)?;
                simulation::run_for(env, &mut [&mut net], Duration::from_secs(1));
            }
            net.close();
            print!(
                "{}",
                counters::table(&[
                    (device.name(), &device.counters),
                    ("protocol", &*protocol_counters),
                ])
            );
            Ok(())
        },
    )
}
