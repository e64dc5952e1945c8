//! What has killed the original or its ports, with everything logged and
//! dumped. (A program of its own: the dumps are switched on for all.)
#![allow(clippy::unwrap_used)]

#[path = "harness/frames.rs"]
#[allow(dead_code)] // other tests need the rest
mod frames;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use frames::{End, ME, MY_MAC, PEER, REQUEST, arp, config, echo, frame, ip, mutate};
use step05_arp::env::Env;
use step05_arp::ethertype::EtherType;
use step05_arp::host::Host;
use step05_arp::ip::IpProtocol;
use step05_arp::{hexdump, logger, simulation};

/// Counts what is logged, and forgets it.
#[derive(Clone, Default)]
struct Octets(Arc<AtomicUsize>);

impl io::Write for Octets {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.fetch_add(bytes.len(), Ordering::Relaxed);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn dumps_of_any_frame_end_where_the_frame_ends() {
    let env = Env::manual(7);
    let logged = Octets::default();
    let levels = logger::LogLevels::all(log::LevelFilter::Trace);
    logger::init(&env, levels, false, logged.clone());
    hexdump::enable(true);
    let (end, port) = End::new(&env);
    let (_host, mut net) = Host::new(&env, port, &config()).unwrap();
    net.open().unwrap();

    let echo = frame(
        MY_MAC,
        EtherType::IP,
        &ip(IpProtocol::ICMP, PEER, ME, &echo(b"data")),
    );
    // A header that claims to have 60 octets, and a datagram 65,535.
    let mut long = echo.clone();
    long[14] = 0x4f;
    long[16..18].fill(0xff);
    let templates = [arp(&REQUEST), echo, long];
    let mut before = 0;
    for template in &templates {
        for len in 0..=template.len() {
            end.send(&template[..len]);
            simulation::settle(&mut [&mut net]);
            let after = logged.0.load(Ordering::Relaxed);
            assert!(after > before, "what is dropped is told: len={len}");
            before = after;
        }
    }
    for n in 0..6_000 {
        let mut frame = templates[n % templates.len()].clone();
        mutate(&env, &mut frame);
        end.send(&frame);
        simulation::settle(&mut [&mut net]);
        end.take();
    }
}
