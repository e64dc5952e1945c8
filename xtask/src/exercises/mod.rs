//! The exercises: marks in the finished crates, from which a student's
//! workspace is cut, checked and graded.
//!
//! | module | what |
//! |---|---|
//! | [`marks`], [`manifest`], [`course`] | what the exercises are: marks in the sources, `exercises.toml` beside them |
//! | [`student`], [`pack`], [`progress`] | a student's tree, and what it carries |
//! | [`run`], [`verdict`], [`examine`] | the tests of an exercise, and what they have to say |
//! | [`desk`], [`break_`], [`picture`] | what a student asks for |
//! | [`round_trip`], [`mutants`] | whether exercises and tests are any good |
//! | [`grade`] | what a class has done |

pub mod args;
mod break_;
mod course;
mod desk;
mod examine;
mod grade;
mod id;
pub(crate) mod manifest;
pub mod marks;
mod mutants;
mod pack;
mod picture;
mod progress;
mod round_trip;
mod run;
mod student;
mod sys;
mod verdict;
mod watch;

use std::fmt;

/// What the user has asked for makes no sense: told in one line, exit code 2.
#[derive(Debug)]
pub struct Wrong(String);

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Wrong {}

/// An error of the user's.
fn wrong(what: String) -> anyhow::Error {
    Wrong(what).into()
}
