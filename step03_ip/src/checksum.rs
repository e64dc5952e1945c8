//! The Internet checksum (RFC 1071): the complement of the one's complement
//! sum of all 16-bit words, used by IPv4, ICMP, UDP and TCP.

use std::net::Ipv4Addr;

/// A sum in progress, for data that lies in several pieces.
///
/// Every piece but the last must have an even length.
#[derive(Clone, Copy, Debug, Default)]
pub struct Checksum(u64);

impl Checksum {
    /// An empty sum.
    pub const fn new() -> Self {
        Self(0)
    }

    /// The sum over the pseudo-header that UDP (RFC 768) and TCP (RFC 9293
    /// §3.1) put in front of their own header. `len` is the length of header
    /// and data in octets; more than 65,535 never gets here, as an IPv4
    /// datagram cannot carry it.
    pub fn pseudo_header(src: Ipv4Addr, dst: Ipv4Addr, protocol: u8, len: usize) -> Self {
        let mut sum = Self::new();
        sum.add(&src.octets());
        sum.add(&dst.octets());
        sum.0 += u64::from(protocol) + len as u64;
        sum
    }

    // ANCHOR: add
    /// Adds a piece of data. An odd last octet is padded with a zero.
    pub fn add(&mut self, data: &[u8]) {
        // EXERCISE 3.1: The Internet checksum
        // One's complement addition is associative, so four octets are added at
        // a time, and the carries are folded once, at the end. Words whose octets
        // have changed places have a sum whose octets have: so they are read as
        // this machine likes it, and it is the sum that is turned (RFC 1071 §2).
        let mut words = data.chunks_exact(4);
        let mut turned = 0;
        for word in &mut words {
            turned += u64::from(u32::from_ne_bytes([word[0], word[1], word[2], word[3]]));
        }
        self.0 += u64::from(u16::from_be(fold(turned)));
        let mut halves = words.remainder().chunks_exact(2);
        for half in &mut halves {
            self.0 += u64::from(u16::from_be_bytes([half[0], half[1]]));
        }
        if let [last] = halves.remainder() {
            self.0 += u64::from(*last) << 8;
        }
        // END 3.1
    }
    // ANCHOR_END: add

    // ANCHOR: finish
    /// The checksum to be written into a header, or 0 if the data, its
    /// checksum field included, is intact.
    pub fn finish(self) -> u16 {
        !fold(self.0)
    }
}

/// Adds what is above 16 bits to the rest, until nothing is.
fn fold(sum: u64) -> u16 {
    // EXERCISE 3.1: The Internet checksum
    let mut sum = sum;
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    // The loop leaves 16 bits.
    u16::try_from(sum).unwrap_or(u16::MAX)
    // END 3.1
}
// ANCHOR_END: finish

/// The checksum of one contiguous piece of data.
pub fn checksum(data: &[u8]) -> u16 {
    let mut sum = Checksum::new();
    sum.add(data);
    sum.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    // ANCHOR: words
    /// The checksum as its definition says it: one word after the other.
    fn word_by_word(data: &[u8]) -> u16 {
        let mut sum = 0u16;
        for word in data.chunks(2) {
            let low = word.get(1).copied().unwrap_or(0);
            let (rest, carry) = sum.overflowing_add(u16::from_be_bytes([word[0], low]));
            sum = rest + u16::from(carry);
        }
        !sum
    }
    // ANCHOR_END: words

    #[test]
    fn four_octets_at_a_time_give_the_same_sum() {
        let env = crate::env::Env::manual(1);
        for len in 0..300 {
            let data: Vec<u8> = (0..len).map(|_| env.random().to_le_bytes()[0]).collect();
            assert_eq!(checksum(&data), word_by_word(&data), "{data:02x?}");
        }
        // Carries all the way, and a sum of nothing.
        for data in [[0xff; 64], [0; 64]] {
            assert_eq!(checksum(&data), word_by_word(&data));
        }
    }

    #[test]
    fn example_of_rfc_1071() {
        // RFC 1071 §3: the words 0001 f203 f4f5 f6f7 sum up to ddf2.
        let data = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(checksum(&data), !0xddf2);
    }

    #[test]
    fn verifies_to_zero_and_sees_a_flipped_bit() {
        let mut data =
            *b"\x45\x00\x00\x30\x00\x80\x00\x00\xff\x01\xbd\x4a\x7f\x00\x00\x01\x7f\x00\x00\x01";
        assert_eq!(checksum(&data), 0);
        data[8] ^= 0x10;
        assert_ne!(checksum(&data), 0);
    }

    #[test]
    fn odd_length_is_padded() {
        assert_eq!(checksum(b"abc"), checksum(b"abc\0"));
    }

    #[test]
    fn pieces_sum_up_to_the_whole() {
        let data: Vec<u8> = (0..=255).collect();
        let mut sum = Checksum::new();
        sum.add(&data[..98]);
        sum.add(&data[98..]);
        assert_eq!(sum.finish(), checksum(&data));
    }

    #[test]
    fn pseudo_header_counts_every_field() {
        let (src, dst) = (Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 2));
        let mut whole = vec![];
        whole.extend(src.octets());
        whole.extend(dst.octets());
        whole.extend([0, 17, 0, 8]);
        assert_eq!(
            Checksum::pseudo_header(src, dst, 17, 8).finish(),
            checksum(&whole)
        );
    }
}
