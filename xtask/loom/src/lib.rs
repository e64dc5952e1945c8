//! The stack's sources of sleeping and waking and of sending in order, with
//! loom's locks in them. The tests are in `tests`.

/// Where the source finds its locks.
pub mod sync {
    use std::sync::PoisonError;

    pub use loom::sync::atomic::AtomicBool;
    pub use loom::sync::{Arc, Condvar, Mutex, MutexGuard};

    /// As `step01_device::sync::linger`, when the moment is over at once.
    pub fn linger(_: impl FnMut() -> bool) -> bool {
        false
    }

    /// As `step01_device::sync::lock`.
    pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[path = "../../../step06_udp/src/wait.rs"]
pub mod wait;

#[path = "../../../step07_tcp/src/outbox.rs"]
pub mod outbox;

/// How the tests run.
pub mod orders;
