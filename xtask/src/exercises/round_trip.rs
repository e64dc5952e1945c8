//! `cargo xtask exercises`: whether the exercises are any good. A workspace is
//! cut; every exercise fails on its hole and says so; the solutions are put
//! back one by one, in the book's order, and each turns green.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};

use super::course::Course;
use super::desk::put;
use super::examine::Examiner;
use super::manifest::Exercise;
use super::marks;
use super::pack;
use super::run::Workspace;
use super::student::{self, Choice};
use super::verdict::{Failure, Seen, Verdict, show};

/// Where trees are cut and built that nobody looks at.
pub fn scratch(root: &Path, name: &str) -> Result<Workspace> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let folder = target
        .unwrap_or_else(|| root.join("target"))
        .join("exercises");
    let tree = folder.join(name);
    if tree.exists() {
        let cannot = || format!("cannot remove {}", tree.display());
        fs::remove_dir_all(&tree).with_context(cannot)?;
    }
    fs::create_dir_all(&tree).with_context(|| format!("cannot create {}", tree.display()))?;
    Ok(Workspace {
        root: tree.canonicalize()?,
        target: Some(folder.canonicalize()?.join("build")),
    })
}

/// Makes the round trip: of all crates, or of `step` alone.
///
/// # Errors
/// A file cannot be read or written, or cargo cannot be run.
pub fn run(root: &Path, step: Option<u8>) -> Result<bool> {
    let begin = Instant::now();
    let course = Course::load(root)?;
    let mut trip = Trip {
        workspace: scratch(root, "tree")?,
        exercises: course.exercises.iter().collect(),
        course: &course,
        wrong: 0,
    };
    let choice = Choice {
        only: step,
        ..Choice::default()
    };
    student::write(root, &course, &trip.workspace.root, &choice)?;
    trip.exercises
        .retain(|exercise| choice.is_open(exercise.id));
    trip.pages(root);
    trip.secrets()?;
    trip.warnings()?;
    let exercises = trip.exercises.clone();
    for (at, exercise) in exercises.iter().enumerate() {
        trip.one(&exercises[..at], exercise)?;
    }
    trip.last(&exercises)?;
    trip.equal()?;
    let (count, wrong) = (exercises.len(), trip.wrong);
    println!(
        "exercises: {count}, wrong: {wrong}, {} s",
        begin.elapsed().as_secs()
    );
    Ok(wrong == 0)
}

struct Trip<'a> {
    workspace: Workspace,
    course: &'a Course,
    exercises: Vec<&'a Exercise>,
    wrong: usize,
}

