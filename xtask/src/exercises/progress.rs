//! How far a student has come: a file in his tree, that he may look at.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::id::Id;

/// Where it is, from the student's workspace.
const FILE: &str = "progress.txt";

/// What is known of one exercise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// It was finished when the tree was cut.
    pub given: bool,
    /// Its tests have passed.
    pub passed: bool,
    /// How many hints have been shown.
    pub hints: u8,
    /// The solution was shown before it had passed.
    pub shown: bool,
}

/// What is known of all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress(BTreeMap<Id, State>);

impl Progress {
    /// Reads the file; nothing is known if it is not there. Lines that make no
    /// sense are ignored: it is the student's file.
    pub fn load(root: &Path) -> Self {
        let text = fs::read_to_string(root.join(FILE)).unwrap_or_default();
        Self::read(&text)
    }

    fn read(text: &str) -> Self {
        let mut progress = Self::default();
        for line in text.lines() {
            let mut words = line.split_whitespace();
            let Some(Ok(id)) = words.next().map(str::parse::<Id>) else {
                continue;
            };
            let state = progress.0.entry(id).or_default();
            for word in words {
                match word {
                    "given" => state.given = true,
                    "passed" => state.passed = true,
                    "solution-shown" => state.shown = true,
                    _ => {
                        let hints = word.strip_prefix("hints=").and_then(|n| n.parse().ok());
                        state.hints = hints.unwrap_or(state.hints);
                    }
                }
            }
        }
        progress
    }

    fn text(&self) -> String {
        let mut text = "# What cargo xtask check, hint and solution have seen.\n".to_owned();
        for (id, state) in self
            .0
            .iter()
            .filter(|(_, state)| **state != State::default())
        {
            text.push_str(&id.to_string());
            for (word, is) in [
                ("given", state.given),
                ("passed", state.passed),
                ("solution-shown", state.shown),
            ] {
                if is {
                    text.push(' ');
                    text.push_str(word);
                }
            }
            if state.hints > 0 {
                text.push_str(&format!(" hints={}", state.hints));
            }
            text.push('\n');
        }
        text
    }

    /// Writes the file.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn save(&self, root: &Path) -> Result<()> {
        let (path, new) = (root.join(FILE), root.join(format!("{FILE}.new")));
        let written = fs::write(&new, self.text()).and_then(|()| fs::rename(&new, &path));
        written.with_context(|| format!("cannot write {}", path.display()))
    }

    /// What is known of an exercise.
    pub fn of(&self, id: Id) -> State {
        self.0.get(&id).copied().unwrap_or_default()
    }

    /// What is known of an exercise, to be changed.
    pub fn change(&mut self, id: Id) -> &mut State {
        self.0.entry(id).or_default()
    }

    /// Notes that the exercise was finished from the start.
    pub fn note_given(&mut self, id: Id) {
        self.change(id).given = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let id = |text: &str| text.parse::<Id>().unwrap();
        let mut progress = Progress::default();
        progress.note_given(id("1.1"));
        progress.change(id("3.10")).passed = true;
        progress.change(id("3.2")).hints = 2;
        progress.change(id("3.2")).shown = true;
        let text = progress.text();
        assert!(text.ends_with("1.1 given\n3.2 solution-shown hints=2\n3.10 passed\n"));
        assert_eq!(Progress::read(&text), progress);
        assert_eq!(Progress::read("x\n1.1 odd hints=x"), {
            let mut odd = Progress::default();
            odd.change(id("1.1"));
            odd
        });
    }
}
