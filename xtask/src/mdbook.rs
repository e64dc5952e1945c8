//! `mdbook build book`, without a warning.

use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::book::Findings;
use crate::skip::skip;

/// Builds the book; `None` if there is no mdBook and that is allowed.
pub fn build(root: &Path) -> Result<Option<Findings>> {
    let output = Command::new("mdbook")
        .args(["build", "book"])
        .current_dir(root)
        // Whatever the user does not want to see, the checks do.
        .env_remove("MDBOOK_LOG")
        .env_remove("RUST_LOG")
        .output();
    match output {
        Ok(output) => {
            let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
            text.push_str(&String::from_utf8_lossy(&output.stderr));
            Ok(Some(judge(output.status.success(), &text)))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            const MISSING: &str = "the book is not built, and no link checked: mdbook is missing, \
                and 'cargo install mdbook --locked' installs it";
            skip(MISSING)?;
            Ok(None)
        }
        Err(error) => Err(error).context("cannot run mdbook"),
    }
}

/// What is wrong with a build.
fn judge(success: bool, output: &str) -> Findings {
    let mut findings = Findings::default();
    for line in output.lines() {
        let mut words = line.split(|c: char| !c.is_ascii_alphabetic());
        if words.any(|word| word == "WARN" || word == "ERROR") {
            findings.errors.push(format!("mdbook: {}", line.trim()));
        }
    }
    if !success && findings.errors.is_empty() {
        findings.errors.push(format!("mdbook failed: {output}"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use std::{env, fs};

    use super::*;

    #[test]
    fn a_build_without_a_warning() {
        let output = " INFO Book building has started\n INFO Running the html backend\n";
        assert_eq!(judge(true, output), Findings::default());
    }

    #[test]
    fn warnings_and_errors() {
        let output = " INFO Book building has started\n WARN unclosed HTML tag `<b>`\n";
        let expected = ["mdbook: WARN unclosed HTML tag `<b>`"];
        assert_eq!(judge(true, output).errors, expected);
        assert_eq!(judge(false, "ERROR No such file").errors.len(), 1);
        assert_eq!(judge(false, "").errors, ["mdbook failed: "]);
    }

    #[test]
    fn what_a_real_build_says_is_understood() {
        let root = env::temp_dir().join(format!("microps-book-{}", std::process::id()));
        fs::create_dir_all(root.join("book/src")).unwrap();
        let write = |path: &str, text: &str| fs::write(root.join(path), text).unwrap();
        write("book/book.toml", "[book]\ntitle = \"A\"\n");
        write("book/src/SUMMARY.md", "- [A](a.md)\n");
        write("book/src/a.md", "# A\n");
        let good = build(&root).unwrap();
        write("book/src/a.md", "# A\n\n<b>bold\n");
        let bad = build(&root).unwrap();
        fs::remove_dir_all(&root).unwrap();
        let (Some(good), Some(bad)) = (good, bad) else {
            return;
        };
        assert_eq!(good, Findings::default());
        assert!(bad.errors[0].contains("unclosed HTML tag `<b>`"), "{bad:?}");
    }
}
