//! Tests that explain themselves: what was done, step by step, and then the
//! expectation that broke, in the protocol's words.
//!
//! `cargo xtask check` reads what is printed here and numbers the steps. The
//! tests of the exercises are written with it:
//!
//! ```
//! use step01_device::testing::History;
//! let history = History::new();
//! history.did("a packet of 3 octets");
//! history.expect("its length", 3, 3);
//! let fields = [("type", 1), ("checksum", 2)];
//! history.expect_bytes("the header", &[8, 0x4f, 0x1a], &[8, 0x4f, 0x1a], &fields);
//! ```

use std::cell::RefCell;
use std::fmt::{Debug, Display, Write};

use log::{LevelFilter, Log, Metadata, Record};

thread_local! {
    /// What this thread has logged since its history began.
    static LINES: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// Keeps the lines of threads that have a history.
struct Collector;

impl Log for Collector {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        LINES.with_borrow_mut(|lines| {
            if let Some(lines) = lines {
                let message = record.args().to_string();
                // Dumps of headers and bytes follow on further lines.
                let first = message.lines().next().unwrap_or_default();
                lines.push(format!("{}: {first}", record.target()));
            }
        });
    }

    fn flush(&self) {}
}

/// What a test has done so far.
#[derive(Debug)]
pub struct History(());

impl History {
    /// Begins a history. From now on what this thread logs is kept for
    /// [`expect_log`](Self::expect_log).
    #[allow(clippy::new_without_default)] // it is an act, not a value
    pub fn new() -> Self {
        // All but the first find it set.
        if log::set_logger(&Collector).is_ok() {
            log::set_max_level(LevelFilter::Debug);
        }
        LINES.set(Some(Vec::new()));
        Self(())
    }

    /// Notes what is done now. It is printed at once, so that it is known even
    /// if the test never comes back.
    pub fn did(&self, step: impl Display) {
        println!("history: {step}");
    }

    /// Expects that `what` is `expected`.
    ///
    /// # Panics
    /// It is something else: this is how a test fails.
    #[track_caller]
    pub fn expect<T: PartialEq<U> + Debug, U: Debug>(&self, what: &str, got: T, expected: U) {
        if got != expected {
            broken(what, &format!("expected {expected:?}, got {got:?}"));
        }
    }

    /// Expects that something holds.
    ///
    /// # Panics
    /// It does not.
    #[track_caller]
    pub fn expect_that(&self, what: &str, holds: bool) {
        if !holds {
            broken(what, "it is not so");
        }
    }

    /// Expects that the bytes `got` are `expected`, of which `fields` gives
    /// names and lengths from the front; what is behind them is the payload.
    ///
    /// # Panics
    /// They are others. The message names the fields that are wrong.
    #[track_caller]
    pub fn expect_bytes(&self, what: &str, got: &[u8], expected: &[u8], fields: &[(&str, usize)]) {
        if got != expected {
            let differences = differences(got, expected, fields);
            broken(what, &differences);
        }
    }

    /// Expects these lines in the log since the history began, or since the
    /// last call: `target: message`, without what follows on further lines.
    ///
    /// # Panics
    /// There are others. The message shows what is missing (`-`) and what
    /// should not be there (`+`).
    #[track_caller]
    pub fn expect_log(&self, expected: &[&str]) {
        let got = LINES.replace(Some(Vec::new())).unwrap_or_default();
        let got: Vec<&str> = got.iter().map(String::as_str).collect();
        if got != expected {
            broken("the log", &log_diff(&got, expected));
        }
    }
}

impl Drop for History {
    fn drop(&mut self) {
        LINES.set(None);
    }
}

#[track_caller]
fn broken(what: &str, how: &str) -> ! {
    panic!("expectation: {what}\n{how}")
}

/// The fields that differ, a line each.
fn differences(got: &[u8], expected: &[u8], fields: &[(&str, usize)]) -> String {
    let mut text = String::new();
    let mut begin = 0;
    let covered: usize = fields.iter().map(|(_, len)| len).sum();
    let rest = (
        "payload",
        got.len().max(expected.len()).saturating_sub(covered),
    );
    for (name, len) in fields.iter().chain([&rest]) {
        let end = begin + len;
        let part = |bytes: &[u8]| {
            bytes
                .get(begin..end.min(bytes.len()))
                .unwrap_or_default()
                .to_vec()
        };
        let (ours, right) = (part(got), part(expected));
        if ours != right {
            let place = if *len == 1 {
                format!("byte {begin}")
            } else {
                format!("bytes {begin}–{}", end.saturating_sub(1))
            };
            let (ours_shown, right_shown) = (hex(&ours), hex(&right));
            let guess = guess(&ours, &right);
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "{place}, {name}: expected {right_shown}, got {ours_shown}{guess}"
            );
        }
        begin = end;
    }
    text
}

