//! Our TCP and an independent one, smoltcp, on a wire on which things go wrong.
//!
//! Two stacks by the same hand can agree on the same mistake. This peer shares
//! no line with ours. Both send and receive at the same time, on virtual time;
//! either may open the connection.

// Whatever goes wrong in here is a failed test.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;

use smoltcp::iface::{Interface, SocketHandle, SocketSet};
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::socket::tcp;
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr};
use step07_tcp::env::Env;
use step07_tcp::frame::FrameIo;
use step07_tcp::host::Host;
use step07_tcp::net::Net;
use step07_tcp::scene;
use step07_tcp::simulation;
use step07_tcp::tcp_listener::TcpListener;
use step07_tcp::tcp_stream::TcpStream;
use step07_tcp::time::Time;
use step07_tcp::wire::{Faults, Port, Wire};

/// How many seeds each kind of trouble is tried with; more on demand.
fn seeds() -> u64 {
    let wanted = std::env::var("MICROPS_SEEDS").ok();
    wanted.and_then(|n| n.parse().ok()).unwrap_or(20)
}

/// No conversation may take longer, on its own clock.
const LIMIT: Duration = Duration::from_secs(4 * 3600);

/// An end of the wire, as smoltcp sees devices.
struct WireDevice(Port);

struct Received(Vec<u8>);

impl RxToken for Received {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&self.0)
    }
}

struct Transmit<'a>(&'a Port);

impl TxToken for Transmit<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let mut frame = vec![0; len];
        let result = f(&mut frame);
        self.0.write_frame(&frame).unwrap();
        result
    }
}

impl Device for WireDevice {
    type RxToken<'a> = Received;
    type TxToken<'a> = Transmit<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Received, Transmit<'_>)> {
        let mut frame = vec![0; 1514];
        let len = self.0.read_frame(&mut frame).unwrap()?;
        frame.truncate(len);
        Some((Received(frame), Transmit(&self.0)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Transmit<'_>> {
        Some(Transmit(&self.0))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = 1514;
        capabilities
    }
}

/// What an end sends: octets that tell where they belong, and who sent them.
fn octet(who: u8, at: usize) -> u8 {
    (at % 251).to_le_bytes()[0] ^ who
}

/// One end's progress: what it has sent, and what it has got.
struct Progress {
    who: u8,
    len: usize,
    sent: usize,
    received: usize,
}

impl Progress {
    fn new(who: u8, len: usize) -> Self {
        Self {
            who,
            len,
            sent: 0,
            received: 0,
        }
    }

    /// The next piece to be sent.
    fn piece(&self) -> Vec<u8> {
        let end = self.len.min(self.sent + 3000);
        (self.sent..end).map(|at| octet(self.who, at)).collect()
    }

    /// What has arrived must be what the other end has sent, in order.
    fn take(&mut self, data: &[u8]) {
        for &value in data {
            assert_eq!(
                value,
                octet(self.who ^ 0xff, self.received),
                "octet {}",
                self.received
            );
            self.received += 1;
        }
    }
}

struct Conversation {
    env: Arc<Env>,
    host: Host,
    net: Net,
    device: WireDevice,
    iface: Interface,
    sockets: SocketSet<'static>,
    handle: SocketHandle,
}

impl Conversation {
    fn new(seed: u64, faults: Faults) -> Self {
        let env = Env::manual(seed);
        let wire = Wire::with_faults(&env, faults);
        let config = scene::config_a().unwrap();
        let (host, mut net) = Host::new(&env.host("a", seed), wire.port(), &config).unwrap();
        net.open().unwrap();

        let mut device = WireDevice(wire.port());
        let mac = EthernetAddress([0, 0, 0x5e, 0, 0x53, 2]);
        let mut config = smoltcp::iface::Config::new(mac.into());
        config.random_seed = seed;
        let mut iface = Interface::new(config, &mut device, Instant::ZERO);
        iface.update_ip_addrs(|addrs| {
            addrs
                .push(IpCidr::new(IpAddress::v4(192, 0, 2, 1), 24))
                .unwrap();
        });
        let buffer = || tcp::SocketBuffer::new(vec![0; 100_000]);
        let mut sockets = SocketSet::new(vec![]);
        let handle = sockets.add(tcp::Socket::new(buffer(), buffer()));
        Self {
            env,
            host,
            net,
            device,
            iface,
            sockets,
            handle,
        }
    }

    fn now(&self) -> Instant {
        let micros = self.env.now().as_nanos() / 1000;
        Instant::from_micros(i64::try_from(micros).unwrap())
    }

    /// Lets both stacks do what there is to do at this moment.
    fn settle(&mut self) {
        simulation::settle(&mut [&mut self.net]);
        self.iface
            .poll(self.now(), &mut self.device, &mut self.sockets);
        simulation::settle(&mut [&mut self.net]);
    }

    /// Turns the clock to the next moment at which something happens.
    fn advance(&mut self) {
        let peer = self.iface.poll_at(self.now(), &self.sockets);
        let peer =
            peer.map(|at| Time::from_nanos(u64::try_from(at.total_micros()).unwrap_or(0) * 1000));
        let arrival = self.device.0.deadline();
        let next = [self.net.deadline(), peer, arrival]
            .into_iter()
            .flatten()
            .min();
        let next = next.expect("both wait for ever");
        // What is due now, and was not done, is done a little later.
        self.env
            .advance_to(next.max(self.env.now() + Duration::from_micros(50)));
        assert!(self.env.now() < Time::ZERO + LIMIT, "takes too long");
    }

    fn peer(&mut self) -> &mut tcp::Socket<'static> {
        self.sockets.get_mut(self.handle)
    }

    /// Sends `len` octets each way over `stream`, then closes from both sides.
    fn exchange(&mut self, mut stream: TcpStream, len: usize) {
        let (mut ours, mut theirs) = (Progress::new(0x55, len), Progress::new(0xaa, len));
        let (mut shut, mut ended) = (false, false);
        let mut buffer = [0; 4096];
        while !(ended && ours.received == len && theirs.received == len) {
            self.settle();
            if let Ok(sent) = stream.write(&ours.piece()) {
                ours.sent += sent;
            }
            if ours.sent == len && !shut {
                stream.shutdown(Shutdown::Write).unwrap();
                shut = true;
            }
            while let Ok(got) = stream.read(&mut buffer) {
                if got == 0 {
                    ended = true;
                    break;
                }
                ours.take(&buffer[..got]);
            }
            let peer = self.sockets.get_mut::<tcp::Socket>(self.handle);
            if peer.can_send() && theirs.sent < len {
                theirs.sent += peer.send_slice(&theirs.piece()).unwrap();
                if theirs.sent == len {
                    peer.close();
                }
            }
            while peer.can_recv() {
                let got = peer.recv_slice(&mut buffer).unwrap();
                theirs.take(&buffer[..got]);
            }
            self.advance();
        }
        assert!(stream.take_error().unwrap().is_none());
    }
}

