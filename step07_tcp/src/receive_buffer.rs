//! The receive buffer: what has arrived and the user has not read.
//!
//! ```text
//!   0                 readable                              capacity
//!   ├── in order ────────┼─ gap ─┼─ out of order ─┤             │
//!                        ▲ RCV.NXT
//! ```
//!
//! Text that arrives out of order is put where it belongs at once; which parts
//! are there is known to [`Reassembly`](crate::reassembly::Reassembly).

use std::collections::VecDeque;

// ANCHOR: buffer
/// A ring of octets that grows with its use, up to a capacity.
#[derive(Debug)]
pub struct ReceiveBuffer {
    octets: VecDeque<u8>,
    readable: usize,
    capacity: usize,
}
// ANCHOR_END: buffer

impl ReceiveBuffer {
    /// An empty buffer.
    pub fn new(capacity: usize) -> Self {
        Self {
            octets: VecDeque::new(),
            readable: 0,
            capacity,
        }
    }

    /// How many octets it can hold.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// What it occupies, in octets.
    pub fn allocated(&self) -> usize {
        self.octets.capacity()
    }

    /// Gives its memory back, if there is nothing in it, in order or not.
    pub fn release(&mut self) {
        if self.octets.is_empty() {
            self.octets = VecDeque::new();
        }
    }

    /// Lets it hold up to `capacity` octets; it never becomes smaller.
    pub fn grow(&mut self, capacity: usize) {
        self.capacity = self.capacity.max(capacity);
    }

    /// How many octets can be read.
    pub fn readable(&self) -> usize {
        self.readable
    }

    /// How many more octets the peer may send.
    pub fn room(&self) -> usize {
        self.capacity.saturating_sub(self.readable)
    }

    // ANCHOR: write
    /// Puts `text` so many octets behind the readable ones. What would exceed
    /// the capacity is cut off: the window did not allow it.
    pub fn write(&mut self, offset: usize, text: &[u8]) {
        let text = text
            .get(..self.room().saturating_sub(offset))
            .unwrap_or(text);
        let at = self.readable + offset;
        if self.octets.len() < at {
            self.octets.resize(at, 0);
        }
        let overlap = text.len().min(self.octets.len() - at);
        let (over, beyond) = text.split_at(overlap);
        overwrite(&mut self.octets, at, over);
        self.octets.extend(beyond);
    }
    // ANCHOR_END: write

    /// `octets` more octets, written before, are now in order.
    pub fn advance(&mut self, octets: usize) {
        self.readable = (self.readable + octets).min(self.octets.len());
    }

    /// Copies to the user what is readable and fits, and keeps it.
    pub fn peek(&self, buffer: &mut [u8]) -> usize {
        let len = buffer.len().min(self.readable);
        let (front, back) = self.octets.as_slices();
        let from_front = len.min(front.len());
        for (to, from) in [(0..from_front, front), (from_front..len, back)] {
            let count = to.len();
            if let (Some(to), Some(from)) = (buffer.get_mut(to), from.get(..count)) {
                to.copy_from_slice(from);
            }
        }
        len
    }

    /// Copies to the user what is readable and fits, and forgets it.
    pub fn read(&mut self, buffer: &mut [u8]) -> usize {
        let len = self.peek(buffer);
        self.octets.drain(..len);
        self.readable -= len;
        len
    }

    /// Forgets what is not in order: nothing will fill the gaps any more.
    pub fn forget_out_of_order(&mut self) {
        self.octets.truncate(self.readable);
        self.octets.shrink_to_fit();
    }
}

/// Replaces the octets of `ring` from `at` on, all of which exist.
fn overwrite(ring: &mut VecDeque<u8>, at: usize, text: &[u8]) {
    let (front, back) = ring.as_mut_slices();
    let split = front.len();
    let in_front = text.len().min(split.saturating_sub(at));
    let (first, second) = text.split_at(in_front);
    if let Some(place) = front.get_mut(at..at + first.len()) {
        place.copy_from_slice(first);
    }
    let at = (at + in_front).saturating_sub(split);
    if let Some(place) = back.get_mut(at..at + second.len()) {
        place.copy_from_slice(second);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(buffer: &mut ReceiveBuffer, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        let read = buffer.read(&mut bytes);
        bytes.truncate(read);
        bytes
    }

    #[test]
    fn gaps_are_filled_in_place() {
        let mut buffer = ReceiveBuffer::new(8);
        buffer.write(4, b"ef");
        assert_eq!((buffer.readable(), buffer.room()), (0, 8));
        buffer.write(0, b"abcd");
        buffer.advance(6);
        assert_eq!(read(&mut buffer, 4), b"abcd");
        buffer.write(0, b"ghijklmn"); // two too many
        buffer.advance(8);
        assert_eq!(buffer.room(), 0);
        assert_eq!(read(&mut buffer, 99), b"efghijkl");
        assert_eq!(read(&mut buffer, 99), b"");
    }

    #[test]
    fn every_order_of_pieces_gives_the_same_text() {
        // The ring's start is moved between rounds, so that pieces cross its seam.
        let mut buffer = ReceiveBuffer::new(12);
        let text = b"0123456789ab";
        for round in 0..40 {
            for split in 1..text.len() {
                let (head, tail) = text.split_at(split);
                if round % 2 == 0 {
                    buffer.write(split, tail);
                    buffer.write(
                        split.saturating_sub(2),
                        &text[split.saturating_sub(2)..split + 1],
                    );
                }
                buffer.write(0, head);
                buffer.write(split, tail);
                buffer.advance(text.len());
                assert_eq!(read(&mut buffer, 5), text[..5]);
                assert_eq!(read(&mut buffer, 99), text[5..]);
            }
            buffer.write(0, b"x");
            buffer.advance(1);
            assert_eq!(read(&mut buffer, 1), b"x");
        }
    }

    #[test]
    fn peek_leaves_the_text() {
        let mut buffer = ReceiveBuffer::new(8);
        buffer.write(0, b"abc");
        buffer.advance(2);
        let mut bytes = [0; 8];
        assert_eq!(buffer.peek(&mut bytes), 2);
        assert_eq!(read(&mut buffer, 8), b"ab");
        buffer.forget_out_of_order();
        buffer.advance(1);
        assert_eq!(buffer.readable(), 0);
    }
}
