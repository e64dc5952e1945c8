//! Guide step 22: TCP segments come in, and are looked at: length, data offset,
//! checksum, header dump. Nobody answers, so the peer sends its SYN again,
//! after 1 s, 2 s, 4 s …

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use log::{debug, error};
use step07_tcp::arp::{Arp, ArpInput, ArpTimer};
use step07_tcp::config::Config as TcpConfig;
use step07_tcp::device::Devices;
use step07_tcp::env::Env;
use step07_tcp::ethernet;
use step07_tcp::ethertype::EtherType;
use step07_tcp::frame::FrameIo;
use step07_tcp::header::{Header, verify};
use step07_tcp::hexdump::hexdump;
use step07_tcp::host::{Config, Host};
use step07_tcp::ip::{Datagram, Interfaces, Ip, IpInput, IpProtocol, Upper};
use step07_tcp::ladder::Ladder;
use step07_tcp::net::Net;
use step07_tcp::protocol::Protocols;
use step07_tcp::wire::Wire;
use step07_tcp::{cli, logger, scene, simulation};

/// TCP's way up as it is at this step.
struct TcpInput;

// ANCHOR: tcp
impl Upper for TcpInput {
    fn input(&mut self, datagram: Datagram<'_>) {
        let (src, dst) = (datagram.header.src, datagram.header.dst);
        if datagram.is_broadcast() {
            error!(target: "tcp::input", "only supports unicast, src={src}, dst={dst}");
            return;
        }
        let segment = datagram.payload;
        let parsed = verify(&segment, src, dst).and_then(|()| Header::parse(&segment));
        match parsed {
            Ok((header, offset)) => debug!(
                target: "tcp::input",
                "{src}:{} => {dst}:{}, len={} (payload={})\n{header}{}",
                header.src_port, header.dst_port, segment.len(), segment.len() - offset, hexdump(&segment)
            ),
            Err(error) => error!(target: "tcp::input", "{error}"),
        }
    }
}
// ANCHOR_END: tcp

/// The host of step 05, and this step's TCP above it.
fn host(env: &Arc<Env>, frames: impl FrameIo + 'static, config: &Config) -> Result<Net> {
    let _scope = logger::scope(env);
    let mut devices = Devices::new(env);
    let device = ethernet::init(&mut devices, frames, config.mac);
    let mut interfaces = Interfaces::new();
    interfaces.register(&device, config.addr)?;
    let interfaces = Arc::new(interfaces);
    let arp = Arp::new(env, &interfaces);
    let ip = Arc::new(Ip::new(env, &interfaces).neighbor(Arc::clone(&arp)));
    // ANCHOR: root
    let mut ip_input = IpInput::new(&ip);
    ip_input.register(IpProtocol::TCP, TcpInput)?;
    let mut protocols = Protocols::new();
    protocols.register(EtherType::ARP, ArpInput::new(&arp))?;
    protocols.register(EtherType::IP, ip_input)?;
    // ANCHOR_END: root
    let mut net = Net::new(env, devices, protocols);
    net.add_source(ArpTimer::new(&arp));
    Ok(net)
}

fn main() -> ExitCode {
    cli::scene("guide22_segment", "Guide step 22: TCP segments.", |env| {
        let wire = Wire::with_faults(env, scene::faults());
        wire.record();
        let mut a_net = host(&env.host("a", 1), wire.port(), &scene::config_a()?)?;
        // The peer has the timers of today, as the kernel has in the guide, but
        // only the one option that is explained here.
        let (b, mut b_net) = Host::with_tcp(
            &env.host("b", 2),
            wire.port(),
            &scene::config_b()?,
            TcpConfig {
                window_scaling: false,
                timestamps: false,
                sack: false,
                ..TcpConfig::default()
            },
        )?;
        a_net.open()?;
        b_net.open()?;

        let client = scene::connect(&b, "192.0.2.2:7")?;
        let span = Duration::from_secs(8);
        simulation::run_for(env, &mut [&mut a_net, &mut b_net], span);
        println!("after 8 s the client is in {}", client.state()?);
        drop(client);
        a_net.close();
        b_net.close();
        for ladder in Ladder::all(&wire.take_record()) {
            print!("\n{ladder}");
        }
        Ok(())
    })
}
