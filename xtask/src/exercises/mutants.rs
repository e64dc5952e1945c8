//! `cargo xtask mutants`: whether the tests of the exercises test. Each of the
//! bugs in a crate's `mutants.toml` must be caught by the tests of its own
//! exercise.
//!
//! A crate is built once, with all its bugs in it: where a hole is, the code
//! asks the environment which version of it is wanted.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};

use super::course::{Course, crates, step_of};
use super::examine::Examiner;
use super::manifest::{Exercise, Mutant};
use super::marks::{self, Hole};
use super::round_trip::scratch;
use super::student::{self, Choice};
use super::verdict::Verdict;

/// The variable that chooses a bug, by its place in the list.
const CHOICE: &str = "MICROPS_MUTANT";
/// Tests that expect nothing: they must let every bug live.
const WEAK: &str = "exercises::weak";
/// How many bugs an exercise must have.
const AT_LEAST: usize = 2;

/// Looks at all bugs, or at those of the crate `step`.
///
/// # Errors
/// A file cannot be read or written, or cargo cannot be run.
pub fn run(root: &Path, step: Option<u8>) -> Result<bool> {
    let begin = Instant::now();
    let course = Course::load(root)?;
    let workspace = scratch(root, "zoo")?;
    // Nothing is open: the finished workspace, with other manifests.
    let all = Choice {
        from: Some(u8::MAX),
        ..Choice::default()
    };
    student::write(root, &course, &workspace.root, &all)?;
    let (mut wrong, mut caught) = (0, 0);
    for name in crates(root)? {
        let Some(step) = step_of(&name).filter(|at| step.is_none_or(|step| step == *at)) else {
            continue;
        };
        plant_all(&course, &workspace.root, step, true)?;
        let mut examiner = Examiner::new(&workspace);
        for exercise in course.exercises.iter().filter(|e| e.id.step == step) {
            examiner.choice = None;
            match sound(&mut examiner, exercise)? {
                Verdict::Passed => {}
                Verdict::DoesNotCompile(_) => {
                    wrong += 1;
                    break; // none of them can be tested
                }
                _ => wrong += 1,
            }
            let mutants = course.mutants.iter().enumerate();
            let own: Vec<_> = mutants.filter(|(_, m)| m.id == exercise.id).collect();
            if own.len() < AT_LEAST {
                println!(
                    "error: exercise {} has {} mutants, not {AT_LEAST}",
                    exercise.id,
                    own.len()
                );
                wrong += 1;
            }
            for (at, mutant) in own {
                examiner.choice = Some((CHOICE.to_owned(), at.to_string()));
                match is_caught(&mut examiner, exercise, mutant)? {
                    true => caught += 1,
                    false => wrong += 1,
                }
            }
        }
        if step == 1 {
            wrong += usize::from(!weakness(&mut examiner, &course)?);
        }
        plant_all(&course, &workspace.root, step, false)?;
    }
    println!(
        "mutants caught: {caught}, wrong: {wrong}, {} s",
        begin.elapsed().as_secs()
    );
    Ok(wrong == 0)
}

/// Without any bug the tests pass.
fn sound(examiner: &mut Examiner<'_>, exercise: &Exercise) -> Result<Verdict> {
    let verdict = examiner.examine(exercise)?;
    if let Verdict::DoesNotCompile(what) = &verdict {
        println!(
            "error: with its bugs the crate of {} does not compile:\n{what}",
            exercise.id
        );
    } else if !verdict.is_passed() {
        println!(
            "error: {} fails without a bug: {}",
            exercise.id,
            verdict.brief()
        );
    }
    Ok(verdict)
}

fn is_caught(examiner: &mut Examiner<'_>, exercise: &Exercise, mutant: &Mutant) -> Result<bool> {
    let (id, bug) = (mutant.id, &mutant.bug);
    match examiner.examine(exercise)? {
        Verdict::Passed => println!("error: {id} survives: {bug}"),
        Verdict::Failed(failure) => {
            let brief = Verdict::Failed(failure).brief();
            println!("{id} caught: {bug} ({brief})");
            return Ok(true);
        }
        other => println!("error: {id} cannot be tested: {}", other.brief()),
    }
    Ok(false)
}

/// A planted weak test lets all bugs live, or this check could not fail.
fn weakness(examiner: &mut Examiner<'_>, course: &Course) -> Result<bool> {
    let Some(exercise) = course.exercises.first() else {
        return Ok(true);
    };
    let weak = Exercise {
        tests: vec![WEAK.to_owned()],
        ..exercise.clone()
    };
    let mutants = course.mutants.iter().enumerate();
    for (at, mutant) in mutants.filter(|(_, mutant)| mutant.id == weak.id) {
        examiner.choice = Some((CHOICE.to_owned(), at.to_string()));
        let verdict = examiner.examine(&weak)?;
        if !verdict.is_passed() {
            let brief = verdict.brief();
            println!(
                "error: the weak test {WEAK} fails for '{}': {brief}",
                mutant.bug
            );
            return Ok(false);
        }
    }
    println!(
        "a planted weak test lets all mutants of {} live, as it must",
        weak.id
    );
    Ok(true)
}

/// Puts all bugs of a crate into the tree, or takes them out.
fn plant_all(course: &Course, tree: &Path, step: u8, bugs: bool) -> Result<()> {
    for (path, source) in &course.sources {
        if step_of(path) != Some(step) {
            continue;
        }
        let text = if bugs {
            with_bugs(course, source)
        } else {
            source.clone()
        };
        fs::write(tree.join(path), text).with_context(|| format!("cannot write {path}"))?;
    }
    Ok(())
}

fn with_bugs(course: &Course, source: &str) -> String {
    let planted = marks::refill(source, |hole| {
        versions(course, hole, &marks::inside(source, hole))
    });
    planted.unwrap_or_else(|_| source.to_owned())
}

/// The code of a hole in all versions, chosen at run time.
fn versions(course: &Course, hole: &Hole, inside: &str) -> Option<String> {
    let mutants = course.mutants.iter().enumerate();
    let own = mutants.filter(|(_, mutant)| mutant.id == hole.id && inside.contains(&mutant.from));
    let arms: String = own
        .map(|(at, mutant)| {
            let code = inside.replacen(&mutant.from, &mutant.to, 1);
            format!("Ok(\"{at}\") => {{\n{code}}}\n")
        })
        .collect();
    if arms.is_empty() {
        return None;
    }
    let choice = format!("::std::env::var(\"{CHOICE}\").as_deref()");
    Some(format!(
        "match {choice} {{\n{arms}_ => {{\n{inside}}}\n}}\n"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exercises::course::tests::course;

    #[test]
    fn every_version_is_in_the_code() {
        let course = course("", "").unwrap();
        let text = with_bugs(&course, &course.sources["step01_a/src/lib.rs"]);
        assert!(text.contains("Ok(\"0\") => {\n    2\n}"), "{text}");
        assert!(text.contains("_ => {\n    1\n}"), "{text}");
    }
}
