//! The control bits of a segment (RFC 9293 §3.1).

use std::fmt;
use std::ops::{BitOr, BitOrAssign, Sub};

/// A set of control bits, in the positions they have in the header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags(u8);

impl Flags {
    /// No bit at all.
    pub const NONE: Self = Self(0x00);
    /// No more data from the sender.
    pub const FIN: Self = Self(0x01);
    /// Synchronize sequence numbers.
    pub const SYN: Self = Self(0x02);
    /// Reset the connection.
    pub const RST: Self = Self(0x04);
    /// Push: deliver without waiting for more.
    pub const PSH: Self = Self(0x08);
    /// The acknowledgment field is significant.
    pub const ACK: Self = Self(0x10);
    /// The urgent pointer field is significant.
    pub const URG: Self = Self(0x20);
    /// ECN echo (RFC 3168); carried, not used.
    pub const ECE: Self = Self(0x40);
    /// Congestion window reduced (RFC 3168); carried, not used.
    pub const CWR: Self = Self(0x80);

    /// The octet of the header.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// All eight bits have a meaning, so every octet is a valid set.
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// True if every bit of `other` is set here.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Is FIN set?
    pub const fn fin(self) -> bool {
        self.contains(Self::FIN)
    }

    /// Is SYN set?
    pub const fn syn(self) -> bool {
        self.contains(Self::SYN)
    }

    /// Is RST set?
    pub const fn rst(self) -> bool {
        self.contains(Self::RST)
    }

    /// Is ACK set?
    pub const fn ack(self) -> bool {
        self.contains(Self::ACK)
    }

    /// Is URG set?
    pub const fn urg(self) -> bool {
        self.contains(Self::URG)
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Flags {
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}

impl Sub for Flags {
    type Output = Self;

    /// The bits that are set here and not in `other`.
    fn sub(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

/// Eight places, `--UAPRSF`, with a dash for each bit that is not set.
impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, letter) in "CEUAPRSF".chars().enumerate() {
            let set = self.0 & (0x80 >> place) != 0;
            fmt::Write::write_char(f, if set { letter } else { '-' })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn displays_eight_places() {
        assert_eq!(Flags::from_bits(0x3f).to_string(), "--UAPRSF");
        assert_eq!((Flags::SYN | Flags::ACK).to_string(), "---A--S-");
        assert_eq!(Flags::from_bits(0xff).to_string(), "CEUAPRSF");
        assert_eq!(Flags::NONE.to_string(), "--------");
    }

    #[test]
    fn sets_can_be_taken_apart() {
        let mut flags = Flags::SYN | Flags::ACK;
        assert!(flags.syn() && flags.ack() && !flags.fin() && !flags.rst() && !flags.urg());
        flags |= Flags::FIN;
        assert_eq!(flags - Flags::SYN, Flags::ACK | Flags::FIN);
        assert!(!flags.contains(Flags::RST | Flags::ACK));
    }
}
