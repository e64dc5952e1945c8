//! Builds the tests of an exercise and runs them, each in a process of its
//! own, bounded in time and memory.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::sys;

/// How long one test may run. The slowest needs about a second.
pub const TIME: Duration = Duration::from_secs(10);
/// How much memory one test may use, in octets of address space.
pub const MEMORY: u64 = 2 << 30;
/// How much of what a test prints is looked at, in octets.
const OUTPUT: usize = 64 << 10;

/// A workspace whose tests are run.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// Its folder.
    pub root: PathBuf,
    /// Where cargo builds. `None`: where cargo says.
    pub target: Option<PathBuf>,
}

/// What building has given.
#[derive(Debug)]
pub enum Built {
    /// The program with the tests.
    Program(PathBuf),
    /// What the compiler says, from its first error on.
    Failed(String),
}

/// How a test has ended.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// It has passed.
    Passed,
    /// It has failed.
    Failed,
    /// A signal has ended it: the number.
    Signal(i32),
    /// It was still running at the time limit: had it used the processor in
    /// the last second?
    Timeout { busy: bool },
}

/// What running a test has given.
#[derive(Debug)]
pub struct Outcome {
    /// How it has ended.
    pub end: End,
    /// What it has printed.
    pub output: String,
}

impl Workspace {
    /// A cargo command in this workspace.
    pub fn cargo(&self, args: &[&str]) -> Command {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        let mut command = Command::new(cargo);
        command.args(args).current_dir(&self.root);
        command.stdin(Stdio::null());
        // Of the cargo that runs us, not of the one that we run.
        for name in [
            "CARGO_MANIFEST_DIR",
            "CARGO_MANIFEST_PATH",
            "CARGO_PKG_NAME",
        ] {
            command.env_remove(name);
        }
        if let Some(target) = &self.target {
            command.env("CARGO_TARGET_DIR", target);
            // Nobody debugs what is built there.
            command.env("CARGO_PROFILE_DEV_DEBUG", "0");
        }
        command
    }

    /// Builds the tests `target` (`lib`, or a file or folder in `tests`) of
    /// the crate `package`.
    ///
    /// # Errors
    /// Cargo cannot be run, or does not say what it has built.
    pub fn build(&self, package: &str, target: &str) -> Result<Built> {
        let message = "--message-format=json-render-diagnostics";
        let mut args = vec!["test", "-q", "--no-run", message, "-p", package];
        match target {
            "lib" => args.push("--lib"),
            _ => args.extend(["--test", target]),
        }
        let output = self.cargo(&args).output().context("cannot run cargo")?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr);
            return Ok(Built::Failed(first_errors(&text)));
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let program = text.lines().rev().find_map(executable);
        let program = program.with_context(|| format!("cargo built no test {package}/{target}"))?;
        Ok(Built::Program(program))
    }
}

/// From the first error on, a screenful.
fn first_errors(stderr: &str) -> String {
    let lines: Vec<&str> = stderr.lines().collect();
    let begin = lines.iter().position(|line| line.starts_with("error"));
    let lines = &lines[begin.unwrap_or(0)..];
    let mut text = lines[..lines.len().min(30)].join("\n");
    if lines.len() > 30 {
        text.push_str("\n… (cargo build shows the rest)");
    }
    text
}

/// The program that one of cargo's messages names, if it is that of a test.
fn executable(message: &str) -> Option<PathBuf> {
    let (_, profile) = message.split_once("\"profile\":{")?;
    let (profile, _) = profile.split_once('}')?;
    if !profile.contains("\"test\":true") {
        return None;
    }
    let (_, rest) = message.split_once("\"executable\":\"")?;
    let (path, _) = rest.split_once('"')?;
    Some(PathBuf::from(
        path.replace("\\\\", "\\").replace("\\/", "/"),
    ))
}

