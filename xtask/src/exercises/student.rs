//! Cuts a student's workspace out of the finished one.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::course::{Course, step_of};
use super::id::Id;
use super::pack;
use super::progress::Progress;
use super::wrong;

/// What is to be cut.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// Crates below this one are finished.
    pub from: Option<u8>,
    /// All crates but this one are finished.
    pub only: Option<u8>,
    /// These exercises are finished, and do not count as the student's.
    pub reference: BTreeSet<Id>,
}

impl Choice {
    /// True if the student is to do the exercise.
    pub fn is_open(&self, id: Id) -> bool {
        !self.reference.contains(&id)
            && self.from.is_none_or(|from| id.step >= from)
            && self.only.is_none_or(|only| id.step == only)
    }
}

/// Says no to a choice that leaves nothing to do, or names what is not there.
///
/// # Errors
/// What is wrong with it.
pub fn check(course: &Course, choice: &Choice) -> Result<()> {
    for id in &choice.reference {
        if let Err(error) = course.find(*id) {
            return Err(wrong(format!("--reference {id}: {error}")));
        }
    }
    let steps: BTreeSet<u8> = course.exercises.iter().map(|e| e.id.step).collect();
    let known: Vec<String> = steps.iter().map(u8::to_string).collect();
    for (option, step) in [("--from", choice.from), ("--only", choice.only)] {
        if let Some(step) = step.filter(|step| !steps.contains(step)) {
            let known = known.join(", ");
            let what = format!("{option} {step}: no such crate has exercises; {known} have");
            return Err(wrong(what));
        }
    }
    if !course.exercises.iter().any(|e| choice.is_open(e.id)) {
        return Err(wrong("that leaves no exercise to be done".to_owned()));
    }
    Ok(())
}

/// Cuts the workspace `root` into the folder `dir`, which must be new or empty.
///
/// # Errors
/// It is not, or a file cannot be read or written.
pub fn cut(root: &Path, course: &Course, dir: &Path, choice: &Choice) -> Result<()> {
    check(course, choice)?;
    if root.join(pack::FILE).exists() {
        let what = "this is a student's tree already; cut another from the finished course";
        return Err(wrong(what.to_owned()));
    }
    if fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) || dir.is_file() {
        let what = format!(
            "{} exists and is not empty; name a new folder",
            dir.display()
        );
        return Err(wrong(what));
    }
    let created = || format!("cannot create {}", dir.display());
    fs::create_dir_all(dir).with_context(created)?;
    let (from, to) = (root.canonicalize()?, dir.canonicalize()?);
    if to.starts_with(&from) {
        let _ = fs::remove_dir(dir);
        let what = format!(
            "{} lies within this workspace; name one beside it",
            dir.display()
        );
        return Err(wrong(what));
    }
    write(root, course, dir, choice)
}

