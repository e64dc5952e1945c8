//! Logical interfaces: "this is my address on that device".
//!
//! A device knows nothing of addresses above the link's. What a host is called
//! there depends on the address family; a device may have one interface of
//! each. [`Interface`] and its table are the same for all families; IPv4 is the
//! one that this stack speaks.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use log::{error, info};

use crate::device::{Device, DeviceFlags};
use crate::ip::cidr::Cidr;

// ANCHOR: family
/// A family of addresses: what an interface speaks.
pub trait Family: Copy + fmt::Debug + Send + Sync + 'static {
    /// The family's name in the log.
    const NAME: &'static str;
    /// Its addresses.
    type Address: Copy + Eq + fmt::Debug + fmt::Display + Send + Sync;
    /// An address and the network that it lies in.
    type Network: Copy + fmt::Debug + Send + Sync;

    /// The address, without its network.
    fn address(network: Self::Network) -> Self::Address;

    /// What the log tells of the network.
    fn describe(network: Self::Network, f: &mut fmt::Formatter<'_>) -> fmt::Result;
}
// ANCHOR_END: family

/// IPv4.
#[derive(Clone, Copy, Debug)]
pub struct V4;

impl Family for V4 {
    const NAME: &'static str = "IP";
    type Address = Ipv4Addr;
    type Network = Cidr;

    fn address(network: Cidr) -> Ipv4Addr {
        network.addr()
    }

    fn describe(network: Cidr, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (netmask, broadcast) = (network.netmask(), network.broadcast());
        write!(
            f,
            "unicast={}, netmask={netmask}, broadcast={broadcast}",
            network.addr()
        )
    }
}

/// IPv6, whose addresses have a prefix but no broadcast (RFC 4291 §2).
#[derive(Clone, Copy, Debug)]
pub struct V6;

impl Family for V6 {
    const NAME: &'static str = "IPV6";
    type Address = Ipv6Addr;
    type Network = (Ipv6Addr, u8);

    fn address((addr, _): Self::Network) -> Ipv6Addr {
        addr
    }

    fn describe((addr, prefix): Self::Network, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unicast={addr}, prefix={prefix}")
    }
}

// ANCHOR: interface
/// A host's address on a device.
#[derive(Clone, Debug)]
pub struct Interface<F: Family = V4> {
    device: Arc<Device>,
    network: F::Network,
}
// ANCHOR_END: interface

impl<F: Family> Interface<F> {
    /// The device that carries its packets.
    pub fn device(&self) -> &Arc<Device> {
        &self.device
    }

    /// The host's own address.
    pub fn unicast(&self) -> F::Address {
        F::address(self.network)
    }

    /// The address with its network.
    pub fn network(&self) -> F::Network {
        self.network
    }
}

impl Interface {
    // ANCHOR: broadcast
    /// True if `addr` reaches every host on the link: the network's broadcast
    /// address, or 255.255.255.255. Networks of one or two hosts (/32, /31)
    /// have no broadcast address of their own (RFC 3021).
    pub fn is_broadcast(&self, addr: Ipv4Addr) -> bool {
        // EXERCISE 3.8: Is it for me?
        let directed = self.network.prefix() < 31 && addr == self.network.broadcast();
        directed || addr.is_broadcast()
        // END 3.8
    }
    // ANCHOR_END: broadcast

    // ANCHOR: owns
    /// True if `addr` means this host on this interface: its own address, or
    /// any of the network at a loopback interface (RFC 1122 §3.2.1.3 (g): all
    /// of 127.0.0.0/8 is this host).
    pub fn owns(&self, addr: Ipv4Addr) -> bool {
        // EXERCISE 3.8: Is it for me?
        let inside = self.is_loopback() && self.network.contains(addr);
        addr == self.unicast() || inside && !self.is_broadcast(addr)
        // END 3.8
    }

    /// True if the interface takes datagrams for `dst`.
    pub fn accepts(&self, dst: Ipv4Addr) -> bool {
        // EXERCISE 3.8: Is it for me?
        self.owns(dst) || self.is_broadcast(dst)
        // END 3.8
    }
    // ANCHOR_END: owns

    /// True if what is sent here comes back.
    pub fn is_loopback(&self) -> bool {
        self.device.flags().contains(DeviceFlags::LOOPBACK)
    }
}

impl Interfaces {
    /// True if `addr` means this host, on any of its interfaces.
    pub fn owns(&self, addr: Ipv4Addr) -> bool {
        self.table.iter().any(|iface| iface.owns(addr))
    }

    /// True if `addr` reaches all hosts of a network that this host is on.
    pub fn is_broadcast(&self, addr: Ipv4Addr) -> bool {
        self.table.iter().any(|iface| iface.is_broadcast(addr))
    }
}

/// Two interfaces of one family on one device.
#[derive(Debug, PartialEq, Eq)]
pub struct AlreadyExists {
    device: String,
    family: &'static str,
}

impl fmt::Display for AlreadyExists {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "device {} has an {} interface already",
            self.device, self.family
        )
    }
}

impl std::error::Error for AlreadyExists {}

