//! What is below fails, the clock jumps, programs let go of their handles at
//! the worst moment: the stack survives it, nobody hangs, and nothing is left.
#![allow(clippy::unwrap_used)]

mod clock;
mod device;
mod handles;
#[path = "../sockets/world.rs"]
#[expect(dead_code, reason = "the tests of sockets use more of it")]
mod world;

/// SplitMix64: small, seeded, good enough to play fate.
pub struct Random(pub u64);

impl Random {
    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}
