//! One way to lock, and one to wait for a moment.

use std::sync::PoisonError;
use std::thread;
use std::time::{Duration, Instant};

// What sleeps is written against these names, so that a model checker can put
// its own locks in their place.
pub use std::sync::atomic::AtomicBool;
pub use std::sync::{Arc, Condvar, Mutex, MutexGuard};

/// How long a thread looks for more before it sleeps: about as long as it takes
/// to be woken.
const LINGER: Duration = Duration::from_micros(50);

/// Locks `mutex`, also after another thread has panicked while it held it.
///
/// The state that our locks protect is consistent between any two statements
/// that can panic, so one application thread that dies must not take the
/// stack, and all other applications, with it.
pub fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

// ANCHOR: linger
/// Stays awake a little longer, and looks again and again: what comes next
/// often comes soon, and to fall asleep and be woken would take longer. True
/// as soon as `found` is; false if the moment is over.
///
/// Whoever holds a lock must not linger.
pub fn linger(mut found: impl FnMut() -> bool) -> bool {
    let begin = Instant::now();
    while begin.elapsed() < LINGER {
        // Whoever else wants this processor gets it.
        thread::yield_now();
        if found() {
            return true;
        }
    }
    false
}
// ANCHOR_END: linger
