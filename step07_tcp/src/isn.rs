//! Numbers that nobody outside can guess: initial sequence numbers (RFC 6528)
//! and ephemeral ports (RFC 6056).
//!
//! Both need a function F(addresses, ports, secret) that looks random to those
//! who do not know the secret, and always gives the same value to those who
//! do: a hash with a key. SipHash is made for such short inputs.

use std::net::SocketAddrV4;

use crate::seq::SeqNumber;
use crate::time::Time;
use crate::timestamps::TimestampClock;

/// The range of IANA for ports that are not assigned (RFC 6335 §6).
const EPHEMERAL: std::ops::RangeInclusive<u16> = 49_152..=65_535;

/// The key of the hash.
#[derive(Clone, Copy)]
pub struct Secret {
    keys: [u64; 2],
}

/// A secret is not for logs.
impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// Makes a key of a random number.
    pub fn new(random: u64) -> Self {
        Self {
            keys: [random, random.rotate_left(32) ^ 0x5bd1_e995_9e37_79b9],
        }
    }

    /// The initial sequence number of a connection: a clock that ticks every
    /// four microseconds, so that a new incarnation of a connection starts
    /// beyond the old one, plus F, so that knowing one connection's numbers
    /// tells nothing about another's (RFC 6528 §3, RFC 9293 §3.4.1 MUST-8).
    // ANCHOR: isn
    pub fn initial_sequence_number(
        &self,
        local: SocketAddrV4,
        remote: SocketAddrV4,
        now: Time,
    ) -> SeqNumber {
        // EXERCISE 7.4: A number to begin with
        let ticks = low(now.as_nanos() / 4_000);
        SeqNumber::new(low(self.hash(local, remote, 0))) + ticks
        // END 7.4
    }
    // ANCHOR_END: isn

    /// What the timestamp clock of a connection shows at the start of time:
    /// nothing that tells how long this host is running, and always the same
    /// for the same ends, so that the clock goes on from one incarnation of a
    /// connection to the next (RFC 7323 §7.1, RFC 6191 §2).
    pub fn timestamp_clock(&self, local: SocketAddrV4, remote: SocketAddrV4) -> TimestampClock {
        TimestampClock::new(low(self.hash(local, remote, 2)))
    }

    // ANCHOR: ports
    /// Candidates for the port of an active open, every port of the range once.
    /// The start depends on who is to be reached and the next is the one
    /// behind, so that a port comes back as late as possible (RFC 6056 §3.3.3).
    pub fn ephemeral_ports(
        &self,
        local: SocketAddrV4,
        remote: SocketAddrV4,
        count: u64,
    ) -> impl Iterator<Item = u16> + use<> {
        let size = u64::from(EPHEMERAL.end() - EPHEMERAL.start()) + 1;
        let offset = self.hash(local, remote, 1).wrapping_add(count);
        (0..size).filter_map(move |step| {
            let place = offset.wrapping_add(step) % size;
            u16::try_from(u64::from(*EPHEMERAL.start()) + place).ok()
        })
    }
    // ANCHOR_END: ports

    /// The hash behind a SYN cookie: like F, over what the cookie vouches for.
    pub(crate) fn cookie(
        &self,
        (local, remote): (SocketAddrV4, SocketAddrV4),
        irs: SeqNumber,
        what: u64,
    ) -> u64 {
        // As long as no other use of the key: so none can give the same value.
        let ends = self.hash(local, remote, 3);
        siphash(self.keys, &[ends, u64::from(irs.value()), what, 3])
    }

    /// F, for two addresses with ports and a number that separates its uses.
    // ANCHOR: hash
    fn hash(&self, local: SocketAddrV4, remote: SocketAddrV4, purpose: u8) -> u64 {
        let ends =
            [local, remote].map(|end| u64::from(end.ip().to_bits()) << 16 | u64::from(end.port()));
        siphash(self.keys, &[ends[0], ends[1], u64::from(purpose)])
    }
    // ANCHOR_END: hash
}

