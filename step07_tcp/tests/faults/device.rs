//! A device that has moods.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use step07_tcp::env::Env;
use step07_tcp::frame::FrameIo;
use step07_tcp::host::Host;
use step07_tcp::interrupt::Irq;
use step07_tcp::net::Net;
use step07_tcp::scene::{config_a, config_b, faults};
use step07_tcp::simulation;
use step07_tcp::tcp_listener::TcpListener;
use step07_tcp::tcp_stream::TcpStream;
use step07_tcp::time::Time;
use step07_tcp::wire::{Port, Wire};

use crate::Random;
use crate::world::{kind, octets};

const WELL: u8 = 0;
/// One call in three fails, in one way or another.
const MOODY: u8 = 1;
/// The cable is out: nothing comes, and nothing can be sent.
const AWAY: u8 = 2;
/// The interface has been deleted.
const DEAD: u8 = 3;

struct Moody {
    port: Port,
    mood: Arc<AtomicU8>,
    random: Mutex<Random>,
}

impl Moody {
    fn dice(&self, sides: u64) -> u64 {
        self.random.lock().unwrap().below(sides)
    }
}

impl FrameIo for Moody {
    fn attach(&self, irq: &Irq) {
        self.port.attach(irq);
    }

    fn deadline(&self) -> Option<Time> {
        self.port.deadline()
    }

    fn read_frame(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let read = self.port.read_frame(buffer)?;
        match self.mood.load(Ordering::Relaxed) {
            WELL => Ok(read),
            MOODY => Ok(match (read, self.dice(9)) {
                // A frame that is cut anywhere, or has nothing in it.
                (Some(len), 0) => Some(len / 2),
                (Some(_), 1) => Some(0),
                // Somebody else was faster.
                (Some(_), 2) => None,
                (read, _) => read,
            }),
            AWAY => Ok(None),
            _ => Err(ErrorKind::NotConnected.into()),
        }
    }

    fn write_frame(&self, frame: &[u8]) -> io::Result<()> {
        match (self.mood.load(Ordering::Relaxed), self.dice(9)) {
            (WELL, _) | (MOODY, 3..) => self.port.write_frame(frame),
            (MOODY, 0) => Err(ErrorKind::WouldBlock.into()),
            (MOODY, 1) => Err(io::Error::from_raw_os_error(5)), // EIO
            (MOODY, _) => self.port.write_frame(frame.get(..20).unwrap_or(frame)),
            (AWAY, _) => Err(ErrorKind::NetworkDown.into()),
            _ => Err(ErrorKind::NotConnected.into()),
        }
    }
}

/// Two hosts, the first of which has the moody device, and a connection.
struct Bench {
    env: Arc<Env>,
    mood: Arc<AtomicU8>,
    a: Host,
    nets: [Net; 2],
    client: TcpStream,
    server: TcpStream,
    listener: TcpListener,
    written: usize,
    read: Vec<u8>,
}

impl Bench {
    fn new(seed: u64) -> Self {
        let env = Env::manual(seed);
        let wire = Wire::with_faults(&env, faults());
        let mood = Arc::new(AtomicU8::new(WELL));
        let moody = Moody {
            port: wire.port(),
            mood: Arc::clone(&mood),
            random: Mutex::new(Random(seed)),
        };
        let (a, mut a_net) = Host::new(&env.host("a", seed), moody, &config_a().unwrap()).unwrap();
        let (b, mut b_net) =
            Host::new(&env.host("b", seed), wire.port(), &config_b().unwrap()).unwrap();
        a_net.open().unwrap();
        b_net.open().unwrap();
        let listener = TcpListener::bind(&b.tcp, "0.0.0.0:7").unwrap();
        listener.set_nonblocking(true).unwrap();
        let client = connect(&a);
        let mut nets = [a_net, b_net];
        run(&env, &mut nets, Duration::from_secs(1));
        let (server, _) = listener.accept().unwrap();
        for stream in [&client, &server] {
            stream.set_nonblocking(true).unwrap();
        }
        Self {
            env,
            mood,
            a,
            nets,
            client,
            server,
            listener,
            written: 0,
            read: Vec::new(),
        }
    }

    fn set(&self, mood: u8) {
        self.mood.store(mood, Ordering::Relaxed);
    }

    fn run(&mut self, span: Duration) {
        run(&self.env, &mut self.nets, span);
    }

