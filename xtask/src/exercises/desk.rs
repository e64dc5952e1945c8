//! What a student asks for: check, hint, solution, reset.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::course::Course;
use super::examine::Examiner;
use super::id::Id;
use super::manifest::{Exercise, HINTS};
use super::marks;
use super::pack;
use super::progress::Progress;
use super::run::Workspace;
use super::verdict::{Verdict, show};
use super::wrong;

/// A student's place: his tree, the course, how far he is.
pub struct Desk {
    /// The tree.
    pub workspace: Workspace,
    /// The exercises.
    pub course: Course,
    /// How far the student is.
    pub progress: Progress,
    /// False in the finished workspace, where no progress is kept.
    pub is_student: bool,
}

impl Desk {
    /// The desk of the tree `root`.
    ///
    /// # Errors
    /// Its course cannot be read.
    pub fn open(root: &Path) -> Result<Self> {
        let workspace = Workspace {
            root: root.to_owned(),
            target: None,
        };
        Ok(Self {
            workspace,
            course: Course::load(root)?,
            progress: Progress::load(root),
            is_student: root.join(pack::FILE).exists(),
        })
    }

    /// Refuses what makes no sense in the finished workspace.
    ///
    /// # Errors
    /// This is the finished workspace.
    pub fn only_for_students(&self, command: &str) -> Result<()> {
        if self.is_student {
            return Ok(());
        }
        let how = "make one with 'cargo xtask student DIR'";
        Err(wrong(format!(
            "'{command}' works in a student's tree; {how}"
        )))
    }

    /// The exercise `id`, or the next that has not passed.
    ///
    /// # Errors
    /// There is none.
    pub fn find(&self, id: Option<Id>) -> Result<Option<&Exercise>> {
        match id {
            Some(id) => match self.course.find(id) {
                Ok(exercise) => Ok(Some(exercise)),
                Err(error) => Err(wrong(error.to_string())),
            },
            None => Ok(self.next()),
        }
    }

    /// The first exercise that has not passed.
    pub fn next(&self) -> Option<&Exercise> {
        let mut exercises = self.course.exercises.iter();
        exercises.find(|exercise| {
            let state = self.progress.of(exercise.id);
            !state.passed && !state.given
        })
    }

    /// Tests an exercise and says what came of it. True if it has passed.
    ///
    /// # Errors
    /// Cargo cannot be run.
    pub fn check(&mut self, id: Option<Id>) -> Result<bool> {
        let Some(exercise) = self.find(id)?.cloned() else {
            println!("All exercises have passed. 'cargo xtask open' has more to do.");
            return Ok(true);
        };
        let mut examiner = Examiner::new(&self.workspace);
        let verdict = examiner.examine(&exercise)?;
        self.tell(&exercise, &verdict)?;
        Ok(verdict.is_passed())
    }

    fn tell(&mut self, exercise: &Exercise, verdict: &Verdict) -> Result<()> {
        let id = exercise.id;
        println!("{}", show(id, &exercise.title, verdict));
        if !self.is_student {
            return Ok(());
        }
        let passed = verdict.is_passed();
        if self.progress.of(id).passed != passed {
            self.progress.change(id).passed = passed;
            self.progress.save(&self.workspace.root)?;
        }
        if !passed {
            println!("  Read {}. A hint: cargo xtask hint {id}", exercise.page);
            return Ok(());
        }
        println!(
            "  Ours, to compare: cargo xtask solution {id}. What a hint would have said: hint {id}"
        );
        match self.next() {
            Some(next) => println!("  Next: {}", self.invitation(next)),
            None => println!("  That was the last. 'cargo xtask open' has more to do."),
        }
        Ok(())
    }

    /// `3.2 title (20 minutes): step03_ip/src/checksum.rs:40`.
    pub fn invitation(&self, exercise: &Exercise) -> String {
        let Exercise {
            id, title, minutes, ..
        } = exercise;
        let place = self
            .place(*id)
            .unwrap_or_else(|| "its marks are gone".to_owned());
        format!("{id} {title} ({minutes} minutes): {place}")
    }

    /// Where the first hole of an exercise is in the student's file.
    fn place(&self, id: Id) -> Option<String> {
        let holes = self.course.holes(id);
        let (path, ..) = holes.first()?;
        let text = fs::read_to_string(self.workspace.root.join(path)).ok()?;
        let holes = marks::holes(&text).ok()?;
        let hole = holes.iter().find(|hole| hole.id == id)?;
        Some(format!("{path}:{}", hole.begin + 1))
    }

