//! A router on the way that carries less than both ends do.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown};
use std::sync::{Arc, mpsc};
use std::thread;

use step07_tcp::icmp::{Code, IcmpType};
use step07_tcp::packet::Packet;

use crate::world::{World, octets, watched};

/// What the narrow link carries.
const NARROW: usize = 1000;
/// The Ethernet header.
const FRAME: usize = 14;

#[test]
fn a_way_that_carries_less_is_found_out() {
    watched("a_way_that_carries_less_is_found_out", || {
        let world = World::new();
        let (client, mut server) = world.connection();
        // The wire drops what is too long, and host b plays the router that says so.
        let (dropped, reports) = mpsc::channel::<Vec<u8>>();
        world.wire.lose_if(move |_, frame| {
            let datagram = frame.get(FRAME..).unwrap_or_default();
            let too_long = frame.get(12..14) == Some(&[8, 0]) && datagram.len() > NARROW;
            if too_long {
                assert_eq!(datagram[6] & 0x40, 0x40, "may be fragmented");
                let _ = dropped.send(datagram[..28].to_vec());
            }
            too_long
        });
        let icmp = Arc::clone(&world.b.icmp);
        thread::spawn(move || {
            for quote in reports {
                let src = Ipv4Addr::new(192, 0, 2, 1);
                let dst = Ipv4Addr::new(192, 0, 2, 2);
                let (kind, code) = (IcmpType::DEST_UNREACH, Code::FRAGMENT_NEEDED);
                let mtu = NARROW.try_into().unwrap();
                let _ = icmp.output(kind, code, mtu, Packet::new(&quote), src, dst);
            }
        });
        let sent = octets(100_000);
        (&client).write_all(&sent).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let mut received = Vec::new();
        server.read_to_end(&mut received).unwrap();
        assert!(received == sent);
        let counters = &world.a.tcp.counters;
        assert!(counters.path_mtu_lowered.get() > 0);
        let measures = world.a.tcp.all()[0].measures.unwrap();
        assert!(measures.mss <= 960);
    });
}
