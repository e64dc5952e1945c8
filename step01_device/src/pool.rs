//! Buffers that are used again.
//!
//! A packet lives for some microseconds, and the next one needs as much memory.
//! So a [`Buffer`] that is dropped waits for the next one of its size, in the
//! thread that has dropped it: no lock, and what is in the cache stays there.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

/// The sizes that are kept, in octets, and how many of each in a thread: for
/// headers alone, for a short message, for a frame of Ethernet, for the longest
/// datagram.
const SIZES: [(usize, usize); 4] = [(256, 64), (640, 64), (2048, 64), (66_048, 8)];

thread_local! {
    static FREE: RefCell<[Vec<Vec<u8>>; SIZES.len()]> = const {
        RefCell::new([const { Vec::new() }; SIZES.len()])
    };
}

/// Octets that go back to the pool.
// ANCHOR: buffer
#[derive(Default)]
pub(crate) struct Buffer(Vec<u8>);

impl Buffer {
    /// A buffer with room for `capacity` octets. What is in it, however much
    /// or little that is, is left over from its last use.
    pub(crate) fn used(capacity: usize) -> Self {
        let Some(class) = SIZES.iter().position(|&(size, _)| size >= capacity) else {
            return Self(Vec::with_capacity(capacity));
        };
        let free = FREE.try_with(|free| free.borrow_mut()[class].pop());
        Self(match free {
            Ok(Some(octets)) => octets,
            // None is left, or the thread ends.
            _ => Vec::with_capacity(SIZES[class].0),
        })
    }
}
// ANCHOR_END: buffer

// ANCHOR: drop
impl Drop for Buffer {
    fn drop(&mut self) {
        let octets = std::mem::take(&mut self.0);
        let capacity = octets.capacity();
        if let Some(class) = SIZES.iter().position(|&(size, _)| size == capacity) {
            // A thread that ends keeps nothing.
            let _ = FREE.try_with(|free| {
                let free = &mut free.borrow_mut()[class];
                if free.len() < SIZES[class].1 {
                    free.push(octets);
                }
            });
        }
    }
}
// ANCHOR_END: drop

impl Clone for Buffer {
    fn clone(&self) -> Self {
        let mut clone = Self::used(self.len());
        clone.clear();
        clone.extend_from_slice(self);
        clone
    }
}

impl Deref for Buffer {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(buffer: &Buffer) -> *const u8 {
        buffer.as_ptr()
    }

    #[test]
    fn a_buffer_is_used_again_for_its_size() {
        let small = Buffer::used(10);
        let frame = Buffer::used(1500);
        assert_eq!((small.capacity(), frame.capacity()), (256, 2048));
        let place = address(&frame);
        drop(small);
        drop(frame);
        assert_eq!(address(&Buffer::used(2000)), place);
        assert_ne!(address(&Buffer::used(256)), place);
    }

    #[test]
    fn what_has_another_size_is_not_kept() {
        let mut grown = Buffer::used(10);
        grown.resize(300, 0);
        drop(grown);
        let huge = Buffer::used(1_000_000);
        assert!(huge.capacity() >= 1_000_000);
        drop(huge);
        assert_eq!(Buffer::used(10).capacity(), 256);
        assert_eq!(Buffer::used(300).capacity(), 640);
    }

    #[test]
    fn so_many_are_kept_and_no_more() {
        let many: Vec<Buffer> = (0..1000).map(|_| Buffer::used(2000)).collect();
        drop(many);
        let kept = FREE.with(|free| free.borrow()[2].len());
        assert_eq!(kept, 64);
    }
}
