//! One way to lock.

use std::sync::PoisonError;

// What sleeps is written against these names, so that a model checker can put
// its own locks in their place.
pub use std::sync::{Arc, Condvar, Mutex, MutexGuard};

/// Locks `mutex`, also after another thread has panicked while it held it.
///
/// The state that our locks protect is consistent between any two statements
/// that can panic, so one application thread that dies must not take the
/// stack, and all other applications, with it.
pub fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
