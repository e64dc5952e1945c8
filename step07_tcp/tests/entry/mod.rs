//! The doors through which any octets may come: what the fuzzer turns its
//! octets into, and what the same octets must never do.
//!
//! `tests/any_octets.rs` goes through them with a kept corpus and with octets
//! drawn at random; the targets in `xtask/fuzz` with what a fuzzer makes up.

pub mod conversation;
pub mod frames;
pub mod headers;

/// Octets, read as choices: whoever makes up the octets makes the choices.
pub struct Choices<'a>(pub &'a [u8]);

impl<'a> Choices<'a> {
    /// True if there is nothing left to choose.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next `len` octets, or as many as there are.
    pub fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// The next octet; 0 at the end.
    pub fn u8(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    /// The next two octets.
    pub fn u16(&mut self) -> u16 {
        u16::from_be_bytes([self.u8(), self.u8()])
    }

    /// The next four octets.
    pub fn u32(&mut self) -> u32 {
        u32::from(self.u16()) << 16 | u32::from(self.u16())
    }

    /// One of several.
    pub fn of<T: Copy>(&mut self, several: &[T]) -> T {
        several[usize::from(self.u8()) % several.len()]
    }
}
