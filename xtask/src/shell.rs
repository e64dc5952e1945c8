//! Runs the book's commands, each with a time limit.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::book::Findings;
use crate::console::{Session, compare};
use crate::skip::skip;

/// How long a command may take.
const SECONDS: u32 = 120;

/// What a command has printed, on stdout and stderr together, and whether it
/// ended well.
pub fn run(root: &Path, command: &str) -> Result<(String, bool)> {
    let output = Command::new("timeout")
        // In the foreground, the whole group gets the signal.
        .args(["--kill-after=5", &SECONDS.to_string()])
        .args(["sh", "-c", &format!("exec 2>&1\n{command}")])
        .current_dir(root)
        .env("CARGO_TERM_COLOR", "never")
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .output()
        .context("cannot run 'timeout' and 'sh'")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.code() == Some(124) {
        bail!("'{command}' has not ended after {SECONDS} s; so far it has printed:\n{text}");
    }
    Ok((text, output.status.success()))
}

/// Builds what the book's commands run, so that no command prints how it is built.
pub fn build(root: &Path) -> Result<()> {
    let status = Command::new("cargo")
        .args(["build", "--quiet", "--workspace", "--bins", "--examples"])
        .current_dir(root)
        .status()
        .context("cannot run cargo")?;
    if !status.success() {
        bail!("the workspace does not build");
    }
    Ok(())
}

/// Runs all sessions of the book.
pub fn check(root: &Path, sessions: &[Session]) -> Result<Findings> {
    let mut findings = Findings::default();
    let needs_lab = |session: &&Session| session.lab || session.in_lab;
    let mut has_lab = true;
    if sessions.iter().any(|session| needs_lab(&session)) {
        let (reason, works) = run(root, &in_lab("true"))?;
        has_lab = works;
        if !works {
            let count = sessions.iter().filter(needs_lab).count();
            let reason = reason.lines().last().unwrap_or_default();
            skip(&format!("{count} console blocks not run: {reason}"))?;
        }
    }
    let mut count = 0;
    for session in sessions {
        if needs_lab(&session) && !has_lab {
            continue;
        }
        if let Some(name) = missing(root, session)? {
            let (page, line) = (&session.page, session.line);
            skip(&format!("{page}:{line}: not run: there is no '{name}'"))?;
            continue;
        }
        for (index, (command, expected)) in session.steps.iter().enumerate() {
            let is_last = index + 1 == session.steps.len();
            let typed = match session.in_lab {
                true => in_lab(command),
                false => command.clone(),
            };
            let (printed, success) = run(root, &typed)?;
            count += 1;
            let judged = judge(session, is_last, expected, &printed, success);
            if let Err(what) = judged {
                let what = format!("'$ {command}': {what}");
                findings.error(&session.page, session.line, what);
            }
        }
    }
    println!("book: {count} commands run");
    Ok(findings)
}

/// A program that the session needs and that is not there.
fn missing<'a>(root: &Path, session: &'a Session) -> Result<Option<&'a str>> {
    for name in &session.needs {
        let (_, found) = run(root, &format!("command -v '{name}'"))?;
        if !found {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// Whether a command has done what the page says.
fn judge(
    session: &Session,
    is_last: bool,
    expected: &[String],
    printed: &str,
    success: bool,
) -> Result<(), String> {
    compare(expected, printed, session.numbers)?;
    match (success, session.fails && is_last) {
        (true, true) => Err("should fail, and does not".to_owned()),
        (false, false) => Err("fails".to_owned()),
        _ => Ok(()),
    }
}

/// `command`, typed inside a lab.
fn in_lab(command: &str) -> String {
    let quoted = command.replace('\'', r"'\''");
    format!("cargo run -q -p step07_tcp -- lab -- sh -c '{quoted}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(steps: &[(&str, &str)], fails: bool) -> Session {
        let lines = |text: &str| text.lines().map(str::to_owned).collect();
        Session {
            page: "a.md".to_owned(),
            line: 7,
            steps: steps
                .iter()
                .map(|(command, text)| ((*command).to_owned(), lines(text)))
                .collect(),
            fails,
            ..Session::default()
        }
    }

    fn errors(steps: &[(&str, &str)], fails: bool) -> Vec<String> {
        let sessions = [session(steps, fails)];
        check(&crate::root(), &sessions).unwrap().errors
    }

    #[test]
    fn commands_are_run() {
        let steps = [("echo a; echo b >&2", "a\nb"), ("head -n1 README.md", "…")];
        assert_eq!(errors(&steps, false), [""; 0]);
        let expected = ["a.md:7: '$ echo b': 'a' is not printed, but 'b'"];
        assert_eq!(errors(&[("echo b", "a")], false), expected);
    }

    #[test]
    fn commands_that_fail() {
        assert_eq!(
            errors(&[("false", "")], false),
            ["a.md:7: '$ false': fails"]
        );
        assert_eq!(errors(&[("false", "")], true), [""; 0]);
        let expected = ["a.md:7: '$ true': should fail, and does not"];
        assert_eq!(errors(&[("true", "")], true), expected);
    }

    #[test]
    fn programs_that_are_missing() {
        let mut needy = session(&[("echo a", "b")], false);
        needy.needs = vec!["sh".to_owned(), "no-such-program".to_owned()];
        let found = missing(&crate::root(), &needy).unwrap();
        assert_eq!(found, Some("no-such-program"));
    }

    #[test]
    fn quotes_survive_the_way_into_a_lab() {
        assert!(in_lab("echo 'a'").ends_with(r"sh -c 'echo '\''a'\'''"));
    }
}
