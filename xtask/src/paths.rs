//! Where the book, or a document beside it, names a file of the floors, the
//! file is there: `step01_device/src/net.rs`. And where it names an example to
//! be run, the example is there.

use crate::book::{Files, Findings};

/// The documents that are looked at.
fn is_document(path: &str) -> bool {
    path.ends_with(".md") && !path.starts_with("step")
}

/// Looks up every path between backticks, and every `--example NAME`.
pub fn check(files: &Files) -> Findings {
    let mut findings = Findings::default();
    for (document, text) in files.iter().filter(|(path, _)| is_document(path)) {
        for (index, line) in text.lines().enumerate() {
            let line_number = index + 1;
            for code in line.split('`').skip(1).step_by(2) {
                let path = code.trim_end_matches('/');
                if is_path(path) && !exists(files, path) {
                    findings.error(document, line_number, format!("no file '{code}'"));
                }
            }
            for name in examples(line) {
                if !has_example(files, name) {
                    findings.error(document, line_number, format!("no example '{name}'"));
                }
            }
        }
    }
    findings
}

/// `step01_device/src/net.rs`, but not `stepNN/src`: that is a pattern.
fn is_path(code: &str) -> bool {
    let digits = code.strip_prefix("step");
    digits.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        && code.contains('/')
        && code
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_/.-".contains(c))
}

fn exists(files: &Files, path: &str) -> bool {
    let folder = format!("{path}/");
    files.contains_key(path) || files.keys().any(|file| file.starts_with(&folder))
}

/// The names of examples in a line: `guide06_input`. (`guide06` alone is a page.)
fn examples(line: &str) -> impl Iterator<Item = &str> {
    let words = line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| {
        let rest = word.strip_prefix("guide").unwrap_or_default();
        rest.starts_with(|c: char| c.is_ascii_digit()) && rest.contains('_')
    })
}

fn has_example(files: &Files, name: &str) -> bool {
    let file = format!("/examples/{name}.rs");
    files.keys().any(|path| path.ends_with(&file))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::files;

    fn errors(text: &str) -> Vec<String> {
        let files = files([
            ("README.md", text),
            ("step01_device/src/net.rs", ""),
            ("step01_device/examples/guide01_device.rs", ""),
        ]);
        check(&files).errors
    }

    #[test]
    fn files_and_examples_that_are_there() {
        let text = "`step01_device/src/net.rs` `step01_device/src/` `stepNN/src` `step01_device`";
        assert_eq!(errors(text), [""; 0]);
        assert_eq!(errors("cargo run --example guide01_device"), [""; 0]);
        assert_eq!(errors("[a page](step09/guide99.md#guide99-see)"), [""; 0]);
    }

    #[test]
    fn a_file_that_is_gone() {
        let expected = ["README.md:2: no file 'step01_device/src/gone.rs'"];
        assert_eq!(errors("\n`step01_device/src/gone.rs`"), expected);
    }

    #[test]
    fn an_example_that_is_gone() {
        let expected = ["README.md:1: no example 'guide02_gone'"];
        assert_eq!(errors("`guide02_gone`, `guideNN_topic`"), expected);
    }
}
