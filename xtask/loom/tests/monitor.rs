//! Sleeping and waking, in every order that there is.

use std::io::ErrorKind;

use loom::thread;
use loom_tests::orders::{in_every_order, in_many_orders};
use loom_tests::sync::Arc;
use loom_tests::wait::Monitor;

fn take(state: &mut Vec<u32>) -> Option<u32> {
    state.pop()
}

/// No wake-up falls between looking and sleeping.
#[test]
fn no_wake_up_is_lost() {
    in_every_order("no_wake_up_is_lost", || {
        let monitor = Arc::new(Monitor::new(Vec::new()));
        let sleeper = {
            let monitor = Arc::clone(&monitor);
            thread::spawn(move || monitor.sleep_until(7, None, take).unwrap())
        };
        monitor.with(|state| state.push(42));
        monitor.wakeup(7);
        assert_eq!(sleeper.join().unwrap(), 42);
        assert_eq!(monitor.sleepers(), 0);
    });
}

/// Two who sleep for one thing, which comes twice: each gets one.
#[test]
fn two_sleepers_are_both_served() {
    in_many_orders("two_sleepers_are_both_served", 5, || {
        let monitor = Arc::new(Monitor::new(Vec::new()));
        let sleepers = [(); 2].map(|()| {
            let monitor = Arc::clone(&monitor);
            thread::spawn(move || monitor.sleep_until(7, None, take).unwrap())
        });
        for number in [1, 2] {
            monitor.with(|state| state.push(number));
            monitor.wakeup(7);
        }
        let got = sleepers.map(|sleeper| sleeper.join().unwrap());
        assert_eq!(got[0] + got[1], 3);
        assert_eq!(monitor.sleepers(), 0);
    });
}

/// Who is called for one thing leaves those alone who sleep for another.
#[test]
fn each_is_woken_for_his_own() {
    in_many_orders("each_is_woken_for_his_own", 5, || {
        let monitor = Arc::new(Monitor::new([None, None]));
        let sleepers = [0, 1].map(|key: u64| {
            let monitor = Arc::clone(&monitor);
            thread::spawn(move || {
                let mine = |state: &mut [Option<u64>; 2]| state[key as usize].take();
                monitor.sleep_until(key, None, mine).unwrap()
            })
        });
        for key in [1, 0] {
            monitor.with(|state| state[key as usize] = Some(10 + key));
            monitor.wakeup(key);
        }
        assert_eq!(sleepers.map(|sleeper| sleeper.join().unwrap()), [10, 11]);
    });
}

/// The end comes at any moment: nobody sleeps on, and nobody falls asleep again.
#[test]
fn the_end_wakes_all() {
    in_every_order("the_end_wakes_all", || {
        let monitor = Arc::new(Monitor::new(Vec::new()));
        let sleepers = [7, 8].map(|key| {
            let monitor = Arc::clone(&monitor);
            thread::spawn(move || monitor.sleep_until(key, None, take))
        });
        monitor.close();
        for sleeper in sleepers {
            let error = sleeper.join().unwrap().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Interrupted);
        }
        assert!(monitor.is_closed());
        assert_eq!(monitor.sleepers(), 0);
    });
}

/// The end, and what was waited for, at the same moment: one of the two is told.
#[test]
fn the_end_and_a_wake_up_race() {
    in_every_order("the_end_and_a_wake_up_race", || {
        let monitor = Arc::new(Monitor::new(Vec::new()));
        let sleeper = {
            let monitor = Arc::clone(&monitor);
            thread::spawn(move || monitor.sleep_until(7, None, take))
        };
        let closer = {
            let monitor = Arc::clone(&monitor);
            thread::spawn(move || monitor.close())
        };
        monitor.with(|state| state.push(42));
        monitor.wakeup(7);
        closer.join().unwrap();
        match sleeper.join().unwrap() {
            Ok(number) => assert_eq!(number, 42),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Interrupted),
        }
    });
}

/// An interruption reaches who sleeps, if he sleeps; a wake-up ends it anyway.
#[test]
fn an_interruption_does_not_swallow_a_wake_up() {
    in_every_order("an_interruption_does_not_swallow_a_wake_up", || {
        let monitor = Arc::new(Monitor::new(Vec::new()));
        let sleeper = {
            let monitor = Arc::clone(&monitor);
            thread::spawn(move || {
                // As an application does that looks again after a signal.
                loop {
                    match monitor.sleep_until(7, None, take) {
                        Ok(number) => return number,
                        Err(error) => assert_eq!(error.kind(), ErrorKind::Interrupted),
                    }
                }
            })
        };
        monitor.interrupt();
        monitor.with(|state| state.push(42));
        monitor.wakeup(7);
        assert_eq!(sleeper.join().unwrap(), 42);
    });
}
