//! Command lines: options, `--help`, and errors that help.
//!
//! A program declares what it takes, and reads typed values back. Whatever is
//! wrong ends with one line that names the option, the value and what is
//! allowed, and exit code 2.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::process::ExitCode;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::Result;

use crate::env::Env;
use crate::logger::{self, LogLevels};

/// The user's mistake, in one line. Exit code 2.
#[derive(Debug)]
pub struct UsageError(pub String);

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

/// A mistake of the user's, to be returned with `?`.
pub fn usage(message: impl Into<String>) -> anyhow::Error {
    UsageError(message.into()).into()
}

struct Opt {
    name: &'static str,
    short: Option<&'static str>,
    /// What its value is called; `None` for a flag.
    value: Option<&'static str>,
    default: Option<&'static str>,
    help: &'static str,
}

/// What a program takes.
pub struct Cli {
    name: String,
    about: &'static str,
    options: Vec<Opt>,
    /// Name, help, and whether it must be there.
    positionals: Vec<(&'static str, &'static str, bool)>,
    trailing: Option<(&'static str, &'static str)>,
}

/// What the user gave.
#[derive(Debug, Default)]
pub struct Matches {
    values: BTreeMap<&'static str, String>,
    trailing: Vec<OsString>,
}

impl Cli {
    /// A program (or subcommand) called `name`. It always takes `--log`,
    /// `--location`, `--hexdump` and `--help`; `log` is the default level.
    pub fn new(name: impl Into<String>, about: &'static str, log: &'static str) -> Self {
        let cli = Self {
            name: name.into(),
            about,
            options: Vec::new(),
            positionals: Vec::new(),
            trailing: None,
        };
        cli.option(
            "--log",
            "LEVEL",
            Some(log),
            "off, error, warn, info, debug or trace; also per crate: info,step05_arp=debug",
        )
        .flag("--location", "end each log line with (file:line)")
        .flag("--hexdump", "show the bytes of each packet in the log")
    }

    /// Takes `name VALUE` or `name=VALUE`.
    #[must_use]
    pub fn option(
        mut self,
        name: &'static str,
        value: &'static str,
        default: Option<&'static str>,
        help: &'static str,
    ) -> Self {
        self.options.push(Opt {
            name,
            short: None,
            value: Some(value),
            default,
            help,
        });
        self
    }

    /// Gives the option that was declared last a second, short name.
    #[must_use]
    pub fn short(mut self, short: &'static str) -> Self {
        if let Some(option) = self.options.last_mut() {
            option.short = Some(short);
        }
        self
    }

    /// Takes `name`, which is there or not.
    #[must_use]
    pub fn flag(mut self, name: &'static str, help: &'static str) -> Self {
        self.options.push(Opt {
            name,
            short: None,
            value: None,
            default: None,
            help,
        });
        self
    }

    /// Takes an argument without a name.
    #[must_use]
    pub fn positional(mut self, name: &'static str, required: bool, help: &'static str) -> Self {
        self.positionals.push((name, help, required));
        self
    }

    /// Takes whatever follows `--`.
    #[must_use]
    pub fn trailing(mut self, name: &'static str, help: &'static str) -> Self {
        self.trailing = Some((name, help));
        self
    }

    /// Reads the command line and starts to log to stderr. `None` if the user
    /// asked for help and has got it.
    ///
    /// # Errors
    /// [`UsageError`].
    pub fn start(
        &self,
        env: &Arc<Env>,
        args: impl IntoIterator<Item = OsString>,
    ) -> Result<Option<Matches>> {
        let Some(matches) = self.parse(args)? else {
            print!("{}", self.help());
            return Ok(None);
        };
        let levels: LogLevels = matches.required("--log")?;
        logger::init(env, levels, matches.is_set("--location"), std::io::stderr());
        crate::hexdump::enable(matches.is_set("--hexdump"));
        Ok(Some(matches))
    }

