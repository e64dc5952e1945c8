//! Every `{{#include FILE:ANCHOR}}` finds its file and its anchor.

use crate::book::{Files, Findings, pages, resolve};
use crate::exercises::marks::is_mark;

/// The longest listing, in lines.
pub const MAX_LINES: usize = 40;

/// An include directive in a page.
#[derive(Debug, PartialEq, Eq)]
pub struct Include<'a> {
    /// The line of the page, from 1.
    pub line: usize,
    /// The file, as the page writes it.
    pub path: &'a str,
    /// The anchor; the whole file if there is none.
    pub anchor: Option<&'a str>,
}

/// The directives of a page, right or wrong.
pub fn includes(text: &str) -> impl Iterator<Item = Result<Include<'_>, (usize, String)>> {
    text.lines().enumerate().flat_map(|(index, line)| {
        let line_number = index + 1;
        let pieces: Vec<&str> = line.split("{{#").collect();
        let mut found = Vec::new();
        for pair in pieces.windows(2) {
            if pair[0].ends_with('\\') {
                continue; // escaped: shown, not followed
            }
            found.push(parse(line_number, pair[1]).map_err(|what| (line_number, what)));
        }
        found
    })
}

fn parse(line: usize, directive: &str) -> Result<Include<'_>, String> {
    let (inside, _) = directive
        .split_once("}}")
        .ok_or("a directive is not closed")?;
    let Some(target) = inside.strip_prefix("include ") else {
        return Err(format!("only include is used in this book, not '{inside}'"));
    };
    let (path, anchor) = match target.trim().split_once(':') {
        None => (target.trim(), None),
        Some((path, anchor)) => (path, Some(anchor)),
    };
    if let Some(anchor) = anchor
        && !anchor.starts_with(|c: char| c.is_ascii_alphabetic())
    {
        return Err(format!("'{anchor}' is no anchor: line numbers rot"));
    }
    Ok(Include { line, path, anchor })
}

/// The name behind `marker` in a line, as mdBook reads it.
pub fn marked<'a>(line: &'a str, marker: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(marker)?;
    let rest = rest.trim_start();
    let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-'));
    let name = &rest[..end.unwrap_or(rest.len())];
    (!name.is_empty()).then_some(name)
}

/// True for a line that is for tools: an anchor, or a mark of an exercise.
pub fn is_markup(line: &str) -> bool {
    line.contains("ANCHOR:") || line.contains("ANCHOR_END:") || is_mark(line)
}

/// The lines between an anchor's two ends.
pub fn cut<'a>(text: &'a str, anchor: &str) -> Result<Vec<&'a str>, String> {
    let (mut begun, mut ended) = (0, 0);
    let mut lines = Vec::new();
    for line in text.lines() {
        if marked(line, "ANCHOR:") == Some(anchor) {
            begun += 1;
        } else if marked(line, "ANCHOR_END:") == Some(anchor) {
            ended += 1;
        } else if begun > ended && !line.contains("ANCHOR:") && !line.contains("ANCHOR_END:") {
            lines.push(line);
        }
    }
    match (begun, ended) {
        (0, 0) => Err(format!("no anchor '{anchor}'")),
        (1, 1) => Ok(lines),
        (1, 0) => Err(format!("anchor '{anchor}' is not closed")),
        _ => Err(format!(
            "anchor '{anchor}' begins {begun} times and ends {ended} times"
        )),
    }
}

/// Looks up every include of every page.
pub fn check(files: &Files) -> Findings {
    let mut findings = Findings::default();
    for (page, text) in pages(files) {
        for include in includes(text) {
            match include {
                Ok(include) => {
                    if let Err(what) = check_one(files, page, &include) {
                        findings.error(page, include.line, what);
                    }
                }
                Err((line, what)) => findings.error(page, line, what),
            }
        }
    }
    findings
}

