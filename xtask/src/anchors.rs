//! No anchor is left in the floors' sources that no page shows.

use std::collections::BTreeSet;

use crate::book::{Files, Findings, pages, resolve};
use crate::excerpts;
use crate::includes::{includes, marked};

/// Anchors that may be unused, one `path:anchor` a line; `#` begins a comment.
pub const ALLOWED: &str = "book/unused-anchors.txt";

/// Looks for anchors that no page includes, and warns of exceptions that are none.
pub fn check(files: &Files) -> Findings {
    let shown = shown(files);
    let allowed = files.get(ALLOWED).map(String::as_str).unwrap_or_default();
    let allowed = allowed.lines().map(str::trim);
    let allowed: BTreeSet<&str> = allowed
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    let mut findings = Findings::default();
    let mut unused = BTreeSet::new();
    for (path, text) in files {
        if !path.starts_with("step") || !path.ends_with(".rs") {
            continue;
        }
        for (index, line) in text.lines().enumerate() {
            let Some(anchor) = marked(line, "ANCHOR:") else {
                continue;
            };
            let name = format!("{path}:{anchor}");
            if shown.contains(&name) {
                continue;
            }
            if !allowed.contains(name.as_str()) {
                let what = format!("no page shows the anchor '{anchor}'");
                findings.error(path, index + 1, what);
            }
            unused.insert(name);
        }
    }
    for name in allowed {
        if !unused.contains(name) {
            let warning = format!("{ALLOWED}: '{name}' is shown by a page, or gone");
            findings.warnings.push(warning);
        }
    }
    findings
}

/// `path:anchor` of all that the pages include.
fn shown(files: &Files) -> BTreeSet<String> {
    let mut shown: BTreeSet<String> = excerpts::anchors(files).into_iter().collect();
    for (page, text) in pages(files) {
        for include in includes(text).flatten() {
            if let (Some(path), Some(anchor)) = (resolve(page, include.path), include.anchor) {
                shown.insert(format!("{path}:{anchor}"));
            }
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::files;

    const CODE: &str = "// ANCHOR: a\n1\n// ANCHOR_END: a\n";

    #[test]
    fn an_anchor_that_a_page_shows() {
        let page = "{{#include ../../step01/a.rs:a}}";
        let findings = check(&files([("book/src/a.md", page), ("step01/a.rs", CODE)]));
        assert_eq!(findings, Findings::default());
    }

    #[test]
    fn an_anchor_that_no_page_shows() {
        let findings = check(&files([("step01/a.rs", CODE)]));
        let expected = ["step01/a.rs:1: no page shows the anchor 'a'"];
        assert_eq!(findings.errors, expected);
    }

    #[test]
    fn a_list_of_exceptions_that_must_not_grow_old() {
        let list = "# later\nstep01/a.rs:a\n";
        let findings = check(&files([(ALLOWED, list), ("step01/a.rs", CODE)]));
        assert_eq!(findings, Findings::default());
        let findings = check(&files([(ALLOWED, list)]));
        assert!(findings.warnings[0].ends_with("'step01/a.rs:a' is shown by a page, or gone"));
    }
}
