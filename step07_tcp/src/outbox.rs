//! What the state has made, on its way to the floor below.

use std::mem;
use std::sync::TryLockError;

use crate::sync::{Mutex, MutexGuard, lock};

/// If so many wait, who brings more waits until they have been sent.
const LIMIT: usize = 1024;

/// Segments in the order in which they were made. They leave in this order, as
/// one thread sends at a time. Who comes while another sends leaves his
/// segments to that one, and goes on.
pub struct Outbox<T> {
    lists: Mutex<Lists<T>>,
    sending: Mutex<()>,
}

struct Lists<T> {
    waiting: Vec<T>,
    /// Empty: its memory is for those who come next.
    spare: Vec<T>,
}

impl<T> Default for Outbox<T> {
    fn default() -> Self {
        Self {
            lists: Mutex::new(Lists {
                waiting: Vec::new(),
                spare: Vec::new(),
            }),
            sending: Mutex::new(()),
        }
    }
}

impl<T> Outbox<T> {
    // ANCHOR: put
    /// Adds `segments`, and leaves their list empty. Whoever may not be
    /// overtaken still holds the lock under which they were made.
    pub fn put(&self, segments: &mut Vec<T>) {
        if !segments.is_empty() {
            lock(&self.lists).waiting.append(segments);
        }
    }
    // ANCHOR_END: put

    // ANCHOR: send
    /// Gives what waits to `output`, unless another thread is about it: then
    /// that one does. `output` empties the list, and must not put anything in.
    pub fn send(&self, mut output: impl FnMut(&mut Vec<T>)) {
        while let Some(turn) = self.turn() {
            self.send_waiting(turn, &mut output);
            // Who came meanwhile has left his segments to us: once more.
        }
    }

    /// The right to send, if there is something to send, and nobody sends.
    fn turn(&self) -> Option<MutexGuard<'_, ()>> {
        let waiting = lock(&self.lists).waiting.len();
        if waiting == 0 {
            return None;
        }
        match self.sending.try_lock() {
            Ok(turn) => Some(turn),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) if waiting < LIMIT => None,
            Err(TryLockError::WouldBlock) => Some(lock(&self.sending)),
        }
    }
    // ANCHOR_END: send

    /// As [`send`](Self::send), and at its end all that was put in before has
    /// been sent, by whomever.
    pub fn finish(&self, mut output: impl FnMut(&mut Vec<T>)) {
        self.send_waiting(lock(&self.sending), &mut output);
        self.send(output);
    }

    fn send_waiting(&self, turn: MutexGuard<'_, ()>, output: &mut impl FnMut(&mut Vec<T>)) {
        let mut segments = {
            let mut lists = lock(&self.lists);
            let spare = mem::take(&mut lists.spare);
            mem::replace(&mut lists.waiting, spare)
        };
        output(&mut segments);
        segments.clear();
        lock(&self.lists).spare = segments;
        drop(turn);
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    /// Puts in `numbers`, and sends.
    fn bring(outbox: &Outbox<u32>, numbers: &[u32], mut output: impl FnMut(u32)) {
        outbox.put(&mut numbers.to_vec());
        outbox.send(|segments| segments.drain(..).for_each(&mut output));
    }

    #[test]
    fn what_is_put_in_is_sent_in_order_and_once() {
        let outbox = Outbox::default();
        let mut sent = Vec::new();
        outbox.put(&mut vec![1, 2]);
        bring(&outbox, &[3], |number| sent.push(number));
        bring(&outbox, &[], |number| sent.push(number));
        bring(&outbox, &[4], |number| sent.push(number));
        assert_eq!(sent, [1, 2, 3, 4]);
    }

    #[test]
    fn who_comes_while_another_sends_leaves_his_to_that_one() {
        let outbox = Outbox::default();
        let mut sent = Vec::new();
        bring(&outbox, &[1], |number| {
            sent.push(number);
            if number == 1 {
                // In a thread of its own, for a lock is no thread's twice.
                thread::scope(|scope| {
                    let other = || bring(&outbox, &[2, 3], |_| panic!("sent by the other"));
                    scope.spawn(other);
                });
            }
        });
        assert_eq!(sent, [1, 2, 3]);
    }

    #[test]
    fn who_brings_too_much_waits_and_sends_it() {
        for (len, sent_by_him) in [(LIMIT - 1, 0), (LIMIT, LIMIT)] {
            let outbox = Outbox::default();
            let turn = lock(&outbox.sending);
            thread::scope(|scope| {
                let other = scope.spawn(|| {
                    let mut sent = 0;
                    bring(&outbox, &vec![1; len], |_| sent += 1);
                    sent
                });
                while lock(&outbox.lists).waiting.len() < len {
                    thread::yield_now();
                }
                // One goes; the other would, if he did not wait.
                let mut patience = 1000_i64;
                while !other.is_finished() && (len < LIMIT || patience > 0) {
                    patience -= 1;
                    thread::yield_now();
                }
                drop(turn);
                assert_eq!(other.join().unwrap(), sent_by_him);
            });
        }
    }

    #[test]
    fn a_panic_while_sending_is_not_the_end_of_it() {
        let outbox = Outbox::default();
        thread::scope(|scope| {
            let broken = || bring(&outbox, &[1], |_| panic!("as a test of it"));
            assert!(scope.spawn(broken).join().is_err());
        });
        let mut sent = Vec::new();
        bring(&outbox, &[2], |number| sent.push(number));
        assert_eq!(sent, [2]);
    }

    #[test]
    fn who_finishes_finds_all_sent() {
        let outbox = Outbox::default();
        let sent = Mutex::new(Vec::new());
        let output = |segments: &mut Vec<u32>| lock(&sent).append(segments);
        thread::scope(|scope| {
            for thread in 0..4 {
                let (outbox, output, sent) = (&outbox, &output, &sent);
                scope.spawn(move || {
                    for number in 0..500 {
                        outbox.put(&mut vec![thread * 1000 + number]);
                        outbox.send(output);
                    }
                    outbox.put(&mut vec![thread * 1000 + 999]);
                    outbox.finish(output);
                    assert!(lock(sent).contains(&(thread * 1000 + 999)));
                });
            }
        });
        for thread in 0..4 {
            let sent = lock(&sent);
            let own = sent.iter().filter(|number| *number / 1000 == thread);
            assert!(own.is_sorted(), "in the order in which they were put in");
            assert_eq!(sent.len(), 4 * 501);
        }
    }
}