    /// Reads the command line; `None` if the user asks for help.
    ///
    /// # Errors
    /// [`UsageError`].
    pub fn parse(&self, args: impl IntoIterator<Item = OsString>) -> Result<Option<Matches>> {
        let mut matches = Matches::default();
        let mut words = Vec::new();
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            let text = arg
                .to_str()
                .ok_or_else(|| self.wrong(format!("argument {arg:?}: not valid Unicode")))?;
            if text == "--" && self.trailing.is_some() {
                matches.trailing.extend(args.by_ref());
            } else if text == "--help" || text == "-h" {
                return Ok(None);
            } else if text.starts_with('-') && text.len() > 1 {
                let (name, inline) = match text.split_once('=') {
                    Some((name, value)) => (name, Some(value.to_owned())),
                    None => (text, None),
                };
                let (key, value) = self.parse_option(name, inline, &mut args)?;
                matches.values.insert(key, value);
            } else {
                words.push(text.to_owned());
            }
        }
        self.assign(words, &mut matches)?;
        for option in &self.options {
            if let Some(default) = option.default {
                matches
                    .values
                    .entry(option.name)
                    .or_insert_with(|| default.to_owned());
            }
        }
        Ok(Some(matches))
    }

    /// Gives the words without a name to the positional arguments. If there
    /// are too few, optional ones go without: of `[ADDR] PORT`, one word is
    /// the port.
    fn assign(&self, words: Vec<String>, matches: &mut Matches) -> Result<()> {
        let mut spare = words.len();
        spare -= spare.min(
            self.positionals
                .iter()
                .filter(|(_, _, required)| *required)
                .count(),
        );
        let mut words = words.into_iter();
        for (name, _, required) in &self.positionals {
            if !required {
                if spare == 0 {
                    continue;
                }
                spare -= 1;
            }
            match words.next() {
                Some(word) => matches.values.insert(name, word),
                None => return Err(self.wrong(format!("missing argument {name}"))),
            };
        }
        match words.next() {
            Some(word) => Err(self.wrong(format!("unexpected argument '{word}'"))),
            None => Ok(()),
        }
    }

    fn parse_option(
        &self,
        name: &str,
        inline: Option<String>,
        args: &mut impl Iterator<Item = OsString>,
    ) -> Result<(&'static str, String)> {
        let mut options = self.options.iter();
        let option = options
            .find(|o| o.name == name || o.short == Some(name))
            .ok_or_else(|| {
                let known: Vec<_> = self.options.iter().map(|o| o.name).collect();
                self.wrong(format!(
                    "unknown option '{name}'; allowed are {}",
                    known.join(", ")
                ))
            })?;
        let value = match (option.value, inline) {
            (None, None) => String::new(),
            (None, Some(value)) => {
                return Err(self.wrong(format!("option {name}: takes no value, got '{value}'")));
            }
            (Some(_), Some(value)) => value,
            (Some(what), None) => {
                let value = args.next().and_then(|value| value.into_string().ok());
                value.ok_or_else(|| self.wrong(format!("option {name}: needs a value {what}")))?
            }
        };
        Ok((option.name, value))
    }

    fn wrong(&self, message: String) -> anyhow::Error {
        usage(format!("{message} (see '{} --help')", self.name))
    }

    /// The text of `--help`.
    pub fn help(&self) -> String {
        let mut usage = format!("Usage: {} [OPTIONS]", self.name);
        for (name, _, required) in &self.positionals {
            usage += &if *required {
                format!(" {name}")
            } else {
                format!(" [{name}]")
            };
        }
        let mut rows = Vec::new();
        for (name, help, _) in &self.positionals {
            rows.push((format!("  {name}"), (*help).to_owned()));
        }
        if let Some((name, help)) = self.trailing {
            usage += &format!(" [-- {name}]");
            rows.push((format!("  {name}"), help.to_owned()));
        }
        for option in &self.options {
            let short = option
                .short
                .map(|short| format!("{short}, "))
                .unwrap_or_default();
            let value = option
                .value
                .map(|value| format!(" {value}"))
                .unwrap_or_default();
            let default = match option.default {
                Some(default) => format!(" [default: {default}]"),
                None => String::new(),
            };
            rows.push((
                format!("  {short}{}{value}", option.name),
                format!("{}{default}", option.help),
            ));
        }
        rows.push(("  -h, --help".to_owned(), "this text".to_owned()));
        let width = rows.iter().map(|(left, _)| left.len()).max().unwrap_or(0);
        let rows = rows
            .iter()
            .map(|(left, right)| format!("{left:width$}  {right}\n"));
        format!("{}\n\n{usage}\n\n{}", self.about, rows.collect::<String>())
    }
}

