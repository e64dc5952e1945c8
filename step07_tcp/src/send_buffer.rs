//! The send buffer: what the user has written and the peer has not acknowledged.
//!
//! ```text
//!        start                SND.NXT                  end
//!          ├── in flight ────────┼── not yet sent ──────┤      room
//!          ▲                                            ▲
//!   acknowledge() moves it                     write() moves it
//! ```

use std::collections::VecDeque;

use crate::packet::Packet;
use crate::seq::{SeqNumber, octets};

// ANCHOR: buffer
/// Octets with their sequence numbers.
#[derive(Debug)]
pub struct SendBuffer {
    /// The sequence number of the first octet.
    start: SeqNumber,
    octets: VecDeque<u8>,
    capacity: usize,
    /// The user will write no more: a FIN follows the last octet.
    closed: bool,
}
// ANCHOR_END: buffer

impl SendBuffer {
    /// An empty buffer; the first octet written gets the number `start`.
    pub fn new(start: SeqNumber, capacity: usize) -> Self {
        Self {
            start,
            octets: VecDeque::new(),
            capacity,
            closed: false,
        }
    }

    /// Lets it hold up to `capacity` octets; it never becomes smaller.
    pub fn grow(&mut self, capacity: usize) {
        self.capacity = self.capacity.max(capacity);
    }

    /// How many octets can be written.
    pub fn room(&self) -> usize {
        self.capacity.saturating_sub(self.octets.len())
    }

    /// True if everything written has been acknowledged.
    pub fn is_empty(&self) -> bool {
        self.octets.is_empty()
    }

    /// The sequence number behind the last octet: that of the FIN, if there is one.
    pub fn end(&self) -> SeqNumber {
        self.start + octets(self.octets.len())
    }

    // ANCHOR: write
    /// Takes as much of `data` as there is room for, and tells how much.
    pub fn write(&mut self, data: &[u8]) -> usize {
        let taken = data.get(..self.room()).unwrap_or(data);
        self.octets.extend(taken);
        taken.len()
    }
    // ANCHOR_END: write

    /// What it occupies, in octets.
    pub fn allocated(&self) -> usize {
        self.octets.capacity()
    }

    /// Gives its memory back, if it is empty.
    pub fn release(&mut self) {
        if self.octets.is_empty() {
            self.octets = VecDeque::new();
        }
    }

    /// No more will be written.
    pub fn close(&mut self) {
        self.closed = true;
    }

    /// Has [`close`](Self::close) been called?
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    // ANCHOR: acknowledge
    /// Forgets everything before `una`.
    pub fn acknowledge(&mut self, una: SeqNumber) {
        let acked = una.saturating_since(self.start) as usize;
        let acked = acked.min(self.octets.len());
        self.octets.drain(..acked);
        self.start += octets(acked);
    }
    // ANCHOR_END: acknowledge

    /// A copy of the `len` octets from `seq` on, or of those of them that are there.
    pub fn copy(&self, seq: SeqNumber, len: u32) -> Packet {
        let from = seq.saturating_since(self.start) as usize;
        let (front, back) = self.octets.as_slices();
        let (front, from_back) = match front.get(from..) {
            Some(rest) => (rest, 0),
            None => (&[][..], from - front.len()),
        };
        let back = back.get(from_back..).unwrap_or_default();
        let len = len as usize;
        let front = front.get(..len).unwrap_or(front);
        let back = back.get(..len - front.len()).unwrap_or(back);
        let mut packet = Packet::with_capacity(front.len() + back.len());
        packet.append(front);
        packet.append(back);
        packet
    }

    /// Forgets everything: the connection is gone.
    pub fn clear(&mut self) {
        self.octets = VecDeque::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_keep_their_numbers_across_both_wraps() {
        // Both the ring and the sequence numbers go round many times.
        let mut buffer = SendBuffer::new(SeqNumber::new(u32::MAX - 40), 10);
        let mut next = 0_u8;
        let mut una = buffer.end();
        for step in 1..=9_u32 {
            for _ in 0..20 {
                while buffer.write(&[next]) == 1 {
                    next = next.wrapping_add(1);
                }
                assert_eq!(buffer.room(), 0);
                let all: Vec<u8> = (0..10)
                    .map(|i| next.wrapping_sub(10).wrapping_add(i))
                    .collect();
                for from in 0..=10 {
                    for len in 0..=12 {
                        let copy = buffer.copy(una + octets(from), octets(len));
                        assert_eq!(*copy, all[from..(from + len).min(10)], "{from}, {len}");
                    }
                }
                una += step;
                buffer.acknowledge(una);
                assert_eq!(buffer.room(), step as usize);
            }
        }
    }

    #[test]
    fn strange_acknowledgments_do_no_harm() {
        let start = SeqNumber::new(100);
        let mut buffer = SendBuffer::new(start, 10);
        assert_eq!(buffer.write(b"0123456789abc"), 10);
        buffer.acknowledge(start - 1);
        assert_eq!(buffer.end().since(start), 10);
        buffer.acknowledge(start + 11); // the FIN behind the text
        assert!(buffer.is_empty());
        assert_eq!(buffer.end(), start + 10);
        assert!(buffer.copy(start - 5, 3).is_empty());
        assert!(buffer.copy(start + 50, 3).is_empty());
    }
}
