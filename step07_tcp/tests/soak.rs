//! Two whole hosts on a bad wire for a long time: thousands of connections
//! come and go, every octet is accounted for, and in the end so is every
//! packet, at each floor: what was sent has arrived, or was dropped for a
//! reason that was counted.
//!
//! Ten minutes of virtual time; `MICROPS_SOAK=24` makes it hours, so many.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)] // it is all test

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;

use step07_tcp::counters::{Counter, CounterSet};
use step07_tcp::env::Env;
use step07_tcp::host::Host;
use step07_tcp::net::Net;
use step07_tcp::scene::{config_a, config_b};
use step07_tcp::simulation;
use step07_tcp::tcp_listener::TcpListener;
use step07_tcp::tcp_stream::TcpStream;
use step07_tcp::wire::{Faults, Wire};

/// How many connections there are at a time, at most.
const CONNECTIONS: usize = 16;
const TICK: Duration = Duration::from_millis(50);

/// The octet at a place of a stream.
fn octet(stream: u64, place: usize) -> u8 {
    (stream.wrapping_mul(97) as usize + place / 251 + place).to_le_bytes()[0]
}

/// One end of a connection: writes a text of its own and reads the other's.
struct End {
    stream: Option<TcpStream>,
    writes: u64,
    len: usize,
    written: usize,
    shut: bool,
    reads: u64,
    read: usize,
    end_seen: bool,
    error: Option<ErrorKind>,
}

impl End {
    fn new(writes: u64, len: usize, reads: u64) -> Self {
        Self {
            stream: None,
            writes,
            len,
            written: 0,
            shut: false,
            reads,
            read: 0,
            end_seen: false,
            error: None,
        }
    }

    fn note<T>(&mut self, result: std::io::Result<T>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                if error.kind() != ErrorKind::WouldBlock {
                    self.error = Some(error.kind());
                }
                None
            }
        }
    }

    /// What its program does.
    fn work(&mut self) {
        let Some(mut stream) = self.stream.clone() else {
            return;
        };
        if stream.is_open().is_ok_and(|open| !open) || self.error.is_some() {
            return;
        }
        let mut buffer = [0; 4096];
        while self.written < self.len {
            let count = buffer.len().min(self.len - self.written);
            for (n, place) in buffer[..count].iter_mut().enumerate() {
                *place = octet(self.writes, self.written + n);
            }
            let Some(len) = self.note(stream.write(&buffer[..count])) else {
                break;
            };
            self.written += len;
        }
        if self.written == self.len && !self.shut {
            let result = stream.shutdown(Shutdown::Write);
            self.shut = self.note(result).is_some();
        }
        while !self.end_seen && self.error.is_none() {
            let Some(len) = self.note(stream.read(&mut buffer)) else {
                break;
            };
            self.end_seen = len == 0;
            for (n, &got) in buffer[..len].iter().enumerate() {
                assert_eq!(
                    got,
                    octet(self.reads, self.read + n),
                    "the text has changed"
                );
            }
            self.read += len;
        }
    }

    fn is_done(&self) -> bool {
        self.error.is_some() || (self.end_seen && self.shut)
    }
}

struct Connection {
    /// The client, the server.
    ends: [End; 2],
    /// The client aborts when it has read so much.
    aborts_at: usize,
    aborted: bool,
}

/// What became of all connections.
#[derive(Debug, Default)]
struct Tally {
    whole: u64,
    aborted: u64,
    failed: u64,
    octets: u64,
}

struct Soak {
    env: Arc<Env>,
    wire: Arc<Wire>,
    hosts: [Host; 2],
    nets: [Net; 2],
    listener: TcpListener,
    open: BTreeMap<u16, Connection>,
    begun: u64,
    tally: Tally,
}

impl Soak {
    fn new(seed: u64) -> Self {
        let env = Env::manual(seed);
        let wire = Wire::with_faults(
            &env,
            Faults {
                loss: 20,
                duplicate: 10,
                corrupt: 5,
                reorder: 50,
                delay: Duration::from_millis(5),
                jitter: Duration::from_millis(20),
            },
        );
        let host = |name, seed, config| {
            let (host, mut net) = Host::new(&env.host(name, seed), wire.port(), &config).unwrap();
            net.open().unwrap();
            (host, net)
        };
        let (a, a_net) = host("a", 1, config_a().unwrap());
        let (b, b_net) = host("b", 2, config_b().unwrap());
        let listener = TcpListener::bind(&b.tcp, "0.0.0.0:7").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self {
            env,
            wire,
            hosts: [a, b],
            nets: [a_net, b_net],
            listener,
            open: BTreeMap::new(),
            begun: 0,
            tally: Tally::default(),
        }
    }

