//! Segments in order, whoever sends them, in every order of the threads.

use loom::thread;
use loom_tests::orders::{in_every_order, in_many_orders};
use loom_tests::outbox::Outbox;
use loom_tests::sync::{Arc, Mutex, lock};

/// A state that makes numbers, its outbox, and what has left.
struct World {
    state: Mutex<u32>,
    outbox: Outbox<u32>,
    sent: Mutex<Vec<u32>>,
}

impl World {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(0),
            outbox: Outbox::default(),
            sent: Mutex::new(Vec::new()),
        })
    }

    /// As an event does: a number is made and put in under the state's lock.
    fn event(&self) {
        {
            let mut state = lock(&self.state);
            *state += 1;
            self.outbox.put(&mut vec![*state]);
        }
        self.outbox.send(|numbers| self.output(numbers));
    }

    fn output(&self, numbers: &mut Vec<u32>) {
        lock(&self.sent).append(numbers);
    }
}

/// None is overtaken, none is sent twice, and none is left lying.
#[test]
fn two_threads_send_in_order() {
    in_every_order("two_threads_send_in_order", || {
        let world = World::new();
        let other = {
            let world = Arc::clone(&world);
            thread::spawn(move || world.event())
        };
        world.event();
        other.join().unwrap();
        assert_eq!(*lock(&world.sent), [1, 2]);
    });
}

/// The same with three: who comes may find that the one before has just gone.
#[test]
fn three_threads_send_in_order() {
    in_many_orders("three_threads_send_in_order", 4, || {
        let world = World::new();
        let others = [(); 2].map(|()| {
            let world = Arc::clone(&world);
            thread::spawn(move || world.event())
        });
        world.event();
        for other in others {
            other.join().unwrap();
        }
        assert_eq!(*lock(&world.sent), [1, 2, 3]);
    });
}

/// At the end, all has left that was put in before, by whomever.
#[test]
fn who_finishes_finds_all_sent() {
    in_many_orders("who_finishes_finds_all_sent", 4, || {
        let world = World::new();
        let others = [(); 2].map(|()| {
            let world = Arc::clone(&world);
            thread::spawn(move || world.event())
        });
        let made = {
            let mut state = lock(&world.state);
            *state += 1;
            world.outbox.put(&mut vec![*state]);
            *state
        };
        world.outbox.finish(|numbers| world.output(numbers));
        assert!(lock(&world.sent).contains(&made));
        for other in others {
            other.join().unwrap();
        }
        assert_eq!(*lock(&world.sent), [1, 2, 3]);
    });
}
