//! A flood of requests from addresses that are not there, while others want
//! to be served.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use step07_tcp::diffserv::Service;
use step07_tcp::flags::Flags;
use step07_tcp::frame::FrameIo;
use step07_tcp::ip::{Header, IpProtocol};
use step07_tcp::scene::{config_a, config_b};
use step07_tcp::segment::{Outgoing, Segment};
use step07_tcp::seq::SeqNumber;
use step07_tcp::tcp_services::TcpServices;

use crate::world::{World, watched};

/// A SYN to the echo service of host b, as a frame.
fn request(number: u32) -> Vec<u8> {
    // On the link of b, and nobody's.
    let [.., last] = (number % 200 + 10).to_be_bytes();
    let src = Ipv4Addr::new(192, 0, 2, last);
    let dst = Ipv4Addr::new(192, 0, 2, 1);
    let port = u16::try_from(1024 + number / 200 % 60_000).unwrap();
    let segment = Segment {
        seq: SeqNumber::new(number),
        flags: Flags::SYN,
        window: 1000,
        ..Segment::default()
    };
    let mut packet = Outgoing {
        local: SocketAddrV4::new(src, port),
        remote: SocketAddrV4::new(dst, 7),
        service: Service::default(),
        segment,
    }
    .into_packet();
    let header = Header {
        header_len: 20,
        tos: 0,
        total_len: u16::try_from(20 + packet.len()).unwrap(),
        id: 0,
        fragment: step07_tcp::ip::header::Fragment(0),
        ttl: 64,
        protocol: IpProtocol::TCP,
        checksum: 0,
        src,
        dst,
    };
    header.emit(packet.prepend(20).first_chunk_mut().unwrap());
    let (to, from) = (config_b().unwrap().mac, config_a().unwrap().mac);
    [&to.0[..], &from.0[..], &[8, 0], &packet[..]].concat()
}

#[test]
fn clients_are_served_in_the_middle_of_a_flood() {
    watched("clients_are_served_in_the_middle_of_a_flood", || {
        let world = World::new();
        let services = TcpServices::start(&world.b).unwrap();
        let attacker = world.wire.port();
        let stop = Arc::new(AtomicBool::new(false));
        let flood = {
            let stop = Arc::clone(&stop);
            thread::spawn(move || {
                for number in (0..).take_while(|_| !stop.load(Ordering::Relaxed)) {
                    attacker.write_frame(&request(number)).unwrap();
                    if number % 50 == 0 {
                        thread::sleep(Duration::from_millis(1));
                    }
                }
            })
        };
        let counters = &world.b.tcp.counters;
        while counters.cookies_sent.get() == 0 {
            thread::sleep(Duration::from_millis(1));
        }
        for _ in 0..10 {
            let mut client = world.connect(7);
            client.write_all(b"hello").unwrap();
            let mut answer = [0; 5];
            client.read_exact(&mut answer).unwrap();
            assert_eq!(&answer, b"hello");
            // Five listeners, the half-open, and a few that are served.
            assert!(world.b.tcp.all().len() < 300);
        }
        assert!(counters.cookies_taken.get() > 0);
        stop.store(true, Ordering::Relaxed);
        flood.join().unwrap();
        drop(services);
    });
}