/// As [`cut`], but without asking what is in `dir`.
///
/// # Errors
/// A file cannot be read or written.
pub fn write(root: &Path, course: &Course, dir: &Path, choice: &Choice) -> Result<()> {
    copy(root, "", dir, &|path, text| {
        if course.sources.contains_key(path) {
            let text = course.cut(&String::from_utf8_lossy(&text), |id| choice.is_open(id));
            return text.into_bytes();
        }
        if path == "Cargo.toml" {
            return lenient(&String::from_utf8_lossy(&text)).into_bytes();
        }
        text
    })?;
    let mut progress = Progress::default();
    for exercise in course.exercises.iter().filter(|e| !choice.is_open(e.id)) {
        progress.note_given(exercise.id);
    }
    progress.save(dir)?;
    for (path, text) in [
        (pack::FILE, pack::encode(&course.files).as_str()),
        ("README.md", include_str!("../../student/README.md")),
        ("AGENTS.md", include_str!("../../student/AGENTS.md")),
        ("xtask/src/main.rs", include_str!("../../student/main.rs")),
    ] {
        let path = dir.join(path);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// What a student does not need, or must not see.
fn is_left_out(path: &str) -> bool {
    if let Some(path) = path.strip_prefix("xtask/") {
        // Of the chores only those that are his.
        let his = ["Cargo.toml", "src", "src/exercises", "student"];
        let is_his = his.contains(&path) || path.starts_with("src/exercises/");
        return !is_his && !path.starts_with("student/");
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    let file = [
        ".git",
        ".ci",
        ".github",
        "target",
        "exercises.toml",
        "mutants.toml",
    ];
    let is_manifest = path.contains('/') && step_of(path).is_some();
    match name {
        "exercises.toml" | "mutants.toml" => is_manifest,
        _ => file.contains(&name) || path == "book/book" || path.ends_with(".snap.new"),
    }
}

/// Copies the folder `folder` of `root` to `dir`; `change` may change the files.
fn copy(
    root: &Path,
    folder: &str,
    dir: &Path,
    change: &impl Fn(&str, Vec<u8>) -> Vec<u8>,
) -> Result<()> {
    let full = root.join(folder);
    let entries = fs::read_dir(&full).with_context(|| format!("cannot read {}", full.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if folder.is_empty() {
            name
        } else {
            format!("{folder}/{name}")
        };
        if is_left_out(&path) {
            continue;
        }
        let target = dir.join(&path);
        if entry.file_type()?.is_dir() {
            fs::create_dir_all(&target)
                .with_context(|| format!("cannot create {}", target.display()))?;
            copy(root, &path, dir, change)?;
        } else {
            let text = fs::read(entry.path()).with_context(|| format!("cannot read {path}"))?;
            fs::write(&target, change(&path, text))
                .with_context(|| format!("cannot write {}", target.display()))?;
        }
    }
    Ok(())
}

/// The workspace without what was left out, and without the lints that a hole
/// would set off: what only the solution uses is unused for now.
fn lenient(cargo_toml: &str) -> String {
    let lines = cargo_toml.split_inclusive('\n');
    let cargo_toml: String = lines.filter(|line| !line.contains("\"xtask/")).collect();
    let lints = "[workspace.lints.rust]\n";
    let holes = "# What only a hole's solution uses is unused until it is written.\n\
        dead_code = \"allow\"\nunreachable_code = \"allow\"\nunused_imports = \"allow\"\n\
        unused_mut = \"allow\"\nunused_variables = \"allow\"\n\n";
    cargo_toml.replacen(lints, &format!("{lints}{holes}"), 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exercises::course::tests::course;

    #[test]
    fn what_is_chosen() {
        let id = |text: &str| text.parse().unwrap();
        let from = Choice {
            from: Some(4),
            ..Choice::default()
        };
        assert!(!from.is_open(id("3.9")) && from.is_open(id("4.1")));
        let only = Choice {
            only: Some(4),
            ..Choice::default()
        };
        assert!(!only.is_open(id("5.1")) && only.is_open(id("4.2")));
        let reference = Choice {
            reference: [id("4.1")].into(),
            ..Choice::default()
        };
        assert!(!reference.is_open(id("4.1")) && reference.is_open(id("4.2")));
    }

    #[test]
    fn a_choice_that_makes_no_sense() {
        let course = course("", "").unwrap();
        let what = |choice: Choice| check(&course, &choice).unwrap_err().to_string();
        let only = Choice {
            only: Some(8),
            ..Choice::default()
        };
        assert_eq!(what(only), "--only 8: no such crate has exercises; 1 have");
        let reference = ["1.1".parse().unwrap()].into();
        let all = Choice {
            reference,
            ..Choice::default()
        };
        assert_eq!(what(all), "that leaves no exercise to be done");
        let reference = ["1.2".parse().unwrap()].into();
        let other = Choice {
            reference,
            ..Choice::default()
        };
        assert!(what(other).starts_with("--reference 1.2: no exercise 1.2"));
    }

    #[test]
    fn solutions_stay_behind() {
        assert!(is_left_out(".git") && is_left_out("step01_a/exercises.toml"));
        assert!(is_left_out("step01_a/mutants.toml") && is_left_out("target"));
        assert!(!is_left_out("step01_a/src/lib.rs"));
        assert!(is_left_out("xtask/src/book.rs") && is_left_out("xtask/fuzz"));
        assert!(!is_left_out("xtask/src/exercises/pack.rs") && !is_left_out("xtask/src"));
    }

    #[test]
    fn a_manifest_that_fits() {
        let toml = "members = [\n    \"a\",\n    \"xtask/b\",\n]\n[workspace.lints.rust]\nx = 1\n";
        let toml = lenient(toml);
        assert!(!toml.contains("xtask/b") && toml.contains("    \"a\",\n]"));
        assert!(toml.contains("[workspace.lints.rust]\n# What") && toml.ends_with("x = 1\n"));
    }
}
