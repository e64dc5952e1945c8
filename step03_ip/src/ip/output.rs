//! The way down: from a payload and an address to a packet on a device.

use std::fmt;
use std::io;
use std::net::Ipv4Addr;
use std::num::NonZeroU8;
use std::sync::{Arc, Mutex};

use log::{debug, error};

use crate::device::{DeviceFlags, HwAddr};
use crate::env::Env;
use crate::ethertype::EtherType;
use crate::hexdump::hexdump;
use crate::ip::IpCounters;
use crate::ip::header::{self, Fragment, Header, IpProtocol};
use crate::ip::identification::Identifications;
use crate::ip::iface::{Interface, Interfaces};
use crate::ip::options::Options;
use crate::ip::parameters::Parameters;
use crate::ip::reassembly::Reassembly;
use crate::logger;
use crate::packet::Packet;

/// Time to live of what we send (RFC 1700 recommends 64; the original: 255).
pub const DEFAULT_TTL: NonZeroU8 = NonZeroU8::new(64).unwrap();

// ANCHOR: neighbor
/// The socket for address resolution: takes a datagram to a neighbour on a
/// link that needs hardware addresses. It owns the packet, so that it can keep
/// it while it asks for the address.
pub trait Neighbor: Send + Sync {
    /// Delivers `packet` to `next_hop`, which is on the link of `iface`.
    ///
    /// # Errors
    /// It is known already that this will not be possible.
    fn deliver(&self, iface: &Interface, next_hop: Ipv4Addr, packet: Packet) -> io::Result<()>;

    /// Somebody above gets no answers by way of `next_hop`: is it still there?
    /// By default that is not asked.
    fn doubt(&self, iface: &Interface, next_hop: Ipv4Addr) {
        let _ = (iface, next_hop);
    }
}
// ANCHOR_END: neighbor

// ANCHOR: router
/// Where a datagram leaves the host.
#[derive(Clone, Copy, Debug)]
pub struct Route<'a> {
    /// The interface by which it leaves.
    pub iface: &'a Interface,
    /// Who takes it on the link: the destination itself, or a gateway.
    pub next_hop: Ipv4Addr,
}

/// The socket for routing: finds the way to a destination.
pub trait Router: Send + Sync {
    /// The way to `dst`, if there is one.
    fn route<'a>(&self, ifaces: &'a [Interface], dst: Ipv4Addr) -> Option<Route<'a>>;
}
// ANCHOR_END: router

// ANCHOR: on_link
/// The router of a host without routes: reaches what is on its own links.
#[derive(Clone, Copy, Debug, Default)]
pub struct OnLink;

impl Router for OnLink {
    fn route<'a>(&self, ifaces: &'a [Interface], dst: Ipv4Addr) -> Option<Route<'a>> {
        let iface = ifaces.iter().find(|iface| iface.network().contains(dst))?;
        Some(Route {
            iface,
            next_hop: dst,
        })
    }
}
// ANCHOR_END: on_link

// ANCHOR: no_neighbor
/// The neighbour finder of a host without ARP: finds nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoNeighbor;

impl Neighbor for NoNeighbor {
    fn deliver(&self, _: &Interface, next_hop: Ipv4Addr, _: Packet) -> io::Result<()> {
        error!(target: "ip::output_device", "arp does not implement, next_hop={next_hop}");
        Err(io::ErrorKind::Unsupported.into())
    }
}
// ANCHOR_END: no_neighbor

// ANCHOR: ip
/// IP, the way down. Plug in what there is, then freeze it into an [`Arc`].
pub struct Ip {
    env: Arc<Env>,
    interfaces: Arc<Interfaces>,
    neighbor: Arc<dyn Neighbor>,
    router: Box<dyn Router>,
    ttl: NonZeroU8,
    ids: Identifications,
    /// Shared by the way up and the timer.
    pub(super) reassembly: Mutex<Reassembly>,
    /// What happened at this floor, both ways.
    pub counters: IpCounters,
}
// ANCHOR_END: ip

