//! loom runs each test again and again, and lets the threads overtake each
//! other in another way each time, until no way is left.
//!
//! ```text
//! cargo test --release --manifest-path xtask/loom/Cargo.toml -- --nocapture --test-threads=1
//! ```

use std::sync::atomic::{AtomicUsize, Ordering};

/// Tries all orders, and says how many there were.
pub fn in_every_order(name: &str, play: impl Fn() + Send + Sync + 'static) {
    in_orders(name, None, play);
}

/// Three threads have very many orders: those in which a thread is interrupted
/// in the middle of something at most so many times.
pub fn in_many_orders(name: &str, times: usize, play: impl Fn() + Send + Sync + 'static) {
    in_orders(name, Some(times), play);
}

fn in_orders(name: &str, preemptions: Option<usize>, play: impl Fn() + Send + Sync + 'static) {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let before = COUNT.load(Ordering::Relaxed);
    let mut model = loom::model::Builder::new();
    model.preemption_bound = preemptions;
    model.check(move || {
        COUNT.fetch_add(1, Ordering::Relaxed);
        play();
    });
    println!("{name}: {} orders", COUNT.load(Ordering::Relaxed) - before);
}
