//! Events: a message to the main loop, from any thread.
//!
//! What subscribers do happens in the main loop, as if a device had raised an
//! interrupt.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use log::debug;

use crate::env::Env;
use crate::net::Source;
use crate::time::Time;

/// The bell push.
#[derive(Clone)]
pub struct Event {
    env: Arc<Env>,
    raised: Arc<AtomicBool>,
}

impl Event {
    // ANCHOR: raise
    /// Lets the main loop call all subscribers.
    pub fn raise(&self) {
        // EXERCISE 6.13: A message to the main loop
        self.raised.store(true, Ordering::SeqCst);
        self.env.wake();
        // END 6.13
    }
    // ANCHOR_END: raise
}

/// The list of those who want to know; the main loop owns it.
pub struct Subscribers {
    raised: Arc<AtomicBool>,
    handlers: Vec<Box<dyn FnMut() + Send>>,
}

/// An event of the host `env`, with nobody who wants to know yet.
pub fn event(env: &Arc<Env>) -> (Event, Subscribers) {
    let raised = Arc::new(AtomicBool::new(false));
    let event = Event {
        env: Arc::clone(env),
        raised: Arc::clone(&raised),
    };
    let subscribers = Subscribers {
        raised,
        handlers: Vec::new(),
    };
    (event, subscribers)
}

impl Subscribers {
    /// Calls `handler` at each event.
    pub fn subscribe(&mut self, handler: impl FnMut() + Send + 'static) {
        self.handlers.push(Box::new(handler));
    }
}

// ANCHOR: source
impl Source for Subscribers {
    fn deadline(&self) -> Option<Time> {
        // EXERCISE 6.13: A message to the main loop
        // Raised: due since the beginning of time.
        self.raised.load(Ordering::SeqCst).then_some(Time::ZERO)
        // END 6.13
    }

    fn service(&mut self, _now: Time) {
        // EXERCISE 6.13: A message to the main loop
        if self.raised.swap(false, Ordering::SeqCst) {
            debug!(target: "event::handler", "subscribers={}", self.handlers.len());
            for handler in &mut self.handlers {
                handler();
            }
        }
        // END 6.13
    }
}
// ANCHOR_END: source