impl Ip {
    /// IP on `interfaces`, without routing or address resolution.
    pub fn new(env: &Arc<Env>, interfaces: &Arc<Interfaces>) -> Self {
        Self {
            env: Arc::clone(env),
            interfaces: Arc::clone(interfaces),
            neighbor: Arc::new(NoNeighbor),
            router: Box::new(OnLink),
            ttl: DEFAULT_TTL,
            ids: Identifications::new(env),
            reassembly: Mutex::default(),
            counters: IpCounters::default(),
        }
    }

    /// Plugs in address resolution.
    #[must_use]
    pub fn neighbor(mut self, neighbor: Arc<impl Neighbor + 'static>) -> Self {
        self.neighbor = neighbor;
        self
    }

    /// Plugs in routing.
    #[must_use]
    pub fn router(mut self, router: impl Router + 'static) -> Self {
        self.router = Box::new(router);
        self
    }

    /// Sets the time to live of what is sent, if nobody asks for another.
    /// None is sent with 0 (RFC 1122 §3.2.1.7).
    #[must_use]
    pub fn ttl(mut self, ttl: NonZeroU8) -> Self {
        self.ttl = ttl;
        self
    }

    /// The time to live of what is sent, if nobody asks for another.
    pub fn default_ttl(&self) -> NonZeroU8 {
        self.ttl
    }

    /// The host's surroundings.
    pub fn env(&self) -> &Arc<Env> {
        &self.env
    }

    /// The host's interfaces.
    pub fn interfaces(&self) -> &Interfaces {
        &self.interfaces
    }

