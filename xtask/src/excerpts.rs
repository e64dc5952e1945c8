//! Pieces of logs, cut from the snapshots by pattern.
//!
//! `book/excerpts.txt` says how, one excerpt after the other:
//!
//! ```text
//! [step01-loopback.txt]                 the file in book/src/generated
//! snapshot step01_device/tests/…/a.snap where it is cut from
//! seek  loopback::init                  go on to the line that has this text
//! from  device::output                  show the lines from here …
//! to    net::input                      … to there, both included
//! line  net::shutdown                   show this one line
//! skip  interrupt::request              leave out such lines in what is shown
//! ```
//!
//! Each pattern is looked for behind the one before, so the order is the
//! log's. One that is not found is an error; line numbers are never used.
//! Where lines are left out between two pieces, the excerpt says `…`.
//!
//! Another kind shows what has changed between two anchors:
//!
//! ```text
//! [step06-root.diff]
//! diff step05_arp/src/host.rs:root step06_udp/src/host.rs:root
//! ```

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use crate::book::{Files, Findings, pages, resolve};
use crate::diff::diff;
use crate::includes::{self, MAX_LINES, includes};

/// The list of excerpts.
pub const LIST: &str = "book/excerpts.txt";
/// Where they are written to.
pub const FOLDER: &str = "book/src/generated/";

/// One excerpt, as the list describes it.
#[derive(Debug, Default)]
struct Excerpt<'a> {
    line: usize,
    name: &'a str,
    snapshot: &'a str,
    /// Instead of a snapshot: `path:anchor` twice.
    diff: Option<(&'a str, &'a str)>,
    commands: Vec<(usize, &'a str, &'a str)>,
}

fn parse(list: &str) -> Result<Vec<Excerpt<'_>>, (usize, String)> {
    let mut excerpts: Vec<Excerpt<'_>> = Vec::new();
    for (index, text) in list.lines().enumerate() {
        let (line, text) = (index + 1, text.trim());
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        if let Some(name) = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
            excerpts.push(Excerpt {
                line,
                name,
                ..Excerpt::default()
            });
            continue;
        }
        let (command, argument) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let argument = argument.trim();
        let Some(excerpt) = excerpts.last_mut() else {
            return Err((line, "a command before the first [name]".to_owned()));
        };
        match command {
            _ if argument.is_empty() => return Err((line, format!("'{command}' of what?"))),
            "snapshot" => excerpt.snapshot = argument,
            "diff" => excerpt.diff = argument.split_once(' '),
            "seek" | "from" | "to" | "line" | "skip" => {
                excerpt.commands.push((line, command, argument));
            }
            _ => return Err((line, format!("no command '{command}'"))),
        }
    }
    Ok(excerpts)
}

/// The anchors that the list compares, as `path:anchor`.
pub fn anchors(files: &Files) -> Vec<String> {
    let list = files.get(LIST).map(String::as_str).unwrap_or_default();
    let excerpts = parse(list).unwrap_or_default();
    let pairs = excerpts.iter().filter_map(|excerpt| excerpt.diff);
    pairs
        .flat_map(|(old, new)| [old.trim().to_owned(), new.trim().to_owned()])
        .collect()
}

/// Makes an excerpt.
fn make(files: &Files, excerpt: &Excerpt<'_>) -> Result<String, (usize, String)> {
    let text = match excerpt.diff {
        Some((old, new)) => {
            let lines = |target| anchored(files, target).map_err(|what| (excerpt.line, what));
            diff(&lines(old)?, &lines(new)?)
        }
        None => cut(files, excerpt)?,
    };
    match text.lines().count() {
        0 => Err((excerpt.line, "the excerpt is empty".to_owned())),
        len if len > MAX_LINES => Err((
            excerpt.line,
            format!("the excerpt has {len} lines, more than {MAX_LINES}"),
        )),
        _ => Ok(text),
    }
}

/// The lines of `path:anchor`.
fn anchored<'a>(files: &'a Files, target: &str) -> Result<Vec<&'a str>, String> {
    let (path, anchor) = target
        .trim()
        .split_once(':')
        .ok_or("a diff is of two path:anchor")?;
    let text = files.get(path).ok_or_else(|| format!("no file '{path}'"))?;
    includes::cut(text, anchor).map_err(|what| format!("{path}: {what}"))
}