    /// Shows the next hint.
    ///
    /// # Errors
    /// There is no such exercise.
    pub fn hint(&mut self, id: Option<Id>) -> Result<()> {
        let Some(exercise) = self.find(id)?.cloned() else {
            println!("All exercises have passed: no hint is needed.");
            return Ok(());
        };
        let id = exercise.id;
        let seen = usize::from(self.progress.of(id).hints).min(HINTS);
        let shown = (seen + 1).min(HINTS);
        for (at, hint) in exercise.hints.iter().enumerate().take(shown) {
            println!(
                "{id} hint {} of {HINTS}: {}",
                at + 1,
                marks::wrap(hint, 76).join("\n  ")
            );
        }
        if seen == HINTS {
            println!("That is all. 'cargo xtask solution {id}' shows ours.");
        }
        if self.is_student {
            self.progress.change(id).hints = u8::try_from(shown).unwrap_or(u8::MAX);
            self.progress.save(&self.workspace.root)?;
        }
        Ok(())
    }

    /// Shows our solution; before the exercise has passed, only to who insists.
    ///
    /// # Errors
    /// There is no such exercise.
    pub fn solution(&mut self, id: Option<Id>, insist: bool) -> Result<bool> {
        let Some(exercise) = self.find(id)?.cloned() else {
            println!("All exercises have passed; say which: cargo xtask solution 3.1");
            return Ok(false);
        };
        let id = exercise.id;
        let state = self.progress.of(id);
        if self.is_student && !state.passed && !state.given && !insist {
            let hints = HINTS - usize::from(state.hints).min(HINTS);
            println!(
                "{id} has not passed yet. What one reads before one has tried is soon forgotten."
            );
            if hints > 0 {
                println!("There are {hints} hints that you have not seen: cargo xtask hint {id}");
            }
            println!("To see the solution all the same: cargo xtask solution {id} --now");
            return Ok(false);
        }
        for (path, _, inside) in self.course.holes(id) {
            println!("{path}:");
            for line in inside
                .lines()
                .filter(|line| !marks::is_mark(line) && !is_anchor(line))
            {
                println!("{line}");
            }
        }
        if self.is_student && !state.passed && !state.given {
            self.progress.change(id).shown = true;
            self.progress.save(&self.workspace.root)?;
        }
        Ok(true)
    }

    /// Makes the hole of an exercise as it was.
    ///
    /// # Errors
    /// There is no such exercise, or its marks are gone from the file.
    pub fn reset(&mut self, id: Id, whole_file: bool) -> Result<()> {
        self.only_for_students("reset")?;
        self.find(Some(id))?;
        let mut paths: Vec<_> = self
            .course
            .holes(id)
            .into_iter()
            .map(|hole| hole.0)
            .collect();
        paths.dedup();
        for path in paths {
            let source = &self.course.sources[path];
            let full = self.workspace.root.join(path);
            let text = if whole_file {
                // Those that were given stay so.
                self.course.cut(source, |id| !self.progress.of(id).given)
            } else {
                let text = fs::read_to_string(&full);
                let text = text.with_context(|| format!("cannot read {path}"))?;
                put(&self.course, path, &text, id, |hole, inside| {
                    self.course.stand_in(hole, inside)
                })?
            };
            fs::write(&full, text).with_context(|| format!("cannot write {path}"))?;
            println!("{path}: as it was");
        }
        self.progress.change(id).passed = false;
        self.progress.save(&self.workspace.root)
    }
}

/// `text`, a student's version of `path`, with something else in the holes of
/// `id`: what `fill` makes of a hole and its solution.
///
/// # Errors
/// The marks are gone.
pub fn put(
    course: &Course,
    path: &str,
    text: &str,
    id: Id,
    fill: impl Fn(&marks::Hole, &str) -> String,
) -> Result<String> {
    let holes = course.holes(id).into_iter().filter(|hole| hole.0 == path);
    let mut fresh: std::collections::VecDeque<String> = holes
        .map(|(_, hole, inside)| fill(&hole, &inside))
        .collect();
    let gone = |what: String| {
        let how = format!("'cargo xtask reset {id} --file' makes the whole file new");
        wrong(format!("{path}: {what}; {how}"))
    };
    let text = marks::refill(text, |hole| {
        if hole.id == id {
            fresh.pop_front()
        } else {
            None
        }
    });
    let text = text.map_err(|(line, what)| gone(format!("line {line}: {what}")))?;
    if !fresh.is_empty() {
        return Err(gone(format!("the marks of exercise {id} are gone")));
    }
    Ok(text)
}

fn is_anchor(line: &str) -> bool {
    line.trim_start().starts_with("// ANCHOR")
}
