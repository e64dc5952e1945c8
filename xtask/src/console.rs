//! What a `console` block shows is what its commands print.
//!
//! ````text
//! ```console
//! $ cargo run -q -p step05_arp 2>/dev/null      a command, run in the workspace
//! 10 octets from 192.0.2.1: seq=1 time=4ms      the output: stdout and stderr
//! …                                             any lines, or none
//! counters of …:                                any text within a line
//! ```
//! ````
//!
//! A command whose line ends with `\` goes on in the next one, behind `> `.
//! Words behind `console,` say more:
//!
//! - `lab`: the commands start a lab, which not every machine allows;
//! - `in-lab`: they are typed inside a lab of step 07, each in its own;
//! - `numbers`: the numbers (times, counts) differ from run to run;
//! - `needs-NAME`: they need a program that not every machine has;
//! - `fails`: the last command ends with an error, and that is the lesson.

use crate::book::{Files, Findings, pages, resolve};
use crate::fences::{Block, blocks};
use crate::includes::{self, includes};

/// A block that can be run.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Session {
    /// The page.
    pub page: String,
    /// The line of its fence.
    pub line: usize,
    /// Each command, with the lines it should print.
    pub steps: Vec<(String, Vec<String>)>,
    /// The commands start a lab.
    pub lab: bool,
    /// The commands are typed inside a lab.
    pub in_lab: bool,
    /// Programs that have to be there.
    pub needs: Vec<String>,
    /// Numbers may differ.
    pub numbers: bool,
    /// The last command fails.
    pub fails: bool,
}

/// All sessions of the book, and what is wrong with others.
pub fn sessions(files: &Files) -> (Vec<Session>, Findings) {
    let (mut sessions, mut findings) = (Vec::new(), Findings::default());
    for (page, text) in pages(files) {
        for block in blocks(text) {
            let mut words = block.info.split([',', ' ']);
            if words.next() != Some("console") {
                continue;
            }
            match session(files, page, &block, words) {
                Ok(session) => sessions.push(session),
                Err(what) => findings.error(page, block.line, what),
            }
        }
    }
    (sessions, findings)
}

fn session<'a>(
    files: &Files,
    page: &str,
    block: &Block<'_>,
    words: impl Iterator<Item = &'a str>,
) -> Result<Session, String> {
    let mut session = Session {
        page: page.to_owned(),
        line: block.line,
        ..Session::default()
    };
    for word in words.filter(|word| !word.is_empty()) {
        match word {
            "lab" => session.lab = true,
            "in-lab" => session.in_lab = true,
            "numbers" => session.numbers = true,
            "fails" => session.fails = true,
            _ if word.starts_with("needs-") => session.needs.push(word[6..].to_owned()),
            _ => return Err(format!("no word '{word}' for a console block")),
        }
    }
    let mut goes_on = false;
    for line in expand(files, page, &block.lines)? {
        if let Some(command) = line.strip_prefix("$ ") {
            goes_on = command.ends_with('\\');
            session.steps.push((command.to_owned(), Vec::new()));
            continue;
        }
        let Some((command, output)) = session.steps.last_mut() else {
            return Err("a console block begins with '$ ' and a command".to_owned());
        };
        match line.strip_prefix("> ").filter(|_| goes_on) {
            Some(more) => {
                goes_on = more.ends_with('\\');
                command.push('\n');
                command.push_str(more);
            }
            None => output.push(line),
        }
    }
    match session.steps.is_empty() {
        true => Err("a console block without a command".to_owned()),
        false => Ok(session),
    }
}

/// The lines of a block, with what they include.
fn expand(files: &Files, page: &str, lines: &[&str]) -> Result<Vec<String>, String> {
    let mut expanded = Vec::new();
    for line in lines {
        let Some(include) = includes(line).next() else {
            expanded.push((*line).to_owned());
            continue;
        };
        let include = include.map_err(|(_, what)| what)?;
        let text = resolve(page, include.path).and_then(|path| files.get(&path));
        let text = text.ok_or_else(|| format!("no file '{}'", include.path))?;
        let lines = match include.anchor {
            Some(anchor) => includes::cut(text, anchor)?,
            None => text.lines().collect(),
        };
        expanded.extend(lines.into_iter().map(str::to_owned));
    }
    Ok(expanded)
}

/// Compares what was expected with what was printed. The error is a hint at
/// the first line that does not fit.
pub fn compare(expected: &[String], printed: &str, numbers: bool) -> Result<(), String> {
    let printed: Vec<&str> = printed.lines().map(str::trim_end).collect();
    // reached[at]: the expected lines so far fit the first `at` printed ones.
    let mut reached = vec![false; printed.len() + 1];
    reached[0] = true;
    for line in expected {
        let line = line.trim_end();
        let first = reached.iter().position(|is| *is).unwrap_or(0);
        let mut next = vec![false; printed.len() + 1];
        if line.trim() == "…" {
            next[first..].fill(true);
        } else {
            for at in 0..printed.len() {
                next[at + 1] = reached[at] && fits(line, printed[at], numbers);
            }
        }
        if !next.contains(&true) {
            let is = printed.get(first).unwrap_or(&"the end of the output");
            return Err(format!("'{line}' is not printed, but '{is}'"));
        }
        reached = next;
    }
    if reached[printed.len()] {
        return Ok(());
    }
    let last = reached.iter().rposition(|is| *is).unwrap_or(0);
    Err(format!("'{}' is printed as well", printed[last]))
}

