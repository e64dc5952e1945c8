//! Guide step 14: what ARP hears, it remembers, and IP asks it. Who asks for
//! our address is going to talk to us, and so is entered into the cache: the
//! echo's reply finds its way.

use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use step05_arp::arp::{Arp, ArpInput};
use step05_arp::device::Devices;
use step05_arp::env::Env;
use step05_arp::ethertype::EtherType;
use step05_arp::frame::FrameIo;
use step05_arp::host::Host;
use step05_arp::icmp::{Icmp, IcmpInput};
use step05_arp::ip::{Interfaces, Ip, IpInput, IpProtocol};
use step05_arp::net::Net;
use step05_arp::protocol::Protocols;
use step05_arp::wire::Wire;
use step05_arp::{cli, ethernet, logger, loopback, sample, scene, simulation};

/// A host as it is at this step.
fn host(env: &Arc<Env>, frames: impl FrameIo + 'static) -> Result<(Arc<Arp>, Net)> {
    let _scope = logger::scope(env);
    let config = scene::config_a()?;
    let mut devices = Devices::new(env);
    let lo = loopback::init(&mut devices);
    let device = ethernet::init(&mut devices, frames, config.mac);
    let mut interfaces = Interfaces::new();
    interfaces.register(&lo, "127.0.0.1/8".parse()?)?;
    interfaces.register(&device, config.addr)?;
    let interfaces = Arc::new(interfaces);

    // ANCHOR: root
    let arp = Arp::new(env, &interfaces);
    let ip = Arc::new(Ip::new(env, &interfaces).neighbor(Arc::clone(&arp)));
    let icmp = Arc::new(Icmp::new(&ip));
    let mut ip_input = IpInput::new(&ip);
    ip_input.register(IpProtocol::ICMP, IcmpInput::new(&icmp))?;

    let mut protocols = Protocols::new();
    protocols.register(EtherType::ARP, ArpInput::new(&arp))?;
    protocols.register(EtherType::IP, ip_input)?;
    // ANCHOR_END: root
    Ok((arp, Net::new(env, devices, protocols)))
}

fn main() -> ExitCode {
    cli::scene(
        "guide14_arp_cache",
        "Guide step 14: the ARP cache.",
        |env| {
            let wire = Wire::with_faults(env, scene::faults());
            let (arp, mut a_net) = host(&env.host("a", 1), wire.port())?;
            let (b, mut b_net) = Host::new(&env.host("b", 2), wire.port(), &scene::config_b()?)?;

            a_net.open()?;
            b_net.open()?;
            let (dst, data) = (Ipv4Addr::new(192, 0, 2, 2), &sample::PACKET[28..]);
            for _ in 0..2 {
                b.ping.send(Ipv4Addr::UNSPECIFIED, dst, data)?;
                let second = Duration::from_secs(1);
                simulation::run_for(env, &mut [&mut a_net, &mut b_net], second);
            }
            a_net.close();
            b_net.close();
            for (device, pa, ha) in arp.neighbors() {
                println!("a knows {pa} at {ha} on {device}");
            }
            println!("b has got {} replies", b.icmp.counters.echo_reply.get());
            Ok(())
        },
    )
}
