//! `cargo run --release -p bench --bin pays [-- --runs N]`
//!
//! What a student pays before the first packet flies: crates to be fetched,
//! seconds to build and to test, octets on the disk. Everything is built in
//! debug, as a student does, in a target directory of its own for each row; it
//! is removed in the end. smoltcp stands beside it, as a dependency with its
//! default features.

use std::collections::{BTreeSet, HashSet};
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant, SystemTime};
use std::{env, thread};

use anyhow::{Context, Result, bail};
use bench::sys;

const USAGE: &str = "\
Usage: cargo run --release -p bench --bin pays [-- --runs N]

  --runs N   how often each is measured, of which the median is shown (default: 1)
";

/// What `cargo build` builds, and what `cargo test` does, as `cargo tree` says it.
const BUILT: &str = "normal,build";
const TESTED: &str = "normal,build,dev";

/// The crates of the stairs, from the bottom to the top.
const STEPS: [&str; 7] = [
    "step01_device",
    "step02_protocol",
    "step03_ip",
    "step04_icmp",
    "step05_arp",
    "step06_udp",
    "step07_tcp",
];

/// The peer's package: nothing but the dependency.
const PEER: &str = "[package]
name = \"peer\"
edition = \"2024\"

[dependencies]
smoltcp = \"0.14\"

[workspace]
";

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let runs = match words.as_slice() {
        [] => 1,
        ["--help" | "-h"] => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        ["--runs", value] => match value.parse() {
            Ok(runs) if runs > 0 => runs,
            _ => return refuse(&format!("option --runs: '{value}': not a number above 0")),
        },
        ["--runs"] => return refuse("option --runs: needs a number"),
        ["--runs", _, other, ..] | [other, ..] => {
            return refuse(&format!("'{other}': only --runs N is known"));
        }
    };
    match run(runs) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pays: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Bad user input.
fn refuse(line: &str) -> ExitCode {
    eprintln!("pays: {line}");
    ExitCode::from(2)
}

fn run(runs: usize) -> Result<()> {
    sys::note_interrupts()?;
    let lab = Lab::new()?;
    println!("{:<46}{:>8}{:>11}", "crates", "all", "of others");
    let print = |what: &str, tree: &Tree| println!("{what:<46}{:>8}{:>11}", tree.all, tree.others);
    print("built: cargo build", &lab.tree(&lab.workspace, BUILT)?);
    print("built: cargo test", &lab.tree(&lab.workspace, TESTED)?);
    for step in STEPS {
        let what = format!("built: cargo build -p {step}");
        print(&what, &lab.tree(&lab.workspace.join(step), BUILT)?);
    }
    print("smoltcp as a dependency", &lab.tree(&lab.peer, BUILT)?);

    let mut table = Table::default();
    for run in 1..=runs {
        eprintln!("run {run} of {runs}");
        lab.measure(&mut table)?;
    }
    println!("\n{:<46}{:>8}{:>11}", "median", "seconds", "MB on disk");
    for row in table.0 {
        let [seconds, megabytes] = [row.seconds, row.megabytes].map(median);
        println!("{:<46}{seconds:>8.1}{megabytes:>11.0}", row.what);
    }
    Ok(())
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// What was measured, in the order of the first run.
#[derive(Default)]
struct Table(Vec<Row>);

struct Row {
    what: String,
    seconds: Vec<f64>,
    megabytes: Vec<f64>,
}

impl Table {
    fn add(&mut self, what: &str, seconds: f64, megabytes: f64) {
        eprintln!("  {what}: {seconds:.1} s, {megabytes:.0} MB");
        if !self.0.iter().any(|row| row.what == what) {
            let what = what.to_owned();
            let (seconds, megabytes) = (Vec::new(), Vec::new());
            self.0.push(Row {
                what,
                seconds,
                megabytes,
            });
        }
        if let Some(row) = self.0.iter_mut().find(|row| row.what == what) {
            row.seconds.push(seconds);
            row.megabytes.push(megabytes);
        }
    }
}

/// How many crates a build takes.
struct Tree {
    all: usize,
    /// Those that are not of the package's own repository.
    others: usize,
}

/// The temporary directory, with the peer's package in it. Removed when dropped.
struct Lab {
    folder: PathBuf,
    /// Where the stairs are.
    workspace: PathBuf,
    peer: PathBuf,
}

impl Drop for Lab {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            eprintln!("pays: {}: {error}", self.folder.display());
        }
    }
}

impl Lab {
    fn new() -> Result<Self> {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let workspace = workspace.canonicalize()?;
        let folder = env::temp_dir().join(format!("microps-pays-{}", std::process::id()));
        let lab = Self {
            peer: folder.join("peer"),
            workspace,
            folder,
        };
        fs::create_dir(&lab.folder).with_context(|| lab.folder.display().to_string())?;
        fs::create_dir_all(lab.peer.join("src"))?;
        fs::write(lab.peer.join("Cargo.toml"), PEER)?;
        fs::write(lab.peer.join("src/lib.rs"), "pub use smoltcp;\n")?;
        // The same versions as in the workspace; what is not needed falls out.
        fs::copy(
            lab.workspace.join("Cargo.lock"),
            lab.peer.join("Cargo.lock"),
        )?;
        // What the network takes is not measured.
        for at in [&lab.workspace, &lab.peer] {
            lab.cargo(at, "fetch", &["fetch", "-q"])?;
        }
        Ok(lab)
    }

