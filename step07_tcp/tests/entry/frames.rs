//! A whole host, and a link on which an enemy sits: frames of any content at
//! any time. What the host sends is in order, and every frame is accounted for.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use step07_tcp::arp::cache::CACHE_LIMIT;
use step07_tcp::checksum::Checksum;
use step07_tcp::counters::Counter;
use step07_tcp::env::Env;
use step07_tcp::ethernet::{MAX_FRAME_LEN, MIN_FRAME_LEN};
use step07_tcp::frame::FrameIo;
use step07_tcp::host::{Config, Host};
use step07_tcp::icmp;
use step07_tcp::ip::{self, IpProtocol};
use step07_tcp::packet::Packet;
use step07_tcp::segment::Segment;
use step07_tcp::simulation;
use step07_tcp::tcp_listener::TcpListener;
use step07_tcp::tcp_stream::TcpStream;
use step07_tcp::udp::{self, UdpSocket};
use step07_tcp::wire::{Port, Wire};
use step07_tcp::{arp, ethernet};

use super::Choices;
use super::headers::{repair_at, repair_ip};

const ETHERNET_LEN: usize = 14;

/// Plays one story.
///
/// An octet below 0x80 is the number of octets (in units of twelve) of a frame
/// that follows; one bit of the next octet tells whether its checksums are made
/// right. Other octets let time pass, or the applications act.
pub fn run(data: &[u8]) {
    let env = Env::manual(1);
    let wire = Wire::new(&env);
    let (enemy, port) = (wire.port(), wire.port());
    let config = Config::new("00:00:5e:00:53:01", "192.0.2.2/24").unwrap();
    let (host, mut net) = Host::new(&env.host("", 7), port, &config).unwrap();
    net.open().unwrap();
    let listener = TcpListener::bind(&host.tcp, "0.0.0.0:7").unwrap();
    listener.set_nonblocking(true).unwrap();
    let udp = UdpSocket::bind(&host.udp, "0.0.0.0:7").unwrap();
    udp.set_nonblocking(true).unwrap();
    let mut streams: Vec<TcpStream> = Vec::new();

    let mut choices = Choices(data);
    let mut frames = 0;
    while !choices.is_empty() {
        match choices.u8() {
            units @ 0..0x80 => {
                let repair = choices.u8() & 1 != 0;
                let mut frame = choices.take(usize::from(units) * 12).to_vec();
                if repair {
                    repair_frame(&mut frame);
                }
                enemy.write_frame(&frame).unwrap();
                frames += 1;
            }
            0x80..0xc0 => {
                let millis = u64::from(choices.u16());
                simulation::run_for(&env, &mut [&mut net], Duration::from_millis(millis));
            }
            0xc0..0xd0 => {
                let peer = Ipv4Addr::new(192, 0, 2, choices.u8());
                let _ = host.ping.send(Ipv4Addr::UNSPECIFIED, peer, b"hello");
                let _ = udp.send_to(b"hello", (peer, 7));
            }
            0xd0..0xe0 if streams.len() < 8 => {
                let any: SocketAddrV4 = "0.0.0.0:0".parse().unwrap();
                let peer = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, choices.u8()), 7);
                streams.extend(TcpStream::start_connect(&host.tcp, any, peer));
            }
            other => act(&mut streams, other),
        }
        simulation::settle(&mut [&mut net]);
        while let Ok((stream, _)) = listener.accept() {
            streams.push(stream);
            streams.truncate(16);
        }
        let mut buffer = [0; 2000];
        while udp.recv_from(&mut buffer).is_ok() {}
        check_sent(&enemy);
        assert!(host.arp.neighbors().len() <= CACHE_LIMIT);
    }
    simulation::settle(&mut [&mut net]);

    let device = &host.device.counters;
    let sum = |counters: &[&Counter]| counters.iter().map(|counter| counter.get()).sum::<u64>();
    let taken = sum(&[&device.received, &device.malformed, &device.other_host]);
    assert_eq!(taken, frames, "each frame is taken or dropped");
    let protocols = &host.protocols;
    let sorted = [
        &protocols.queued,
        &protocols.unknown_protocol,
        &protocols.queue_full,
    ];
    assert_eq!(
        sum(&sorted),
        device.received.get() + host.loopback.counters.received.get()
    );

    // Everybody leaves; in the end nothing is left.
    drop((streams, listener, udp));
    simulation::run_for(&env, &mut [&mut net], Duration::from_secs(3600));
    assert_eq!(host.tcp.all().len(), 0);
}

/// What the applications do with their connections.
fn act(streams: &mut Vec<TcpStream>, choice: u8) {
    let at = usize::from(choice) % streams.len().max(1);
    let Some(stream) = streams.get_mut(at) else {
        return;
    };
    let _ = stream.set_nonblocking(true);
    match choice % 4 {
        0 => drop(stream.write(&[0x5a; 3000])),
        1 => drop(stream.read(&mut [0; 3000])),
        2 => drop(stream.shutdown(std::net::Shutdown::Write)),
        _ => drop(streams.swap_remove(at)),
    }
}

/// Makes the checksums of what seems to be in a frame right.
fn repair_frame(frame: &mut [u8]) {
    if frame.get(12..14) != Some(&[8, 0]) {
        return;
    }
    let packet = &mut frame[ETHERNET_LEN..];
    repair_ip(packet);
    let Ok(header) = ip::Header::parse(packet) else {
        return;
    };
    let payload = &mut packet[header.header_len.into()..header.total_len.into()];
    let pseudo = Checksum::pseudo_header(header.src, header.dst, header.protocol.0, payload.len());
    match header.protocol {
        IpProtocol::ICMP => repair_at(payload, 2, Checksum::new()),
        IpProtocol::UDP => repair_at(payload, 6, pseudo),
        IpProtocol::TCP => repair_at(payload, 16, pseudo),
        _ => {}
    }
}

/// Whatever came in: what goes out is right.
fn check_sent(wire: &Port) {
    let mut buffer = [0; 2000];
    while let Some(len) = wire.read_frame(&mut buffer).unwrap() {
        let frame = &buffer[..len];
        assert!((MIN_FRAME_LEN..=MAX_FRAME_LEN).contains(&len));
        let header = ethernet::Header::parse(frame).unwrap();
        assert_eq!(header.src.to_string(), "00:00:5e:00:53:01");
        let packet = &frame[ETHERNET_LEN..];
        if header.ethertype.0 == 0x0806 {
            arp::Message::parse(packet).unwrap();
            continue;
        }
        let header = ip::Header::parse(packet).unwrap();
        assert_eq!(header.src, Ipv4Addr::new(192, 0, 2, 2));
        if header.fragment.is_fragment() {
            continue;
        }
        let payload = &packet[header.header_len.into()..header.total_len.into()];
        match header.protocol {
            IpProtocol::ICMP => {
                icmp::Header::parse(payload).unwrap();
            }
            IpProtocol::UDP => {
                udp::Header::parse(payload, header.src, header.dst).unwrap();
            }
            IpProtocol::TCP => {
                Segment::parse(Packet::new(payload), header.src, header.dst).unwrap();
            }
            other => panic!("the host has sent {other}"),
        }
    }
}