fn check_one(files: &Files, page: &str, include: &Include<'_>) -> Result<(), String> {
    let path = include.path;
    let text = resolve(page, path).and_then(|path| files.get(&path));
    let text = text.ok_or_else(|| format!("no file '{path}'"))?;
    let lines = match include.anchor {
        Some(anchor) => cut(text, anchor).map_err(|what| format!("{path}: {what}"))?,
        None => text.lines().collect(),
    };
    let name = include.anchor.unwrap_or("the file");
    if lines.iter().all(|line| line.trim().is_empty()) {
        return Err(format!("{path}: {name} is empty"));
    }
    // The marks of exercises are for tools, as anchors are.
    let len = lines.iter().filter(|line| !is_mark(line)).count();
    if len > MAX_LINES {
        return Err(format!(
            "{path}: {name} has {len} lines, more than {MAX_LINES}"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::files;

    /// What the check says about a page that includes `target`, where the
    /// workspace has `x/a.rs` with the text `code`.
    fn errors(target: &str, code: &str) -> Vec<String> {
        let page = format!("# A\n{{{{#include {target}}}}}\n");
        check(&files([("book/src/a.md", &page), ("x/a.rs", code)])).errors
    }

    const CODE: &str = "one\n// ANCHOR: two\ntwo\n// ANCHOR_END: two\n";

    #[test]
    fn what_is_there_is_fine() {
        assert_eq!(errors("../../x/a.rs:two", CODE), [""; 0]);
        assert_eq!(errors("../../x/a.rs", "short"), [""; 0]);
        assert_eq!(cut(CODE, "two").unwrap(), ["two"]);
    }

    #[test]
    fn anchors_within_anchors() {
        let code = "// ANCHOR: a\n1\n// ANCHOR: b\n2\n// ANCHOR_END: b\n// ANCHOR_END: a\n";
        assert_eq!(cut(code, "a").unwrap(), ["1", "2"]);
        assert_eq!(cut(code, "b").unwrap(), ["2"]);
    }

    #[test]
    fn a_missing_file() {
        let expected = ["book/src/a.md:2: no file '../../x/b.rs'"];
        assert_eq!(errors("../../x/b.rs:two", CODE), expected);
    }

    #[test]
    fn a_missing_anchor() {
        let expected = ["book/src/a.md:2: ../../x/a.rs: no anchor 'three'"];
        assert_eq!(errors("../../x/a.rs:three", CODE), expected);
        // A name is not found by its beginning.
        assert!(!errors("../../x/a.rs:tw", CODE).is_empty());
    }

    #[test]
    fn an_anchor_that_is_open() {
        let errors = errors("../../x/a.rs:two", "// ANCHOR: two\ntwo\n");
        assert!(errors[0].ends_with("anchor 'two' is not closed"));
    }

    #[test]
    fn an_anchor_that_is_there_twice() {
        let errors = errors("../../x/a.rs:two", &CODE.repeat(2));
        assert!(errors[0].ends_with("begins 2 times and ends 2 times"));
    }

    #[test]
    fn an_empty_listing() {
        let code = "// ANCHOR: two\n\n// ANCHOR_END: two\n";
        assert!(errors("../../x/a.rs:two", code)[0].ends_with("two is empty"));
        assert!(errors("../../x/a.rs", "\n")[0].ends_with("the file is empty"));
    }

    #[test]
    fn a_long_listing() {
        let code = CODE.replace(
            "two\n// ANCHOR_END",
            &("two\n".repeat(41) + "// ANCHOR_END"),
        );
        assert!(errors("../../x/a.rs:two", &code)[0].ends_with("two has 41 lines, more than 40"));
        let marked = CODE.replace("two\n// A", &("two\n".repeat(40) + "// END 1.2\n// A"));
        assert_eq!(errors("../../x/a.rs:two", &marked), [""; 0]);
    }

    #[test]
    fn line_numbers_and_other_directives() {
        assert!(errors("../../x/a.rs:1:2", CODE)[0].contains("line numbers rot"));
        let page = "{{#playground a.rs}}\n\\{{#include shown.rs}}\n{{#include open\n";
        let errors = check(&files([("book/src/a.md", page)])).errors;
        assert_eq!(errors.len(), 2);
        assert!(errors[0].contains("only include is used"));
        assert!(errors[1].ends_with(":3: a directive is not closed"));
    }
}
