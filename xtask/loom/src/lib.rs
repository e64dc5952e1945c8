//! The stack's source of sleeping and waking, with loom's locks in it. The tests
//! are in `tests/monitor.rs`.

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