    fn run(&mut self, span: Duration) {
        let [a, b] = &mut self.nets;
        simulation::run_for(&self.env, &mut [a, b], span);
    }

    fn dice(&self, sides: u64) -> usize {
        (self.env.random() % sides) as usize
    }

    fn begin(&mut self) {
        let any = "0.0.0.0:0".parse().unwrap();
        let to = "192.0.2.1:7".parse().unwrap();
        let stream = TcpStream::start_connect(&self.hosts[0].tcp, any, to).unwrap();
        stream.set_nonblocking(true).unwrap();
        let (up, down) = (2 * self.begun, 2 * self.begun + 1);
        self.begun += 1;
        // Mostly short, some long; one in ten is aborted on the way.
        let len = || match self.dice(10) {
            0 => self.dice(100_000),
            1 => 0,
            _ => self.dice(8_000),
        };
        let lens = [len(), len()];
        let aborts_at = match self.dice(10) {
            0 => self.dice(1 + lens[1] as u64),
            _ => usize::MAX,
        };
        let mut ends = [End::new(up, lens[0], down), End::new(down, lens[1], up)];
        let port = stream.local_addr().unwrap().port();
        ends[0].stream = Some(stream);
        let connection = Connection {
            ends,
            aborts_at,
            aborted: false,
        };
        assert!(self.open.insert(port, connection).is_none());
    }

    fn tick(&mut self) {
        self.run(TICK);
        while let Ok((stream, peer)) = self.listener.accept() {
            stream.set_nonblocking(true).unwrap();
            // A client that has aborted meanwhile is not there any more.
            if let Some(connection) = self.open.get_mut(&peer.port()) {
                connection.ends[1].stream = Some(stream);
            }
        }
        for connection in self.open.values_mut() {
            connection.ends.iter_mut().for_each(End::work);
            let client = &mut connection.ends[0];
            if client.read >= connection.aborts_at && !connection.aborted {
                connection.aborted = true;
                client.stream.as_ref().unwrap().abort();
            }
        }
        self.open.retain(|_, connection| {
            let [client, server] = &connection.ends;
            let ended = client.is_done() && (server.is_done() || server.stream.is_none());
            if !ended && !connection.aborted {
                return true;
            }
            self.tally.octets += (client.read + server.read) as u64;
            // Not more was read than written, whatever has happened.
            assert!(client.read <= server.written && server.read <= client.written);
            if connection.aborted {
                self.tally.aborted += 1;
            } else if client.error.is_some() || server.error.is_some() {
                self.tally.failed += 1;
            } else {
                self.tally.whole += 1;
                assert_eq!((client.read, server.read), (server.len, client.len));
            }
            false
        });
    }

    fn soak(&mut self, span: Duration) {
        let ticks = span.as_millis() / TICK.as_millis();
        for _ in 0..ticks {
            // Four in a second.
            if self.open.len() < CONNECTIONS && self.dice(5) == 0 {
                self.begin();
            }
            self.tick();
        }
        // All that are under way come to their end.
        let end = self.env.now() + Duration::from_secs(1000);
        while !self.open.is_empty() {
            self.tick();
            assert!(self.env.now() < end, "{} never end", self.open.len());
        }
        self.run(Duration::from_secs(600));
    }
}

fn sum(counters: &[&Counter]) -> u64 {
    counters.iter().map(|counter| counter.get()).sum()
}

/// The sum of those counters whose meaning begins with `prefix`.
fn all(counters: &dyn CounterSet, prefix: &str) -> u64 {
    let mut sum = 0;
    counters.each(&mut |meaning, value| {
        if meaning.starts_with(prefix) {
            sum += value;
        }
    });
    sum
}