/// The interfaces of one family. Filled first, then frozen into an [`Arc`].
#[derive(Debug)]
pub struct Interfaces<F: Family = V4> {
    table: Vec<Interface<F>>,
}

impl<F: Family> Default for Interfaces<F> {
    fn default() -> Self {
        Self { table: Vec::new() }
    }
}

impl<F: Family> Interfaces<F> {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    // ANCHOR: register
    /// Gives the host an address on `device`.
    ///
    /// # Errors
    /// It has one of this family already.
    pub fn register(
        &mut self,
        device: &Arc<Device>,
        network: F::Network,
    ) -> Result<(), AlreadyExists> {
        // ANCHOR_END: register
        // EXERCISE 3.7: An address on a device
        // ANCHOR: register_body
        if self.on(device).is_some() {
            error!(target: "iface::register", "already exists, dev={}, family={}", device.name(), F::NAME);
            return Err(AlreadyExists {
                device: device.name().to_owned(),
                family: F::NAME,
            });
        }
        self.table.push(Interface {
            device: Arc::clone(device),
            network,
        });
        let description = fmt::from_fn(|f| F::describe(network, f));
        info!(target: "iface::register", "registered: dev={}, {description}", device.name());
        Ok(())
        // ANCHOR_END: register_body
        // END 3.7
    }

    // ANCHOR: on
    /// The interface on `device`.
    pub fn on(&self, device: &Arc<Device>) -> Option<&Interface<F>> {
        self.table
            .iter()
            .find(|iface| Arc::ptr_eq(&iface.device, device))
    }

    /// The interface whose own address is `addr`.
    pub fn select(&self, addr: F::Address) -> Option<&Interface<F>> {
        self.table.iter().find(|iface| iface.unicast() == addr)
    }
    // ANCHOR_END: on

    /// The interface by which the host reaches itself.
    pub fn loopback(&self) -> Option<&Interface<F>> {
        let mut table = self.table.iter();
        table.find(|iface| iface.device.flags().contains(DeviceFlags::LOOPBACK))
    }

    /// All interfaces, in the order of registration.
    pub fn as_slice(&self) -> &[Interface<F>] {
        &self.table
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::Devices;
    use crate::env::Env;
    use crate::{loopback, null};

    #[test]
    fn one_interface_per_family_and_device() {
        let mut devices = Devices::new(&Env::manual(0));
        let (lo, null) = (loopback::init(&mut devices), null::init(&mut devices));
        let mut v4 = Interfaces::<V4>::new();
        let mut v6 = Interfaces::<V6>::new();
        v4.register(&lo, "127.0.0.1/8".parse().unwrap()).unwrap();
        v6.register(&lo, (Ipv6Addr::LOCALHOST, 128)).unwrap();
        v4.register(&null, "192.0.2.2/24".parse().unwrap()).unwrap();
        let again = v4
            .register(&lo, "127.0.0.2/8".parse().unwrap())
            .unwrap_err();
        assert_eq!(again.to_string(), "device net0 has an IP interface already");
        assert_eq!(v4.on(&lo).unwrap().unicast(), Ipv4Addr::LOCALHOST);
        assert_eq!(
            v6.select(Ipv6Addr::LOCALHOST).unwrap().device().name(),
            "net0"
        );
        assert_eq!(
            v4.select(Ipv4Addr::new(192, 0, 2, 2))
                .unwrap()
                .device()
                .name(),
            "net1"
        );
        assert_eq!(v4.loopback().unwrap().device().name(), "net0");
        assert!(v6.on(&null).is_none());
    }

    #[test]
    fn what_an_interface_accepts() {
        let mut devices = Devices::new(&Env::manual(0));
        let null = null::init(&mut devices);
        let mut table = Interfaces::<V4>::new();
        table
            .register(&null, "192.0.2.2/24".parse().unwrap())
            .unwrap();
        let iface = table.on(&null).unwrap();
        for (addr, accepted) in [
            ("192.0.2.2", true),
            ("192.0.2.255", true),
            ("255.255.255.255", true),
            ("192.0.2.1", false),
            ("127.0.0.1", false),
        ] {
            assert_eq!(iface.accepts(addr.parse().unwrap()), accepted, "{addr}");
        }
    }

    #[test]
    fn networks_of_one_or_two_hosts_have_no_broadcast_address() {
        let mut devices = Devices::new(&Env::manual(0));
        // Where the prefix is short, the last address reaches all.
        for (network, last, broadcast) in [
            ("192.0.2.5/30", "192.0.2.7", true),
            ("192.0.2.4/31", "192.0.2.5", false),
            ("192.0.2.4/32", "192.0.2.4", false),
        ] {
            let null = null::init(&mut devices);
            let mut table = Interfaces::<V4>::new();
            table.register(&null, network.parse().unwrap()).unwrap();
            let iface = table.on(&null).unwrap();
            let last = last.parse().unwrap();
            assert_eq!(iface.is_broadcast(last), broadcast, "{network}");
            assert!(iface.is_broadcast(Ipv4Addr::BROADCAST), "{network}");
        }
    }
}
