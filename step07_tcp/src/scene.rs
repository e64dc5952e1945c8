//! Two hosts on one wire in memory: what the programs of this step play with.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;

use crate::config::Config as TcpConfig;
use crate::env::Env;
use crate::host::Host;
use crate::ladder::Ladder;
use crate::net::Net;
use crate::simulation;
use crate::tcp_listener::open_rfc793;
use crate::tcp_stream::TcpStream;
use crate::wire::{Crossing, Wire};

pub use step06_udp::scene::{Recording, config_a, config_b, faults, pcap_option};

/// The hosts `a` and `b` on a wire of their own, which is recorded.
pub struct Scene {
    /// The world's clock.
    pub env: Arc<Env>,
    /// The wire between the two.
    pub wire: Arc<Wire>,
    /// 192.0.2.2, the stack of the guide.
    pub a: Host,
    /// 192.0.2.1, where the guide has the Linux kernel.
    pub b: Host,
    nets: [Net; 2],
}

impl Scene {
    /// Both hosts, opened, with the given kind of TCP.
    ///
    /// # Errors
    /// As [`Host::new`].
    pub fn new(env: &Arc<Env>, tcp: &TcpConfig) -> Result<Self> {
        let wire = Wire::with_faults(env, faults());
        wire.record();
        let (a, mut a_net) =
            Host::with_tcp(&env.host("a", 1), wire.port(), &config_a()?, tcp.clone())?;
        let (b, mut b_net) =
            Host::with_tcp(&env.host("b", 2), wire.port(), &config_b()?, tcp.clone())?;
        a_net.open()?;
        b_net.open()?;
        Ok(Self {
            env: Arc::clone(env),
            wire,
            a,
            b,
            nets: [a_net, b_net],
        })
    }

    /// Lets time pass, and the hosts do what they have to.
    pub fn run(&mut self, span: Duration) {
        let [a, b] = &mut self.nets;
        simulation::run_for(&self.env, &mut [a, b], span);
    }

    /// Lets time pass, and lets `application` do what it has to once a millisecond.
    ///
    /// # Errors
    /// What `application` says.
    pub fn run_with(
        &mut self,
        span: Duration,
        mut application: impl FnMut() -> io::Result<()>,
    ) -> io::Result<()> {
        for _ in 0..span.as_millis() {
            self.run(Duration::from_millis(1));
            application()?;
        }
        Ok(())
    }

    /// Draws the connections that have begun since the last drawing, on stdout.
    pub fn draw(&self) {
        draw(&self.wire.take_record());
    }

    /// Closes all devices.
    pub fn close(&mut self) {
        for net in &mut self.nets {
            net.close();
        }
    }
}

/// Draws the connections that begin in `record`, on stdout.
pub fn draw(record: &[Crossing]) {
    for ladder in Ladder::all(record) {
        print!("\n{ladder}");
    }
}

/// Lets `host` wait for one connection at `port`, as the guide's programs do:
/// the stream that waits becomes the connection.
///
/// # Errors
/// As [`open_rfc793`].
pub fn passive_open(host: &Host, port: u16) -> Result<TcpStream> {
    let local = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port);
    let stream = open_rfc793(&host.tcp, local, None, false)?;
    stream.set_nonblocking(true)?;
    Ok(stream)
}

/// Begins to connect `host` to `remote`, from any address and port.
///
/// # Errors
/// As [`TcpStream::start_connect`].
pub fn connect(host: &Host, remote: &str) -> Result<TcpStream> {
    let any: SocketAddrV4 = "0.0.0.0:0".parse()?;
    let stream = TcpStream::start_connect(&host.tcp, any, remote.parse()?)?;
    stream.set_nonblocking(true)?;
    Ok(stream)
}

/// Sends back what has arrived at `stream`. True once the peer has closed.
///
/// # Errors
/// What ended the connection; the send buffer was full.
pub fn echo(mut stream: &TcpStream) -> io::Result<bool> {
    let mut buffer = [0; 1500];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(true),
            Ok(len) => stream.write_all(buffer.get(..len).unwrap_or_default())?,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        }
    }
}

/// All that has arrived at `stream`, as text.
///
/// # Errors
/// What ended the connection.
pub fn read_text(mut stream: &TcpStream) -> io::Result<String> {
    let (mut text, mut buffer) = (Vec::new(), [0; 1500]);
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(len) => text.extend_from_slice(buffer.get(..len).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        }
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}
