//! Guide step 6: a header is read and checked before anything in it is believed.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use log::{debug, error};
use step03_ip::device::{Device, Devices, HwAddr};
use step03_ip::ethertype::EtherType;
use step03_ip::hexdump::hexdump;
use step03_ip::ip::Header;
use step03_ip::net::Net;
use step03_ip::packet::Packet;
use step03_ip::protocol::{Protocol, Protocols};
use step03_ip::{cli, loopback, sample};

/// IP as it is at this step: it has no interfaces yet, and so every datagram
/// is for this host.
struct IpInput;

// ANCHOR: simple
impl Protocol for IpInput {
    fn input(&mut self, device: &Arc<Device>, mut packet: Packet) {
        let header = match Header::parse(&packet) {
            Ok(header) => header,
            Err(error) => {
                error!(target: "ip::input", "{error}");
                return;
            }
        };
        packet.truncate(header.total_len.into());
        if header.fragment.is_fragment() {
            error!(target: "ip::input", "fragments does not support");
            return;
        }
        debug!(
            target: "ip::input",
            "dev={}, protocol={}, total={}\n{header}{}",
            device.name(), header.protocol, header.total_len, hexdump(&packet)
        );
    }
}
// ANCHOR_END: simple

fn main() -> ExitCode {
    cli::scene(
        "guide06_input",
        "Guide step 6: IP input, as far as it goes without interfaces.",
        |env| {
            // ANCHOR: root
            let mut devices = Devices::new(env);
            let device = loopback::init(&mut devices);
            let mut protocols = Protocols::new();
            protocols.register(EtherType::IP, IpInput)?;
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