/// What may have happened to a field.
fn guess(got: &[u8], expected: &[u8]) -> &'static str {
    let is = |change: fn(u8) -> u8| {
        got.iter()
            .copied()
            .eq(expected.iter().map(|byte| change(*byte)))
    };
    if got.len() != expected.len() {
        ": the length differs"
    } else if got.len() > 1 && got.iter().eq(expected.iter().rev()) {
        ": the bytes are swapped"
    } else if is(|byte| !byte) {
        ": each bit is the opposite; was the complement forgotten, or taken twice?"
    } else if got.iter().all(|byte| *byte == 0) {
        ": it was not written"
    } else {
        ""
    }
}

fn hex(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "nothing".to_owned();
    }
    let shown: Vec<String> = bytes
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let more = if bytes.len() > 16 { " …" } else { "" };
    format!("{}{more}", shown.join(" "))
}

/// What is missing (`-`) and what is too much (`+`), among what is right.
fn log_diff(got: &[&str], expected: &[&str]) -> String {
    // Length of the longest common subsequence of got[i..] and expected[j..].
    let mut common = vec![vec![0_usize; expected.len() + 1]; got.len() + 1];
    for (i, ours) in got.iter().enumerate().rev() {
        for (j, right) in expected.iter().enumerate().rev() {
            common[i][j] = if ours == right {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let (mut i, mut j, mut text) = (0, 0, String::new());
    while i < got.len() || j < expected.len() {
        let (mark, line) = match (got.get(i), expected.get(j)) {
            (Some(ours), Some(right)) if ours == right => {
                (i, j) = (i + 1, j + 1);
                (' ', *ours)
            }
            (ours, Some(right)) if ours.is_none() || common[i][j + 1] >= common[i + 1][j] => {
                j += 1;
                ('-', *right)
            }
            (Some(ours), _) => {
                i += 1;
                ('+', *ours)
            }
            (None, _) => break,
        };
        let _ = writeln!(text, "{mark} {line}");
    }
    format!("(- is missing, + is too much)\n{text}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    /// What a broken expectation says.
    fn message(test: impl FnOnce(&History)) -> String {
        let history = History::new();
        let panic = catch_unwind(AssertUnwindSafe(|| test(&history))).unwrap_err();
        *panic.downcast::<String>().unwrap()
    }

    #[test]
    fn what_is_as_expected_says_nothing() {
        let history = History::new();
        history.did("nothing");
        history.expect("a sum", 1 + 1, 2);
        history.expect_that("it holds", true);
        history.expect_bytes("bytes", &[1], &[1], &[]);
        log::debug!(target: "a::b", "one\nfields");
        history.expect_log(&["a::b: one"]);
        history.expect_log(&[]);
    }

    #[test]
    fn values_are_shown() {
        let text = message(|history| history.expect("the length", 3, 4));
        assert_eq!(text, "expectation: the length\nexpected 4, got 3");
        assert!(message(|history| history.expect_that("x", false)).starts_with("expectation: x\n"));
    }

    #[test]
    fn fields_are_named_and_their_fate_guessed() {
        let fields = [("type", 1), ("code", 1), ("checksum", 2)];
        let text = |got: &[u8]| {
            message(|history| history.expect_bytes("m", got, &[8, 0, 0x4f, 0x1a, 7], &fields))
        };
        assert_eq!(
            text(&[8, 0, 0x1a, 0x4f, 7]),
            "expectation: m\nbytes 2–3, checksum: expected 4f 1a, got 1a 4f: the bytes are swapped\n"
        );
        assert!(text(&[8, 0, 0xb0, 0xe5, 7]).contains("complement"));
        assert!(text(&[8, 0, 0, 0, 7]).contains("it was not written"));
        let short = text(&[9, 0, 0x4f, 0x1a]);
        assert!(
            short.contains("byte 0, type: expected 08, got 09\n"),
            "{short}"
        );
        assert!(
            short.contains("payload: expected 07, got nothing"),
            "{short}"
        );
    }

    #[test]
    fn the_log_is_compared_line_by_line() {
        let text = message(|history| {
            for line in ["one", "three", "four"] {
                log::info!(target: "t", "{line}");
            }
            history.expect_log(&["t: one", "t: two", "t: three"]);
        });
        let lines: Vec<&str> = text.lines().skip(2).collect();
        assert_eq!(lines, ["  t: one", "- t: two", "  t: three", "+ t: four"]);
    }
}
