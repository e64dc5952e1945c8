//! The scene of step 04: a host pings itself, and then is told that it does
//! not speak a protocol.

use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use log::info;
use step04_icmp::device::Devices;
use step04_icmp::env::Env;
use step04_icmp::ethertype::EtherType;
use step04_icmp::icmp::{ErrorListener, Icmp, IcmpError, IcmpErrors, IcmpInput, Ping};
use step04_icmp::ip::{Cidr, Interfaces, Ip, IpInput, IpProtocol, IpTimer};
use step04_icmp::net::Net;
use step04_icmp::packet::Packet;
use step04_icmp::protocol::Protocols;
use step04_icmp::{cli, counters, loopback, sample};

/// A protocol number for experiments (RFC 3692). Nobody here speaks it.
const EXPERIMENT: IpProtocol = IpProtocol(253);

/// Who has sent datagrams of a protocol, and is told what became of them.
struct Sender;

impl ErrorListener for Sender {
    fn error(&mut self, error: &IcmpError<'_>) {
        println!(
            "{} says {} (code {}) about a datagram to {}, protocol {}",
            error.from, error.icmp_type, error.code.0, error.datagram.dst, error.datagram.protocol
        );
    }
}

/// Turns the crank until there is nothing to do. A turn takes a millisecond.
fn settle(env: &Env, net: &mut Net) {
    while net.step() {
        env.advance(Duration::from_millis(1));
    }
}

fn main() -> ExitCode {
    cli::scene(
        "step04_icmp",
        "Hosts that talk about IP itself: echo and errors.",
        |env| {
            // ANCHOR: root
            let mut devices = Devices::new(env);
            let lo = loopback::init(&mut devices);

            let mut interfaces = Interfaces::new();
            interfaces.register(&lo, Cidr::new(Ipv4Addr::LOCALHOST, 8)?)?;
            let interfaces = Arc::new(interfaces);

            let ip = Arc::new(Ip::new(env, &interfaces));
            let icmp = Arc::new(Icmp::new(&ip));
            let ping = Ping::new(&icmp, 1);

            let mut icmp_input = IcmpInput::new(&icmp);
            icmp_input.listen_echo(ping.clone());
            icmp_input.listen(EXPERIMENT, Sender);
            let mut ip_input = IpInput::new(&ip).error_reporter(IcmpErrors::new(&icmp));
            ip_input.register(IpProtocol::ICMP, icmp_input)?;

            let mut protocols = Protocols::new();
            protocols.register(EtherType::IP, ip_input)?;
            let protocol_counters = Arc::clone(&protocols.counters);

            let mut net = Net::new(env, devices, protocols);
            net.add_source(IpTimer::new(&ip).error_reporter(IcmpErrors::new(&icmp)));
            // ANCHOR_END: root

            net.open()?;
            let me = Ipv4Addr::LOCALHOST;
            let data = &sample::PACKET[28..];
            for _ in 0..2 {
                env.advance(Duration::from_secs(1));
                info!("ping {me}");
                ping.send(me, me, data)?;
                settle(env, &mut net);
                while let Some(reply) = ping.reply() {
                    println!(
                        "{} octets from {}, seq={}, time={:?}",
                        reply.len, reply.from, reply.seq, reply.round_trip
                    );
                }
            }

            env.advance(Duration::from_secs(1));
            info!("a datagram of a protocol that nobody speaks");
            ip.output(EXPERIMENT, me, me, Packet::new(data))?;
            settle(env, &mut net);
            net.close();
            print!(
                "{}",
                counters::table(&[
                    (lo.name(), &lo.counters),
                    ("protocol", &*protocol_counters),
                    ("ip", &ip.counters),
                    ("icmp", &icmp.counters),
                ])
            );
            Ok(())
        },
    )
}
