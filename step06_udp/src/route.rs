//! Routes: which interface and which neighbour lead to a destination.

use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;

use log::info;

use crate::ip::output::{Route, Router};
use crate::ip::{Cidr, Interface, Interfaces};

// ANCHOR: entry
#[derive(Clone, Copy, Debug)]
struct Entry {
    network: Cidr,
    /// Who takes it; `None`: the destination is on the link itself.
    next_hop: Option<Ipv4Addr>,
    /// Index into the table of interfaces.
    iface: usize,
}
// ANCHOR_END: entry

/// The table of routes. It is filled first, and then moved into [`Ip`](crate::ip::Ip).
#[derive(Debug)]
pub struct Routes {
    interfaces: Arc<Interfaces>,
    entries: Vec<Entry>,
}

/// A next hop that is on none of our links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotOnLink(pub Ipv4Addr);

impl fmt::Display for NotOnLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "next hop {} is on none of our networks", self.0)
    }
}

impl std::error::Error for NotOnLink {}

impl Routes {
    /// The routes that follow from the interfaces: each leads to its own network.
    // ANCHOR: new
    pub fn new(interfaces: &Arc<Interfaces>) -> Self {
        let mut routes = Self {
            interfaces: Arc::clone(interfaces),
            entries: Vec::new(),
        };
        for (iface, interface) in interfaces.as_slice().iter().enumerate() {
            routes.push(Entry {
                network: interface.network(),
                next_hop: None,
                iface,
            });
        }
        routes
    }
    // ANCHOR_END: new

    // ANCHOR: add
    /// Adds a route to `network` by the neighbour `next_hop`.
    ///
    /// # Errors
    /// `next_hop` is on none of our links.
    pub fn add(&mut self, network: Cidr, next_hop: Ipv4Addr) -> Result<(), NotOnLink> {
        // EXERCISE 6.1: The longest prefix wins
        let mut interfaces = self.interfaces.as_slice().iter();
        let on_link = |interface: &Interface| interface.network().contains(next_hop);
        let iface = interfaces.position(on_link).ok_or(NotOnLink(next_hop))?;
        self.push(Entry {
            network,
            next_hop: Some(next_hop),
            iface,
        });
        Ok(())
        // END 6.1
    }
    // ANCHOR_END: add

    /// Adds the route that is taken if no other fits.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    // ANCHOR: default
    pub fn set_default_gateway(&mut self, gateway: Ipv4Addr) -> Result<(), NotOnLink> {
        match Cidr::new(Ipv4Addr::UNSPECIFIED, 0) {
            Ok(everything) => self.add(everything, gateway),
            Err(_) => Ok(()), // 0 is a prefix
        }
    }
    // ANCHOR_END: default

    fn push(&mut self, entry: Entry) {
        if let Some(interface) = self.interfaces.as_slice().get(entry.iface) {
            info!(
                target: "route::add",
                "route added: network={}, netmask={}, nexthop={}, iface={} dev={}",
                entry.network.network(), entry.network.netmask(),
                entry.next_hop.unwrap_or(Ipv4Addr::UNSPECIFIED),
                interface.unicast(), interface.device().name()
            );
        }
        self.entries.push(entry);
    }
}

impl Router for Routes {
    // ANCHOR: lookup
    /// The route with the longest prefix wins; among equals, the first.
    fn route<'a>(&self, ifaces: &'a [Interface], dst: Ipv4Addr) -> Option<Route<'a>> {
        // EXERCISE 6.1: The longest prefix wins
        let entries = self.entries.iter().rev();
        let fitting = entries.filter(|entry| entry.network.contains(dst));
        let best = fitting.max_by_key(|entry| entry.network.prefix())?;
        Some(Route {
            iface: ifaces.get(best.iface)?,
            next_hop: best.next_hop.unwrap_or(dst),
        })
        // END 6.1
    }
    // ANCHOR_END: lookup
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::Devices;
    use crate::env::Env;
    use crate::{loopback, null};

    #[test]
    fn the_longest_prefix_wins() {
        let mut devices = Devices::new(&Env::manual(0));
        let (lo, eth) = (loopback::init(&mut devices), null::init(&mut devices));
        let mut interfaces = Interfaces::new();
        interfaces
            .register(&lo, "127.0.0.1/8".parse().unwrap())
            .unwrap();
        interfaces
            .register(&eth, "192.0.2.2/24".parse().unwrap())
            .unwrap();
        let interfaces = Arc::new(interfaces);
        let mut routes = Routes::new(&interfaces);
        let addr = |last| Ipv4Addr::new(192, 0, 2, last);
        let find = |routes: &Routes, dst: &str| {
            let route = routes.route(interfaces.as_slice(), dst.parse().unwrap())?;
            Some((route.iface.device().name().to_owned(), route.next_hop))
        };
        assert_eq!(find(&routes, "8.8.8.8"), None);
        routes.set_default_gateway(addr(1)).unwrap();
        routes.add("10.0.0.0/8".parse().unwrap(), addr(10)).unwrap();
        routes
            .add("10.1.0.0/16".parse().unwrap(), addr(11))
            .unwrap();
        routes
            .add("10.1.0.0/16".parse().unwrap(), addr(12))
            .unwrap();
        let outside = "198.51.100.1".parse().unwrap();
        assert_eq!(routes.set_default_gateway(outside), Err(NotOnLink(outside)));
        for (dst, dev, next_hop) in [
            ("8.8.8.8", "net1", "192.0.2.1"),
            ("10.2.3.4", "net1", "192.0.2.10"),
            ("10.1.3.4", "net1", "192.0.2.11"),
            ("192.0.2.77", "net1", "192.0.2.77"),
            ("127.0.0.9", "net0", "127.0.0.9"),
        ] {
            let expected = Some((dev.to_owned(), next_hop.parse().unwrap()));
            assert_eq!(find(&routes, dst), expected, "{dst}");
        }
    }
}
