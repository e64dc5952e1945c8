//! The log, set up in one place for the programs of all floors.
//!
//! A line looks as in the original guide, so that its readers recognise it:
//!
//! ```text
//! 00:00:01.000 [D] arp::input: dev=net1, opcode=Request(0x0001), len=28
//! time      level  module::function        message
//! ```
//!
//! Behind the time stands the host's name if there is more than one host, and
//! at the end `(file:line)` when it is asked for. `simplelog` filters and
//! writes; what is added here is the form of the line and the clock: a host
//! that lives on a manual clock logs that clock's time, and so its log is the
//! same at every run.

use std::cell::RefCell;
use std::fmt;
use std::io::{LineWriter, Write};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use log::{Level, LevelFilter, Log, Metadata, Record};
use simplelog::{ConfigBuilder, WriteLogger};

use crate::env::Env;
use crate::time::Time;

/// Which levels are logged: one for all, and others for single crates.
/// Written `debug`, or `info,step05_arp=debug,step07_tcp=trace`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLevels {
    default: LevelFilter,
    crates: Vec<(String, LevelFilter)>,
}

impl LogLevels {
    /// The same level for all crates.
    pub fn all(default: LevelFilter) -> Self {
        Self {
            default,
            crates: Vec::new(),
        }
    }

    fn of(&self, module: Option<&str>) -> LevelFilter {
        let module = module.unwrap_or_default();
        let matches = |name: &str| {
            let rest = module.strip_prefix(name);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        };
        let mut crates = self.crates.iter().rev();
        let found = crates.find(|(name, _)| matches(name));
        found.map_or(self.default, |(_, level)| *level)
    }

    fn max(&self) -> LevelFilter {
        let levels = self.crates.iter().map(|(_, level)| *level);
        levels.fold(self.default, Ord::max)
    }
}

/// Why a text is no [`LogLevels`].
#[derive(Debug, PartialEq, Eq)]
pub struct BadLevel(String);

impl fmt::Display for BadLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "'{}' is none of off, error, warn, info, debug, trace, or CRATE=LEVEL, separated by commas",
            self.0
        )
    }
}

impl std::error::Error for BadLevel {}

impl FromStr for LogLevels {
    type Err = BadLevel;

    fn from_str(text: &str) -> Result<Self, BadLevel> {
        let level = |word: &str| {
            let parsed = word.trim().parse::<LevelFilter>();
            parsed.map_err(|_| BadLevel(word.to_owned()))
        };
        let mut levels = Self::all(LevelFilter::Info);
        for word in text.split(',') {
            match word.split_once('=') {
                Some((name, word)) => levels.crates.push((name.trim().to_owned(), level(word)?)),
                None => levels.default = level(word)?,
            }
        }
        Ok(levels)
    }
}

struct Logger {
    sink: Box<dyn Log>,
    levels: LogLevels,
    /// Append `(file:line)`.
    location: bool,
    /// Tells the time of lines that no host logs.
    env: Arc<Env>,
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= self.levels.max()
    }

    fn log(&self, record: &Record<'_>) {
        if record.level() > self.levels.of(record.module_path()) {
            return;
        }
        let letter = match record.level() {
            Level::Error => 'E',
            Level::Warn => 'W',
            Level::Info => 'I',
            Level::Debug => 'D',
            Level::Trace => 'T',
        };
        let location = fmt::from_fn(|f| match (self.location, record.file(), record.line()) {
            (true, Some(file), Some(line)) => write!(f, " ({file}:{line})"),
            _ => Ok(()),
        });
        CURRENT.with_borrow(|current| {
            let env = current.as_ref().unwrap_or(&self.env);
            let time = if env.is_manual() {
                env.now()
            } else {
                wall_clock(env.unix_time())
            };
            // ANCHOR: line
            let (target, message) = (record.target(), record.args());
            let (host, gap) = match env.name() {
                "" => ("", ""),
                name => (name, " "),
            };
            self.sink.log(
                &Record::builder()
                    .args(format_args!(
                        "{time} [{letter}] {host}{gap}{target}: {message}{location}"
                    ))
                    .level(record.level())
                    .build(),
            );
            // ANCHOR_END: line
        });
    }

    fn flush(&self) {
        self.sink.flush();
    }
}

/// The time of day, UTC.
fn wall_clock(unix_time: Duration) -> Time {
    Time::ZERO + Duration::from_millis((unix_time.as_millis() % 86_400_000).try_into().unwrap_or(0))
}

/// Starts to log to `out`. A second call changes nothing: the first logger stays.
pub fn init(env: &Arc<Env>, levels: LogLevels, location: bool, out: impl Write + Send + 'static) {
    let off = LevelFilter::Off;
    let mut config = ConfigBuilder::new();
    config
        .set_time_level(off)
        .set_level_padding(simplelog::LevelPadding::Off);
    config.set_max_level(off).set_thread_level(off);
    config.set_target_level(off).set_location_level(off);
    let sink = WriteLogger::new(levels.max(), config.build(), LineWriter::new(out));
    let max = levels.max();
    let logger = Logger {
        sink,
        levels,
        location,
        env: Arc::clone(env),
    };
    if log::set_boxed_logger(Box::new(logger)).is_ok() {
        log::set_max_level(max);
    }
}

thread_local! {
    /// The host on whose behalf this thread is working.
    static CURRENT: RefCell<Option<Arc<Env>>> = const { RefCell::new(None) };
}

/// Says whose log lines these are, until it is dropped.
#[must_use = "the scope ends when this value is dropped"]
pub struct Scope {
    before: Option<Option<Arc<Env>>>,
}

/// From here until the returned value is dropped, this thread's log lines
/// carry the name and the time of `env`. Every door to a host opens one: the
/// main loop's turn, and the calls of applications.
pub fn scope(env: &Arc<Env>) -> Scope {
    // A single host in the real world: the lines are its anyway.
    if env.name().is_empty() && !env.is_manual() {
        return Scope { before: None };
    }
    let before = CURRENT.replace(Some(Arc::clone(env)));
    Scope {
        before: Some(before),
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        if let Some(before) = self.before.take() {
            CURRENT.set(before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_per_crate() {
        let levels: LogLevels = "warn,step05_arp=debug".parse().unwrap();
        assert_eq!(levels.of(Some("step05_arp::arp")), LevelFilter::Debug);
        assert_eq!(levels.of(Some("step05_arpx")), LevelFilter::Warn);
        assert_eq!(levels.of(None), LevelFilter::Warn);
        assert_eq!(levels.max(), LevelFilter::Debug);
    }

    #[test]
    fn a_wrong_level_is_named() {
        let error = "info,step05_arp=loud".parse::<LogLevels>().unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("'loud' is none of off, error")
        );
        assert!("".parse::<LogLevels>().is_err());
    }

    #[test]
    fn wall_clock_is_the_time_of_day() {
        let time = wall_clock(Duration::from_secs(86_400 * 3 + 61));
        assert_eq!(time.to_string(), "00:01:01.000");
    }
}
