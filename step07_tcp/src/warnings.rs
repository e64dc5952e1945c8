//! Warnings about what a peer can repeat as often as it likes.

use std::time::Duration;

use crate::time::Time;

/// So long nothing must have happened before there is a new warning.
const QUIET: Duration = Duration::from_secs(60);

/// Says which events of a kind are worth a warning: the first one, and the
/// first one after a quiet minute. The others are only counted, or a peer could
/// fill the log.
#[derive(Debug, Default)]
pub(crate) struct Warnings {
    last: Option<Time>,
}

impl Warnings {
    /// It has happened again: is a warning due?
    pub fn is_due(&mut self, now: Time) -> bool {
        let last = self.last.replace(now);
        last.is_none_or(|last| now >= last + QUIET)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_after_a_quiet_minute() {
        let mut warnings = Warnings::default();
        let mut is_due = |second: u64| warnings.is_due(Time::from_millis(1000 * second));
        assert!(is_due(5));
        // However long it goes on.
        for second in [5, 6, 60, 119, 178] {
            assert!(!is_due(second), "{second}");
        }
        assert!(is_due(238));
        assert!(!is_due(239));
    }
}
