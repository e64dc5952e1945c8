//! Sleeping, and being woken.

use std::io::ErrorKind;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use step06_udp::testing::History;
use step06_udp::wait::Monitor;

const KEY: u64 = 7;
const SHORT: Option<Duration> = Some(Duration::from_millis(20));
/// Longer than any test waits: who sleeps so long was not woken.
const LONG: Option<Duration> = Some(Duration::from_secs(8));

#[test]
fn sleep_looks_first_and_then_times_out() {
    let history = History::new();
    let monitor = Monitor::new(5);
    let found = monitor.sleep_until(KEY, None, |state| (*state == 5).then_some("five"));
    history.did("sleep, without a time limit, until the state is 5; it is");
    history.expect(
        "what sleep_until says",
        found.map_err(|e| e.kind()),
        Ok("five"),
    );
    let mut asked = 0;
    let late = monitor.sleep_until(KEY, SHORT, |state| {
        asked += 1;
        (*state == 6).then_some("six")
    });
    history.did("sleep until it is 6, at most 20 ms; it never is");
    let late = late.map_err(|e| e.kind());
    history.expect("what sleep_until says", late, Err(ErrorKind::WouldBlock));
    history.expect("how often it has looked", asked, 2);
    history.expect("how many are still asleep", monitor.sleepers(), 0);
    let last = monitor.sleep_until(KEY, SHORT, {
        let mut asked = 0;
        move |_| {
            asked += 1;
            (asked == 2).then_some("at last")
        }
    });
    history.did("sleep at most 20 ms for what is there only at the second look");
    history.expect(
        "what sleep_until says",
        last.map_err(|e| e.kind()),
        Ok("at last"),
    );
}

type Sleeper = JoinHandle<Result<u32, ErrorKind>>;

/// A thread that sleeps for `key` until the state is not 0.
fn sleeper(monitor: &Arc<Monitor<u32>>, key: u64) -> Sleeper {
    let before = monitor.sleepers();
    let shared = Arc::clone(monitor);
    let thread = thread::spawn(move || {
        let found = shared.sleep_until(key, LONG, |state| (*state != 0).then_some(*state));
        found.map_err(|error| error.kind())
    });
    while monitor.sleepers() == before && !thread.is_finished() {
        thread::yield_now();
    }
    thread
}

#[test]
fn wakeup_reaches_who_sleeps_for_it() {
    let history = History::new();
    let monitor = Arc::new(Monitor::new(0));
    let sleepers = [sleeper(&monitor, KEY), sleeper(&monitor, KEY)];
    let other = sleeper(&monitor, 8);
    history.did("two threads sleep for 7, one for 8");
    monitor.wakeup(9);
    history.did("wake who sleeps for 9: nobody");
    history.expect("how many are asleep", monitor.sleepers(), 3);
    monitor.with(|state| *state = 5);
    monitor.wakeup(KEY);
    history.did("set the state to 5, and wake who sleeps for 7");
    for sleeper in sleepers {
        history.expect("what it has found", sleeper.join().unwrap(), Ok(5));
    }
    history.expect("is the other one still asleep", monitor.sleepers(), 1);
    monitor.wakeup(8);
    history.did("wake who sleeps for 8");
    history.expect("what it has found", other.join().unwrap(), Ok(5));
}

#[test]
fn interrupt_reaches_who_sleeps_now() {
    let history = History::new();
    let monitor = Arc::new(Monitor::new(0));
    monitor.interrupt();
    history.did("interrupt all: nobody sleeps");
    let sleeper_ = sleeper(&monitor, KEY);
    history.did("a thread goes to sleep");
    history.expect("is it asleep", monitor.sleepers(), 1);
    monitor.interrupt();
    history.did("interrupt all");
    history.expect(
        "what it hears",
        sleeper_.join().unwrap(),
        Err(ErrorKind::Interrupted),
    );
}

#[test]
fn close_is_for_ever() {
    let history = History::new();
    let monitor = Arc::new(Monitor::new(0));
    let sleeper_ = sleeper(&monitor, KEY);
    monitor.close();
    history.did("close while a thread sleeps");
    history.expect(
        "what it hears",
        sleeper_.join().unwrap(),
        Err(ErrorKind::Interrupted),
    );
    history.expect("is it closed", monitor.is_closed(), true);
    let later = sleeper(&monitor, KEY);
    history.did("another one wants to sleep");
    history.expect(
        "what it hears",
        later.join().unwrap(),
        Err(ErrorKind::Interrupted),
    );
}
