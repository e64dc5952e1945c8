//! The scene of step 05: host a pings host b over Ethernet. The first echo
//! waits for ARP; half a minute later the address has been forgotten again.
//!
//! `step05_arp serve` and `step05_arp lab` are the same host in the real world.

use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use step05_arp::cli::Matches;
use step05_arp::env::Env;
use step05_arp::frame::FrameIo;
use step05_arp::host::{Config, Host};
use step05_arp::net::Running;
use step05_arp::scene::{self, Recording};
use step05_arp::serve::{self, Server};
use step05_arp::simulation;
use step05_arp::wire::Wire;

/// A host that answers ARP and ping.
struct Step05 {
    host: Host,
    running: Running,
}

impl Server for Step05 {
    const NAME: &'static str = "step05_arp";
    const ABOUT: &'static str = "ARP and ping over Ethernet.";

    fn scene(env: &Arc<Env>, recording: &mut Recording) -> Result<()> {
        let wire = Wire::with_faults(env, scene::faults());
        wire.record();
        let [(a, mut a_net), (b, mut b_net)] = scene::two_hosts_on(&wire, env)?;
        let dst = Ipv4Addr::new(192, 0, 2, 1);
        for _ in 0..2 {
            a.ping.send(Ipv4Addr::UNSPECIFIED, dst, b"0123456789")?;
            let span = Duration::from_secs(1);
            simulation::run_for(env, &mut [&mut a_net, &mut b_net], span);
            while let Some(reply) = a.ping.reply() {
                println!(
                    "{} octets from {}: seq={} time={:?}",
                    reply.len, reply.from, reply.seq, reply.round_trip
                );
            }
        }
        for (device, pa, ha) in a.arp.neighbors() {
            println!("a knows {pa} at {ha} on {device}");
        }
        let span = Duration::from_secs(30);
        simulation::run_for(env, &mut [&mut a_net, &mut b_net], span);
        println!("after 30 s a knows {} neighbours", a.arp.neighbors().len());
        recording.add(env, &wire.take_record())?;
        a_net.close();
        b_net.close();
        print!(
            "counters of a:\n{}counters of b:\n{}",
            a.counters(),
            b.counters()
        );
        Ok(())
    }

    fn start(
        env: &Arc<Env>,
        frames: Box<dyn FrameIo>,
        config: &Config,
        _: &Matches,
    ) -> Result<Self> {
        let (host, net) = Host::new(env, frames, config)?;
        let running = net.spawn()?;
        host.arp.announce();
        Ok(Self { host, running })
    }

    fn stop(self) -> Result<String> {
        self.running.shutdown()?;
        Ok(self.host.counters())
    }
}

fn main() -> ExitCode {
    serve::main::<Step05>()
}
