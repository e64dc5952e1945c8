//! Sleeping until something changes, and being woken.
//!
//! Application threads sleep in blocking calls; the main loop wakes them when
//! a packet changes what they wait for; Ctrl+C and shutdown interrupt them.
//! State and sleep belong together, or a wake-up can fall between looking and
//! sleeping and be lost: hence one type for both.

use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use log::debug;

use crate::sync::lock;

struct Inner<T> {
    state: T,
    /// Counts the interruptions. Who sleeps remembers the count, and so an
    /// interruption reaches those who sleep now, all of them, and nobody later.
    interruptions: u64,
    /// No more sleep for anybody: the host shuts down.
    closed: bool,
    sleepers: usize,
}

/// A state under a lock, with threads that sleep until it changes.
pub struct Monitor<T> {
    inner: Mutex<Inner<T>>,
    changed: Condvar,
}

impl<T> Monitor<T> {
    /// Puts `state` under a lock.
    pub fn new(state: T) -> Self {
        Self {
            inner: Mutex::new(Inner {
                state,
                interruptions: 0,
                closed: false,
                sleepers: 0,
            }),
            changed: Condvar::new(),
        }
    }

    /// Lets `f` work on the state.
    pub fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        f(&mut lock(&self.inner).state)
    }

    // ANCHOR: sleep
    /// Sleeps until `ready` finds what it looks for. It is asked at once, and
    /// again after each [`wakeup`](Self::wakeup).
    ///
    /// # Errors
    /// `WouldBlock`: `timeout` has passed, as `std::net` reports it.
    /// `Interrupted`: by [`interrupt`](Self::interrupt) or [`close`](Self::close).
    pub fn sleep_until<R>(
        &self,
        timeout: Option<Duration>,
        mut ready: impl FnMut(&mut T) -> Option<R>,
    ) -> io::Result<R> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut inner = lock(&self.inner);
        let interruptions = inner.interruptions;
        loop {
            if let Some(found) = ready(&mut inner.state) {
                return Ok(found);
            }
            if inner.closed || inner.interruptions != interruptions {
                debug!(target: "wait::sleep", "interrupted");
                return Err(io::ErrorKind::Interrupted.into());
            }
            inner.sleepers += 1;
            let (guard, in_time) = self.wait(inner, deadline);
            inner = guard;
            inner.sleepers -= 1;
            if !in_time {
                return ready(&mut inner.state).ok_or_else(|| io::ErrorKind::WouldBlock.into());
            }
        }
    }
    // ANCHOR_END: sleep

    /// Waits for a change; false if `deadline` came first.
    fn wait<'a>(
        &self,
        inner: MutexGuard<'a, Inner<T>>,
        deadline: Option<Instant>,
    ) -> (MutexGuard<'a, Inner<T>>, bool) {
        let Some(deadline) = deadline else {
            let inner = self.changed.wait(inner);
            return (inner.unwrap_or_else(PoisonError::into_inner), true);
        };
        let left = deadline.saturating_duration_since(Instant::now());
        let result = self.changed.wait_timeout(inner, left);
        let (inner, result) = result.unwrap_or_else(PoisonError::into_inner);
        (inner, !result.timed_out())
    }

    /// Something has changed: all who sleep look again.
    pub fn wakeup(&self) {
        self.changed.notify_all();
    }

    /// Ends the sleep of all who sleep now.
    pub fn interrupt(&self) {
        lock(&self.inner).interruptions += 1;
        self.changed.notify_all();
    }

    /// Ends the sleep of all, now and ever.
    pub fn close(&self) {
        lock(&self.inner).closed = true;
        self.changed.notify_all();
    }

    /// How many threads are asleep.
    pub fn sleepers(&self) -> usize {
        lock(&self.inner).sleepers
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    fn sleeping<T: Send + 'static>(
        monitor: &Arc<Monitor<T>>,
        ready: impl FnMut(&mut T) -> Option<u32> + Send + 'static,
    ) -> thread::JoinHandle<io::Result<u32>> {
        let before = monitor.sleepers();
        let thread = {
            let monitor = Arc::clone(monitor);
            thread::spawn(move || monitor.sleep_until(None, ready))
        };
        while monitor.sleepers() == before {
            thread::yield_now();
        }
        thread
    }

    #[test]
    fn a_sleeper_wakes_for_what_it_waits_for() {
        let monitor = Arc::new(Monitor::new(0));
        let thread = sleeping(&monitor, |state| (*state == 2).then_some(*state));
        for n in 1..=2 {
            monitor.with(|state| *state = n);
            monitor.wakeup();
        }
        assert_eq!(thread.join().unwrap().unwrap(), 2);
    }

    #[test]
    fn an_interruption_ends_every_sleep_of_now_and_none_of_later() {
        let monitor = Arc::new(Monitor::new(0));
        monitor.interrupt(); // nobody sleeps: without effect
        let threads = [sleeping(&monitor, |_| None), sleeping(&monitor, |_| None)];
        monitor.interrupt();
        for thread in threads {
            let error = thread.join().unwrap().unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::Interrupted);
        }
        let later = sleeping(&monitor, |state| (*state == 1).then_some(1));
        monitor.with(|state| *state = 1);
        monitor.wakeup();
        assert_eq!(later.join().unwrap().unwrap(), 1);
    }

    #[test]
    fn after_the_end_nobody_sleeps() {
        let monitor = Arc::new(Monitor::new(5));
        let thread = sleeping(&monitor, |_| None);
        monitor.close();
        assert!(thread.join().unwrap().is_err());
        let again = monitor.sleep_until(None, |_| None::<()>).unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::Interrupted);
        assert_eq!(monitor.sleep_until(None, |state| Some(*state)).unwrap(), 5);
    }

    #[test]
    fn a_timeout_is_reported_as_std_does() {
        let monitor = Monitor::new(());
        let timeout = Some(Duration::from_millis(1));
        let error = monitor.sleep_until(timeout, |()| None::<()>).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    }
}
