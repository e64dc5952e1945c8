//! The numbers by which a link says which protocol a frame carries.

use std::fmt;

/// An EtherType (IEEE 802.3; the list is kept by IANA, "ieee-802-numbers").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EtherType(pub u16);

// ANCHOR: names
impl EtherType {
    /// IPv4 (RFC 894).
    pub const IP: Self = Self(0x0800);
    /// Address Resolution Protocol (RFC 826).
    pub const ARP: Self = Self(0x0806);
    /// IPv6 (RFC 2464).
    pub const IPV6: Self = Self(0x86dd);
}
// ANCHOR_END: names

/// Shown as the log does: `ARP(0x0806)`.
impl fmt::Display for EtherType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match *self {
            Self::IP => "IP",
            Self::ARP => "ARP",
            Self::IPV6 => "IPV6",
            _ => "UNKNOWN",
        };
        write!(f, "{name}(0x{:04x})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_numbers_stay_what_they_are() {
        assert_eq!(EtherType::ARP.to_string(), "ARP(0x0806)");
        assert_eq!(EtherType(0x88cc).to_string(), "UNKNOWN(0x88cc)");
    }
}
