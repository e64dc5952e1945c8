//! Sleeping until something changes, and being woken.
//!
//! Application threads sleep in blocking calls; the main loop wakes them when
//! a packet changes what they wait for; Ctrl+C and shutdown interrupt them.
//! State and sleep belong together, or a wake-up can fall between looking and
//! sleeping and be lost: hence one type for both.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use std::{io, mem};

use log::debug;

use crate::sync::{Arc, AtomicBool, Condvar, Mutex, MutexGuard, linger, lock};

/// What a sleeper waits for: the number of a control block.
pub type Key = u64;

/// Those who sleep for the same thing.
struct Bed {
    call: Arc<Call>,
    sleepers: usize,
}

/// How they are called.
struct Call {
    changed: Condvar,
    /// Set under the lock, before `changed` is notified: for those who are not
    /// quite asleep yet.
    called: AtomicBool,
    /// Set under the lock by who falls asleep: a call that nobody needs to hear
    /// is not made, as it costs as much as one that somebody does.
    asleep: AtomicBool,
}

impl Call {
    fn new() -> Self {
        Self {
            changed: Condvar::new(),
            called: AtomicBool::new(false),
            asleep: AtomicBool::new(false),
        }
    }

    fn is_called(&self) -> bool {
        self.called.load(Ordering::Relaxed)
    }
}

// ANCHOR: inner
struct Inner<T> {
    state: T,
    /// Counts the interruptions. Who sleeps remembers the count, and so an
    /// interruption reaches those who sleep now, all of them, and nobody later.
    interruptions: u64,
    /// No more sleep for anybody: the host shuts down.
    closed: bool,
    /// Only who sleeps is in here, and nobody who has been called: a wake-up for
    /// nobody, or for one who is getting up already, costs nothing.
    beds: BTreeMap<Key, Bed>,
}
// ANCHOR_END: inner

/// A state under a lock, with threads that sleep until it changes.
///
/// Each sleeps for one thing, and is woken for that alone. (One condition
/// variable for all was simpler, and woke every idle service for every packet:
/// a third of the time of a transfer went there.)
pub struct Monitor<T> {
    inner: Mutex<Inner<T>>,
}

impl<T> Monitor<T> {
    /// Puts `state` under a lock.
    pub fn new(state: T) -> Self {
        Self {
            inner: Mutex::new(Inner {
                state,
                interruptions: 0,
                closed: false,
                beds: BTreeMap::new(),
            }),
        }
    }

    /// Lets `f` work on the state.
    pub fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        f(&mut lock(&self.inner).state)
    }

    /// Sleeps until `ready` finds what it looks for. It is asked at once, and
    /// again after each [`wakeup`](Self::wakeup) for `key`.
    ///
    /// # Errors
    /// `WouldBlock`: `timeout` has passed, as `std::net` reports it.
    /// `Interrupted`: by [`interrupt`](Self::interrupt) or [`close`](Self::close).
    pub fn sleep_until<R>(
        &self,
        key: Key,
        timeout: Option<Duration>,
        mut ready: impl FnMut(&mut T) -> Option<R>,
    ) -> io::Result<R> {
        // EXERCISE 6.10: Sleep until something changes
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        // ANCHOR: sleep
        let mut inner = lock(&self.inner);
        let interruptions = inner.interruptions;
        loop {
            if let Some(found) = ready(&mut inner.state) {
                return Ok(found);
            }
            if inner.closed {
                return Err(interrupted());
            }
            let call = inner.lie_down(key);
            let (guard, in_time) = self.wait(&call, inner, deadline);
            inner = guard;
            inner.get_up(key, &call);
            // Before looking again: who interrupts may have changed the state
            // too, and the sleeper should hear the reason, not the consequence.
            if inner.closed || inner.interruptions != interruptions {
                return Err(interrupted());
            }
            if !in_time {
                return ready(&mut inner.state).ok_or_else(|| io::ErrorKind::WouldBlock.into());
            }
        }
        // END 6.10
    }
    // ANCHOR_END: sleep

    // ANCHOR: wakeup
    /// Something has changed: who sleeps for it looks again.
    pub fn wakeup(&self, key: Key) {
        let bed = {
            let mut inner = lock(&self.inner);
            let bed = inner.beds.remove(&key);
            bed.inspect(|bed| bed.call.called.store(true, Ordering::Relaxed))
        };
        // After the lock is free: who wakes up wants it.
        if let Some(bed) = bed
            && bed.call.asleep.load(Ordering::Relaxed)
        {
            bed.call.changed.notify_all();
        }
    }
    // ANCHOR_END: wakeup

    // ANCHOR: wait
    /// Waits for a call; false if `deadline` came first. The lock is free
    /// meanwhile.
    fn wait<'a>(
        &'a self,
        call: &Call,
        inner: MutexGuard<'a, Inner<T>>,
        deadline: Option<Instant>,
    ) -> (MutexGuard<'a, Inner<T>>, bool) {
        drop(inner);
        linger(|| call.is_called());
        let inner = lock(&self.inner);
        // Who was called already would not be called again.
        if call.is_called() {
            return (inner, true);
        }
        call.asleep.store(true, Ordering::Relaxed);
        sleep(&call.changed, inner, deadline)
    }
    // ANCHOR_END: wait

    // ANCHOR: interrupt
    /// Ends the sleep of all who sleep now.
    pub fn interrupt(&self) {
        // EXERCISE 6.11: Interrupted, and closed for ever
        let mut inner = lock(&self.inner);
        inner.interruptions += 1;
        inner.wake_all();
        // END 6.11
    }
    // ANCHOR_END: interrupt

    /// Ends the sleep of all, now and ever.
    pub fn close(&self) {
        // EXERCISE 6.11: Interrupted, and closed for ever
        let mut inner = lock(&self.inner);
        inner.closed = true;
        inner.wake_all();
        // END 6.11
    }

    /// True after [`close`](Self::close).
    pub fn is_closed(&self) -> bool {
        lock(&self.inner).closed
    }

    /// How many threads are asleep and have not been called.
    pub fn sleepers(&self) -> usize {
        lock(&self.inner)
            .beds
            .values()
            .map(|bed| bed.sleepers)
            .sum()
    }
}

