//! All exercises with their solutions: read from the finished crates, or, in a
//! student's tree, from the one encoded file that it carries.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::id::Id;
use super::manifest::{self, Exercise, Mutant, Open};
use super::marks::{self, Hole};
use super::pack;

/// Files by their path from the workspace's root.
pub type Files = BTreeMap<String, String>;

/// The course.
#[derive(Debug, Default)]
pub struct Course {
    /// The exercises, in the book's order.
    pub exercises: Vec<Exercise>,
    /// The open exercises, by crate.
    pub open: Vec<(u8, Open)>,
    /// The bugs of the zoo.
    pub mutants: Vec<Mutant>,
    /// The finished sources that have holes.
    pub sources: Files,
    /// All files that make the course: the sources and what describes them.
    pub files: Files,
}

impl Course {
    /// Reads the course of the workspace `root`.
    ///
    /// # Errors
    /// A file cannot be read, or marks and manifests do not agree.
    pub fn load(root: &Path) -> Result<Self> {
        let packed = root.join(pack::FILE);
        let files = if packed.exists() {
            let text = fs::read_to_string(&packed);
            pack::decode(&text.with_context(|| format!("cannot read {}", packed.display()))?)?
        } else {
            read(root)?
        };
        Self::from_files(files)
    }

    /// The course that `files` make.
    ///
    /// # Errors
    /// All that does not agree, a line each.
    pub fn from_files(files: Files) -> Result<Self> {
        let mut course = Self::default();
        let mut wrong = Vec::new();
        for (path, text) in &files {
            if path.ends_with("/exercises.toml") {
                match manifest::exercises(text) {
                    Ok(manifest) => {
                        let step = step_of(path).unwrap_or_default();
                        let other = manifest.exercises.iter().filter(|e| e.id.step != step);
                        wrong.extend(other.map(|e| format!("{path}: {} is elsewhere", e.id)));
                        course.exercises.extend(manifest.exercises);
                        let open = manifest.open.into_iter().map(|open| (step, open));
                        course.open.extend(open);
                    }
                    Err(what) => wrong.push(format!("{path}: {what}")),
                }
            } else if path.ends_with("/mutants.toml") {
                match manifest::mutants(text) {
                    Ok(mutants) => course.mutants.extend(mutants),
                    Err(what) => wrong.push(format!("{path}: {what}")),
                }
            } else {
                course.sources.insert(path.clone(), text.clone());
            }
        }
        course.exercises.sort_by_key(|exercise| exercise.id);
        course.files = files;
        wrong.extend(course.disagreements());
        if !wrong.is_empty() {
            bail!("{}", wrong.join("\n"));
        }
        Ok(course)
    }

    /// The exercise `id`.
    ///
    /// # Errors
    /// There is none.
    pub fn find(&self, id: Id) -> Result<&Exercise> {
        let found = self.exercises.iter().find(|exercise| exercise.id == id);
        found.with_context(|| {
            let known = self.exercises.iter().map(|e| e.id.to_string());
            let known: Vec<_> = known.collect();
            format!("no exercise {id}; there are {}", known.join(", "))
        })
    }

    /// The holes of the exercise `id`: path, hole, solution.
    pub fn holes(&self, id: Id) -> Vec<(&str, Hole, String)> {
        let mut found = Vec::new();
        for (path, text) in &self.sources {
            let holes = marks::holes(text).unwrap_or_default();
            for hole in holes.into_iter().filter(|hole| hole.id == id) {
                let inside = marks::inside(text, &hole);
                found.push((path.as_str(), hole, inside));
            }
        }
        found
    }

    /// What the student finds in `hole`.
    pub fn stand_in(&self, hole: &Hole, inside: &str) -> String {
        let Ok(exercise) = self.find(hole.id) else {
            return inside.to_owned();
        };
        let Exercise {
            id, page, minutes, ..
        } = exercise;
        let first = self.holes(*id).into_iter().next();
        let is_first = first.is_none_or(|(_, first, _)| first == *hole);
        if !is_first {
            let more = format!("More of exercise {id}: see the first of its holes.");
            return marks::stand_in(hole, inside, &more);
        }
        let statement = format!(
            "{}\n\n{page}, about {minutes} minutes. Check: cargo xtask check {id}",
            exercise.statement.trim_end()
        );
        marks::stand_in(hole, inside, &statement)
    }

    /// `source`, finished, with the holes for which `is_open` says so.
    pub fn cut(&self, source: &str, is_open: impl Fn(Id) -> bool) -> String {
        let cut = marks::refill(source, |hole| {
            is_open(hole.id).then(|| self.stand_in(hole, &marks::inside(source, hole)))
        });
        cut.unwrap_or_else(|_| source.to_owned())
    }

