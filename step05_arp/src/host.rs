//! A host of this step: the composition root.

use std::net::Ipv4Addr;
use std::num::NonZeroU8;
use std::sync::Arc;

use anyhow::Result;

use crate::arp::{Arp, ArpInput, ArpTimer};
use crate::counters::{self, CounterSet};
use crate::device::{Device, Devices};
use crate::env::Env;
use crate::ethernet::{self, MacAddr};
use crate::ethertype::EtherType;
use crate::frame::FrameIo;
use crate::icmp::{Icmp, IcmpErrors, IcmpInput, Ping};
use crate::ip::output::DEFAULT_TTL;
use crate::ip::{Cidr, Interfaces, Ip, IpInput, IpProtocol, IpTimer};
use crate::net::Net;
use crate::protocol::{ProtocolCounters, Protocols};
use crate::{logger, loopback};

/// What a host is called on its link.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Its hardware address.
    pub mac: MacAddr,
    /// Its address, with its network.
    pub addr: Cidr,
    /// Who takes what is for other networks; used from step 06 on.
    pub gateway: Option<Ipv4Addr>,
    /// Time to live of what it sends.
    pub ttl: NonZeroU8,
}

impl Config {
    /// The host `mac`, `addr` without a gateway.
    ///
    /// # Errors
    /// One of the texts is none of its kind.
    pub fn new(mac: &str, addr: &str) -> Result<Self> {
        Ok(Self {
            mac: mac.parse()?,
            addr: addr.parse()?,
            gateway: None,
            ttl: DEFAULT_TTL,
        })
    }
}

/// A host as its applications see it: the ways down. The ways up belong to
/// the main loop, the [`Net`] that is made with it.
pub struct Host {
    /// The Ethernet device.
    pub device: Arc<Device>,
    /// Address resolution.
    pub arp: Arc<Arp>,
    /// IP, the way down.
    pub ip: Arc<Ip>,
    /// ICMP, the way down.
    pub icmp: Arc<Icmp>,
    /// Sends echoes.
    pub ping: Ping,
    /// What the protocol registry counts.
    pub protocols: Arc<ProtocolCounters>,
}

impl Host {
    /// Plugs everything together: the ways down from the bottom to the top,
    /// then the ways up.
    ///
    /// # Errors
    /// Something was registered twice.
    pub fn new(
        env: &Arc<Env>,
        frames: impl FrameIo + 'static,
        config: &Config,
    ) -> Result<(Self, Net)> {
        let _scope = logger::scope(env);
        // ANCHOR: root
        // ANCHOR: root_down
        let mut devices = Devices::new(env);
        let lo = loopback::init(&mut devices);
        let device = ethernet::init(&mut devices, frames, config.mac);

        let mut interfaces = Interfaces::new();
        interfaces.register(&lo, Cidr::new(Ipv4Addr::LOCALHOST, 8)?)?;
        interfaces.register(&device, config.addr)?;
        let interfaces = Arc::new(interfaces);

        let arp = Arp::new(env, &interfaces);
        let ip = Ip::new(env, &interfaces)
            .neighbor(Arc::clone(&arp))
            .ttl(config.ttl);
        let ip = Arc::new(ip);
        let icmp = Arc::new(Icmp::new(&ip));
        let ping = Ping::new(&icmp, 1);
        // ANCHOR_END: root_down

        // ANCHOR: root_up
        let mut icmp_input = IcmpInput::new(&icmp);
        icmp_input.listen_echo(ping.clone());
        icmp_input.listen(IpProtocol::ICMP, ping.clone());
        let mut ip_input = IpInput::new(&ip).error_reporter(IcmpErrors::new(&icmp));
        ip_input.register(IpProtocol::ICMP, icmp_input)?;

        let mut protocols = Protocols::new();
        protocols.register(EtherType::ARP, ArpInput::new(&arp))?;
        protocols.register(EtherType::IP, ip_input)?;
        let protocol_counters = Arc::clone(&protocols.counters);

        let mut arp_timer = ArpTimer::new(&arp);
        arp_timer.listen(IpProtocol::ICMP, ping.clone());
        let mut net = Net::new(env, devices, protocols);
        net.add_source(arp_timer);
        net.add_source(IpTimer::new(&ip).error_reporter(IcmpErrors::new(&icmp)));
        // ANCHOR_END: root_up
        // ANCHOR_END: root
        let host = Self {
            device,
            arp,
            ip,
            icmp,
            ping,
            protocols: protocol_counters,
        };
        Ok((host, net))
    }

    /// The table of counters.
    pub fn counters(&self) -> String {
        let layers: [(&str, &dyn CounterSet); 5] = [
            (self.device.name(), &self.device.counters),
            ("protocol", &*self.protocols),
            ("arp", &self.arp.counters),
            ("ip", &self.ip.counters),
            ("icmp", &self.icmp.counters),
        ];
        counters::table(&layers).to_string()
    }
}