/// Cuts an excerpt out of its snapshot.
fn cut(files: &Files, excerpt: &Excerpt<'_>) -> Result<String, (usize, String)> {
    let Some(snapshot) = files.get(excerpt.snapshot) else {
        return Err((excerpt.line, format!("no file '{}'", excerpt.snapshot)));
    };
    let lines: Vec<&str> = snapshot.lines().collect();
    let mut shown = vec![false; lines.len()];
    // The next pattern is looked for from here on; a `from` waits for its `to`.
    let (mut at, mut from) = (0, None);
    for (line, command, pattern) in &excerpt.commands {
        if *command == "skip" {
            continue;
        }
        let rest = lines.get(at..).unwrap_or_default();
        let Some(offset) = rest.iter().position(|text| text.contains(pattern)) else {
            return Err((*line, format!("'{pattern}' is not found (any more)")));
        };
        let found = at + offset;
        at = found + 1;
        match (*command, from) {
            ("from", None) => {
                from = Some(found);
                at = found;
            }
            ("to", Some(first)) => {
                shown[first..=found].fill(true);
                from = None;
            }
            ("line", None) => shown[found] = true,
            ("seek", None) => at = found,
            _ => return Err((*line, format!("'{command}' does not follow here"))),
        }
    }
    if from.is_some() {
        return Err((excerpt.line, "a 'from' without its 'to'".to_owned()));
    }
    for (line, _, pattern) in excerpt.commands.iter().filter(|(_, c, _)| *c == "skip") {
        let mut hits = 0;
        for (text, shown) in lines.iter().zip(&mut shown) {
            if *shown && text.contains(pattern) {
                *shown = false;
                hits += 1;
            }
        }
        if hits == 0 {
            return Err((*line, format!("there is no '{pattern}' to skip")));
        }
    }
    Ok(join(&lines, &shown))
}

fn join(lines: &[&str], shown: &[bool]) -> String {
    let (mut text, mut gap) = (String::new(), false);
    for (line, shown) in lines.iter().zip(shown) {
        if *shown {
            if gap && !text.is_empty() {
                text.push_str("…\n");
            }
            text.push_str(line);
            text.push('\n');
        }
        gap = !shown;
    }
    text
}

/// All excerpts that can be cut: path and text. And what is wrong with the others.
fn make_all(files: &Files) -> (Vec<(String, String)>, Findings) {
    let list = files.get(LIST).map(String::as_str).unwrap_or_default();
    let mut findings = Findings::default();
    let mut texts: Vec<(String, String)> = Vec::new();
    let excerpts = parse(list).unwrap_or_else(|(line, what)| {
        findings.error(LIST, line, what);
        Vec::new()
    });
    for excerpt in excerpts {
        let path = format!("{FOLDER}{}", excerpt.name);
        if texts.iter().any(|(other, _)| *other == path) {
            findings.error(
                LIST,
                excerpt.line,
                "an excerpt of this name is there already",
            );
        }
        match make(files, &excerpt) {
            Ok(text) => texts.push((path, text)),
            Err((line, what)) => findings.error(LIST, line, what),
        }
    }
    (texts, findings)
}

/// The excerpts that differ from what is in [`FOLDER`]: path and new text.
pub fn write(files: &Files) -> Result<Vec<(String, String)>> {
    let (mut texts, findings) = make_all(files);
    if !findings.errors.is_empty() {
        bail!("{}", findings.errors.join("\n"));
    }
    texts.retain(|(path, text)| files.get(path) != Some(text));
    Ok(texts)
}

