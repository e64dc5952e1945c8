//! Frames of any content, among them many of UDP: the host lives, its memory is
//! bounded, and every datagram is accounted for.
#![allow(clippy::unwrap_used)]

#[path = "../../step05_arp/tests/harness/frames.rs"]
#[allow(dead_code)] // other tests need the rest
mod frames;

use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::time::Duration;

use frames::{
    End, ME, MY_MAC, PEER, REQUEST, arp, below, config, datagrams, echo, frame, ip, mutate, octet,
};
use step06_udp::checksum::Checksum;
use step06_udp::counters::Counter;
use step06_udp::env::Env;
use step06_udp::ethertype::EtherType;
use step06_udp::host::Host;
use step06_udp::ip::IpProtocol;
use step06_udp::simulation;
use step06_udp::udp::pcb::QUEUE_LIMIT;
use step06_udp::udp::{Header, UdpSocket};

const FRAMES: usize = 20_000;

/// A datagram from the test, mostly to a port that somebody has.
fn datagram(env: &Env, dst: Ipv4Addr) -> Vec<u8> {
    let mut datagram = vec![octet(env); 8 + below(env, 1400)];
    let header = Header {
        src_port: [53, 5000, 0][below(env, 3)],
        dst_port: [7, 7, 7, 9, 0, 5000][below(env, 6)],
        len: u16::try_from(datagram.len()).unwrap(),
        checksum: 0,
    };
    header.emit(&mut datagram, PEER, dst);
    if below(env, 8) == 0 {
        datagram[6..8].fill(0);
    }
    datagram
}

/// A port unreachable about a datagram that the connected socket may have sent.
fn refusal(env: &Env) -> Vec<u8> {
    let mut sent = [0; 13];
    let header = Header {
        src_port: [9, 10][below(env, 2)],
        dst_port: 53,
        len: 13,
        checksum: 0,
    };
    header.emit(&mut sent, ME, PEER);
    let quote = ip(IpProtocol::UDP, ME, PEER, &sent);
    let mut message = [&[3, 3, 0, 0, 0, 0, 0, 0], quote.as_slice()].concat();
    let mut sum = Checksum::new();
    sum.add(&message);
    message[2..4].copy_from_slice(&sum.finish().to_be_bytes());
    message
}

/// A frame that would be taken, before it is damaged.
fn template(env: &Env) -> Vec<u8> {
    let all = Ipv4Addr::new(192, 0, 2, 255);
    let packet = match below(env, 8) {
        0 => return arp(&REQUEST),
        1 => ip(IpProtocol::ICMP, PEER, ME, &echo(b"hello")),
        2 => ip(IpProtocol::ICMP, PEER, ME, &refusal(env)),
        3 => ip(IpProtocol::UDP, PEER, all, &datagram(env, all)),
        _ => ip(IpProtocol::UDP, PEER, ME, &datagram(env, ME)),
    };
    frame(MY_MAC, EtherType::IP, &packet)
}

fn sum(counters: &[&Counter]) -> u64 {
    counters.iter().map(|counter| counter.get()).sum()
}

/// Takes all that waits at `socket`, and answers. Returns how much it was.
fn take_all(socket: &UdpSocket) -> u64 {
    let (mut buffer, mut taken) = ([0; 2000], 0);
    loop {
        match socket.recv_from(&mut buffer) {
            Ok((len, from)) => {
                taken += 1;
                // Who it says it is from may not be there, or not be anybody.
                let _ = socket.send_to(&buffer[..len.min(100)], from);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return taken,
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionRefused),
        }
    }
}

#[test]
fn any_datagram_is_survived_and_accounted_for() {
    let env = Env::manual(43);
    let (end, port) = End::new(&env);
    let (host, mut net) = Host::new(&env.host("", 7), port, &config()).unwrap();
    net.open().unwrap();
    let server = UdpSocket::bind(&host.udp, "0.0.0.0:7").unwrap();
    let client = UdpSocket::bind(&host.udp, "0.0.0.0:9").unwrap();
    client.connect((PEER, 53)).unwrap();
    for socket in [&server, &client] {
        socket.set_nonblocking(true).unwrap();
    }
    let mut taken = 0;
    for n in 0..FRAMES {
        let mut frame = template(&env);
        if below(&env, 3) != 0 {
            mutate(&env, &mut frame);
        }
        end.send(&frame);
        simulation::run_for(&env, &mut [&mut net], Duration::from_millis(3));
        // The applications are slower than the wire, and sometimes far slower.
        if n % 10_000 < 5_000 {
            taken += take_all(&server) + take_all(&client);
        }
        datagrams(&end.take()); // each parses, or this panics
        for (_, _, waiting) in host.udp.sockets() {
            assert!(waiting <= QUEUE_LIMIT);
        }
    }
    taken += take_all(&server) + take_all(&client);

    let udp = &host.udp.counters;
    let fate = sum(&[
        &udp.delivered,
        &udp.too_short,
        &udp.bad_length,
        &udp.bad_checksum,
        &udp.bad_port,
        &udp.port_unreachable,
        &udp.queue_full,
    ]);
    assert_eq!(
        fate,
        udp.received.get(),
        "each datagram has one fate: {udp:?}"
    );
    assert_eq!(taken, udp.delivered.get(), "what is delivered can be taken");
    let ip = &host.ip.counters;
    let above = udp.received.get() + host.icmp.counters.received.get();
    assert_eq!(ip.delivered.get(), above);

    // The test means something only if all of that has happened.
    for (what, counter) in [
        ("delivered", &udp.delivered),
        ("bad length", &udp.bad_length),
        ("bad checksum", &udp.bad_checksum),
        ("bad port", &udp.bad_port),
        ("port unreachable", &udp.port_unreachable),
        ("queue full", &udp.queue_full),
        ("errors", &udp.icmp_errors),
    ] {
        assert!(counter.get() > 10, "{what}: {}", counter.get());
    }
}
