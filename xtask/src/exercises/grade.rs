//! `cargo xtask grade DIR…`: what a class has done.
//!
//! The tests are ours, whatever the students have done to theirs. Each
//! student's crate is put into the finished workspace, one after the other, so
//! that a floor that does not compile does not bring down those above it. The
//! runs are bounded in time and memory, but not in what else they may do: a
//! teacher who does not trust his class grades in a container.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::course::{Course, crates, step_of};
use super::examine::Examiner;
use super::id::Id;
use super::marks;
use super::progress::Progress;
use super::round_trip::scratch;
use super::run::Workspace;
use super::student::{self, Choice};
use super::wrong;

/// How the result is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// For reading.
    #[default]
    Text,
    /// A list of objects, one for each student and exercise.
    Json,
    /// A row for each student and exercise.
    Csv,
}

/// What is said of one student's exercise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grade {
    /// Whose it is: the name of the folder.
    pub student: String,
    /// Which one.
    pub id: Id,
    /// `passed`, `given`, or the first thing that is wrong.
    pub result: String,
}

/// Grades the trees `dirs`; with `tests` also by the tests of one student: the
/// folder of his tree.
///
/// # Errors
/// A folder is no student's tree, or cargo cannot be run.
pub fn run(root: &Path, dirs: &[PathBuf], form: Form, tests: Option<&Path>) -> Result<()> {
    let course = Course::load(root)?;
    for dir in dirs.iter().map(PathBuf::as_path).chain(tests) {
        if crates(dir).unwrap_or_default().is_empty() {
            let what = format!(
                "{}: no student's tree; name folders with step01_… in them",
                dir.display()
            );
            return Err(wrong(what));
        }
    }
    let workspace = scratch(root, "grade")?;
    let all = Choice {
        from: Some(u8::MAX),
        ..Choice::default()
    };
    student::write(root, &course, &workspace.root, &all)?;
    if let Some(tests) = tests {
        return against(&workspace, root, dirs, tests);
    }
    let mut grades = Vec::new();
    for dir in dirs {
        grades.extend(one(root, &course, &workspace, dir)?);
    }
    match form {
        Form::Text => print!("{}", text(&course, &grades)),
        Form::Json => print!("{}", json(&grades)),
        Form::Csv => print!("{}", csv(&grades)),
    }
    Ok(())
}

fn name_of(dir: &Path) -> String {
    let full = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
    let name = full
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_else(|| full.display().to_string())
}

/// Replaces the sources of the crate `name` in the tree by those in `from`.
fn exchange(tree: &Path, name: &str, folder: &str, from: &Path) -> Result<()> {
    let (source, target) = (from.join(name).join(folder), tree.join(name).join(folder));
    if target.exists() {
        fs::remove_dir_all(&target)
            .with_context(|| format!("cannot remove {}", target.display()))?;
    }
    copy(&source, &target)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot create {}", to.display()))?;
    let entries = fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))?;
    for entry in entries {
        let entry = entry?;
        let target = to.join(entry.file_name());
        // What is neither file nor folder, a link out of the tree say, stays.
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else if entry.file_type()?.is_file() {
            // Written anew, so that cargo sees that it has changed.
            fs::write(&target, fs::read(entry.path())?)?;
        }
    }
    Ok(())
}

/// All exercises of one student.
fn one(root: &Path, course: &Course, workspace: &Workspace, dir: &Path) -> Result<Vec<Grade>> {
    let (student, progress) = (name_of(dir), Progress::load(dir));
    let mut grades = Vec::new();
    for name in crates(root)? {
        let step = step_of(&name);
        let exercises: Vec<_> = course
            .exercises
            .iter()
            .filter(|e| Some(e.id.step) == step)
            .collect();
        if exercises.is_empty() || !dir.join(&name).join("src").exists() {
            continue;
        }
        exchange(&workspace.root, &name, "src", dir)?;
        let mut examiner = Examiner::new(workspace);
        for exercise in exercises {
            let result = if progress.of(exercise.id).given && is_untouched(course, dir, exercise.id)
            {
                "given".to_owned()
            } else {
                examiner.examine(exercise)?.brief()
            };
            grades.push(Grade {
                student: student.clone(),
                id: exercise.id,
                result,
            });
        }
        exchange(&workspace.root, &name, "src", root)?;
    }
    Ok(grades)
}

/// True if the holes of `id` hold our solution: it was given, or copied.
fn is_untouched(course: &Course, dir: &Path, id: Id) -> bool {
    course.holes(id).into_iter().all(|(path, _, inside)| {
        let text = fs::read_to_string(dir.join(path)).unwrap_or_default();
        let holes = marks::holes(&text).unwrap_or_default();
        let mut own = holes.iter().filter(|hole| hole.id == id);
        own.any(|hole| marks::inside(&text, hole) == inside)
    })
}