/// True if the line that was printed is the one that the page shows.
fn fits(shown: &str, printed: &str, numbers: bool) -> bool {
    let (shown, printed) = match numbers {
        true => (without_numbers(shown), without_numbers(printed)),
        false => (shown.to_owned(), printed.to_owned()),
    };
    let Some((head, rest)) = shown.split_once('…') else {
        return shown == printed;
    };
    let Some(mut left) = printed.strip_prefix(head) else {
        return false;
    };
    let mut pieces = rest.split('…').peekable();
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return left.ends_with(piece);
        }
        match left.split_once(piece) {
            Some((_, behind)) => left = behind,
            None => return false,
        }
    }
    true
}

/// Every decimal number becomes `0`.
fn without_numbers(line: &str) -> String {
    let mut text = String::new();
    let mut in_number = false;
    for c in line.chars() {
        let is_point = in_number && c == '.';
        if c.is_ascii_digit() {
            if !in_number {
                text.push('0');
            }
            in_number = true;
        } else if !is_point {
            in_number = false;
            text.push(c);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::files;

    fn compare(expected: &str, printed: &str, numbers: bool) -> Result<(), String> {
        let expected: Vec<String> = expected.lines().map(str::to_owned).collect();
        super::compare(&expected, printed, numbers)
    }

    #[test]
    fn what_is_shown_is_what_is_printed() {
        assert_eq!(compare("a\nb", "a\nb\n", false), Ok(()));
        assert_eq!(compare("", "", false), Ok(()));
        assert_eq!(
            compare("a\nx", "a\nb\n", false).unwrap_err(),
            "'x' is not printed, but 'b'"
        );
        assert_eq!(
            compare("a", "a\nb\n", false).unwrap_err(),
            "'b' is printed as well"
        );
        let error = compare("a\nb", "a\n", false).unwrap_err();
        assert_eq!(error, "'b' is not printed, but 'the end of the output'");
    }

    #[test]
    fn lines_and_text_may_be_left_out() {
        assert_eq!(compare("a\n…\nd", "a\nb\nc\nd\n", false), Ok(()));
        assert_eq!(compare("a\n…\nd", "a\nd\n", false), Ok(()));
        assert_eq!(compare("…\nb\n…", "a\nb\nb\n", false), Ok(()));
        assert!(compare("a\n…\nd", "a\nb\n", false).is_err());
        assert!(compare("…\nb", "a\nb\nc", false).is_err());
        assert_eq!(compare("time=… ms, …", "time=0.3 ms, ok", false), Ok(()));
        assert!(compare("time=… ms", "time=0.3 s", false).is_err());
        assert!(compare("a … b … a", "a 1 b", false).is_err());
    }

    #[test]
    fn numbers_may_differ_where_the_page_says_so() {
        assert_eq!(compare("took 1.25 ms", "took 17 ms", true), Ok(()));
        assert!(compare("took 1.25 ms", "took 17 ms", false).is_err());
        assert!(compare("took 1.25 ms", "took 17 s", true).is_err());
        assert!(compare("took 1 ms", "took ms", true).is_err());
    }

    fn parse(block: &str) -> Result<Session, String> {
        let (mut sessions, findings) = sessions(&files([
            ("book/src/a.md", block),
            ("book/src/b.txt", "one\ntwo\n"),
        ]));
        match sessions.pop() {
            Some(session) => Ok(session),
            None => Err(findings.errors.join("; ")),
        }
    }

    #[test]
    fn a_session() {
        let session = parse(
            "```console,lab,numbers,needs-nc\n$ a \\\n> b\nc\n$ d\n{{#include b.txt}}\n```\n",
        )
        .unwrap();
        let steps = [
            ("a \\\nb".to_owned(), vec!["c".to_owned()]),
            ("d".to_owned(), vec!["one".to_owned(), "two".to_owned()]),
        ];
        assert_eq!(session.steps, steps);
        assert!(session.lab && session.numbers && !session.fails && !session.in_lab);
        assert_eq!(session.needs, ["nc"]);
        assert!(parse("```text\n$ a\n```\n").unwrap_err().is_empty());
    }

    #[test]
    fn blocks_that_make_no_sense() {
        let error = parse("```console\na\n```\n").unwrap_err();
        assert_eq!(
            error,
            "book/src/a.md:1: a console block begins with '$ ' and a command"
        );
        assert!(parse("```console\n```\n").unwrap_err().contains("without"));
        let error = parse("```console,often\n$ a\n```\n").unwrap_err();
        assert!(error.contains("no word 'often'"));
        let error = parse("```console\n$ a\n{{#include c.txt}}\n```\n").unwrap_err();
        assert!(error.contains("no file 'c.txt'"));
    }
}
