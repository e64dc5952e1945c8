//! A host with a loopback device and a wire, whose ICMP has listeners that keep
//! what they are told.

// Each test file is a program of its own, and none needs all of this.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

#[path = "../../../step03_ip/tests/harness/wire.rs"]
pub mod wire;

use std::net::Ipv4Addr;
use std::sync::{Arc, mpsc};

use step04_icmp::device::{Device, DeviceFlags, Devices};
use step04_icmp::env::Env;
use step04_icmp::ethertype::EtherType;
use step04_icmp::icmp::message::HEADER_LEN;
use step04_icmp::icmp::{
    EchoListener, ErrorListener, Header, Icmp, IcmpError, IcmpErrors, IcmpInput, Ping,
};
use step04_icmp::ip::header::Header as IpHeader;
use step04_icmp::ip::{Cidr, Interfaces, Ip, IpInput, IpProtocol};
use step04_icmp::loopback;
use step04_icmp::net::Net;
use step04_icmp::packet::Packet;
use step04_icmp::protocol::Protocols;
use wire::{ALSO_ME, EXPERIMENT, ME, TestWire, datagram, header};

/// The identifier of the host's own ping.
pub const PING_ID: u16 = 42;

/// What an [`ErrorListener`] was told.
#[derive(Debug)]
pub struct SeenError {
    /// [`IcmpError`] without its payload.
    pub error: IcmpError<'static>,
    /// Its payload.
    pub payload: Vec<u8>,
}

/// What an [`EchoListener`] was told: from, identifier, sequence number, data.
pub type SeenReply = (Ipv4Addr, u16, u16, Vec<u8>);

struct Errors(mpsc::Sender<SeenError>);

impl ErrorListener for Errors {
    fn error(&mut self, error: &IcmpError<'_>) {
        let seen = SeenError {
            error: IcmpError {
                payload: &[],
                ..*error
            },
            payload: error.payload.to_vec(),
        };
        self.0.send(seen).unwrap();
    }
}

struct Replies(mpsc::Sender<SeenReply>);

impl EchoListener for Replies {
    fn echo_reply(&mut self, from: Ipv4Addr, id: u16, seq: u16, data: &[u8]) {
        self.0.send((from, id, seq, data.to_vec())).unwrap();
    }
}

/// The host under test.
pub struct Host {
    /// Its clock and its random numbers.
    pub env: Arc<Env>,
    /// Its main loop.
    pub net: Net,
    /// IP, the way down.
    pub ip: Arc<Ip>,
    /// ICMP, the way down.
    pub icmp: Arc<Icmp>,
    /// Its ping, with the identifier [`PING_ID`].
    pub ping: Ping,
    /// 192.0.2.2/24, on a link that needs no hardware addresses.
    pub wire: TestWire,
    /// 198.51.100.2/24.
    pub second: Arc<Device>,
    /// Errors about datagrams of [`EXPERIMENT`].
    pub errors: mpsc::Receiver<SeenError>,
    /// Answers to echoes.
    pub replies: mpsc::Receiver<SeenReply>,
}

impl Host {
    /// A host that speaks ICMP and nothing else.
    pub fn new() -> Self {
        let env = Env::manual(1);
        let mut devices = Devices::new(&env);
        let lo = loopback::init(&mut devices);
        let wire = TestWire::attach(&mut devices, DeviceFlags::BROADCAST);
        let second = TestWire::attach(&mut devices, DeviceFlags::BROADCAST).device;

        let mut interfaces = Interfaces::new();
        for (device, addr, prefix) in [
            (&lo, Ipv4Addr::LOCALHOST, 8),
            (&wire.device, ME, 24),
            (&second, ALSO_ME, 24),
        ] {
            let network = Cidr::new(addr, prefix).unwrap();
            interfaces.register(device, network).unwrap();
        }

        let ip = Arc::new(Ip::new(&env, &Arc::new(interfaces)));
        let icmp = Arc::new(Icmp::new(&ip));
        let ping = Ping::new(&icmp, PING_ID);

        let (errors_tx, errors) = mpsc::channel();
        let (replies_tx, replies) = mpsc::channel();
        let mut icmp_input = IcmpInput::new(&icmp);
        icmp_input.listen(EXPERIMENT, Errors(errors_tx));
        icmp_input.listen_echo(Replies(replies_tx));
        icmp_input.listen_echo(ping.clone());
        let mut ip_input = IpInput::new(&ip).error_reporter(IcmpErrors::new(&icmp));
        ip_input.register(IpProtocol::ICMP, icmp_input).unwrap();
        let mut protocols = Protocols::new();
        protocols.register(EtherType::IP, ip_input).unwrap();

        let mut net = Net::new(&env, devices, protocols);
        net.open().unwrap();
        Self {
            env,
            net,
            ip,
            icmp,
            ping,
            wire,
            second,
            errors,
            replies,
        }
    }

    /// Turns the crank until there is nothing to do.
    pub fn settle(&mut self) {
        while self.net.step() {}
    }

    /// Lets `packet` arrive, and takes what the host sends because of it.
    pub fn receive(&mut self, packet: &[u8]) -> Vec<Packet> {
        self.wire.arrive(packet);
        self.settle();
        let frames = self.wire.sent().into_iter();
        frames.map(|frame| frame.packet).collect()
    }

    /// Lets an ICMP message from the peer arrive.
    pub fn receive_message(&mut self, message: &[u8]) -> Vec<Packet> {
        self.receive(&datagram(header(IpProtocol::ICMP), message))
    }
}

/// An ICMP message with the right checksum.
pub fn message(header: Header, data: &[u8]) -> Vec<u8> {
    let mut message = [&[0; HEADER_LEN], data].concat();
    header.emit(&mut message);
    message
}

/// A datagram of ours, taken apart: its header, and the ICMP message in it.
pub fn parts(packet: &[u8]) -> (IpHeader, Header, &[u8]) {
    let ip = IpHeader::parse(packet).unwrap();
    let message = &packet[ip.header_len.into()..];
    let icmp = Header::parse(message).unwrap();
    (ip, icmp, &message[HEADER_LEN..])
}
