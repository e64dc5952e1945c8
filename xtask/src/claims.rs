//! Where a document names a thing in a source, it is there:
//! `step05_arp/src/arp/cache.rs::CACHE_LIMIT = 256` is a constant of that value,
//! or a default of a configuration; without a value, it is a function, a test,
//! a counter, or a type.

use crate::book::{Files, Findings};

/// The documents that are looked at. (The tables of conformance have tests of
/// their own, which know more about them.)
fn is_document(path: &str) -> bool {
    let others = ["step", "book/src/conformance_"];
    path == "step07_tcp/BOUNDS.md"
        || path.ends_with(".md") && !others.iter().any(|other| path.starts_with(other))
}

/// Looks up everything between backticks that looks like `file.rs::name`.
pub fn check(files: &Files) -> Findings {
    let mut findings = Findings::default();
    for (document, text) in files.iter().filter(|(path, _)| is_document(path)) {
        for (index, line) in text.lines().enumerate() {
            for code in line.split('`').skip(1).step_by(2) {
                let Some((file, claim)) = code.split_once(".rs::") else {
                    continue;
                };
                let file = format!("{file}.rs");
                if let Err(what) = look_up(files, &file, claim) {
                    findings.error(document, index + 1, format!("'{code}': {what}"));
                }
            }
        }
    }
    findings
}

fn look_up(files: &Files, file: &str, claim: &str) -> Result<(), String> {
    let source = files.get(file).ok_or("no such file")?;
    let (name, value) = match claim.split_once(" = ") {
        Some((name, value)) => (name, Some(value)),
        None => (claim, None),
    };
    let lines = source.lines().map(str::trim);
    let mut found = lines.filter_map(|line| declared(line, name)).peekable();
    if found.peek().is_none() {
        return Err("not declared there".to_owned());
    }
    let Some(value) = value else {
        return Ok(());
    };
    let values: Vec<_> = found.flatten().collect();
    if values.contains(&value) {
        return Ok(());
    }
    Err(format!("the value there is {values:?}"))
}

/// If `line` declares `name`: its value, if it has one.
fn declared<'a>(line: &'a str, name: &str) -> Option<Option<&'a str>> {
    let line = ["pub(crate) ", "pub(super) ", "pub "]
        .iter()
        .find_map(|public| line.strip_prefix(public))
        .unwrap_or(line);
    for kind in ["fn ", "struct ", "enum ", "const ", "static "] {
        let Some(rest) = line
            .strip_prefix(kind)
            .and_then(|rest| rest.strip_prefix(name))
        else {
            continue;
        };
        if rest.starts_with(['(', '<', ':', ' ', ';']) {
            let value = rest.split_once(" = ").map(|(_, value)| value);
            return Some(value.and_then(|value| value.strip_suffix(';')));
        }
    }
    // A counter, or a field and its value.
    let rest = line.strip_prefix(name)?;
    match rest.strip_prefix(": ") {
        Some(value) => Some(value.strip_suffix(',')),
        None => (rest == ",").then_some(None),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::book::{files, read};

    const SOURCE: &str = "\
        /// So many.\n\
        pub const LIMIT: usize = 4 * 64;\n\
        pub struct Counters {\n    pub full,\n}\n\
        Self {\n    backlog: 256,\n}\n\
        fn is_bounded() {\n";

    fn errors(line: &str) -> Vec<String> {
        let text = format!("| {line} |\n");
        check(&files([
            ("step01_x/src/a.rs", SOURCE),
            ("book/src/a.md", &text),
        ]))
        .errors
    }

    #[test]
    fn what_is_there_is_found() {
        for claim in [
            "LIMIT",
            "LIMIT = 4 * 64",
            "full",
            "backlog = 256",
            "is_bounded",
            "Counters",
        ] {
            let line = format!("`step01_x/src/a.rs::{claim}`");
            assert_eq!(errors(&line), [""; 0], "{claim}");
        }
        assert_eq!(errors("`a::b` and a.rs::c"), [""; 0]);
    }

    #[test]
    fn limits_and_attacks_are_as_their_pages_say() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let files = read(&root).unwrap();
        for page in ["step07_tcp/BOUNDS.md", "book/src/security.md"] {
            assert!(files[page].matches(".rs::").count() > 30, "{page}");
        }
        assert_eq!(check(&files).errors, [""; 0]);
    }

    #[test]
    fn what_is_not_there_is_an_error() {
        for (claim, what) in [
            ("a.rs::LIMIT = 256", "the value there is [\"4 * 64\"]"),
            ("a.rs::LIMI", "not declared there"),
            ("a.rs::ful", "not declared there"),
            ("a.rs::full = 3", "the value there is []"),
            ("b.rs::full", "no such file"),
        ] {
            let claim = format!("step01_x/src/{claim}");
            let expected = format!("book/src/a.md:1: '{claim}': {what}");
            assert_eq!(errors(&format!("`{claim}`")), [expected]);
        }
    }
}
