//! The small services, each a thread that sleeps in its socket. The cranks are
//! turned only while all of them are asleep, and so nothing is left to chance.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::thread;

use step06_udp::env::Env;
use step06_udp::host::Host;
use step06_udp::net::Net;
use step06_udp::services::Services;
use step06_udp::udp::UdpSocket;
use step06_udp::{scene, simulation};

struct Bench {
    env: Arc<Env>,
    a: Host,
    a_net: Net,
    b: Host,
    b_net: Net,
}

impl Bench {
    fn new() -> (Self, Services) {
        let env = Env::manual(0);
        let [(a, a_net), (b, b_net)] = scene::two_hosts(&env).unwrap();
        let services = Services::start(&b.udp).unwrap();
        let bench = Self {
            env,
            a,
            a_net,
            b,
            b_net,
        };
        bench.wait_until_asleep();
        (bench, services)
    }

    /// Waits until all four services sleep, with nothing to wake up for.
    fn wait_until_asleep(&self) {
        let queued = || {
            self.b
                .udp
                .sockets()
                .iter()
                .any(|(_, _, octets)| *octets > 0)
        };
        while queued() || self.b.udp.sleepers() != 4 {
            thread::yield_now();
        }
    }

    /// What `port` answers to `data` from `from`.
    fn ask(&mut self, from: u16, port: u16, data: &[u8]) -> Option<Vec<u8>> {
        let socket = UdpSocket::bind(&self.a.udp, ("0.0.0.0", from)).unwrap();
        socket.set_nonblocking(true).unwrap();
        socket.send_to(data, ("192.0.2.1", port)).unwrap();
        for _ in 0..20 {
            let millisecond = std::time::Duration::from_millis(1);
            let nets = &mut [&mut self.a_net, &mut self.b_net];
            simulation::run_for(&self.env, nets, millisecond);
            self.wait_until_asleep();
        }
        let mut buffer = [0; 2000];
        let len = socket.recv(&mut buffer).ok()?;
        Some(buffer[..len].to_vec())
    }
}

#[test]
fn each_answers_in_its_way() {
    let (mut bench, _services) = Bench::new();
    assert_eq!(bench.ask(5000, 7, b"hello").as_deref(), Some(&b"hello"[..]));
    assert_eq!(bench.ask(5000, 7, b"").as_deref(), Some(&b""[..]));
    assert_eq!(bench.ask(5000, 9, b"hello"), None);
    let daytime = bench.ask(5000, 13, b"what time is it?").unwrap();
    assert_eq!(daytime, b"Thursday, January 1, 2026 00:00:00-UTC\r\n");
    let mut lengths = Vec::new();
    for _ in 0..20 {
        let text = bench.ask(5000, 19, b"").unwrap();
        let pattern = step06_udp::services::chargen().take(text.len());
        assert!(pattern.eq(text.iter().copied()));
        lengths.push(text.len());
    }
    assert!(lengths.iter().all(|len| *len <= 512), "RFC 864");
    lengths.dedup();
    assert!(lengths.len() > 10, "random: {lengths:?}");
}

#[test]
fn services_do_not_answer_each_other() {
    let (mut bench, _services) = Bench::new();
    // Or a datagram with a false sender would set up a dialogue for ever.
    for (from, port) in [(7, 7), (19, 7), (7, 19), (1023, 13)] {
        assert_eq!(bench.ask(from, port, b"hello"), None, "{from} to {port}");
    }
    assert!(bench.ask(1024, 7, b"hello").is_some());
}

#[test]
fn the_end_of_the_services_frees_their_ports() {
    let (bench, services) = Bench::new();
    assert_eq!(bench.b.udp.sockets().len(), 4);
    drop(services);
    assert_eq!(bench.b.udp.sockets(), []);
}

#[test]
fn a_taken_port_stops_the_start_and_what_had_started() {
    let env = Env::manual(0);
    let [_, (b, _net)] = scene::two_hosts(&env).unwrap();
    let taken = UdpSocket::bind(&b.udp, "192.0.2.1:13").unwrap();
    let error = Services::start(&b.udp).map(drop).unwrap_err();
    assert_eq!(format!("{error:#}"), "UDP port 13: address in use");
    drop(taken);
    assert_eq!(b.udp.sockets(), []);
}
