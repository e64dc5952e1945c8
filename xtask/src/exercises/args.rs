//! The command line of all that has to do with exercises.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::break_;
use super::course::{Course, crates};
use super::desk::Desk;
use super::grade::{self, Form};
use super::id::Id;
use super::marks;
use super::mutants;
use super::picture;
use super::round_trip;
use super::student::{self, Choice};
use super::watch;
use super::wrong;

/// How to call it: for students.
pub const STUDENT: &str =
    "  check [3.1] [--watch]    tests an exercise, or the next one; on every save
  hint [3.1]               one hint; again: the next
  solution [3.1] [--now]   our solution, after yours has passed
  reset 3.1 [--file]       the hole as it was; the whole file, if its marks are gone
  status                   the way, and where you are on it
  open                     tasks without a hole
  break 3.1                plants a bug, to be found from the log
  mend                     says what it was, and takes it out
";

/// How to call it: for teachers.
pub const TEACHER: &str = "  student DIR [--from 4] [--only 4] [--reference 5.3]...
                           cuts a workspace with holes: from crate 4 on, or of
                           crate 4 alone; exercises named are left finished
  grade DIR... [--json|--csv] [--tests-against DIR]
                           what each of these trees has done, by our tests; or
                           by the tests of the tree --tests-against
  list                     all exercises: minutes, what they use and stand for
";

/// How to call it: for authors.
pub const AUTHOR: &str =
    "  exercises [3]            the round trip: cut, every hole fails, every solution
                           passes, all are the sources again; of one crate
  mutants [3]              every bug of the zoo is caught by its exercise's tests
";

/// Does what `args` say, if they are about exercises. Says whether all is well.
///
/// # Errors
/// [`super::Wrong`], if they make no sense; or what went wrong.
pub fn run(root: &Path, args: &[&str]) -> Option<Result<bool>> {
    let (command, rest) = args.split_first()?;
    let result = match *command {
        "student" => cut(root, rest),
        "grade" => grade(root, rest),
        "list" => list(root, rest),
        "check" => check(root, rest),
        "hint" => hint(root, rest),
        "solution" => solution(root, rest),
        "reset" => reset(root, rest),
        "status" => status(root, rest),
        "open" => open(root, rest),
        "exercises" => trip(root, rest, round_trip::run),
        "mutants" => trip(root, rest, mutants::run),
        "break" => plant(root, rest),
        "mend" => none(rest).and_then(|()| break_::mend(&Desk::open(root)?)),
        _ => return None,
    };
    Some(
        result
            .map(|()| true)
            .or_else(|error| match error.is::<Failed>() {
                true => Ok(false),
                false => Err(error),
            }),
    )
}

/// What was asked for was done, and the answer is no.
#[derive(Debug)]
struct Failed;

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("failed")
    }
}

impl std::error::Error for Failed {}

fn passed(passed: bool) -> Result<()> {
    if passed { Ok(()) } else { Err(Failed.into()) }
}

fn id(text: &str) -> Result<Id> {
    text.parse().map_err(wrong)
}

fn none(args: &[&str]) -> Result<()> {
    match args.first() {
        Some(arg) => Err(wrong(format!("'{arg}' is not understood here"))),
        None => Ok(()),
    }
}

/// At most one exercise, and at most one flag.
fn one(args: &[&str], flag: &str) -> Result<(Option<Id>, bool)> {
    let (flags, ids): (Vec<&str>, Vec<&str>) = args.iter().partition(|arg| **arg == flag);
    match ids.as_slice() {
        [] => Ok((None, !flags.is_empty())),
        [text] => Ok((Some(id(text)?), !flags.is_empty())),
        [_, more, ..] => Err(wrong(format!(
            "'{more}' is not understood here: one exercise"
        ))),
    }
}

fn cut(root: &Path, args: &[&str]) -> Result<()> {
    let mut choice = Choice::default();
    let mut dir: Option<PathBuf> = None;
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let (name, value) = match arg.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(value)),
            _ => (*arg, None),
        };
        let mut value = || {
            let value = value.or_else(|| args.next().copied());
            value.ok_or_else(|| wrong(format!("{name} wants a value")))
        };
        let step = |text: &str| {
            let step = text.parse::<u8>();
            step.map_err(|_| wrong(format!("{name} {text}: the number of a crate, such as 4")))
        };
        match name {
            "--from" => choice.from = Some(step(value()?)?),
            "--only" => choice.only = Some(step(value()?)?),
            "--reference" => {
                choice.reference.insert(id(value()?)?);
            }
            _ if name.starts_with('-') => {
                let known = "--from, --only, --reference";
                return Err(wrong(format!("no option '{name}'; there are {known}")));
            }
            _ if dir.is_some() => return Err(wrong(format!("'{name}': one folder is enough"))),
            _ => dir = Some(PathBuf::from(name)),
        }
    }
    let Some(dir) = dir else {
        return Err(wrong("student DIR: name a new folder".to_owned()));
    };
    let course = Course::load(root)?;
    student::cut(root, &course, &dir, &choice)?;
    let open = course
        .exercises
        .iter()
        .filter(|e| choice.is_open(e.id))
        .count();
    println!(
        "{}: a workspace with {open} exercises. Begin there with 'cargo xtask status'.",
        dir.display()
    );
    Ok(())
}

