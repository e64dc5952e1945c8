//! Ethernet's hardware addresses.

use std::fmt;
use std::str::FromStr;

use crate::device::HwAddr;

/// An Ethernet address (IEEE 802: EUI-48), written `00:00:5e:00:53:01`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddr(pub [u8; 6]);

impl MacAddr {
    /// No address.
    pub const ANY: Self = Self([0; 6]);
    /// The address of all stations on the link.
    pub const BROADCAST: Self = Self([0xff; 6]);

    /// True if it names a group of stations: the broadcast address, or a multicast one.
    pub fn is_group(self) -> bool {
        self.0[0] & 1 != 0
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// A text or hardware address that is no Ethernet address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadMacAddr;

impl fmt::Display for BadMacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an Ethernet address, such as 00:00:5e:00:53:01")
    }
}

impl std::error::Error for BadMacAddr {}

impl FromStr for MacAddr {
    type Err = BadMacAddr;

    fn from_str(text: &str) -> Result<Self, BadMacAddr> {
        let mut octets = [0; 6];
        let mut parts = text.split(':');
        for octet in &mut octets {
            let part = parts
                .next()
                .filter(|part| part.len() == 2 && !part.starts_with('+'));
            *octet = u8::from_str_radix(part.ok_or(BadMacAddr)?, 16).map_err(|_| BadMacAddr)?;
        }
        match parts.next() {
            None => Ok(Self(octets)),
            Some(_) => Err(BadMacAddr),
        }
    }
}

impl From<MacAddr> for HwAddr {
    fn from(mac: MacAddr) -> Self {
        mac.0.into()
    }
}

impl TryFrom<HwAddr> for MacAddr {
    type Error = BadMacAddr;

    fn try_from(addr: HwAddr) -> Result<Self, BadMacAddr> {
        addr.octets().try_into().map(Self).map_err(|_| BadMacAddr)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        let mac: MacAddr = "00:00:5E:00:53:01".parse().unwrap();
        assert_eq!(mac.to_string(), "00:00:5e:00:53:01");
        assert_eq!(MacAddr::try_from(HwAddr::from(mac)), Ok(mac));
        assert_eq!(MacAddr::try_from(HwAddr::NONE), Err(BadMacAddr));
        for text in [
            "",
            "00:00:5e:00:53",
            "00:00:5e:00:53:01:02",
            "0:0:5e:0:53:1",
            "00:00:5e:00:53:0g",
            "+1:00:5e:00:53:01",
        ] {
            assert_eq!(text.parse::<MacAddr>(), Err(BadMacAddr), "{text}");
        }
    }

    #[test]
    fn groups() {
        assert!(MacAddr::BROADCAST.is_group());
        assert!(MacAddr([0x01, 0, 0x5e, 0, 0, 1]).is_group());
        assert!(!MacAddr([0x02, 0, 0, 0, 0, 1]).is_group());
    }
}
