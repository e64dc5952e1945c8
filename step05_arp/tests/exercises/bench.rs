//! A host with ARP and nothing else, and the test at the other end of its wire.

use std::sync::Arc;

use step05_arp::arp::{Arp, ArpInput};
use step05_arp::device::{Device, Devices};
use step05_arp::env::Env;
use step05_arp::ethernet;
use step05_arp::ethertype::EtherType;
use step05_arp::ip::Interfaces;
use step05_arp::net::Net;
use step05_arp::protocol::Protocols;

use crate::frames::{End, MY_MAC};

/// The host under test: 192.0.2.2/24 at 00:00:5e:00:53:01.
pub struct Bench {
    pub net: Net,
    pub device: Arc<Device>,
    pub interfaces: Arc<Interfaces>,
    pub arp: Arc<Arp>,
    pub end: End,
}

impl Bench {
    pub fn new() -> Self {
        let env = Env::manual(1);
        let (end, port) = End::new(&env);
        let mut devices = Devices::new(&env);
        let device = ethernet::init(&mut devices, port, MY_MAC);
        let mut interfaces = Interfaces::new();
        let network = "192.0.2.2/24".parse().unwrap();
        interfaces.register(&device, network).unwrap();
        let interfaces = Arc::new(interfaces);
        let arp = Arp::new(&env, &interfaces);
        let mut protocols = Protocols::new();
        protocols
            .register(EtherType::ARP, ArpInput::new(&arp))
            .unwrap();
        let mut net = Net::new(&env, devices, protocols);
        net.open().unwrap();
        Self {
            net,
            device,
            interfaces,
            arp,
            end,
        }
    }

    /// Lets a frame arrive, and takes what the host sends because of it.
    pub fn receive(&mut self, frame: &[u8]) -> Vec<Vec<u8>> {
        self.end.send(frame);
        while self.net.step() {}
        self.end.take()
    }
}
