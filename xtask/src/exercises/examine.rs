//! Builds and runs the tests of an exercise, and gives the verdict.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::course::{crates, step_of};
use super::manifest::Exercise;
use super::run::{self, Built, TIME, Workspace};
use super::verdict::{Verdict, judge};

/// A test program: by crate and target.
type Programs = BTreeMap<(u8, String), Result<(PathBuf, Vec<String>), String>>;

/// Gives verdicts on a workspace as it is. What has been built is not built
/// again: make a new one after a change.
pub struct Examiner<'a> {
    workspace: &'a Workspace,
    programs: Programs,
    /// A variable for the environment of the tests.
    pub choice: Option<(String, String)>,
}

impl<'a> Examiner<'a> {
    /// One that has not looked at anything yet.
    pub fn new(workspace: &'a Workspace) -> Self {
        Self {
            workspace,
            programs: Programs::new(),
            choice: None,
        }
    }

    /// The verdict on an exercise: that of its first test that fails.
    ///
    /// # Errors
    /// Cargo or a test cannot be run at all.
    pub fn examine(&mut self, exercise: &Exercise) -> Result<Verdict> {
        for test in &exercise.tests {
            let (target, path) = test.split_once("::").unwrap_or((test, ""));
            let choice = self.choice.clone();
            let (program, names) = match self.program(exercise.id.step, target)? {
                Ok(program) => program,
                Err(what) => return Ok(Verdict::DoesNotCompile(what.clone())),
            };
            let mut names = names.iter().filter(|name| is_in(name, path)).peekable();
            if names.peek().is_none() {
                return Ok(Verdict::NoTest(format!("There is no test {test}.")));
            }
            for name in names {
                let outcome = run::run(program, name, choice.as_ref(), TIME)?;
                if let Some(failure) = judge(name, &outcome) {
                    return Ok(Verdict::Failed(failure));
                }
            }
        }
        Ok(Verdict::Passed)
    }

    /// Runs all tests of `tests/exercises` of a crate. Says how many pass, and
    /// tells `failed` of the others.
    ///
    /// # Errors
    /// Cargo or a test cannot be run at all.
    pub fn all(&mut self, step: u8, failed: &mut dyn FnMut(&str, Verdict)) -> Result<usize> {
        let (program, names) = match self.program(step, "exercises")? {
            Ok(program) => program,
            Err(what) => {
                failed("all of them", Verdict::DoesNotCompile(what.clone()));
                return Ok(0);
            }
        };
        let mut passed = 0;
        for name in names {
            match judge(name, &run::run(program, name, None, TIME)?) {
                Some(failure) => failed(name, Verdict::Failed(failure)),
                None => passed += 1,
            }
        }
        Ok(passed)
    }

    fn program(
        &mut self,
        step: u8,
        target: &str,
    ) -> Result<&Result<(PathBuf, Vec<String>), String>> {
        let key = (step, target.to_owned());
        if !self.programs.contains_key(&key) {
            let names = crates(&self.workspace.root)?;
            let package = names.iter().find(|name| step_of(name) == Some(step));
            let package = package.with_context(|| format!("no crate {step}"))?;
            let built = match self.workspace.build(package, target)? {
                Built::Failed(what) => Err(what),
                Built::Program(program) => {
                    let names = run::list(&program)?;
                    Ok((program, names))
                }
            };
            self.programs.insert(key.clone(), built);
        }
        self.programs.get(&key).context("just inserted")
    }
}

/// True if the test `name` is `path`, or in the module `path`.
fn is_in(name: &str, path: &str) -> bool {
    let rest = name.strip_prefix(path);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_by_its_name_or_its_module() {
        assert!(is_in("a::b", "a::b") && is_in("a::b", "a"));
        assert!(!is_in("a::bc", "a::b") && !is_in("b::a", "a"));
    }
}
