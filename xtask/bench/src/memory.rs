//! Two hosts on one wire in memory, on virtual time: what is measured here is
//! the stack alone, without a kernel and without threads.

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use step07_tcp::config::Config;
use step07_tcp::env::Env;
use step07_tcp::host::Host;
use step07_tcp::net::Net;
use step07_tcp::scene::{config_a, config_b};
use step07_tcp::simulation;
use step07_tcp::tcp_listener::TcpListener;
use step07_tcp::tcp_stream::TcpStream;
use step07_tcp::wire::Wire;

const PORT: u16 = 9000;

/// Two hosts, and the connections between them: the client's ends and the server's.
pub struct World {
    env: Arc<Env>,
    nets: [Net; 2],
    hosts: [Host; 2],
    listener: TcpListener,
    /// Each connection's two ends.
    pub connections: Vec<(TcpStream, TcpStream)>,
    buffer: Vec<u8>,
}

impl World {
    /// Two hosts that have not spoken yet.
    ///
    /// # Errors
    /// A host cannot be made.
    pub fn new() -> Result<Self> {
        let env = Env::manual(0);
        let wire = Wire::new(&env);
        let host = |name, seed, config| {
            Host::with_tcp(
                &env.host(name, seed),
                wire.port(),
                &config,
                Config::default(),
            )
        };
        let (a, mut net_a) = host("a", 1, config_a()?)?;
        let (b, mut net_b) = host("b", 2, config_b()?)?;
        net_a.open()?;
        net_b.open()?;
        let listener = TcpListener::bind(&b.tcp, ("0.0.0.0", PORT))?;
        listener.set_nonblocking(true)?;
        Ok(Self {
            env,
            nets: [net_a, net_b],
            hosts: [a, b],
            listener,
            connections: Vec::new(),
            buffer: vec![0x5a; 64 * 1024],
        })
    }

    /// Lets both hosts work, and `span` pass.
    pub fn run(&mut self, span: Duration) {
        let [a, b] = &mut self.nets;
        simulation::run_for(&self.env, &mut [a, b], span);
    }

    /// Opens one more connection.
    ///
    /// # Errors
    /// It does not come about.
    pub fn connect(&mut self) -> Result<()> {
        let any = "0.0.0.0:0".parse()?;
        let to = "192.0.2.1:9000".parse()?;
        let client = TcpStream::start_connect(&self.hosts[0].tcp, any, to)?;
        self.run(Duration::from_millis(1));
        let (server, _) = self.listener.accept().context("accept")?;
        client.set_nonblocking(true)?;
        server.set_nonblocking(true)?;
        self.connections.push((client, server));
        Ok(())
    }

    /// Moves so many octets from clients to servers, over `active` of the
    /// connections at once, or all, if there are fewer.
    ///
    /// # Errors
    /// They do not arrive.
    pub fn transfer(&mut self, octets: usize, active: usize) -> Result<()> {
        let (mut written, mut read, mut idle) = (0, 0, 0);
        let active = active.clamp(1, self.connections.len());
        let share = octets / active;
        let mut busy: Vec<(usize, usize)> = Vec::new();
        let stride = self.connections.len() / active;
        for index in (0..self.connections.len()).step_by(stride).take(active) {
            busy.push((index, 0));
        }
        let total = share * busy.len();
        while read < total {
            for (index, sent) in &mut busy {
                let (mut client, mut server) =
                    (&self.connections[*index].0, &self.connections[*index].1);
                while *sent < share {
                    let len = self.buffer.len().min(share - *sent);
                    match client.write(&self.buffer[..len]) {
                        Ok(len) => (*sent, written) = (*sent + len, written + len),
                        Err(_) => break,
                    }
                }
                while let Ok(len @ 1..) = server.read(&mut self.buffer) {
                    read += len;
                    idle = 0;
                }
            }
            let [a, b] = &mut self.nets;
            let mut hosts = [a, b];
            simulation::settle(&mut hosts);
            let next = hosts.iter().filter_map(|net| net.deadline()).min();
            idle += 1;
            ensure!(idle < 10_000, "{read} of {written} octets have arrived");
            if let Some(next) = next {
                self.env.advance_to(next);
            }
        }
        Ok(())
    }

    /// How many frames both hosts have received.
    pub fn frames(&self) -> u64 {
        let received = |host: &Host| host.device.counters.received.get();
        self.hosts.iter().map(received).sum()
    }
}
