//! A message to the main loop.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use step06_udp::device::Devices;
use step06_udp::env::Env;
use step06_udp::event::event;
use step06_udp::net::{DropInput, Net};
use step06_udp::testing::History;

#[test]
fn subscribers_are_called_in_the_main_loop() {
    let history = History::new();
    let env = Env::manual(0);
    let (event, mut subscribers) = event(&env);
    let called = Arc::new(AtomicUsize::new(0));
    for _ in 0..2 {
        let called = Arc::clone(&called);
        subscribers.subscribe(move || {
            called.fetch_add(1, Ordering::SeqCst);
        });
    }
    let mut net = Net::new(&env, Devices::new(&env), DropInput::default());
    net.add_source(subscribers);
    let mut turn = |what: &str, expected: usize| {
        net.step();
        history.did(format!("{what}; turn the crank"));
        let calls = called.swap(0, Ordering::SeqCst);
        history.expect(
            &format!("{what}: calls of two subscribers"),
            calls,
            expected,
        );
    };
    turn("nothing is raised", 0);
    event.raise();
    turn("the event is raised", 2);
    turn("it is not raised again", 0);
    event.raise();
    event.clone().raise();
    turn("it is raised twice before the loop turns", 2);
}

#[test]
fn a_raised_event_is_due() {
    let history = History::new();
    let env = Env::manual(0);
    let (event, subscribers) = event(&env);
    let mut net = Net::new(&env, Devices::new(&env), DropInput::default());
    net.add_source(subscribers);
    history.expect("when something is due", net.deadline(), None);
    event.raise();
    history.did("raise the event");
    history.expect(
        "is something due",
        net.deadline().is_some_and(|due| due <= env.now()),
        true,
    );
}