impl Matches {
    /// True if the flag was given.
    pub fn is_set(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// The value of an option or argument, if it was given or has a default.
    ///
    /// # Errors
    /// [`UsageError`] if the text is no `T`.
    pub fn get<T: FromStr>(&self, name: &str) -> Result<Option<T>>
    where
        T::Err: fmt::Display,
    {
        let Some(text) = self.values.get(name) else {
            return Ok(None);
        };
        let what = if name.starts_with('-') {
            "option"
        } else {
            "argument"
        };
        let parsed = text.parse();
        let parsed = parsed.map_err(|error| usage(format!("{what} {name}: '{text}': {error}")));
        parsed.map(Some)
    }

    /// The value of an option that has a default, or of a required argument.
    ///
    /// # Errors
    /// [`UsageError`] if the text is no `T`, or if there is none.
    pub fn required<T: FromStr>(&self, name: &str) -> Result<T>
    where
        T::Err: fmt::Display,
    {
        self.get(name)?
            .ok_or_else(|| usage(format!("{name} is missing")))
    }

    /// What followed `--`.
    pub fn trailing(&self) -> &[OsString] {
        &self.trailing
    }
}

/// Runs a program's body, and turns what it returns into an exit code: 0, 1
/// for a failure, 2 for a mistake of the user's.
pub fn main(body: impl FnOnce() -> Result<ExitCode>) -> ExitCode {
    match body() {
        Ok(code) => code,
        Err(error) if error.is::<UsageError>() => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The frame of a program that plays a scene: no arguments but the common
/// ones, everything logged, on a manual clock.
pub fn scene(
    name: &str,
    about: &'static str,
    play: impl FnOnce(&Arc<Env>) -> Result<()>,
) -> ExitCode {
    main(|| {
        let env = Env::manual(0);
        let cli = Cli::new(name, about, "debug");
        if cli.start(&env, std::env::args_os().skip(1))?.is_some() {
            play(&env)?;
        }
        Ok(ExitCode::SUCCESS)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cli() -> Cli {
        Cli::new("prog", "About.", "info")
            .option("--port", "PORT", Some("7"), "the port")
            .short("-p")
            .positional("ADDR", true, "the address")
            .trailing("COMMAND", "the command")
    }

    fn parse(args: &[&str]) -> Result<Option<Matches>> {
        cli().parse(args.iter().map(OsString::from))
    }

    fn error(args: &[&str]) -> String {
        let error = parse(args).unwrap_err();
        assert!(error.is::<UsageError>());
        error.to_string()
    }

    #[test]
    fn values_defaults_and_the_rest() {
        let m = parse(&["-p", "9", "a", "--hexdump", "--", "ls", "-l"])
            .unwrap()
            .unwrap();
        assert_eq!(m.required::<u16>("--port").unwrap(), 9);
        assert_eq!(m.required::<String>("ADDR").unwrap(), "a");
        assert!(m.is_set("--hexdump") && !m.is_set("--location"));
        assert_eq!(m.trailing(), ["ls", "-l"]);
        let m = parse(&["a", "--port=65535"]).unwrap().unwrap();
        assert_eq!(m.required::<u16>("--port").unwrap(), 65535);
        let m = parse(&["a"]).unwrap().unwrap();
        assert_eq!(m.required::<u16>("--port").unwrap(), 7);
        assert!(parse(&["-h"]).unwrap().is_none());
    }

    #[test]
    fn optional_arguments_may_come_first() {
        let cli = Cli::new("prog", "", "info")
            .positional("ADDR", false, "")
            .positional("PORT", true, "");
        let parse = |args: &[&str]| cli.parse(args.iter().map(OsString::from)).unwrap().unwrap();
        let one = parse(&["7"]);
        assert_eq!(
            (one.is_set("ADDR"), one.required::<u16>("PORT").unwrap()),
            (false, 7)
        );
        let two = parse(&["::", "9"]);
        assert_eq!(
            (
                two.required::<String>("ADDR").unwrap().as_str(),
                two.required::<u16>("PORT").unwrap()
            ),
            ("::", 9)
        );
    }

    #[test]
    fn mistakes_are_named() {
        assert!(
            error(&["a", "--prot", "1"]).starts_with("unknown option '--prot'; allowed are --log")
        );
        assert!(error(&["a", "--port"]).starts_with("option --port: needs a value PORT"));
        assert!(error(&["a", "--hexdump=1"]).starts_with("option --hexdump: takes no value"));
        assert!(error(&["a", "b"]).starts_with("unexpected argument 'b'"));
        assert!(error(&[]).starts_with("missing argument ADDR"));
        let m = parse(&["a", "-p", "70000"]).unwrap().unwrap();
        let wrong = m.required::<u16>("--port").unwrap_err().to_string();
        assert_eq!(
            wrong,
            "option --port: '70000': number too large to fit in target type"
        );
    }

    #[test]
    fn help_names_everything() {
        let help = cli().help();
        for word in [
            "About.",
            "Usage: prog [OPTIONS] ADDR [-- COMMAND]",
            "-p, --port PORT",
            "[default: 7]",
            "--log LEVEL",
        ] {
            assert!(help.contains(word), "{word} in:\n{help}");
        }
    }
}