    /// Lets the client write `text` and the server read it, for `rounds` of 10 ms.
    fn talk(&mut self, text: &[u8], rounds: u32) {
        let mut buffer = [0; 4096];
        for _ in 0..rounds {
            let rest = text.len().min(self.written + 3000);
            if let Ok(len) = self.client.write(&text[self.written..rest]) {
                self.written += len;
            }
            self.run(Duration::from_millis(10));
            while let Ok(len @ 1..) = self.server.read(&mut buffer) {
                self.read.extend_from_slice(&buffer[..len]);
            }
        }
    }
}

fn run(env: &Arc<Env>, [a, b]: &mut [Net; 2], span: Duration) {
    simulation::run_for(env, &mut [a, b], span);
}

fn connect(host: &Host) -> TcpStream {
    let any = "0.0.0.0:0".parse().unwrap();
    TcpStream::start_connect(&host.tcp, any, "192.0.2.1:7".parse().unwrap()).unwrap()
}

#[test]
fn a_moody_device_slows_down_and_loses_nothing() {
    for seed in 0..5 {
        let mut bench = Bench::new(seed);
        let text = octets(200_000);
        bench.set(MOODY);
        bench.talk(&text, 2000);
        assert!(text.starts_with(&bench.read));
        let counters = &bench.a.device.counters;
        assert!(counters.malformed.get() > 0, "cut frames");
        assert!(counters.queue_full.get() > 0, "WouldBlock");
        assert!(counters.transmit_failed.get() > 0, "other errors");
        bench.set(WELL);
        bench.talk(&text, 20_000);
        assert!(bench.read == text, "{} of {}", bench.read.len(), text.len());
    }
}

#[test]
fn a_device_comes_back_and_so_does_the_connection() {
    let mut bench = Bench::new(7);
    let text = octets(100_000);
    for round in 0..5 {
        bench.set(AWAY);
        bench.talk(&text, 200 << round);
        let before = bench.read.len();
        bench.set(WELL);
        bench.talk(&text, 6000);
        assert!(bench.read.len() > before || before == text.len());
    }
    assert!(bench.read == text);
    assert_eq!(bench.client.take_error().unwrap().map(|e| e.kind()), None);
}

/// Away for longer than anybody waits: the connection fails, and the next one works.
#[test]
fn a_device_that_stays_away_is_an_error_for_the_user() {
    let mut bench = Bench::new(8);
    let text = octets(100_000);
    bench.talk(&text, 5);
    bench.set(AWAY);
    let _ = bench.client.write(&text);
    bench.run(Duration::from_secs(600));
    let error = kind(bench.client.write(&text)).unwrap();
    assert!(
        [ErrorKind::TimedOut, ErrorKind::HostUnreachable].contains(&error),
        "{error}"
    );
    bench.set(WELL);
    let again = connect(&bench.a);
    bench.run(Duration::from_secs(10));
    assert!(again.is_open().unwrap());
    while let Ok((stream, _)) = bench.listener.accept() {
        drop(stream);
    }
}

/// The interface has been deleted: the device is closed, and who wants to
/// send learns it; nothing spins, and nothing hangs.
#[test]
fn a_dead_device_is_left_alone() {
    let mut bench = Bench::new(9);
    bench.set(DEAD);
    let _ = bench.server.write(b"hello");
    bench.run(Duration::from_secs(1));
    assert!(!bench.a.device.is_up());
    assert_eq!(bench.a.device.counters.receive_failed.get(), 1);
    let text = octets(1000);
    let _ = bench.client.write(&text);
    bench.run(Duration::from_secs(600));
    let error = kind(bench.client.read(&mut [0])).unwrap();
    assert_eq!(error, ErrorKind::HostUnreachable, "ARP got no answer");
    assert!(bench.a.device.counters.down.get() > 0);
    assert_eq!(
        bench.a.device.counters.receive_failed.get(),
        1,
        "asked once"
    );
    // Its own addresses are still there.
    let listener = TcpListener::bind(&bench.a.tcp, "127.0.0.1:9").unwrap();
    let any = "0.0.0.0:0".parse().unwrap();
    let local = "127.0.0.1:9".parse().unwrap();
    let inside = TcpStream::start_connect(&bench.a.tcp, any, local).unwrap();
    bench.run(Duration::from_secs(1));
    assert!(inside.is_open().unwrap());
    drop(listener);
}