/// Nothing is missing between two floors.
fn check_counters(soak: &Soak) {
    let wire = &soak.wire.counters;
    let both = |count: fn(&Host) -> u64| soak.hosts.iter().map(count).sum::<u64>();

    // From the devices to the wire, over the wire, and off it.
    assert_eq!(
        both(|host| host.device.counters.sent.get()),
        wire.carried.get()
    );
    let put = sum(&[&wire.carried, &wire.duplicated]);
    let ends = [
        &wire.delivered,
        &wire.lost,
        &wire.filtered,
        &wire.queue_full,
    ];
    assert_eq!(put, sum(&ends));
    let arrived = both(|host| {
        let device = &host.device.counters;
        sum(&[&device.received, &device.malformed, &device.other_host])
    });
    assert_eq!(arrived, wire.delivered.get());

    for host in &soak.hosts {
        let (device, loopback) = (&host.device.counters, &host.loopback.counters);
        let (arp, ip, icmp) = (&host.arp.counters, &host.ip.counters, &host.icmp.counters);
        let (udp, tcp, protocols) = (&host.udp.counters, &host.tcp.counters, &host.protocols);

        // The way down. What fails below was not sent above.
        let from_above = sum(&[&tcp.segments_sent, &icmp.sent, &udp.sent]);
        let ip_out = sum(&[&ip.sent, &ip.output_failed, &ip.no_route]);
        assert_eq!(from_above, ip_out, "TCP, ICMP and UDP to IP");
        let from_above = sum(&[&ip.sent, &arp.requests_sent, &arp.replies_sent]);
        let lost_waiting = sum(&[
            &arp.unresolved,
            &arp.queue_full,
            &arp.memory_full,
            &arp.evicted_packets,
        ]);
        let device_out = sum(&[&device.sent, &loopback.sent]) + all(device, "dropped on sending");
        assert_eq!(
            from_above,
            device_out + lost_waiting,
            "IP and ARP to the device"
        );

        // The way up.
        let from_below = sum(&[&device.received, &loopback.received]);
        let sorted = sum(&[&protocols.queued]) + all(&**protocols, "dropped");
        assert_eq!(from_below, sorted, "device to registry");
        let taken = sum(&[&arp.received, &ip.received]);
        assert_eq!(protocols.queued.get(), taken, "registry to ARP and IP");
        assert_eq!(
            ip.received.get(),
            ip.delivered.get() + all(ip, "dropped"),
            "through IP"
        );
        let no_segment = sum(&[&tcp.too_short, &tcp.bad_data_offset, &tcp.bad_checksum]);
        let segments = tcp.segments_received.get() + no_segment;
        let taken = sum(&[&icmp.received, &udp.received]) + segments;
        assert_eq!(ip.delivered.get(), taken, "IP to ICMP, UDP and TCP");
        assert!(all(&**tcp, "dropped") < tcp.segments_received.get() / 5);
    }

    // Between the two ends of TCP: what was opened there was opened here, but
    // for what was aborted before.
    let [client, server] = soak.hosts.each_ref().map(|host| &host.tcp.counters);
    assert_eq!(client.active_opens.get(), soak.begun);
    assert!(server.established.get() <= soak.begun);
    assert!(server.established.get() >= soak.tally.whole);
}

#[test]
fn soak() {
    let hours = std::env::var("MICROPS_SOAK").ok();
    let hours: Option<u64> = hours.and_then(|hours| hours.parse().ok());
    let span = hours.map_or(Duration::from_secs(600), |n| Duration::from_secs(n * 3600));
    let mut soak = Soak::new(1);
    soak.soak(span);
    let Tally {
        whole,
        aborted,
        failed,
        octets,
    } = soak.tally;
    println!("{span:?}: {whole} whole, {aborted} aborted, {failed} failed, {octets} octets");
    for host in &soak.hosts {
        println!("{}", host.counters());
    }
    assert_eq!(whole + aborted + failed, soak.begun);
    assert!(whole > 3 * span.as_secs() && aborted > whole / 50);
    // A flipped bit in ARP, say, can cost a connection its life.
    assert!(failed <= whole / 100, "{failed} of {whole}");
    check_counters(&soak);

    // Nobody has forgotten anything.
    assert_eq!(soak.hosts[0].tcp.all().len(), 0);
    assert_eq!(soak.hosts[1].tcp.all().len(), 1, "the listener");
    drop(soak.listener);
    assert_eq!(soak.hosts[1].tcp.all().len(), 0);
}
