//! Guide step 17: an echo to another network. The route says that a gateway
//! takes it: the frame is for the gateway's hardware address, the datagram in
//! it for the far host. This gateway is a mere host, and drops it.

use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::time::Duration;

use step06_udp::host::{Config, Host};
use step06_udp::wire::Wire;
use step06_udp::{cli, sample, scene, simulation};

const FAR: Ipv4Addr = Ipv4Addr::new(8, 8, 8, 8);

fn main() -> ExitCode {
    cli::scene("guide17_routing", "Guide step 17: routing.", |env| {
        let wire = Wire::with_faults(env, scene::faults());
        // ANCHOR: config
        let config = Config {
            gateway: Some(scene::config_b()?.addr.addr()),
            ..scene::config_a()?
        };
        // ANCHOR_END: config
        let (a, mut a_net) = Host::new(&env.host("a", 1), wire.port(), &config)?;
        let (b, mut b_net) = Host::new(&env.host("b", 2), wire.port(), &scene::config_b()?)?;

        a_net.open()?;
        b_net.open()?;
        for _ in 0..2 {
            let data = &sample::PACKET[28..];
            a.ping.send(Ipv4Addr::UNSPECIFIED, FAR, data)?;
            let second = Duration::from_secs(1);
            simulation::run_for(env, &mut [&mut a_net, &mut b_net], second);
        }
        a_net.close();
        b_net.close();
        print!("counters of b:\n{}", b.counters());
        Ok(())
    })
}
