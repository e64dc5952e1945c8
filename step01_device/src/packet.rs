//! The packet buffer.
//!
//! One allocation carries a packet through all floors. On the way down each
//! floor *prepends* its header into the headroom; on the way up each floor
//! *pulls* its header off. The payload is never copied for that.
//!
//! ```text
//!  0            head                                   buffer.len()
//!  ├── headroom ──┼──────────────── contents ──────────────┤
//!                 │◄─ pull(n) moves head to the right
//!   prepend(n) ─►│  moves head to the left
//! ```

use std::fmt;
use std::ops::{Deref, DerefMut};

use crate::pool::Buffer;
use crate::unfinished::Unfinished;

/// Room for the headers of all floors: Ethernet (14), IPv4 and TCP with
/// options (60 each), rounded down to a cache line; no packet of ours has
/// IP options.
pub const HEADROOM: usize = 128;

/// A packet: contents with room in front for the headers that are still to come.
#[derive(Clone, Default)]
pub struct Packet {
    buffer: Buffer,
    head: usize,
    link_broadcast: bool,
    undamaged: bool,
    /// Its `start` counts from the beginning of the buffer.
    unfinished: Option<Unfinished>,
}

impl Packet {
    /// A packet with `len` zero bytes of contents.
    pub fn zeroed(len: usize) -> Self {
        let mut packet = Self::with_capacity(len);
        packet.pad_to(len);
        packet
    }

    /// An empty packet to which so many bytes can be appended without a new allocation.
    pub fn with_capacity(len: usize) -> Self {
        let mut buffer = Buffer::used(HEADROOM + len);
        buffer.clear();
        buffer.resize(HEADROOM, 0);
        Self {
            buffer,
            head: HEADROOM,
            ..Self::default()
        }
    }

    /// A packet with `len` bytes of contents, into which a driver reads. What
    /// is in it is left over from another packet.
    pub fn for_reading(len: usize) -> Self {
        let mut buffer = Buffer::used(HEADROOM + len);
        buffer.resize(HEADROOM + len, 0);
        buffer[..HEADROOM].fill(0);
        Self {
            buffer,
            head: HEADROOM,
            ..Self::default()
        }
    }

    /// A packet with a copy of `contents`.
    pub fn new(contents: &[u8]) -> Self {
        let mut packet = Self::with_capacity(contents.len());
        packet.append(contents);
        packet
    }

    // ANCHOR: prepend
    /// Puts `n` bytes before the contents and returns them, for a header to be
    /// written. They hold whatever was pulled from there before, or zeros.
    pub fn prepend(&mut self, n: usize) -> &mut [u8] {
        // EXERCISE 1.1: Room for a header
        if n > self.head {
            // Rare: more headers than HEADROOM foresees. Make room once.
            let missing = n - self.head + HEADROOM;
            self.buffer.splice(0..0, std::iter::repeat_n(0, missing));
            self.head += missing;
            if let Some(unfinished) = &mut self.unfinished {
                unfinished.start = unfinished.start.saturating_add(place(missing));
            }
        }
        self.head -= n;
        &mut self.buffer[self.head..self.head + n]
        // END 1.1
    }
    // ANCHOR_END: prepend

    // ANCHOR: pull
    /// Takes `n` bytes off the front. Returns false, and changes nothing, if
    /// the packet is shorter. [`prepend`](Self::prepend) brings them back.
    #[must_use]
    pub fn pull(&mut self, n: usize) -> bool {
        // EXERCISE 1.2: A header comes off
        let fits = n <= self.len();
        if fits {
            self.head += n;
        }
        fits
        // END 1.2
    }
    // ANCHOR_END: pull

    /// The `n` bytes before the contents, which were [`pull`](Self::pull)ed
    /// before; fewer if there are fewer.
    pub fn pulled(&self, n: usize) -> &[u8] {
        &self.buffer[self.head.saturating_sub(n)..self.head]
    }

    /// Notes that a driver has received the packet by the link's broadcast
    /// address: the floors above must know (RFC 1122 §2.4).
    pub fn mark_link_broadcast(&mut self) {
        self.link_broadcast = true;
    }

    /// True if the packet came by the link's broadcast address.
    pub fn is_link_broadcast(&self) -> bool {
        self.link_broadcast
    }

    /// Notes that the packet has crossed no wire: its sender has left out the
    /// checksum of TCP or UDP, and there is nothing to verify.
    pub fn mark_undamaged(&mut self) {
        self.undamaged = true;
    }

    /// True if the checksum of TCP or UDP is not there, and need not be.
    pub fn is_undamaged(&self) -> bool {
        self.undamaged
    }

