//! A host of this step, the whole stack: the composition root.

use std::net::Ipv4Addr;
use std::sync::Arc;

use anyhow::Result;

use crate::arp::{Arp, ArpInput, ArpTimer};
use crate::config::Config as TcpConfig;
use crate::counters::{self, CounterSet};
use crate::device::{Device, Devices};
use crate::env::Env;
use crate::ethernet;
use crate::ethertype::EtherType;
use crate::frame::FrameIo;
use crate::icmp::{Icmp, IcmpErrors, IcmpInput, Ping};
use crate::ip::{Cidr, Interfaces, Ip, IpInput, IpProtocol, IpTimer};
use crate::net::Net;
use crate::protocol::{ProtocolCounters, Protocols};
use crate::route::Routes;
use crate::tcp::Tcp;
use crate::tcp_input::{TcpErrors, TcpInput};
use crate::tcp_timer::TcpTimer;
use crate::udp::{Udp, UdpErrors, UdpInput};
use crate::{logger, loopback};

pub use step06_udp::host::Config;

/// A host as its applications see it: the ways down. The ways up belong to
/// the main loop, the [`Net`] that is made with it.
pub struct Host {
    /// The loopback device.
    pub loopback: Arc<Device>,
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
    /// UDP, for sockets.
    pub udp: Arc<Udp>,
    /// TCP, for sockets.
    pub tcp: Arc<Tcp>,
    /// What the protocol registry counts.
    pub protocols: Arc<ProtocolCounters>,
}

impl Host {
    /// A host whose TCP is as the RFCs want it.
    ///
    /// # Errors
    /// As [`with_tcp`](Self::with_tcp).
    pub fn new(
        env: &Arc<Env>,
        frames: impl FrameIo + 'static,
        config: &Config,
    ) -> Result<(Self, Net)> {
        Self::with_tcp(env, frames, config, TcpConfig::default())
    }

    /// Plugs everything together: the ways down from the bottom to the top,
    /// then the ways up.
    ///
    /// # Errors
    /// Something was registered twice, or the gateway is on no network of ours.
    pub fn with_tcp(
        env: &Arc<Env>,
        frames: impl FrameIo + 'static,
        config: &Config,
        tcp_config: TcpConfig,
    ) -> Result<(Self, Net)> {
        let _scope = logger::scope(env);
        // ANCHOR: root
        let mut devices = Devices::new(env);
        let lo = loopback::init(&mut devices);
        let device = ethernet::init(&mut devices, frames, config.mac);

        let mut interfaces = Interfaces::new();
        interfaces.register(&lo, Cidr::new(Ipv4Addr::LOCALHOST, 8)?)?;
        interfaces.register(&device, config.addr)?;
        let interfaces = Arc::new(interfaces);

        let mut routes = Routes::new(&interfaces);
        if let Some(gateway) = config.gateway {
            routes.set_default_gateway(gateway)?;
        }

        let arp = Arp::new(env, &interfaces);
        let ip = Ip::new(env, &interfaces)
            .neighbor(Arc::clone(&arp))
            .router(routes)
            .ttl(config.ttl);
        let ip = Arc::new(ip);
        let icmp = Arc::new(Icmp::new(&ip));
        let ping = Ping::new(&icmp, 1);
        let udp = Udp::new(&ip, &icmp);
        let tcp = Tcp::new(&ip, tcp_config);

        let mut icmp_input = IcmpInput::new(&icmp);
        icmp_input.listen_echo(ping.clone());
        icmp_input.listen(IpProtocol::ICMP, ping.clone());
        icmp_input.listen(IpProtocol::UDP, UdpErrors::new(&udp));
        icmp_input.listen(IpProtocol::TCP, TcpErrors::new(&tcp));
        let mut ip_input = IpInput::new(&ip).error_reporter(IcmpErrors::new(&icmp));
        ip_input.register(IpProtocol::ICMP, icmp_input)?;
        ip_input.register(IpProtocol::UDP, UdpInput::new(&udp))?;
        ip_input.register(IpProtocol::TCP, TcpInput::new(&tcp))?;

        let mut protocols = Protocols::new();
        protocols.register(EtherType::ARP, ArpInput::new(&arp))?;
        protocols.register(EtherType::IP, ip_input)?;
        let protocol_counters = Arc::clone(&protocols.counters);

        let mut arp_timer = ArpTimer::new(&arp);
        arp_timer.listen(IpProtocol::ICMP, ping.clone());
        arp_timer.listen(IpProtocol::UDP, UdpErrors::new(&udp));
        arp_timer.listen(IpProtocol::TCP, TcpErrors::new(&tcp));
        let mut net = Net::new(env, devices, protocols);
        net.add_source(arp_timer);
        net.add_source(IpTimer::new(&ip).error_reporter(IcmpErrors::new(&icmp)));
        net.add_source(TcpTimer::new(&tcp));
        // ANCHOR_END: root
        let host = Self {
            loopback: lo,
            device,
            arp,
            ip,
            icmp,
            ping,
            udp,
            tcp,
            protocols: protocol_counters,
        };
        Ok((host, net))
    }

    /// The table of counters.
    pub fn counters(&self) -> String {
        let layers: [(&str, &dyn CounterSet); 8] = [
            (self.loopback.name(), &self.loopback.counters),
            (self.device.name(), &self.device.counters),
            ("protocol", &*self.protocols),
            ("arp", &self.arp.counters),
            ("ip", &self.ip.counters),
            ("icmp", &self.icmp.counters),
            ("udp", &self.udp.counters),
            ("tcp", &*self.tcp.counters),
        ];
        counters::table(&layers).to_string()
    }
}