/// The names of all tests in `program`.
///
/// # Errors
/// It cannot be run.
pub fn list(program: &Path) -> Result<Vec<String>> {
    let output = Command::new(program)
        .args(["--list", "--format", "terse"])
        .output()
        .with_context(|| format!("cannot run {}", program.display()))?;
    if !output.status.success() {
        bail!("{} --list has failed", program.display());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let names = text.lines().filter_map(|line| line.strip_suffix(": test"));
    Ok(names.map(str::to_owned).collect())
}

/// Runs one test, at most for `time`, with one more variable in its environment.
///
/// # Errors
/// It cannot be run.
pub fn run(
    program: &Path,
    test: &str,
    variable: Option<&(String, String)>,
    time: Duration,
) -> Result<Outcome> {
    let (mut reader, writer) = io::pipe().context("no pipe")?;
    let mut command = Command::new(program);
    command
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env("RUST_BACKTRACE", "0")
        .envs(variable.map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(writer.try_clone().context("no pipe")?)
        .stderr(writer);
    sys::bound(&mut command, MEMORY);
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot run {}", program.display()))?;
    drop(command); // and with it our own ends of the pipe
    let output = thread::spawn(move || read_some(&mut reader));
    let end = wait(&mut child, time)?;
    // Whatever the test has left behind would keep the pipe open.
    sys::kill_group(&mut child);
    let output = output.join().unwrap_or_default();
    let output = String::from_utf8_lossy(&output).into_owned();
    Ok(Outcome { end, output })
}

/// The beginning of what comes; the rest is read and forgotten.
fn read_some(reader: &mut impl Read) -> Vec<u8> {
    let (mut kept, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(len) = reader.read(&mut buffer) {
        if len == 0 {
            break;
        }
        let room = OUTPUT.saturating_sub(kept.len());
        kept.extend(&buffer[..len.min(room)]);
    }
    kept
}

fn wait(child: &mut Child, time: Duration) -> Result<End> {
    let begin = Instant::now();
    let mut pause = Duration::from_millis(1);
    let mut before_last = None;
    loop {
        if let Some(status) = child.try_wait().context("cannot wait for a test")? {
            return Ok(match status.code() {
                Some(0) => End::Passed,
                Some(_) => End::Failed,
                None => {
                    use std::os::unix::process::ExitStatusExt;
                    End::Signal(status.signal().unwrap_or(0))
                }
            });
        }
        let passed = begin.elapsed();
        if passed >= time {
            let now = ticks(child.id());
            // A hundred ticks are a second; on a crowded machine a loop gets few.
            let busy = now.saturating_sub(before_last.unwrap_or(0)) > 2;
            return Ok(End::Timeout { busy });
        }
        if before_last.is_none() && passed + Duration::from_secs(1) >= time {
            before_last = Some(ticks(child.id()));
        }
        thread::sleep(pause.min(time - passed));
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

/// How much the process has used the processor, in ticks of 10 ms.
fn ticks(process: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // Behind the name, which may hold blanks: state, and eleven more, then the two times.
    let fields = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let times = fields.split(' ').skip(11).take(2);
    times.filter_map(|time| time.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program that is no test, but takes any argument: a shell script.
    fn script(name: &str, text: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let folder = std::env::temp_dir().join(format!("xtask-run-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(name);
        // Written by another process, so that no fork of ours holds it open.
        let mut shell = Command::new("sh");
        shell.args(["-c", "printf '%s' \"$1\" >\"$2\"", "-"]);
        shell.arg(format!("#!/bin/sh\n{text}\n")).arg(&path);
        assert!(shell.status().unwrap().success());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn outcome(name: &str, text: &str) -> Outcome {
        run(&script(name, text), "a", None, Duration::from_millis(1500)).unwrap()
    }

    #[test]
    fn each_end_is_told_from_the_others() {
        assert_eq!(outcome("good", "echo hello; exit 0").output, "hello\n");
        assert_eq!(outcome("bad", "exit 101").end, End::Failed);
        assert_eq!(outcome("abort", "kill -6 $$").end, End::Signal(6));
        let sleeps = outcome("sleeps", "sleep 60");
        assert_eq!(sleeps.end, End::Timeout { busy: false });
        let spins = outcome("spins", "while :; do :; done");
        assert_eq!(spins.end, End::Timeout { busy: true });
    }

    #[test]
    fn what_a_test_leaves_behind_ends_with_it() {
        let begin = Instant::now();
        assert_eq!(outcome("leaves", "sleep 60 & exit 0").end, End::Passed);
        assert!(begin.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn a_flood_of_output_is_cut() {
        let flood = outcome("flood", "yes | head -c 1000000");
        assert_eq!((flood.end, flood.output.len()), (End::Passed, OUTPUT));
    }

    #[test]
    fn the_program_of_a_test_is_found_in_a_message() {
        let message = r#"{"target":{"test":false},"profile":{"opt_level":"0","test":true},"executable":"/a b/c-1"}"#;
        assert_eq!(executable(message), Some(PathBuf::from("/a b/c-1")));
        assert_eq!(executable(&message.replace("true", "false")), None);
        assert_eq!(executable(&message.replace("\"/a b/c-1\"", "null")), None);
    }
}
