//! Errors that ICMP reports reach the socket whose datagram they are about
//! (RFC 1122 §4.1.3.3).
#![allow(clippy::unwrap_used)]

#[path = "../../step05_arp/tests/harness/frames.rs"]
#[allow(dead_code)] // other tests need the rest
mod frames;

use std::io::ErrorKind as E;
use std::net::Ipv4Addr;

use frames::{End, ME, MY_MAC, PEER, REQUEST, arp, config, datagrams, frame, ip};
use step06_udp::env::Env;
use step06_udp::ethertype::EtherType;
use step06_udp::host::Host;
use step06_udp::icmp::{Code, Header, IcmpType};
use step06_udp::ip::IpProtocol;
use step06_udp::ip::header::MIN_LEN;
use step06_udp::simulation;
use step06_udp::udp::UdpSocket;

/// A router on the way.
const ROUTER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 254);

#[test]
fn every_error_reaches_the_socket() {
    for (icmp_type, code, expected) in [
        (IcmpType::DEST_UNREACH, 0, Some(E::NetworkUnreachable)),
        (IcmpType::DEST_UNREACH, 1, Some(E::HostUnreachable)),
        (IcmpType::DEST_UNREACH, 2, Some(E::ConnectionRefused)),
        (IcmpType::DEST_UNREACH, 3, Some(E::ConnectionRefused)),
        (IcmpType::DEST_UNREACH, 4, Some(E::InvalidInput)), // too long for the way
        (IcmpType::DEST_UNREACH, 5, Some(E::HostUnreachable)),
        (IcmpType::DEST_UNREACH, 13, Some(E::HostUnreachable)),
        (IcmpType::TIME_EXCEEDED, 0, Some(E::HostUnreachable)),
        (IcmpType::TIME_EXCEEDED, 1, Some(E::HostUnreachable)),
        (IcmpType::PARAM_PROBLEM, 0, Some(E::InvalidInput)),
        (IcmpType::SOURCE_QUENCH, 0, None),
        (IcmpType::REDIRECT, 1, None),
    ] {
        let env = Env::manual(1);
        let (end, port) = End::new(&env);
        let (host, mut net) = Host::new(&env, port, &config()).unwrap();
        net.open().unwrap();
        end.send(&arp(&REQUEST));
        simulation::settle(&mut [&mut net]);
        end.take();

        let free = UdpSocket::bind(&host.udp, "0.0.0.0:5000").unwrap();
        let connected = UdpSocket::bind(&host.udp, "0.0.0.0:5001").unwrap();
        connected.connect((PEER, 7)).unwrap();
        free.send_to(b"hello", (PEER, 7)).unwrap();
        connected.send(b"hello").unwrap();
        for sent in end.take() {
            // A router returns the header and the first 8 octets.
            let (header, _) = datagrams(std::slice::from_ref(&sent))[0];
            assert_eq!((header.src, header.dst), (ME, PEER));
            let quote = &sent[14..][..MIN_LEN + 8];
            let mut message = [&[0; 8], quote].concat();
            let header = Header {
                icmp_type,
                code: Code(code),
                checksum: 0,
                values: 0,
            };
            header.emit(&mut message);
            let packet = ip(IpProtocol::ICMP, ROUTER, ME, &message);
            end.send(&frame(MY_MAC, EtherType::IP, &packet));
        }
        simulation::settle(&mut [&mut net]);
        let what = format!("{icmp_type} {code}");
        let report = free.error_report().unwrap();
        assert_eq!(report.map(|report| report.kind), expected, "{what}");
        assert!(report.is_none_or(|report| report.from == ROUTER), "{what}");
        let error = connected.take_error().unwrap();
        assert_eq!(error.map(|error| error.kind()), expected, "{what}");
        let told = if expected.is_some() { 2 } else { 0 };
        assert_eq!(host.udp.counters.icmp_errors.get(), told, "{what}");
    }
}
