//! The scene of step 07: everything at once. Host a finds host b by ARP, pings
//! it, asks its echo service over UDP, and then over TCP, whose connection is
//! drawn as a ladder at the end.
//!
//! `step07_tcp serve` and `step07_tcp lab` are the same host in the real world.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::net::{Ipv4Addr, Shutdown};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use step07_tcp::cli::{Cli, Matches, usage};
use step07_tcp::config::Config as TcpConfig;
use step07_tcp::env::Env;
use step07_tcp::frame::FrameIo;
use step07_tcp::host::{Config, Host};
use step07_tcp::net::Running;
use step07_tcp::scene::{self, Recording, Scene};
use step07_tcp::serve::{self, Server};
use step07_tcp::services::{ECHO, Services};
use step07_tcp::tcp_listener::TcpListener;
use step07_tcp::tcp_services::TcpServices;
use step07_tcp::trace::Trace;
use step07_tcp::udp::UdpSocket;

/// A host with the small services over UDP and TCP.
struct Step07 {
    host: Arc<Host>,
    running: Running,
    udp: Services,
    tcp: TcpServices,
}

impl Server for Step07 {
    const NAME: &'static str = "step07_tcp";
    const ABOUT: &'static str = "ping; echo (7), discard (9), daytime (13), chargen (19) over TCP and UDP; a page over HTTP (80)";

    fn options(cli: Cli) -> Cli {
        let help = "write what TCP connections measure (window, round trip …) as CSV";
        cli.option("--trace", "FILE", None, help)
    }

    fn scene(env: &Arc<Env>, recording: &mut Recording) -> Result<()> {
        let mut scene = Scene::new(env, &TcpConfig::default())?;
        ping(&mut scene)?;
        udp_echo(&mut scene)?;
        tcp_echo(&mut scene)?;
        scene.close();
        let (a, b) = (&scene.a, &scene.b);
        print!(
            "\ncounters of a:\n{}\ncounters of b:\n{}",
            a.counters(),
            b.counters()
        );
        let record = scene.wire.take_record();
        scene::draw(&record);
        recording.add(env, &record)
    }

    fn start(
        env: &Arc<Env>,
        frames: Box<dyn FrameIo>,
        config: &Config,
        matches: &Matches,
    ) -> Result<Self> {
        let (host, mut net) = Host::new(env, frames, config)?;
        if let Some(path) = matches.get::<PathBuf>("--trace")? {
            let file = File::create(&path).map(BufWriter::new);
            let trace = file.and_then(|file| Trace::new(&host.tcp, file));
            net.add_source(trace.map_err(|error| {
                usage(format!("option --trace: '{}': {error}", path.display()))
            })?);
        }
        let host = Arc::new(host);
        // Who is answered by this host finds its services.
        let udp = Services::start(&host.udp)?;
        let tcp = TcpServices::start(&host)?;
        let running = net.spawn()?;
        host.arp.announce();
        Ok(Self {
            host,
            running,
            udp,
            tcp,
        })
    }

    fn stop(self) -> Result<String> {
        drop(self.tcp);
        drop(self.udp);
        self.running.shutdown()?;
        Ok(self.host.counters())
    }
}

fn ping(scene: &mut Scene) -> Result<()> {
    let dst = Ipv4Addr::new(192, 0, 2, 1);
    scene
        .a
        .ping
        .send(Ipv4Addr::UNSPECIFIED, dst, b"0123456789")?;
    scene.run(Duration::from_secs(1));
    let reply = scene.a.ping.reply();
    ensure!(reply.is_some(), "no answer to the ping");
    if let Some(reply) = reply {
        let time = reply.round_trip;
        println!(
            "ping: {} octets from {}: seq={} time={time:?}",
            reply.len, reply.from, reply.seq
        );
    }
    Ok(())
}

fn udp_echo(scene: &mut Scene) -> Result<()> {
    let server = UdpSocket::bind(&scene.b.udp, ("0.0.0.0", ECHO))?;
    let client = UdpSocket::bind(&scene.a.udp, "0.0.0.0:0")?;
    server.set_nonblocking(true)?;
    client.set_nonblocking(true)?;
    let mut buffer = [0; 1500];

    client.send_to(b"hello", "192.0.2.1:7")?;
    scene.run(Duration::from_millis(10));
    let (len, from) = server.recv_from(&mut buffer)?;
    server.send_to(&buffer[..len], from)?;
    scene.run(Duration::from_millis(10));
    let (len, from) = client.recv_from(&mut buffer)?;
    println!(
        "udp: {:?} from {from}",
        String::from_utf8_lossy(&buffer[..len])
    );
    Ok(())
}

fn tcp_echo(scene: &mut Scene) -> Result<()> {
    let listener = TcpListener::bind(&scene.b.tcp, ("0.0.0.0", ECHO))?;
    listener.set_nonblocking(true)?;
    let mut client = scene::connect(&scene.a, "192.0.2.1:7")?;
    scene.run(Duration::from_millis(100));
    let (server, _) = listener.accept()?;
    server.set_nonblocking(true)?;

    for line in ["Hello, World!\n", "TCP is a conversation.\n"] {
        client.write_all(line.as_bytes())?;
        scene.run_with(Duration::from_millis(100), || {
            scene::echo(&server).map(drop)
        })?;
        println!("tcp: {:?}", scene::read_text(&client)?);
    }

    // The client has said all; the server hears that, and says goodbye too.
    client.shutdown(Shutdown::Write)?;
    scene.run(Duration::from_millis(100));
    ensure!(scene::echo(&server)?, "the server did not see the end");
    drop(server);
    scene.run(Duration::from_millis(100));
    println!("tcp: the client is in {}", client.state()?);
    drop(client);
    scene.run(Duration::from_secs(120));
    println!("tcp: {} connections are left", scene.a.tcp.all().len());
    Ok(())
}

fn main() -> ExitCode {
    serve::main::<Step07>()
}