    /// Counts the crates that are built for the package, or the default members, at `at`.
    fn tree(&self, at: &Path, edges: &str) -> Result<Tree> {
        let output = Command::new("cargo")
            .args(["tree", "--offline", "--prefix", "none", "--format", "{p}"])
            .args(["--edges", edges])
            .current_dir(at)
            .stderr(Stdio::inherit())
            .output()
            .context("cargo")?;
        if !output.status.success() {
            bail!("cargo tree: {}", output.status);
        }
        let text = String::from_utf8(output.stdout)?;
        // What has been shown before is marked.
        let lines = text.lines().map(|line| line.trim_end_matches(" (*)"));
        let crates: BTreeSet<&str> = lines
            .filter(|line| !line.is_empty() && !line.starts_with("peer "))
            .collect();
        let own = |line: &&&str| line.contains(" (/") || line.starts_with("smoltcp ");
        let all = crates.len();
        Ok(Tree {
            all,
            others: all - crates.iter().filter(own).count(),
        })
    }

    /// One run of all rows.
    fn measure(&self, table: &mut Table) -> Result<()> {
        let workspace = &self.workspace;
        self.row(table, workspace, "cargo build", &["build"])?;
        for step in ["step01_device", "step07_tcp"] {
            let touched = Touched::new(&workspace.join(step).join("src/lib.rs"))?;
            let what = format!("cargo build, {step} touched");
            self.row(table, workspace, &what, &["build"])?;
            drop(touched);
        }
        self.forget()?;
        let what = "cargo test --no-run";
        self.row(table, workspace, what, &["test", "--no-run"])?;
        self.row(table, workspace, "cargo test, built before", &["test"])?;
        self.forget()?;
        for step in STEPS {
            let what = format!("cargo build -p {step}");
            self.row(table, workspace, &what, &["build", "-p", step])?;
            self.forget()?;
        }
        let what = "cargo build -p step07_tcp --lib";
        self.row(
            table,
            workspace,
            what,
            &["build", "-p", "step07_tcp", "--lib"],
        )?;
        self.forget()?;
        self.row(table, &self.peer, "smoltcp as a dependency", &["build"])?;
        self.forget()
    }

    /// Measures one command.
    fn row(&self, table: &mut Table, at: &Path, what: &str, args: &[&str]) -> Result<()> {
        let args = [args, &["--offline"]].concat();
        let seconds = self.cargo(at, what, &args)?;
        let mut seen = HashSet::new();
        let octets = size(&self.target(), &mut seen)?;
        table.add(what, seconds, octets as f64 / 1e6);
        Ok(())
    }

    fn target(&self) -> PathBuf {
        self.folder.join("target")
    }

    /// The next row begins with nothing.
    fn forget(&self) -> Result<()> {
        fs::remove_dir_all(self.target()).context("cannot empty the target directory")
    }

    /// Runs cargo in our target directory, and says how many seconds it took.
    fn cargo(&self, at: &Path, what: &str, args: &[&str]) -> Result<f64> {
        let log = self.folder.join("log");
        let file = File::create(&log)?;
        let begin = Instant::now();
        let mut child = Command::new("cargo")
            .args(args)
            .current_dir(at)
            .env("CARGO_TARGET_DIR", self.target())
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .process_group(0)
            .spawn()
            .context("cargo")?;
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if sys::interrupted() {
                sys::kill_group(&child);
                child.wait()?;
                bail!("interrupted");
            }
            thread::sleep(Duration::from_millis(10));
        };
        let seconds = begin.elapsed().as_secs_f64();
        if !status.success() {
            eprint!("{}", String::from_utf8_lossy(&fs::read(&log)?));
            bail!("{what}: {status}");
        }
        Ok(seconds)
    }
}

/// A file that seems to have been edited. Gets its time back when dropped: the
/// reader's own target directory is to stay fresh.
struct Touched {
    file: File,
    before: SystemTime,
}

impl Touched {
    fn new(path: &Path) -> Result<Self> {
        let file = File::options().append(true).open(path);
        let file = file.with_context(|| path.display().to_string())?;
        let before = file.metadata()?.modified()?;
        file.set_modified(SystemTime::now())?;
        Ok(Self { file, before })
    }
}

impl Drop for Touched {
    fn drop(&mut self) {
        // Otherwise the next build of the reader's takes a little longer.
        let _ = self.file.set_modified(self.before);
    }
}

/// The octets that a directory takes on the disk; a file with several names
/// (cargo links what it has built) counts once.
fn size(folder: &Path, seen: &mut HashSet<u64>) -> Result<u64> {
    let mut octets = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        if seen.insert(metadata.ino()) {
            octets += metadata.blocks() * 512;
        }
        if metadata.is_dir() {
            octets += size(&entry.path(), seen)?;
        }
    }
    Ok(octets)
}
