//! The scene of step 06: host a asks the echo service of host b over UDP, then
//! a port that nobody serves, and hears of it by ICMP.
//!
//! `step06_udp serve` and `step06_udp lab` are the same host in the real world.

use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use step06_udp::cli::Matches;
use step06_udp::env::Env;
use step06_udp::frame::FrameIo;
use step06_udp::host::{Config, Host};
use step06_udp::net::Running;
use step06_udp::scene::{self, Recording};
use step06_udp::serve::{self, Server};
use step06_udp::services::{ECHO, Services};
use step06_udp::simulation;
use step06_udp::udp::UdpSocket;
use step06_udp::wire::Wire;

/// A host with the small services over UDP.
struct Step06 {
    host: Host,
    running: Running,
    services: Services,
}

impl Server for Step06 {
    const NAME: &'static str = "step06_udp";
    const ABOUT: &'static str = "ping; echo (7), discard (9), daytime (13), chargen (19) over UDP";

    fn scene(env: &Arc<Env>, recording: &mut Recording) -> Result<()> {
        let wire = Wire::with_faults(env, scene::faults());
        wire.record();
        let [(a, mut a_net), (b, mut b_net)] = scene::two_hosts_on(&wire, env)?;
        let server = UdpSocket::bind(&b.udp, ("0.0.0.0", ECHO))?;
        let client = UdpSocket::bind(&a.udp, "0.0.0.0:0")?;
        server.set_nonblocking(true)?;
        client.set_nonblocking(true)?;
        let span = Duration::from_millis(10);
        let mut run = || simulation::run_for(env, &mut [&mut a_net, &mut b_net], span);
        let mut buffer = [0; 1500];

        client.send_to(b"hello", "192.0.2.1:7")?;
        run();
        let (len, from) = server.recv_from(&mut buffer)?;
        println!("b: {len} bytes data from {from}");
        server.send_to(&buffer[..len], from)?;
        run();
        let (len, from) = client.recv_from(&mut buffer)?;
        println!(
            "a: {:?} from {from}",
            String::from_utf8_lossy(&buffer[..len])
        );

        // Nobody serves this port. Only a connected socket hears of it.
        client.connect("192.0.2.1:9")?;
        client.send(b"anybody there?")?;
        run();
        match client.recv(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                println!("a: {error}")
            }
            other => anyhow::bail!("the port answered: {other:?}"),
        }
        drop((client, server));
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
        let services = Services::start(&host.udp)?;
        Ok(Self {
            host,
            running,
            services,
        })
    }

    fn stop(self) -> Result<String> {
        drop(self.services);
        self.running.shutdown()?;
        Ok(self.host.counters())
    }
}

fn main() -> ExitCode {
    serve::main::<Step06>()
}