/// The tests of the student in `tests`, run against all.
fn against(workspace: &Workspace, root: &Path, dirs: &[PathBuf], tests: &Path) -> Result<()> {
    println!("the tests of {} against", name_of(tests));
    for dir in dirs {
        println!("{}:", name_of(dir));
        for name in crates(root)? {
            let same = fs::read_dir(tests.join(&name).join("tests")).is_err();
            if same || !dir.join(&name).join("src").exists() {
                continue;
            }
            exchange(&workspace.root, &name, "src", dir)?;
            exchange(&workspace.root, &name, "tests", tests)?;
            let mut failed = Vec::new();
            let mut examiner = Examiner::new(workspace);
            let passed =
                examiner.all(step_of(&name).unwrap_or_default(), &mut |test, verdict| {
                    failed.push(format!("    {test}: {}", verdict.brief()));
                })?;
            println!("  {name}: {passed} passed, {} failed", failed.len());
            failed.iter().for_each(|line| println!("{line}"));
            exchange(&workspace.root, &name, "src", root)?;
            exchange(&workspace.root, &name, "tests", root)?;
        }
    }
    Ok(())
}

/// For reading: a row for each exercise, and what went wrong how often.
fn text(course: &Course, grades: &[Grade]) -> String {
    let mut students: Vec<&str> = grades.iter().map(|grade| grade.student.as_str()).collect();
    students.dedup();
    let mut out = String::new();
    for exercise in &course.exercises {
        let own: Vec<&Grade> = grades
            .iter()
            .filter(|grade| grade.id == exercise.id)
            .collect();
        let passed = own.iter().filter(|grade| grade.result == "passed").count();
        let given = own.iter().filter(|grade| grade.result == "given").count();
        let signs: String = own.iter().map(|grade| sign(&grade.result)).collect();
        let of = own.len() - given;
        let (id, title) = (exercise.id.to_string(), &exercise.title);
        out.push_str(&format!("{id:<5} {title:<40} {signs}  {passed} of {of}\n"));
        let mut counted: BTreeMap<&str, usize> = BTreeMap::new();
        for grade in own.iter().filter(|grade| sign(&grade.result) == '░') {
            *counted.entry(&grade.result).or_default() += 1;
        }
        let mut counted: Vec<_> = counted.into_iter().collect();
        counted.sort_by_key(|(_, count)| usize::MAX - count);
        for (what, count) in counted {
            out.push_str(&format!(
                "        {count} of {of}: {what} → {}\n",
                exercise.page
            ));
        }
    }
    out.push_str(&format!(
        "\n█ passed  ░ not yet  ▒ given; from the left: {}\n",
        students.join(", ")
    ));
    out
}

fn sign(result: &str) -> char {
    match result {
        "passed" => '█',
        "given" => '▒',
        _ => '░',
    }
}

fn json(grades: &[Grade]) -> String {
    let rows = grades.iter().map(
        |Grade {
             student,
             id,
             result,
         }| {
            let (student, result) = (quote(student), quote(result));
            format!("  {{\"student\": {student}, \"exercise\": \"{id}\", \"result\": {result}}}")
        },
    );
    format!("[\n{}\n]\n", rows.collect::<Vec<_>>().join(",\n"))
}

/// A JSON string (RFC 8259 §7).
fn quote(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if u32::from(c) < 0x20 => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn csv(grades: &[Grade]) -> String {
    let field = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let rows = grades.iter().map(
        |Grade {
             student,
             id,
             result,
         }| { format!("{},{id},{}\n", field(student), field(result)) },
    );
    std::iter::once("student,exercise,result\n".to_owned())
        .chain(rows)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exercises::course::tests::course;

    fn grades() -> Vec<Grade> {
        let grade = |student: &str, result: &str| Grade {
            student: student.to_owned(),
            id: "1.1".parse().unwrap(),
            result: result.to_owned(),
        };
        vec![
            grade("ann", "passed"),
            grade("bob", "a \"sum\""),
            grade("cat", "a \"sum\""),
            grade("dan", "given"),
        ]
    }

    #[test]
    fn what_went_wrong_is_counted() {
        let shown = text(&course("", "").unwrap(), &grades());
        assert!(shown.contains("1.1   T"), "{shown}");
        assert!(shown.contains("█░░▒  1 of 3\n"), "{shown}");
        assert!(
            shown.contains("2 of 3: a \"sum\" → book/src/a.md\n"),
            "{shown}"
        );
    }

    #[test]
    fn programs_can_read_it() {
        let shown = json(&grades()[1..2]);
        let row = "{\"student\": \"bob\", \"exercise\": \"1.1\", \"result\": \"a \\\"sum\\\"\"}";
        assert_eq!(shown, format!("[\n  {row}\n]\n"));
        let shown = csv(&grades()[1..2]);
        assert_eq!(
            shown,
            "student,exercise,result\n\"bob\",1.1,\"a \"\"sum\"\"\"\n"
        );
        assert_eq!(quote("a\nb"), "\"a\\u000ab\"");
    }
}