fn grade(root: &Path, args: &[&str]) -> Result<()> {
    let (mut dirs, mut form, mut tests) = (Vec::new(), Form::Text, None);
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match *arg {
            "--json" => form = Form::Json,
            "--csv" => form = Form::Csv,
            "--tests-against" => {
                let dir = args.next();
                let wants = || wrong("--tests-against wants a folder".to_owned());
                tests = Some(PathBuf::from(dir.ok_or_else(wants)?));
            }
            _ if arg.starts_with('-') => {
                let known = "--json, --csv, --tests-against";
                return Err(wrong(format!("no option '{arg}'; there are {known}")));
            }
            dir => dirs.push(PathBuf::from(dir)),
        }
    }
    if dirs.is_empty() {
        return Err(wrong("grade DIR...: name the students' folders".to_owned()));
    }
    grade::run(root, &dirs, form, tests.as_deref())
}

fn list(root: &Path, args: &[&str]) -> Result<()> {
    none(args)?;
    let course = Course::load(root)?;
    for exercise in &course.exercises {
        let uses: Vec<String> = exercise.uses.iter().map(Id::to_string).collect();
        let (id, title, minutes) = (exercise.id.to_string(), &exercise.title, exercise.minutes);
        let covers = exercise.covers.join(", ");
        println!(
            "{id:<5} {title:<40} {minutes:>2} min  uses {}  [{covers}]",
            uses.join(" ")
        );
    }
    let minutes: usize = course
        .exercises
        .iter()
        .map(|e| usize::from(e.minutes))
        .sum();
    let (count, open) = (course.exercises.len(), course.open.len());
    println!(
        "{count} exercises, {} h; {open} open ones, {} mutants",
        minutes / 60,
        course.mutants.len()
    );
    Ok(())
}

fn check(root: &Path, args: &[&str]) -> Result<()> {
    let (id, again) = one(args, "--watch")?;
    let mut desk = Desk::open(root)?;
    if again {
        return watch::watch(&mut desk, id);
    }
    passed(desk.check(id)?)
}

fn hint(root: &Path, args: &[&str]) -> Result<()> {
    let (id, _) = one(args, "")?;
    Desk::open(root)?.hint(id)
}

fn solution(root: &Path, args: &[&str]) -> Result<()> {
    let (id, now) = one(args, "--now")?;
    passed(Desk::open(root)?.solution(id, now)?)
}

fn reset(root: &Path, args: &[&str]) -> Result<()> {
    let (Some(id), file) = one(args, "--file")? else {
        return Err(wrong("reset 3.1: say which exercise".to_owned()));
    };
    Desk::open(root)?.reset(id, file)
}

fn plant(root: &Path, args: &[&str]) -> Result<()> {
    let (Some(id), _) = one(args, "")? else {
        return Err(wrong("break 3.1: say which exercise".to_owned()));
    };
    break_::plant(&Desk::open(root)?, id)
}

fn status(root: &Path, args: &[&str]) -> Result<()> {
    none(args)?;
    print!("{}", picture::draw(&Desk::open(root)?, &crates(root)?));
    Ok(())
}

/// What authors ask for: of all crates, or of one.
fn trip(root: &Path, args: &[&str], run: fn(&Path, Option<u8>) -> Result<bool>) -> Result<()> {
    let step = match args {
        [] => None,
        [step] => match step.parse() {
            Ok(step) => Some(step),
            Err(_) => return Err(wrong(format!("'{step}' is no crate: a number, such as 3"))),
        },
        [_, more, ..] => return Err(wrong(format!("'{more}' is not understood here"))),
    };
    passed(run(root, step)?)
}

fn open(root: &Path, args: &[&str]) -> Result<()> {
    none(args)?;
    for (step, open) in &Course::load(root)?.open {
        println!(
            "step{step:02}: {} (from {} minutes; {})",
            open.title, open.minutes, open.page
        );
        for line in marks::wrap(&open.statement, 76) {
            println!("  {line}");
        }
        println!("  Check:");
        for line in marks::wrap(&open.check, 74) {
            println!("    {line}");
        }
        println!();
    }
    Ok(())
}