impl Trip<'_> {
    fn error(&mut self, what: impl std::fmt::Display) {
        println!("error: {what}");
        self.wrong += 1;
    }

    /// The pages that the exercises name are there, and name them: number,
    /// title and minutes.
    fn pages(&mut self, root: &Path) {
        let exercises = self.course.exercises.iter().map(|e| {
            let name = format!("**{} {}** ({} minutes)", e.id, e.title, e.minutes);
            (name, e.page.as_str())
        });
        let open = self.course.open.iter().map(|(_, open)| {
            let name = format!("**Open: {}** ({} minutes)", open.title, open.minutes);
            (name, open.page.as_str())
        });
        let missing: Vec<String> = exercises
            .chain(open)
            .filter(|(name, page)| !is_named(root, name, page))
            .map(|(name, page)| format!("{page} does not say '{name}'"))
            .collect();
        missing.iter().for_each(|what| self.error(what));
    }

    /// No file of the student's tree holds a solution that can be read.
    fn secrets(&mut self) -> Result<()> {
        let mut texts = Vec::new();
        read_all(&self.workspace.root, &mut texts)?;
        for exercise in self.exercises.clone() {
            for (_, _, inside) in self.course.holes(exercise.id) {
                let solution = squeeze(&inside);
                let found = texts.iter().find(|(_, text)| text.contains(&solution));
                if let Some((path, _)) = found.filter(|_| solution.len() > 40) {
                    let path = path.display();
                    self.error(format!("{path} holds the solution of {}", exercise.id));
                }
            }
        }
        Ok(())
    }

    /// The tree compiles as it is, without a warning.
    fn warnings(&mut self) -> Result<()> {
        let mut cargo = self
            .workspace
            .cargo(&["check", "-q", "--workspace", "--all-targets"]);
        let output = cargo.output().context("cannot run cargo")?;
        let text = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() || !text.trim().is_empty() {
            self.error(format!(
                "the tree does not compile without warnings:\n{text}"
            ));
        }
        Ok(())
    }

    /// `exercise` fails on its hole; those before it pass. Then its solution
    /// is put in.
    fn one(&mut self, before: &[&Exercise], exercise: &Exercise) -> Result<()> {
        let id = exercise.id;
        let workspace = self.workspace.clone();
        let mut examiner = Examiner::new(&workspace);
        self.green(&mut examiner, before, id.step)?;
        let verdict = examiner.examine(exercise)?;
        match &verdict {
            Verdict::Failed(Failure {
                seen: Seen::Hole(Some(hole), _),
                ..
            }) if *hole == id => {
                println!("{id} {}: fails on its hole", exercise.title);
            }
            other => {
                let shown = show(id, &exercise.title, other);
                self.error(format!("{id} does not fail on its hole:\n{shown}"));
            }
        }
        for (path, ..) in self.course.holes(id) {
            let full = self.workspace.root.join(path);
            let text = fs::read_to_string(&full).with_context(|| format!("cannot read {path}"))?;
            let text = put(self.course, path, &text, id, |_, inside| inside.to_owned())?;
            fs::write(&full, text).with_context(|| format!("cannot write {path}"))?;
        }
        Ok(())
    }

    /// All exercises of the crate `step` that are `done` pass.
    fn green(&mut self, examiner: &mut Examiner<'_>, done: &[&Exercise], step: u8) -> Result<()> {
        for exercise in done.iter().filter(|exercise| exercise.id.step == step) {
            let verdict = examiner.examine(exercise)?;
            if !verdict.is_passed() {
                self.error(show(exercise.id, &exercise.title, &verdict));
            }
        }
        Ok(())
    }

    /// With all solutions back, the last exercise of each crate passes too.
    fn last(&mut self, done: &[&Exercise]) -> Result<()> {
        let workspace = self.workspace.clone();
        let mut examiner = Examiner::new(&workspace);
        let mut steps: Vec<u8> = done.iter().map(|exercise| exercise.id.step).collect();
        steps.dedup();
        for step in steps {
            self.green(&mut examiner, done, step)?;
        }
        Ok(())
    }

    /// All holes filled, the sources are ours again, byte for byte.
    fn equal(&mut self) -> Result<()> {
        for (path, source) in &self.course.sources {
            let text = fs::read_to_string(self.workspace.root.join(path))?;
            if text != *source {
                self.error(format!("{path} is not what it was"));
            }
        }
        Ok(())
    }
}

/// The code without marks and white space.
fn squeeze(text: &str) -> String {
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.starts_with("//") && !marks::is_mark(line));
    lines.collect::<Vec<_>>().join("").replace(' ', "")
}

fn read_all(folder: &Path, texts: &mut Vec<(PathBuf, String)>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            read_all(&path, texts)?;
        } else if !path.ends_with(pack::FILE) {
            let text = fs::read(&path)?;
            texts.push((path, squeeze(&String::from_utf8_lossy(&text))));
        }
    }
    Ok(())
}

/// Does the page have this text? A title may begin with a small letter there.
fn is_named(root: &Path, name: &str, page: &str) -> bool {
    let text = fs::read_to_string(root.join(page)).unwrap_or_default();
    text.to_lowercase().contains(&name.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_solution_is_found_however_it_is_laid_out() {
        let solution = squeeze("    // EXERCISE 3.1: T\n    let a = 1;\n    a + 1\n");
        assert_eq!(solution, "leta=1;a+1");
        assert!(squeeze("fn x() {\n  let a =\n  1;\n a + 1 }").contains(&solution));
    }
}
