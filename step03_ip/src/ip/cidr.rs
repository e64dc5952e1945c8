//! An address with the length of its network's prefix: `192.0.2.2/24`.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

// ANCHOR: cidr
/// An IPv4 address and how many of its leading bits name the network (RFC 4632).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    addr: Ipv4Addr,
    prefix: u8,
}
// ANCHOR_END: cidr

/// Why a text is no [`Cidr`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadCidr;

impl fmt::Display for BadCidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "not of the form ADDRESS/PREFIX, such as 192.0.2.2/24, with a prefix of 0 to 32",
        )
    }
}

impl std::error::Error for BadCidr {}

impl Cidr {
    /// An address in a network.
    ///
    /// # Errors
    /// `prefix` is more than 32.
    pub const fn new(addr: Ipv4Addr, prefix: u8) -> Result<Self, BadCidr> {
        if prefix > 32 {
            return Err(BadCidr);
        }
        Ok(Self { addr, prefix })
    }

    /// The address.
    pub fn addr(self) -> Ipv4Addr {
        self.addr
    }

    /// How many bits name the network: 0 to 32.
    pub fn prefix(self) -> u8 {
        self.prefix
    }

    // ANCHOR: netmask
    /// The mask of the bits that name the network.
    pub fn netmask(self) -> Ipv4Addr {
        // EXERCISE 3.6: Networks and masks
        let host_bits = 32 - u32::from(self.prefix);
        Ipv4Addr::from_bits(u32::MAX.checked_shl(host_bits).unwrap_or(0))
        // END 3.6
    }
    // ANCHOR_END: netmask

    // ANCHOR: network
    /// The network: the address with its host bits cleared.
    pub fn network(self) -> Ipv4Addr {
        self.addr & self.netmask()
    }

    /// The address that reaches every host of the network (RFC 919).
    pub fn broadcast(self) -> Ipv4Addr {
        // EXERCISE 3.6: Networks and masks
        self.addr | !self.netmask()
        // END 3.6
    }

    /// True if `addr` lies in the network.
    pub fn contains(self, addr: Ipv4Addr) -> bool {
        // EXERCISE 3.6: Networks and masks
        addr & self.netmask() == self.network()
        // END 3.6
    }
    // ANCHOR_END: network
}

impl FromStr for Cidr {
    type Err = BadCidr;

    fn from_str(text: &str) -> Result<Self, BadCidr> {
        let (addr, prefix) = text.split_once('/').ok_or(BadCidr)?;
        Self::new(
            addr.parse().map_err(|_| BadCidr)?,
            prefix.parse().map_err(|_| BadCidr)?,
        )
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.addr, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_of_all_lengths() {
        let cidr: Cidr = "192.0.2.130/25".parse().unwrap();
        assert_eq!(cidr.netmask(), Ipv4Addr::new(255, 255, 255, 128));
        assert_eq!(cidr.network(), Ipv4Addr::new(192, 0, 2, 128));
        assert_eq!(cidr.broadcast(), Ipv4Addr::new(192, 0, 2, 255));
        assert!(!cidr.contains(Ipv4Addr::new(192, 0, 2, 127)));
        let all: Cidr = "10.0.0.1/0".parse().unwrap();
        assert_eq!(all.netmask(), Ipv4Addr::UNSPECIFIED);
        assert!(all.contains(Ipv4Addr::new(8, 8, 8, 8)));
        let one: Cidr = "10.0.0.1/32".parse().unwrap();
        assert_eq!((one.network(), one.broadcast()), (one.addr(), one.addr()));
    }

    #[test]
    fn wrong_texts() {
        for text in [
            "",
            "192.0.2.2",
            "192.0.2.2/33",
            "192.0.2/24",
            "192.0.2.2/-1",
            "/24",
            "a/8",
        ] {
            assert_eq!(text.parse::<Cidr>(), Err(BadCidr), "{text}");
        }
    }
}
