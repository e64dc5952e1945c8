//! What the floors' scenes print: run with `--location`, and read back.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

/// The floors, from the ground up.
pub const STEPS: [&str; 7] = [
    "step01_device",
    "step02_protocol",
    "step03_ip",
    "step04_icmp",
    "step05_arp",
    "step06_udp",
    "step07_tcp",
];

/// A line of the log, with the fields below it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// By the scene's clock: `00:00:01.020`.
    pub time: String,
    /// `E`, `W`, `I`, `D` or `T`.
    pub level: char,
    /// Which host; empty if there is only one.
    pub host: String,
    /// `arp::input`.
    pub target: String,
    /// The rest of the line.
    pub message: String,
    /// A header's fields: name and value.
    pub fields: Vec<(String, String)>,
    /// The source file of the log statement, and its line.
    pub location: (String, usize),
}

impl Entry {
    /// The first line, as the log has it.
    pub fn line(&self) -> String {
        let (host, gap) = match self.host.as_str() {
            "" => ("", ""),
            host => (host, " "),
        };
        let (time, level, target) = (&self.time, self.level, &self.target);
        format!("{time} [{level}] {host}{gap}{target}: {}", self.message)
    }
}

/// A scene that was played.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// Which floor's.
    pub step: String,
    /// Its log.
    pub log: Vec<Entry>,
    /// What crossed the wire: a pcap file. Empty if the floor has none.
    pub pcap: Vec<u8>,
    /// What step 07's `congestion` has measured.
    pub trace: String,
}

/// Plays the scenes of all floors.
pub fn play_all(root: &Path) -> Result<Vec<Run>> {
    let play = |step: &&str| play(root, step).with_context(|| format!("the scene of {step}"));
    let mut runs: Vec<Run> = STEPS.iter().map(play).collect::<Result<_>>()?;
    if let Some(last) = runs.last_mut() {
        last.trace = measure(root).context("the example congestion")?;
    }
    Ok(runs)
}

fn measure(root: &Path) -> Result<String> {
    let mut command = Command::new(programs()?.join("examples/congestion"));
    let output = command.current_dir(root).output()?;
    ensure!(output.status.success(), String::from_utf8(output.stderr)?);
    Ok(String::from_utf8(output.stdout)?)
}

fn play(root: &Path, step: &str) -> Result<Run> {
    let has_wire = step >= "step05";
    let file = std::env::temp_dir().join(format!("microps-xtask-{}.pcap", std::process::id()));
    // By itself, and not by `cargo run`: that may print warnings into the log.
    let mut command = Command::new(programs()?.join(step));
    command.args(["--log", "debug", "--location"]);
    if has_wire {
        command.arg("--pcap").arg(&file);
    }
    let output = command.current_dir(root).output();
    let output = output.context("cannot be run")?;
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "{log}");
    let pcap = match has_wire {
        true => fs::read(&file).context("no capture was written")?,
        false => Vec::new(),
    };
    if has_wire {
        fs::remove_file(&file)?;
    }
    Ok(Run {
        step: step.to_owned(),
        log: parse(&log)?,
        pcap,
        trace: String::new(),
    })
}

/// The folder of the workspace's programs, of which this is one.
fn programs() -> Result<PathBuf> {
    let own = std::env::current_exe().context("where is xtask?")?;
    Ok(own.parent().context("xtask is in no folder")?.to_owned())
}

/// Reads a log that was written with `--location`.
pub fn parse(log: &str) -> Result<Vec<Entry>> {
    let mut entries: Vec<Entry> = Vec::new();
    for line in log.lines() {
        let (text, location) = split_location(line);
        match first_line(text) {
            Some(entry) => entries.push(entry),
            None => {
                let field = text.split_once(": ").context("neither a line nor a field");
                let (name, value) = field.with_context(|| line.to_owned())?;
                let entry = entries.last_mut().with_context(|| line.to_owned())?;
                let field = (name.trim().to_owned(), value.to_owned());
                entry.fields.push(field);
            }
        }
        if let (Some(entry), Some(location)) = (entries.last_mut(), location) {
            entry.location = location;
        }
    }
    match entries.iter().find(|entry| entry.location.1 == 0) {
        Some(entry) => bail!("no location: {}", entry.line()),
        None => Ok(entries),
    }
}

/// `00:00:00.001 [D] a arp::input: the rest`.
fn first_line(text: &str) -> Option<Entry> {
    let (time, rest) = text.split_once(" [")?;
    let (level, rest) = rest.split_once("] ")?;
    let is_time = time.len() == 12 && time.starts_with(|c: char| c.is_ascii_digit());
    let mut level = level.chars();
    let (Some(level), None, true) = (level.next(), level.next(), is_time) else {
        return None;
    };
    let (target, message) = rest.split_once(": ")?;
    let (host, target) = target.rsplit_once(' ').unwrap_or(("", target));
    Some(Entry {
        time: time.to_owned(),
        level,
        host: host.to_owned(),
        target: target.to_owned(),
        message: message.to_owned(),
        ..Entry::default()
    })
}

/// Splits ` (file:line)` off the end of a line.
fn split_location(line: &str) -> (&str, Option<(String, usize)>) {
    let location = line.strip_suffix(')').and_then(|line| {
        let (text, location) = line.rsplit_once(" (")?;
        let (file, line) = location.rsplit_once(':')?;
        let line = line.parse().ok().filter(|_| file.ends_with(".rs"))?;
        Some((text, (file.to_owned(), line)))
    });
    match location {
        Some((text, location)) => (text, Some(location)),
        None => (line, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_read_back() {
        let log = "00:00:00.001 [D] a ip::input: dev=net1, len=38\n\
            \x20       vhl: 0x45 [v: 4, hl: 5 (20)]\n\
            \x20       src: 192.0.2.1 (step03_ip/src/ip/input.rs:203)\n\
            00:00:00.002 [I] net::init: initialized (step01_device/src/net.rs:7)\n";
        let entries = parse(log).unwrap();
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let fields = [
            field("vhl", "0x45 [v: 4, hl: 5 (20)]"),
            field("src", "192.0.2.1"),
        ];
        assert_eq!(entries[0].fields, fields);
        assert_eq!(
            entries[0].location,
            ("step03_ip/src/ip/input.rs".to_owned(), 203)
        );
        assert_eq!(
            (entries[0].host.as_str(), entries[1].host.as_str()),
            ("a", "")
        );
        assert_eq!(entries[1].target, "net::init");
        let line = "00:00:00.001 [D] a ip::input: dev=net1, len=38";
        assert_eq!(entries[0].line(), line);
    }

    #[test]
    fn what_is_no_log() {
        assert!(parse("warning: unused variable\n").is_err());
        let error = parse("00:00:00.001 [D] a::b: c\n").unwrap_err();
        assert_eq!(error.to_string(), "no location: 00:00:00.001 [D] a::b: c");
    }
}