/// The lower 32 bits.
fn low(value: u64) -> u32 {
    let [a, b, c, d, ..] = value.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

/// SipHash-2-4 of Aumasson and Bernstein, over whole 64-bit words.
fn siphash([k0, k1]: [u64; 2], message: &[u64]) -> u64 {
    let mut v = [
        k0 ^ 0x736f_6d65_7073_6575,
        k1 ^ 0x646f_7261_6e64_6f6d,
        k0 ^ 0x6c79_6765_6e65_7261,
        k1 ^ 0x7465_6462_7974_6573,
    ];
    let round = |v: &mut [u64; 4]| {
        v[0] = v[0].wrapping_add(v[1]);
        v[1] = v[1].rotate_left(13) ^ v[0];
        v[0] = v[0].rotate_left(32);
        v[2] = v[2].wrapping_add(v[3]);
        v[3] = v[3].rotate_left(16) ^ v[2];
        v[0] = v[0].wrapping_add(v[3]);
        v[3] = v[3].rotate_left(21) ^ v[0];
        v[2] = v[2].wrapping_add(v[1]);
        v[1] = v[1].rotate_left(17) ^ v[2];
        v[2] = v[2].rotate_left(32);
    };
    // The last word holds the length in octets, modulo 256, in its top octet.
    let length = (message.len() as u64 * 8) << 56;
    for word in message.iter().copied().chain([length]) {
        v[3] ^= word;
        round(&mut v);
        round(&mut v);
        v[0] ^= word;
    }
    v[2] ^= 0xff;
    for _ in 0..4 {
        round(&mut v);
    }
    v[0] ^ v[1] ^ v[2] ^ v[3]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::time::Duration;

    fn ends() -> (SocketAddrV4, SocketAddrV4) {
        (
            "192.0.2.2:50000".parse().unwrap(),
            "192.0.2.1:7".parse().unwrap(),
        )
    }

    #[test]
    fn siphash_gives_the_published_values() {
        // The reference implementation's test vectors for 0, 8 and 16 octets
        // 00 01 02 …, under the key 00 01 … 0f.
        let word = |first: u8| u64::from_le_bytes([0, 1, 2, 3, 4, 5, 6, 7].map(|i| first + i));
        let key = [word(0), word(8)];
        assert_eq!(siphash(key, &[]), 0x726f_db47_dd0e_0e31);
        assert_eq!(siphash(key, &[word(0)]), 0x93f5_f579_9a93_2462);
        assert_eq!(siphash(key, &[word(0), word(8)]), 0x3f2a_cc7f_57c2_9bdb);
    }

    #[test]
    fn sequence_numbers_follow_the_clock_and_hide_the_secret() {
        let (local, remote) = ends();
        let secret = Secret::new(1);
        let isn = |now| secret.initial_sequence_number(local, remote, now);
        let start = isn(Time::ZERO);
        assert_eq!(isn(Time::ZERO + Duration::from_micros(4)), start + 1);
        assert_eq!(isn(Time::ZERO + Duration::from_secs(1)), start + 250_000);
        let other_port = SocketAddrV4::new(*local.ip(), 50_001);
        let other = secret.initial_sequence_number(other_port, remote, Time::ZERO);
        assert!(other.since(start) > 1 << 16 && start.since(other) > 1 << 16);
        assert_ne!(
            Secret::new(2).initial_sequence_number(local, remote, Time::ZERO),
            start
        );
    }

    #[test]
    fn every_port_comes_once() {
        let (local, remote) = ends();
        let ports: Vec<u16> = Secret::new(7).ephemeral_ports(local, remote, 0).collect();
        assert_eq!(ports.len(), 16_384);
        assert_eq!(ports.iter().collect::<BTreeSet<_>>().len(), ports.len());
        assert!(ports.iter().all(|&port| port >= 49_152));
        assert_eq!(
            Secret::new(7).ephemeral_ports(local, remote, 3).next(),
            Some(ports[3])
        );
    }
}