/// What is committed is what would be cut today, and every page that it is for
/// shows it.
pub fn check(files: &Files) -> Findings {
    let (texts, mut findings) = make_all(files);
    let mut included = BTreeSet::new();
    for (page, text) in pages(files) {
        let includes = includes(text).flatten();
        included.extend(includes.filter_map(|include| resolve(page, include.path)));
    }
    for (path, text) in &texts {
        if files.get(path) != Some(text) {
            let what = "differs from its snapshot: 'cargo xtask book --write' cuts it anew";
            findings.error(path, 1, what);
        }
        if !included.contains(path) {
            findings.error(path, 1, "no page shows this excerpt");
        }
    }
    // Only if all could be cut is it known what does not belong there.
    if findings.errors.is_empty() {
        for path in files.keys().filter(|path| path.starts_with(FOLDER)) {
            if !texts.iter().any(|(known, _)| known == path) {
                findings.error(path, 1, "not in the list of excerpts");
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::files;

    const SNAP: &str = "---\nsource: x\n---\na 1\nb 2\nc 3\nd 4\na 5\n";

    fn cut_with(commands: &str) -> Result<String, String> {
        let list = format!("[x.txt]\nsnapshot s.snap\n{commands}");
        let (texts, findings) = make_all(&files([(LIST, &list), ("s.snap", SNAP)]));
        match texts.into_iter().next() {
            Some((_, text)) => Ok(text),
            None => Err(findings.errors.join("; ")),
        }
    }

    #[test]
    fn patterns_cut() {
        assert_eq!(cut_with("from a\nto c").unwrap(), "a 1\nb 2\nc 3\n");
        assert_eq!(cut_with("line a\nline d").unwrap(), "a 1\n…\nd 4\n");
        assert_eq!(cut_with("seek d\nline a").unwrap(), "a 5\n");
        assert_eq!(
            cut_with("from a\nto d\nskip b").unwrap(),
            "a 1\n…\nc 3\nd 4\n"
        );
        assert_eq!(cut_with("from b\nto b").unwrap(), "b 2\n");
    }

    #[test]
    fn a_pattern_that_is_not_there() {
        let error = cut_with("line e 9").unwrap_err();
        assert_eq!(error, "book/excerpts.txt:3: 'e 9' is not found (any more)");
        // Behind the pattern before it, that is.
        assert!(cut_with("line d\nline b").unwrap_err().contains("'b'"));
        assert!(
            cut_with("from a\nto c\nskip z")
                .unwrap_err()
                .contains("no 'z' to skip")
        );
    }

    #[test]
    fn a_list_that_makes_no_sense() {
        assert!(cut_with("from a").unwrap_err().contains("without its 'to'"));
        assert!(cut_with("to a").unwrap_err().contains("does not follow"));
        assert!(
            cut_with("find a")
                .unwrap_err()
                .contains("no command 'find'")
        );
        assert!(cut_with("line").unwrap_err().contains("of what?"));
        assert!(cut_with("").unwrap_err().contains("is empty"));
        let (_, findings) = make_all(&files([(LIST, "line a\n")]));
        assert!(findings.errors[0].contains("before the first [name]"));
        let (_, findings) = make_all(&files([(LIST, "[x.txt]\nsnapshot no.snap\nline a\n")]));
        assert!(findings.errors[0].contains("no file 'no.snap'"));
    }

    #[test]
    fn an_excerpt_that_is_too_long() {
        let snap = "a\n".repeat(50) + "b\n";
        let list = "[x.txt]\nsnapshot s.snap\nfrom a\nto b\n";
        let (_, findings) = make_all(&files([(LIST, list), ("s.snap", &snap)]));
        assert!(findings.errors[0].contains("51 lines, more than 40"));
    }

    #[test]
    fn what_has_changed_between_two_anchors() {
        let list = "[x.diff]\ndiff a.rs:root b.rs:root\n";
        let a = "// ANCHOR: root\n1;\n// ANCHOR_END: root\n";
        let b = "// ANCHOR: root\n1;\n2;\n// ANCHOR_END: root\n";
        let good = files([(LIST, list), ("a.rs", a), ("b.rs", b)]);
        let (texts, _) = make_all(&good);
        assert_eq!(texts[0].1, "  1;\n+ 2;\n");
        assert_eq!(anchors(&good), ["a.rs:root", "b.rs:root"]);
        let (_, findings) = make_all(&files([(LIST, list), ("a.rs", a), ("b.rs", "")]));
        assert!(findings.errors[0].contains("b.rs: no anchor 'root'"));
    }

    const DONE: &str = "book/src/generated/x.txt";
    const PAGE: (&str, &str) = ("book/src/a.md", "{{#include generated/x.txt}}");
    const ENTRY: (&str, &str) = (LIST, "[x.txt]\nsnapshot s.snap\nline a\n");

    #[test]
    fn what_is_committed_is_what_would_be_cut() {
        let good = files([ENTRY, PAGE, ("s.snap", SNAP), (DONE, "a 1\n")]);
        assert_eq!(check(&good), Findings::default());
        let old = files([ENTRY, PAGE, ("s.snap", SNAP), (DONE, "a 0\n")]);
        assert!(check(&old).errors[0].contains("differs from its snapshot"));
        assert_eq!(
            write(&old).unwrap(),
            [(DONE.to_owned(), "a 1\n".to_owned())]
        );
        let none = files([ENTRY, PAGE, ("s.snap", SNAP)]);
        assert!(check(&none).errors[0].contains("differs from its snapshot"));
    }

    #[test]
    fn excerpts_that_nobody_needs() {
        let unshown = files([ENTRY, ("s.snap", SNAP), (DONE, "a 1\n")]);
        assert!(check(&unshown).errors[0].contains("no page shows"));
        let left = files([(DONE, "a 1\n")]);
        assert!(check(&left).errors[0].contains("not in the list"));
    }
}