    /// Where marks, manifests and order do not agree.
    fn disagreements(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for pair in self.exercises.windows(2) {
            if pair[0].id == pair[1].id {
                wrong.push(format!("exercise {} is there twice", pair[0].id));
            }
        }
        for Exercise { id, uses, .. } in &self.exercises {
            for used in uses {
                if used >= id {
                    wrong.push(format!(
                        "exercise {id} uses {used}, which is taught only later"
                    ));
                } else if self.find(*used).is_err() {
                    wrong.push(format!("exercise {id} uses {used}, which does not exist"));
                }
            }
            if self.holes(*id).is_empty() {
                wrong.push(format!("exercise {id} has no hole in any source"));
            }
        }
        for (path, text) in &self.sources {
            match marks::holes(text) {
                Err((line, what)) => wrong.push(format!("{path}:{line}: {what}")),
                Ok(holes) => {
                    let holes = holes.iter();
                    wrong.extend(holes.filter_map(|hole| self.misplaced(path, hole)));
                }
            }
        }
        for mutant in &self.mutants {
            let id = mutant.id;
            let found: usize = self
                .holes(id)
                .iter()
                .map(|(_, _, inside)| inside.matches(&mutant.from).count())
                .sum();
            if found != 1 {
                let bug = &mutant.bug;
                wrong.push(format!(
                    "mutant of {id} ({bug}): its text is there {found} times"
                ));
            }
        }
        wrong
    }

    fn misplaced(&self, path: &str, hole: &Hole) -> Option<String> {
        let (id, line) = (hole.id, hole.begin + 1);
        let wrong = match self.find(id) {
            Err(_) => format!("exercise {id} is in no manifest"),
            Ok(exercise) if exercise.title != hole.title => {
                format!("the manifest calls {id} '{}'", exercise.title)
            }
            Ok(_) if step_of(path) != Some(id.step) => format!("exercise {id} is elsewhere"),
            Ok(_) => return None,
        };
        Some(format!("{path}:{line}: {wrong}"))
    }
}

/// The number of the crate that `path` leads into: 3 for `step03_ip/src/lib.rs`.
pub fn step_of(path: &str) -> Option<u8> {
    path.strip_prefix("step")?.get(..2)?.parse().ok()
}

/// The crates of the workspace, in their order.
///
/// # Errors
/// The folder cannot be read.
pub fn crates(root: &Path) -> Result<Vec<String>> {
    let folder = fs::read_dir(root).with_context(|| format!("cannot read {}", root.display()))?;
    let mut names = Vec::new();
    for entry in folder {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if step_of(&name).is_some() && root.join(&name).join("Cargo.toml").exists() {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// The files of a finished workspace that make the course.
fn read(root: &Path) -> Result<Files> {
    let mut files = Files::new();
    for name in crates(root)? {
        for toml in ["exercises.toml", "mutants.toml"] {
            let path = format!("{name}/{toml}");
            if let Ok(text) = fs::read_to_string(root.join(&path)) {
                files.insert(path, text);
            }
        }
        read_sources(root, &format!("{name}/src"), &mut files)?;
    }
    Ok(files)
}

fn read_sources(root: &Path, folder: &str, files: &mut Files) -> Result<()> {
    let full = root.join(folder);
    let entries = fs::read_dir(&full).with_context(|| format!("cannot read {}", full.display()))?;
    for entry in entries {
        let entry = entry?;
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            read_sources(root, &path, files)?;
        } else if path.ends_with(".rs") {
            let text = fs::read_to_string(entry.path());
            let text = text.with_context(|| format!("cannot read {path}"))?;
            if text.lines().any(marks::is_mark) {
                files.insert(path, text);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::exercises::manifest::tests::EXERCISE;

    /// A course of one exercise, in which `from` has become `to`.
    pub fn course(from: &str, to: &str) -> Result<Course> {
        let mutant = "[[mutant]]\nid = \"1.1\"\nbug = \"two\"\nfrom = \"1\"\nto = \"2\"\n";
        let code = "fn a() -> u8 {\n    // EXERCISE 1.1: T\n    1\n    // END 1.1\n}\n";
        let files = [
            ("step01_a/exercises.toml", EXERCISE),
            ("step01_a/mutants.toml", mutant),
            ("step01_a/src/lib.rs", code),
        ];
        let files = files.into_iter();
        Course::from_files(
            files
                .map(|(path, text)| (path.to_owned(), text.replace(from, to)))
                .collect(),
        )
    }

    fn what(from: &str, to: &str) -> String {
        course(from, to).unwrap_err().to_string()
    }

    #[test]
    fn what_agrees_is_a_course() {
        let course = course("", "").unwrap();
        assert_eq!(course.exercises.len(), 1);
        let source = &course.sources["step01_a/src/lib.rs"];
        let cut = course.cut(source, |_| true);
        assert!(cut.contains("    // Do it.\n"), "{cut}");
        assert!(cut.contains("    todo!(\"Exercise 1.1: T\")\n"), "{cut}");
        assert_eq!(&course.cut(source, |_| false), source);
    }

    #[test]
    fn what_does_not_agree_is_refused() {
        assert!(what("minutes", "uses = [\"1.2\"]\nminutes").contains("taught only later"));
        assert!(what("minutes", "uses = [\"1.1\"]\nminutes").contains("taught only later"));
        assert!(what("EXERCISE 1.1: T", "EXERCISE 1.1: U").contains("calls 1.1 'T'"));
        let other = what("// EXERCISE 1.1: T\n    1\n    // END 1.1", "");
        assert!(other.contains("exercise 1.1 has no hole"), "{other}");
        assert!(what("// END 1.1", "").contains("lib.rs:2: exercise 1.1 does not end"));
        assert!(what("\"1.1\"", "\"2.1\"").contains("2.1 is elsewhere"));
        assert!(what("from = \"1\"", "from = \"9\"").contains("is there 0 times"));
        let twice = EXERCISE.repeat(2);
        assert!(what(EXERCISE, &twice).contains("1.1 is there twice"));
        assert!(what(EXERCISE, "").contains("1.1 is in no manifest"));
    }
}