    // ANCHOR: route
    /// The way to `dst`. A host reaches its own addresses by its loopback
    /// interface, whatever the routes say. There is none to 0.0.0.0/8, to
    /// groups (RFC 1112: this is a host of level 0), and, without a loopback
    /// interface, to 127.0.0.0/8: no link may see those (RFC 1122 §3.2.1.3).
    pub fn route(&self, dst: Ipv4Addr) -> Option<Route<'_>> {
        if self.interfaces.owns(dst)
            && let Some(iface) = self.interfaces.loopback()
        {
            return Some(Route {
                iface,
                next_hop: dst,
            });
        }
        let [first, ..] = dst.octets();
        if first == 0 || dst.is_loopback() || dst.is_multicast() {
            return None;
        }
        self.router.route(self.interfaces.as_slice(), dst)
    }
    // ANCHOR_END: route

    /// The source address that a datagram to `dst` will have, unless one is
    /// given; `None` if there is no way to `dst`.
    pub fn source_for(&self, dst: Ipv4Addr) -> Option<Ipv4Addr> {
        match self.interfaces.select(dst) {
            Some(own) => Some(own.unicast()),
            None => self.route(dst).map(|route| route.iface.unicast()),
        }
    }

    /// A floor above gets no answers from `dst`: whoever is the next on the way
    /// there may be dead (RFC 1122 §3.3.1.4, "negative advice").
    pub fn negative_advice(&self, dst: Ipv4Addr) {
        let _scope = logger::scope(&self.env);
        if let Some(Route { iface, next_hop }) = self.route(dst)
            && iface.device().flags().contains(DeviceFlags::NEED_ARP)
        {
            debug!(target: "ip::negative_advice", "dst={dst}, next_hop={next_hop}");
            self.neighbor.doubt(iface, next_hop);
        }
    }

    // ANCHOR: output
    /// Sends `payload` as one datagram. `src` may be 0.0.0.0: the address of
    /// the interface by which it leaves. What is longer than the MTU is sent
    /// in fragments.
    ///
    /// # Errors
    /// `NetworkUnreachable`: no route. `AddrNotAvailable`: `src` is not an
    /// address of this host, or missing for a broadcast. `InvalidInput`:
    /// longer than a datagram can be. Otherwise what the neighbour or the
    /// device says.
    pub fn output(
        &self,
        protocol: IpProtocol,
        src: Ipv4Addr,
        dst: Ipv4Addr,
        payload: Packet,
    ) -> io::Result<()> {
        self.output_with(&Parameters::default(), protocol, src, dst, payload)
    }
    // ANCHOR_END: output

    /// As [`output`](Self::output), but with "don't fragment" set.
    ///
    /// # Errors
    /// As [`output`](Self::output); `InvalidInput`: longer than the MTU.
    pub fn output_whole(
        &self,
        protocol: IpProtocol,
        src: Ipv4Addr,
        dst: Ipv4Addr,
        payload: Packet,
    ) -> io::Result<()> {
        let whole = Parameters {
            dont_fragment: true,
            ..Parameters::default()
        };
        self.output_with(&whole, protocol, src, dst, payload)
    }

    /// As [`output`](Self::output), with `parameters`.
    ///
    /// # Errors
    /// As [`output`](Self::output); `InvalidInput`: longer than the MTU, if it
    /// must not be fragmented.
    pub fn output_with(
        &self,
        parameters: &Parameters,
        protocol: IpProtocol,
        src: Ipv4Addr,
        dst: Ipv4Addr,
        payload: Packet,
    ) -> io::Result<()> {
        // EXERCISE 3.11: Which way, and from whom
        // ANCHOR: way
        let _scope = logger::scope(&self.env);
        let route = if dst.is_broadcast() {
            self.broadcast_route(src, dst)?
        } else {
            self.route(dst).ok_or_else(|| {
                self.counters.no_route.inc();
                debug!(target: "ip::output", "no route to host, dst={dst}");
                io::Error::from(io::ErrorKind::NetworkUnreachable)
            })?
        };
        let src = self.source(src, dst, &route)?;
        // ANCHOR_END: way
        // ANCHOR: fits
        let options = &parameters.options;
        let header_len = header::MIN_LEN + options.len();
        let (mtu, len) = (route.iface.device().mtu(), header_len + payload.len());
        let total_len = u16::try_from(len).ok();
        // What the device will cut fits it at any length.
        let fits = len <= mtu || payload.is_to_be_cut();
        let Some(total_len) = total_len.filter(|_| fits || !parameters.dont_fragment) else {
            self.counters.too_long.inc();
            error!(target: "ip::output", "too long, dev={}, mtu={mtu} < {len}", route.iface.device().name());
            return Err(io::ErrorKind::InvalidInput.into());
        };
        // ANCHOR_END: fits
        // ANCHOR: build
        let header = Header {
            header_len: 20, // and the options, which output_core() knows
            tos: parameters.tos,
            total_len,
            id: self.ids.next(parameters.dont_fragment),
            fragment: Fragment(if parameters.dont_fragment {
                Fragment::DF
            } else {
                0
            }),
            ttl: parameters.ttl.unwrap_or(self.ttl).get(),
            protocol,
            checksum: 0,
            src,
            dst,
        };
        if fits {
            return self.output_core(&route, &header, options, payload);
        }
        self.output_fragments(&route, &header, options, &payload)
        // ANCHOR_END: build
        // END 3.11
    }

    /// Sends `payload` in pieces that fit the MTU; all but the last carry a
    /// multiple of 8 octets (RFC 791 §3.2).
    fn output_fragments(
        &self,
        route: &Route<'_>,
        header: &Header,
        options: &Options,
        payload: &[u8],
    ) -> io::Result<()> {
        // EXERCISE 3.13: In pieces that fit
        // ANCHOR: fragments
        let header_len = header::MIN_LEN + options.len();
        let room = route.iface.device().mtu().saturating_sub(header_len) / 8 * 8;
        let mut options = *options;
        let mut units = 0;
        let mut pieces = payload.chunks(room.max(8)).peekable();
        while let Some(piece) = pieces.next() {
            let more = if pieces.peek().is_some() {
                Fragment::MF
            } else {
                0
            };
            let len = header::MIN_LEN + options.len() + piece.len();
            let total_len = u16::try_from(len).unwrap_or(u16::MAX);
            let header = Header {
                total_len,
                fragment: Fragment(more | units),
                ..*header
            };
            self.output_core(route, &header, &options, Packet::new(piece))?;
            options = options.copied();
            units += u16::try_from(piece.len() / 8).unwrap_or(0);
        }
        self.counters.fragmented.inc();
        Ok(())
        // ANCHOR_END: fragments
        // END 3.13
    }

    // ANCHOR: broadcast_route
    /// 255.255.255.255 is on every link, and so no route can choose one: the
    /// source address does.
    fn broadcast_route(&self, src: Ipv4Addr, dst: Ipv4Addr) -> io::Result<Route<'_>> {
        let iface = self.interfaces.select(src).ok_or_else(|| {
            if src.is_unspecified() {
                self.counters.bad_output_source.inc();
                error!(target: "ip::output", "source address is required for broadcast addresses");
                io::ErrorKind::AddrNotAvailable.into()
            } else {
                self.foreign_source(src)
            }
        })?;
        Ok(Route {
            iface,
            next_hop: dst,
        })
    }
    // ANCHOR_END: broadcast_route

    // ANCHOR: source
    /// The source address: what was asked for, if it is ours, or the route's.
    fn source(&self, src: Ipv4Addr, dst: Ipv4Addr, route: &Route<'_>) -> io::Result<Ipv4Addr> {
        // EXERCISE 3.11: Which way, and from whom
        if src.is_unspecified() {
            return Ok(self.interfaces.select(dst).unwrap_or(route.iface).unicast());
        }
        let is_loopback = route.iface.is_loopback();
        let own = src == route.iface.unicast() || is_loopback && self.interfaces.owns(src);
        if !own {
            return Err(self.foreign_source(src));
        }
        Ok(src)
        // END 3.11
    }
    // ANCHOR_END: source

    fn foreign_source(&self, src: Ipv4Addr) -> io::Error {
        self.counters.bad_output_source.inc();
        error!(target: "ip::output", "unable to output with specified source address, src={src}");
        io::ErrorKind::AddrNotAvailable.into()
    }

    /// Puts the header in front.
    fn output_core(
        &self,
        route: &Route<'_>,
        header: &Header,
        options: &Options,
        mut packet: Packet,
    ) -> io::Result<()> {
        // EXERCISE 3.12: The header in front, and out
        let device = route.iface.device();
        let Header {
            dst,
            protocol,
            total_len,
            ..
        } = *header;
        // ANCHOR: output_core
        let out = packet.prepend(header::MIN_LEN + options.len());
        header.emit_with(options, out);
        debug!(
            target: "ip::output_core",
            "dev={}, dst={dst}, protocol={protocol}, len={total_len}\n{}{}",
            device.name(), dump(&packet), hexdump(&packet)
        );
        let result = self.output_device(route, packet);
        match &result {
            Ok(()) => self.counters.sent.inc(),
            Err(_) => self.counters.output_failed.inc(),
        }
        result
        // ANCHOR_END: output_core
        // END 3.12
    }

    // ANCHOR: output_device
    /// Hands the datagram to the device, with the link address that it needs.
    fn output_device(&self, route: &Route<'_>, packet: Packet) -> io::Result<()> {
        // EXERCISE 3.12: The header in front, and out
        let device = route.iface.device();
        let ethertype = EtherType::IP.0;
        if !device.flags().contains(DeviceFlags::NEED_ARP) {
            return device.output(HwAddr::NONE, ethertype, packet);
        }
        if route.iface.is_broadcast(route.next_hop) {
            return device.output(device.broadcast(), ethertype, packet);
        }
        self.neighbor.deliver(route.iface, route.next_hop, packet)
        // END 3.12
    }
    // ANCHOR_END: output_device
}

/// The header of a packet that we have just built, as the log shows it.
fn dump(packet: &[u8]) -> impl fmt::Display {
    fmt::from_fn(|f| match Header::parse(packet) {
        Ok(header) => fmt::Display::fmt(&header, f),
        Err(error) => fmt::Display::fmt(&error, f),
    })
}
