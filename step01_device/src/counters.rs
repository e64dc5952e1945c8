//! Counters: every packet that is dropped is counted, with the reason.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// A number that any thread may raise.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Counts one.
    pub fn inc(&self) {
        self.add(1);
    }

    /// Counts `n`.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// How many there were.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The counters of one layer, for the table at the end of a program.
pub trait CounterSet: Send + Sync {
    /// Calls `show` with the meaning and the value of each counter.
    fn each(&self, show: &mut dyn FnMut(&'static str, u64));
}

/// Declares a struct of [`Counter`]s whose doc comments are their meanings, so
/// that the table at the end of a program cannot forget one.
///
/// ```
/// step01_device::counters! {
///     /// What happened at the door.
///     pub struct DoorCounters {
///         /// guests let in
///         pub entered,
///         /// turned away: no invitation
///         pub refused,
///     }
/// }
/// let door = DoorCounters::default();
/// door.refused.inc();
/// ```
#[macro_export]
// ANCHOR: macro
macro_rules! counters {
    ($(#[$meta:meta])* pub struct $name:ident {
        $(#[doc = $doc:literal] pub $field:ident,)*
    }) => {
        $(#[$meta])*
        #[derive(Debug, Default)]
        pub struct $name { $(#[doc = $doc] pub $field: $crate::counters::Counter,)* }

        impl $crate::counters::CounterSet for $name {
            fn each(&self, show: &mut dyn FnMut(&'static str, u64)) {
                $(show(str::trim($doc), self.$field.get());)*
            }
        }
    };
}
// ANCHOR_END: macro

/// The table of all counters that are not zero: layer, number, meaning.
pub fn table<'a>(layers: &'a [(&'a str, &'a dyn CounterSet)]) -> impl fmt::Display + 'a {
    fmt::from_fn(move |f| {
        for (layer, counters) in layers {
            let mut result = Ok(());
            let mut layer = *layer;
            counters.each(&mut |meaning, value| {
                if value != 0 && result.is_ok() {
                    result = writeln!(f, "{layer:>10} {value:>10}  {meaning}");
                    layer = "";
                }
            });
            result?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    counters! {
        /// For the test.
        pub struct Test {
            /// frames received
            pub received,
            /// dropped: too short
            pub too_short,
            /// dropped: too long
            pub too_long,
        }
    }

    #[test]
    fn table_shows_what_is_not_zero() {
        let (a, b) = (Test::default(), Test::default());
        a.received.add(12);
        a.too_long.inc();
        let layers: [(&str, &dyn CounterSet); 2] = [("net0", &a), ("net1", &b)];
        assert_eq!(
            table(&layers).to_string(),
            "      net0         12  frames received\n                    1  dropped: too long\n"
        );
    }
}
