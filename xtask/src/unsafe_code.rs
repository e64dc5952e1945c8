//! The inventory of what the compiler cannot check: each `unsafe` block of the
//! workspace with its reason, as a page of the book. And there is none outside
//! the modules `sys`.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::book::{Files, Findings, PAGES};

/// Why a block is right.
type Reason = String;

/// A block: its file, its line, in which function it is, its reason.
type Block<'a> = (&'a str, usize, &'a str, Option<Reason>);

/// The sources that are looked at. The fuzz targets' library has its own.
fn is_source(path: &str) -> bool {
    path.ends_with(".rs") && !path.starts_with("xtask/fuzz/")
}

/// Is it one of the modules that may?
fn is_sys(path: &str) -> bool {
    path.ends_with("/sys.rs") || path.contains("/sys/")
}

/// Does `line` have the keyword in it, outside of comments and texts?
fn is_unsafe(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    let code = code.split('"').step_by(2);
    code.flat_map(|code| code.split(|c: char| !(c.is_alphanumeric() || c == '_')))
        .any(|word| word == "unsafe")
}

/// The reason above a line: what stands behind SAFETY.
fn reason(lines: &[&str]) -> Option<Reason> {
    let start = lines
        .iter()
        .rposition(|line| line.trim().starts_with("// SAFETY:"))?;
    // It belongs to this one if only code of the same statement is between.
    let comment = lines[start..].iter().map(|line| line.trim());
    let comment: Vec<_> = comment
        .map_while(|line| line.strip_prefix("//"))
        .map(str::trim)
        .collect();
    let between = lines.len() - start - comment.len();
    let text = comment.join(" ");
    (between <= 4).then(|| text.trim_start_matches("SAFETY:").trim().to_owned())
}

/// The name behind `word` in a line, if the line has both.
fn name_behind<'a>(line: &'a str, word: &str) -> Option<&'a str> {
    let code = line.split("//").next().unwrap_or_default();
    let (before, behind) = code.split_once(word)?;
    let is_word = before.is_empty() || before.ends_with(' ');
    let end = behind.find(|c: char| !(c.is_alphanumeric() || c == '_'))?;
    (is_word && end > 0).then(|| &behind[..end])
}

/// The function that the last of some lines is in, or the trait that it implements.
fn within<'a>(lines: &[&'a str]) -> &'a str {
    let implemented = lines
        .last()
        .and_then(|line| name_behind(line, "unsafe impl "));
    let functions = lines.iter().rev();
    implemented
        .or_else(|| functions.filter_map(|line| name_behind(line, "fn ")).next())
        .unwrap_or_default()
}

/// All blocks.
fn blocks(files: &Files) -> impl Iterator<Item = Block<'_>> {
    let sources = files.iter().filter(|(path, _)| is_source(path));
    sources.flat_map(|(path, text)| {
        let lines: Vec<&str> = text.lines().collect();
        let numbers = (0..lines.len()).filter(|&at| is_unsafe(lines[at]));
        // A method of an unsafe trait promises nothing by itself.
        let numbers = numbers.filter(|&at| !lines[at].contains("unsafe fn"));
        let found: Vec<_> = numbers
            .map(|at| {
                let (within, reason) = (within(&lines[..=at]), reason(&lines[..at]));
                (path.as_str(), at + 1, within, reason)
            })
            .collect();
        found
    })
}

/// Each has a reason, and is where it may be.
pub fn check(files: &Files) -> Findings {
    let mut findings = Findings::default();
    for (path, line, _, reason) in blocks(files) {
        if !is_sys(path) {
            findings.error(path, line, "`unsafe` outside a module `sys`");
        }
        if reason.is_none() {
            findings.error(path, line, "`unsafe` without SAFETY");
        }
    }
    findings
}

/// The page: path and text.
pub fn page(files: &Files) -> (String, String) {
    let mut by_file: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (path, _, within, reason) in blocks(files) {
        let reason = reason.unwrap_or_default();
        let reasons = by_file.entry(path).or_default();
        reasons.push(format!("`{within}`: {reason}"));
    }
    let count: usize = by_file.values().map(Vec::len).sum();
    let mut text = format!(
        "# Appendix: unsafe code {{#unsafe}}\n\nMade from the sources: every block in which the compiler \
         cannot prove that the rules of Rust are kept, by the function that it is in, and the reason why they are. There are {count}, all in \
         modules named `sys`: they call the kernel, or start a program, or count memory for a test. `cargo xtask book` \
         fails if there is one elsewhere, or one without a reason; every crate of the stack but the two that have such a \
         module forbids the word.\n"
    );
    for (path, reasons) in by_file {
        let id: String = path
            .chars()
            .map(|c| if c.is_alphanumeric() { c } else { '-' })
            .collect();
        let _ = write!(text, "\n## `{path}` {{#unsafe-{id}}}\n\n");
        for reason in reasons {
            let _ = writeln!(text, "- {reason}");
        }
    }
    (format!("{PAGES}unsafe.md"), text)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::book::{files, read};

    #[test]
    fn blocks_are_found_with_their_reasons() {
        let text = [
            "// An unsafe word.",
            "pub fn make(fd: i32) {",
            "let a = unsafe_code;",
            "// SAFETY: it is",
            "// so.",
            "let b = call(",
            "    unsafe { c() });",
            "",
        ]
        .join("\n");
        let all = files([("step01_a/src/sys.rs", text.as_str())]);
        let found: Vec<_> = blocks(&all).collect();
        let reason = Some("it is so.".to_owned());
        assert_eq!(found, [("step01_a/src/sys.rs", 7, "make", reason)]);
        assert_eq!(within(&["fn a() {}", "unsafe impl B for C {"]), "B");
        assert_eq!(within(&["// fn a", "let x = 1;"]), "");
        assert_eq!(check(&all).errors, [""; 0]);
        let (path, page) = page(&all);
        assert_eq!(path, "book/src/unsafe.md");
        assert!(page.ends_with("\n- `make`: it is so.\n"), "{page}");
    }

    #[test]
    fn this_workspace_keeps_the_rules() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let files = read(&root).unwrap();
        assert!(blocks(&files).count() > 20, "they are found");
        assert_eq!(check(&files).errors, [""; 0]);
    }

    #[test]
    fn each_has_its_place_and_its_reason() {
        let text = "unsafe impl A for B {}\nunsafe fn x() {}\n";
        let errors = check(&files([("step01_a/src/b.rs", text)])).errors;
        assert_eq!(
            errors,
            [
                "step01_a/src/b.rs:1: `unsafe` outside a module `sys`",
                "step01_a/src/b.rs:1: `unsafe` without SAFETY"
            ]
        );
    }
}