impl<T> Inner<T> {
    // ANCHOR: beds
    fn lie_down(&mut self, key: Key) -> Arc<Call> {
        let bed = self.beds.entry(key).or_insert_with(|| Bed {
            call: Arc::new(Call::new()),
            sleepers: 0,
        });
        bed.sleepers += 1;
        Arc::clone(&bed.call)
    }

    /// Who gets up uncalled (a timeout, say) leaves the others asleep.
    fn get_up(&mut self, key: Key, call: &Arc<Call>) {
        if let Entry::Occupied(mut bed) = self.beds.entry(key)
            && Arc::ptr_eq(&bed.get().call, call)
        {
            bed.get_mut().sleepers -= 1;
            if bed.get().sleepers == 0 {
                bed.remove();
            }
        }
    }
    // ANCHOR_END: beds

    fn wake_all(&mut self) {
        for bed in mem::take(&mut self.beds).into_values() {
            bed.call.called.store(true, Ordering::Relaxed);
            bed.call.changed.notify_all();
        }
    }
}

fn interrupted() -> io::Error {
    debug!(target: "wait::sleep", "interrupted");
    io::ErrorKind::Interrupted.into()
}

// ANCHOR: sleep_in
/// Sleeps until `changed` is notified; false if `deadline` came first.
fn sleep<'a, T>(
    changed: &Condvar,
    inner: MutexGuard<'a, T>,
    deadline: Option<Instant>,
) -> (MutexGuard<'a, T>, bool) {
    let Some(deadline) = deadline else {
        let inner = changed.wait(inner);
        return (inner.unwrap_or_else(PoisonError::into_inner), true);
    };
    let left = deadline.saturating_duration_since(Instant::now());
    let result = changed.wait_timeout(inner, left);
    let (inner, result) = result.unwrap_or_else(PoisonError::into_inner);
    (inner, !result.timed_out())
}
// ANCHOR_END: sleep_in

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    const KEY: Key = 7;

    fn sleeping<T: Send + 'static>(
        monitor: &Arc<Monitor<T>>,
        ready: impl FnMut(&mut T) -> Option<u32> + Send + 'static,
    ) -> thread::JoinHandle<io::Result<u32>> {
        let before = monitor.sleepers();
        let thread = {
            let monitor = Arc::clone(monitor);
            thread::spawn(move || monitor.sleep_until(KEY, None, ready))
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
            monitor.wakeup(KEY);
        }
        assert_eq!(thread.join().unwrap().unwrap(), 2);
    }

    #[test]
    fn a_wakeup_for_others_is_not_heard() {
        let monitor = Arc::new(Monitor::new(0));
        let asked = Arc::new(Mutex::new(0));
        let count = Arc::clone(&asked);
        let thread = sleeping(&monitor, move |state| {
            *lock(&count) += 1;
            (*state == 1).then_some(1)
        });
        monitor.wakeup(KEY + 1);
        monitor.with(|state| *state = 1);
        monitor.wakeup(KEY);
        thread.join().unwrap().unwrap();
        assert_eq!(*lock(&asked), 2, "at first, and when it was meant");
        assert!(lock(&monitor.inner).beds.is_empty(), "all are up");
    }

    #[test]
    fn who_is_called_is_called_once() {
        let monitor = Arc::new(Monitor::new(0));
        let thread = sleeping(&monitor, |state| (*state == 1).then_some(1));
        monitor.wakeup(KEY);
        // Up, and asleep again, as nothing was ready.
        while monitor.sleepers() == 0 {
            thread::yield_now();
        }
        let other = sleeping(&monitor, |state| (*state == 1).then_some(2));
        assert_eq!(monitor.sleepers(), 2);
        monitor.with(|state| *state = 1);
        monitor.wakeup(KEY);
        assert_eq!(monitor.sleepers(), 0);
        assert_eq!(thread.join().unwrap().unwrap(), 1);
        assert_eq!(other.join().unwrap().unwrap(), 2);
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
        monitor.wakeup(KEY);
        assert_eq!(later.join().unwrap().unwrap(), 1);
    }

    #[test]
    fn after_the_end_nobody_sleeps() {
        let monitor = Arc::new(Monitor::new(5));
        let thread = sleeping(&monitor, |_| None);
        monitor.close();
        assert!(thread.join().unwrap().is_err());
        let again = monitor.sleep_until(KEY, None, |_| None::<()>).unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::Interrupted);
        assert_eq!(
            monitor
                .sleep_until(KEY, None, |state| Some(*state))
                .unwrap(),
            5
        );
    }

    #[test]
    fn a_timeout_is_reported_as_std_does() {
        let monitor = Monitor::new(());
        let timeout = Some(Duration::from_millis(1));
        let error = monitor
            .sleep_until(KEY, timeout, |()| None::<()>)
            .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    }
}