    /// Notes what the device is to finish. `unfinished.start` counts from the
    /// contents as they are now; [`prepend`](Self::prepend) leaves it right.
    pub fn leave_unfinished(&mut self, unfinished: Unfinished) {
        let start = place(self.head).saturating_add(unfinished.start);
        self.unfinished = Some(Unfinished {
            start,
            ..unfinished
        });
    }

    /// What the device is to finish.
    pub fn unfinished(&self) -> Option<Unfinished> {
        let unfinished = self.unfinished?;
        let start = unfinished.start.checked_sub(place(self.head))?;
        Some(Unfinished {
            start,
            ..unfinished
        })
    }

    /// True if the device is to cut the packet: it may be longer than the MTU.
    pub fn is_to_be_cut(&self) -> bool {
        self.unfinished.is_some_and(|left| left.segment.is_some())
    }

    /// Cuts the contents to `len` bytes, if they are longer: link padding.
    pub fn truncate(&mut self, len: usize) {
        self.buffer.truncate(self.head.saturating_add(len));
    }

    /// Fills the contents with zeros up to `len` bytes, if they are shorter.
    pub fn pad_to(&mut self, len: usize) {
        let end = self.head + len;
        if self.buffer.len() < end {
            self.buffer.resize(end, 0);
        }
    }

    /// Gives back the memory behind the contents: for a packet that is kept for
    /// a while, and was shorter than its buffer.
    pub fn shrink_to_fit(&mut self) {
        self.buffer.shrink_to_fit();
    }

    /// Appends a copy of `bytes` to the contents.
    pub fn append(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }
}

/// A place among the headers, which stand at the front of a buffer.
fn place(index: usize) -> u16 {
    u16::try_from(index).unwrap_or(u16::MAX)
}

/// Packets are equal if their contents are; what stands in the headroom does not count.
impl PartialEq for Packet {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Packet {}

impl Deref for Packet {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.buffer[self.head..]
    }
}

impl DerefMut for Packet {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.buffer[self.head..]
    }
}

impl fmt::Debug for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packet")
            .field("headroom", &self.head)
            .field("contents", &&**self)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_go_on_and_come_off() {
        let mut packet = Packet::new(b"payload");
        packet.prepend(2).copy_from_slice(b"h:");
        assert_eq!(&*packet, b"h:payload");
        assert!(packet.pull(2));
        assert_eq!(&*packet, b"payload");
        // What was pulled is still there: a reply is built in the request's buffer.
        assert_eq!(packet.prepend(2), b"h:");
    }

    #[test]
    fn what_was_pulled_can_be_looked_at() {
        let mut packet = Packet::new(b"header:payload");
        assert!(packet.pull(7));
        assert_eq!(packet.pulled(7), b"header:");
        assert_eq!(packet.pulled(4), b"der:");
        assert_eq!(packet.pulled(1000).len(), HEADROOM + 7);
    }

    #[test]
    fn pull_refuses_more_than_there_is() {
        let mut packet = Packet::new(b"abc");
        assert!(!packet.pull(4));
        assert_eq!(&*packet, b"abc");
        assert!(packet.pull(3));
        assert!(packet.is_empty());
    }

    #[test]
    fn prepend_grows_when_the_headroom_is_used_up() {
        let mut packet = Packet::new(b"x");
        packet.prepend(HEADROOM).fill(1);
        packet.prepend(3).fill(2);
        assert_eq!(packet.len(), HEADROOM + 4);
        assert_eq!(&packet[..4], &[2, 2, 2, 1]);
        assert_eq!(packet.last(), Some(&b'x'));
    }

    #[test]
    fn what_is_left_to_do_moves_with_the_headers() {
        let mut packet = Packet::new(b"tcp:text");
        assert_eq!(packet.unfinished(), None);
        let left = Unfinished {
            start: 0,
            checksum: 2,
            header_len: 4,
            segment: Some(1),
        };
        packet.leave_unfinished(left);
        packet.prepend(20);
        assert_eq!(packet.unfinished().map(|left| left.start), Some(20));
        // More headers than there is room for.
        packet.prepend(HEADROOM);
        assert_eq!(packet.unfinished().map(|left| left.start), Some(20 + 128));
        assert!(packet.is_to_be_cut());
    }

    #[test]
    fn padding_is_added_and_cut() {
        let mut packet = Packet::new(b"ab");
        packet.pad_to(4);
        assert_eq!(&*packet, b"ab\0\0");
        packet.truncate(2);
        assert_eq!(&*packet, b"ab");
        packet.truncate(9);
        assert_eq!(packet.len(), 2);
        packet.shrink_to_fit();
        assert_eq!(&*packet, b"ab");
        assert_eq!(packet.buffer.capacity(), HEADROOM + 2);
    }
}
