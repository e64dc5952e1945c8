//! Links from page to page, as the sources have them: the page is there, it is
//! in the table of contents, and a heading that is linked has an explicit
//! `{#id}`, which survives a change of its words and a translation.

use crate::book::{Files, Findings, PAGES, pages, resolve};
use crate::fences::prose;
use crate::includes::includes;

/// The table of contents.
const SUMMARY: &str = "book/src/SUMMARY.md";

/// The targets of the links in a line: what stands in `](…)`.
fn targets(line: &str) -> Vec<&str> {
    let mut targets = Vec::new();
    // Every second piece is code between backticks.
    for piece in line.split('`').step_by(2) {
        let mut rest = piece;
        while let Some((_, behind)) = rest.split_once("](") {
            let end = behind.find(')').unwrap_or(behind.len());
            targets.push(&behind[..end]);
            rest = &behind[end..];
        }
    }
    targets
}

fn is_elsewhere(target: &str) -> bool {
    target.contains("://") || target.starts_with("mailto:")
}

/// True if a heading of the page has this id, or a part of a picture that the
/// page includes.
fn has_id(files: &Files, page: &str, text: &str, id: &str) -> bool {
    let mark = format!("{{#{id}}}");
    let mut lines = prose(text).into_iter();
    let mut pictures = includes(text).flatten().filter_map(|include| {
        let path = resolve(page, include.path)?;
        files.get(&path).filter(|_| path.ends_with(".svg"))
    });
    lines.any(|(_, line)| line.starts_with('#') && line.contains(&mark))
        || pictures.any(|picture| picture.contains(&format!(" id=\"{id}\"")))
}

/// Looks up every link of every page.
pub fn check(files: &Files) -> Findings {
    let mut findings = Findings::default();
    let mut listed = Vec::new();
    for (page, text) in pages(files) {
        for (line, text) in prose(text) {
            for target in targets(text) {
                if is_elsewhere(target) {
                    continue;
                }
                match look_up(files, page, target) {
                    Ok(path) if page == SUMMARY => listed.push(path),
                    Ok(_) => {}
                    Err(what) => findings.error(page, line, what),
                }
            }
        }
    }
    for (page, _) in pages(files).filter(|(page, _)| *page != SUMMARY) {
        if !listed.iter().any(|path| path == page) {
            findings.error(page, 1, "not in SUMMARY.md, so nobody will see it");
        }
    }
    findings
}

/// The file that a link leads to.
fn look_up(files: &Files, page: &str, target: &str) -> Result<String, String> {
    let (path, id) = match target.split_once('#') {
        Some((path, id)) => (path, Some(id)),
        None => (target, None),
    };
    let path = if path.is_empty() {
        page.to_owned()
    } else {
        resolve(page, path).unwrap_or_default()
    };
    let Some(text) = files.get(&path).filter(|_| path.starts_with(PAGES)) else {
        return Err(format!("a link to '{target}', which is not in the book"));
    };
    match id {
        Some(id) if !has_id(files, &path, text, id) => {
            Err(format!("a link to '{target}': no heading has {{#{id}}}"))
        }
        _ => Ok(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::files;

    fn errors(page: &str) -> Vec<String> {
        let summary = "[A](a.md)\n[B](b.md)\n";
        let b = "# B {#b}\n```text\n# C {#c}\n```\n";
        let files = files([
            (SUMMARY, summary),
            ("book/src/a.md", page),
            ("book/src/b.md", b),
            ("x.md", ""),
            ("book/src/p.svg", "<g id=\"part\"/>"),
        ]);
        check(&files).errors
    }

    #[test]
    fn a_part_of_a_picture() {
        assert_eq!(errors("{{#include p.svg}}\n[p](#part)\n"), [""; 0]);
        assert!(errors("[p](#part)\n")[0].ends_with("no heading has {#part}"));
        assert!(!errors("{{#include p.svg}}\n[p](#par)\n").is_empty());
    }

    #[test]
    fn links_that_lead_somewhere() {
        let page = "# A {#a}\n[b](b.md) [b](b.md#b) [a](#a) [x](https://example.org/#no)\n";
        assert_eq!(errors(page), [""; 0]);
        assert_eq!(
            errors("`[no](link.md)`\n```text\n[no](link.md)\n```\n"),
            [""; 0]
        );
    }

    #[test]
    fn a_page_that_is_not_there() {
        let expected = ["book/src/a.md:1: a link to 'c.md', which is not in the book"];
        assert_eq!(errors("[c](c.md)"), expected);
        // It is in the workspace, but would not be in the book.
        assert!(!errors("[x](../../x.md)").is_empty());
    }

    #[test]
    fn a_heading_without_an_explicit_id() {
        let expected = ["book/src/a.md:3: a link to '#other': no heading has {#other}"];
        assert_eq!(errors("# A {#a}\n## Other\n[o](#other)"), expected);
        assert!(!errors("[c](b.md#c)").is_empty());
    }

    #[test]
    fn a_page_that_is_not_in_the_contents() {
        let files = files([(SUMMARY, ""), ("book/src/a.md", "# A")]);
        let expected = ["book/src/a.md:1: not in SUMMARY.md, so nobody will see it"];
        assert_eq!(check(&files).errors, expected);
    }
}
