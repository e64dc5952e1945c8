//! What a test has to say to the student: never a wall of backtrace.

use std::fmt;

use super::id::Id;
use super::run::{End, Outcome, TIME};

/// Before each line of a history; see `step01_device::testing`.
const STEP: &str = "history: ";
/// Before what an expectation says.
const EXPECTATION: &str = "expectation: ";

/// What has become of an exercise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All its tests pass.
    Passed,
    /// The code does not compile: what the compiler says.
    DoesNotCompile(String),
    /// None of the tests that the manifest names is there.
    NoTest(String),
    /// A test has failed.
    Failed(Failure),
}

/// Why a test has failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The test.
    pub test: String,
    /// What was done to the stack.
    pub history: Vec<String>,
    /// What was seen.
    pub seen: Seen,
}

/// What was seen of a test that has failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It came to a hole: of which exercise, and where.
    Hole(Option<Id>, String),
    /// An expectation broke: its name, and how it was broken.
    Expectation(String, String),
    /// A panic: where, and what it says.
    Panic(String, String),
    /// It did not end: was it busy, or asleep?
    Endless { busy: bool },
    /// A signal ended it.
    Signal(i32),
}

impl Verdict {
    /// True if all is well.
    pub fn is_passed(&self) -> bool {
        *self == Self::Passed
    }

    /// In a few words, for a table: the first thing that is wrong.
    pub fn brief(&self) -> String {
        match self {
            Self::Passed => "passed".to_owned(),
            Self::DoesNotCompile(_) => "does not compile".to_owned(),
            Self::NoTest(_) => "has no test".to_owned(),
            Self::Failed(Failure { seen, .. }) => match seen {
                Seen::Hole(Some(id), _) => format!("hole {id} is not filled"),
                Seen::Hole(None, _) => "a hole is not filled".to_owned(),
                Seen::Expectation(what, _) => what.clone(),
                Seen::Panic(_, message) => {
                    let line = message.lines().next().unwrap_or_default();
                    format!("panic: {line}")
                }
                Seen::Endless { busy: true } => "does not end: loops".to_owned(),
                Seen::Endless { busy: false } => "does not end: waits".to_owned(),
                Seen::Signal(number) => format!("ended by signal {number}"),
            },
        }
    }
}

/// Reads the failure of `test` from what running it has given.
pub fn judge(test: &str, outcome: &Outcome) -> Option<Failure> {
    let history = outcome.output.lines().filter_map(|line| {
        let (_, step) = line.split_once(STEP)?;
        Some(step.to_owned())
    });
    let seen = match outcome.end {
        End::Passed => return None,
        End::Timeout { busy } => Seen::Endless { busy },
        End::Signal(number) => Seen::Signal(number),
        End::Failed => seen(&outcome.output),
    };
    Some(Failure {
        test: test.to_owned(),
        history: history.collect(),
        seen,
    })
}

/// The first panic of the output.
fn seen(output: &str) -> Seen {
    let mut lines = output.lines();
    let place = lines.find_map(|line| line.split_once(" panicked at ").map(|(_, at)| at));
    let place = place.unwrap_or("an unknown place").trim_end_matches(':');
    let ends = ["note: run with", "thread '", "test result:", "failures:"];
    let message = lines.take_while(|line| !ends.iter().any(|end| line.starts_with(end)));
    let message: Vec<&str> = message.filter(|line| !line.contains(STEP)).collect();
    let message = message.join("\n").trim().to_owned();
    if let Some((_, todo)) = message.split_once("not yet implemented: Exercise ") {
        let id = todo.split_once(": ").and_then(|(id, _)| id.parse().ok());
        return Seen::Hole(id, place.to_owned());
    }
    match message.strip_prefix(EXPECTATION) {
        Some(expectation) => {
            let (name, how) = expectation.split_once('\n').unwrap_or((expectation, ""));
            Seen::Expectation(name.to_owned(), how.to_owned())
        }
        None => Seen::Panic(place.to_owned(), message),
    }
}