/// We connect to smoltcp.
fn we_open(seed: u64, faults: Faults, len: usize) {
    let mut talk = Conversation::new(seed, faults);
    talk.peer().listen(7).unwrap();
    let stream = scene::connect(&talk.host, "192.0.2.1:7").unwrap();
    while !stream.is_open().unwrap() {
        talk.settle();
        talk.advance();
    }
    talk.exchange(stream, len);
}

/// smoltcp connects to us.
fn they_open(seed: u64, faults: Faults, len: usize) {
    let mut talk = Conversation::new(seed, faults);
    let listener = TcpListener::bind(&talk.host.tcp, "0.0.0.0:7").unwrap();
    listener.set_nonblocking(true).unwrap();
    let remote = (IpAddress::v4(192, 0, 2, 2), 7);
    let context = talk.iface.context();
    let peer = talk.sockets.get_mut::<tcp::Socket>(talk.handle);
    peer.connect(context, remote, 49152).unwrap();
    let stream = loop {
        talk.settle();
        if let Ok((stream, _)) = listener.accept() {
            break stream;
        }
        talk.advance();
    };
    stream.set_nonblocking(true).unwrap();
    talk.exchange(stream, len);
}

fn delay(millis: u64) -> Faults {
    Faults {
        delay: Duration::from_millis(millis),
        ..Faults::default()
    }
}

fn both(name: &str, faults: Faults, len: usize) {
    for seed in 0..seeds() {
        // The seed stands in the panic's backtrace only if it is printed.
        println!("{name}, seed {seed}");
        we_open(seed, faults, len);
        they_open(seed, faults, len);
    }
}

#[test]
fn on_a_good_wire() {
    both("good", delay(1), 300_000);
}

#[test]
fn with_loss() {
    both(
        "loss",
        Faults {
            loss: 30,
            ..delay(5)
        },
        150_000,
    );
    both(
        "much loss",
        Faults {
            loss: 150,
            ..delay(5)
        },
        30_000,
    );
}

#[test]
fn with_reordering_and_duplicates() {
    let jitter = Duration::from_millis(8);
    both(
        "reorder",
        Faults {
            reorder: 300,
            duplicate: 100,
            jitter,
            ..delay(5)
        },
        150_000,
    );
}

#[test]
fn with_damage() {
    both(
        "damage",
        Faults {
            corrupt: 50,
            loss: 10,
            ..delay(2)
        },
        100_000,
    );
}