/// A verdict as it is shown, for the exercise `id`.
pub fn show(id: Id, title: &str, verdict: &Verdict) -> String {
    match verdict {
        Verdict::Passed => format!("{id} {title}: passed"),
        Verdict::DoesNotCompile(what) => {
            format!("{id} {title}: not yet. It does not compile:\n\n{what}")
        }
        Verdict::NoTest(what) => format!("{id} {title}: cannot be checked. {what}"),
        Verdict::Failed(failure) => format!("{id} {title}: not yet.\n\n{failure}"),
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  Test: {}", self.test)?;
        for (at, step) in self.history.iter().enumerate() {
            let lead = if at == 0 { "  Done: " } else { "        " };
            writeln!(f, "{lead}{:>2}. {step}", at + 1)?;
        }
        let text = match &self.seen {
            Seen::Hole(Some(id), at) => {
                format!("The hole of exercise {id} is not filled: {at}")
            }
            Seen::Hole(None, at) => format!("A hole is not filled: {at}"),
            Seen::Expectation(name, how) => format!("Expected: {name}\n{how}"),
            Seen::Panic(at, message) => format!("A panic at {at}:\n{message}"),
            Seen::Endless { busy: true } => format!(
                "It did not end within {} s, and was computing all the time: an endless loop.",
                TIME.as_secs()
            ),
            Seen::Endless { busy: false } => format!(
                "It did not end within {} s, and was asleep: it waits for something that never\n\
                 comes. Is a lock taken twice by one thread, or a wake-up missed?",
                TIME.as_secs()
            ),
            Seen::Signal(6) => "The program has aborted: its stack was full (a function that \
                calls itself without\nend?), or its memory was."
                .to_owned(),
            Seen::Signal(number) => format!("Signal {number} has ended the program."),
        };
        let mut lines = text.trim_end().lines();
        writeln!(f, "  Seen: {}", lines.next().unwrap_or_default())?;
        lines
            .take(40)
            .try_for_each(|line| writeln!(f, "        {line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(end: End, output: &str) -> Failure {
        let output = output.to_owned();
        judge("a::b", &Outcome { end, output }).unwrap()
    }

    const HEAD: &str = "\nrunning 1 test\ntest a::b ... history: made it\nhistory: sent it\n\n\
        thread 'a::b' (7) panicked at src/a.rs:1:2:\n";
    const TAIL: &str = "\nnote: run with `RUST_BACKTRACE=1` environment variable\nFAILED\n";

    #[test]
    fn a_hole_is_named() {
        let text = format!("{HEAD}not yet implemented: Exercise 3.1: Sum up{TAIL}");
        let failure = judged(End::Failed, &text);
        assert_eq!(failure.history, ["made it", "sent it"]);
        let id = "3.1".parse().ok();
        assert_eq!(failure.seen, Seen::Hole(id, "src/a.rs:1:2".to_owned()));
        assert!(
            failure
                .to_string()
                .contains("exercise 3.1 is not filled: src/a.rs:1:2")
        );
    }

    #[test]
    fn an_expectation_keeps_its_words() {
        let text = format!("{HEAD}expectation: the checksum\nexpected 4f 1a, got 1a 4f{TAIL}");
        let failure = judged(End::Failed, &text);
        let how = "expected 4f 1a, got 1a 4f".to_owned();
        assert_eq!(
            failure.seen,
            Seen::Expectation("the checksum".to_owned(), how)
        );
        let shown = show("3.1".parse().unwrap(), "Sum up", &Verdict::Failed(failure));
        let expected = "3.1 Sum up: not yet.\n\n  Test: a::b\n  Done:  1. made it\n         \
            2. sent it\n  Seen: Expected: the checksum\n        expected 4f 1a, got 1a 4f\n";
        assert_eq!(shown, expected);
    }

    #[test]
    fn other_ends() {
        let panic = judged(End::Failed, &format!("{HEAD}index out of bounds{TAIL}"));
        let seen = Seen::Panic("src/a.rs:1:2".to_owned(), "index out of bounds".to_owned());
        assert_eq!(panic.seen, seen);
        let verdict = Verdict::Failed(panic);
        assert_eq!(verdict.brief(), "panic: index out of bounds");
        let endless = judged(End::Timeout { busy: true }, "history: began\n");
        assert!(endless.to_string().contains("an endless loop"));
        let locked = judged(End::Timeout { busy: false }, "history: began\n");
        assert!(locked.to_string().contains("lock taken twice"));
        assert!(
            judged(End::Signal(6), "")
                .to_string()
                .contains("stack was full")
        );
        assert!(
            judge(
                "a",
                &Outcome {
                    end: End::Passed,
                    output: String::new()
                }
            )
            .is_none()
        );
    }
}
