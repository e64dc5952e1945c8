//! The checks in their order, and the files they look at.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::{
    anchors, claims, console, excerpts, fences, generated, guide, html, includes, links, mdbook,
    paths, runs, shell, unsafe_code,
};

/// Files by their path from the workspace's root, with `/` between the names.
pub type Files = BTreeMap<String, String>;

/// Where the book's pages are.
pub const PAGES: &str = "book/src/";

/// What a check has found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// What makes the book wrong.
    pub errors: Vec<String>,
    /// What somebody should look at.
    pub warnings: Vec<String>,
}

impl Findings {
    /// Notes an error at a line of a file.
    pub fn error(&mut self, file: &str, line: usize, what: impl std::fmt::Display) {
        self.errors.push(format!("{file}:{line}: {what}"));
    }
}

/// Runs all checks, prints what they find, and says whether all is well.
pub fn run(root: &Path, write: bool) -> Result<bool> {
    let mut files = read(root)?;
    shell::build(root)?;
    let runs = runs::play_all(root)?;
    if write {
        let mut texts = excerpts::write(&files)?;
        texts.extend(generated::make(&files, &runs)?);
        texts.retain(|(path, text)| files.get(path) != Some(text));
        for (path, text) in texts {
            let file = root.join(&path);
            let folder = file.parent().unwrap_or(root);
            fs::create_dir_all(folder)?;
            fs::write(&file, &text).with_context(|| format!("cannot write {}", file.display()))?;
            println!("book: wrote {path}");
            files.insert(path, text);
        }
    }
    type Check = fn(&Files) -> Findings;
    let checks: [(&str, Check); 9] = [
        ("includes", includes::check),
        ("anchors", anchors::check),
        ("fences", fences::check),
        ("excerpts", excerpts::check),
        ("links", links::check),
        ("paths", paths::check),
        ("guide", guide::check),
        ("claims", claims::check),
        ("unsafe", unsafe_code::check),
    ];
    let mut good = true;
    for (name, check) in checks {
        good &= show(name, check(&files));
    }
    good &= show("generated", generated::look(&files, &runs));
    if !good {
        println!("book: not built, as its sources are wrong");
        return Ok(false);
    }
    let (sessions, findings) = console::sessions(&files);
    good &= show("consoles", findings);
    good &= show("commands", shell::check(root, &sessions)?);
    let Some(built) = mdbook::build(root)? else {
        return Ok(good);
    };
    good &= show("mdbook", built);
    let site = html::read(&root.join("book/book"))?;
    Ok(good & show("html", html::check(&site)))
}

fn show(check: &str, findings: Findings) -> bool {
    for warning in &findings.warnings {
        println!("warning: {warning}");
    }
    for error in &findings.errors {
        println!("error: {error}");
    }
    let good = findings.errors.is_empty();
    let verdict = if good { "ok" } else { "FAILED" };
    println!("book: {check:<9} {verdict}");
    good
}

/// All text files that the checks look at.
pub fn read(root: &Path) -> Result<Files> {
    let mut files = Files::new();
    let folder = fs::read_dir(root).with_context(|| format!("cannot read {}", root.display()))?;
    for entry in folder {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let file = name == "README.md" || name == "CONTRIBUTING.md" || name == "Cargo.toml";
        if file || name == "book" || name == ".ci" || name == "xtask" || name.starts_with("step") {
            collect(root, &name, &mut files)?;
        }
    }
    Ok(files)
}

fn collect(root: &Path, path: &str, files: &mut Files) -> Result<()> {
    let full = root.join(path);
    if full.is_dir() {
        // What mdBook has built is looked at later, and as HTML.
        if path == "book/book" || path.ends_with("/target") {
            return Ok(());
        }
        for entry in fs::read_dir(&full)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            collect(root, &format!("{path}/{name}"), files)?;
        }
        return Ok(());
    }
    let bytes = fs::read(&full).with_context(|| format!("cannot read {}", full.display()))?;
    files.insert(
        path.to_owned(),
        String::from_utf8_lossy(&bytes).into_owned(),
    );
    Ok(())
}

/// The book's pages: path and text.
pub fn pages(files: &Files) -> impl Iterator<Item = (&str, &str)> {
    let pages = files.iter();
    let pages = pages.filter(|(path, _)| path.starts_with(PAGES) && path.ends_with(".md"));
    pages.map(|(path, text)| (path.as_str(), text.as_str()))
}

/// `path`, seen from the folder of the file `from`. `None` if it leads out of
/// the workspace.
pub fn resolve(from: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// For the tests: files from pairs of path and text.
#[cfg(test)]
pub fn files<const N: usize>(files: [(&str, &str); N]) -> Files {
    let files = files.into_iter();
    files
        .map(|(path, text)| (path.to_owned(), text.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_resolved_from_the_folder_of_a_page() {
        let resolve = |path| resolve("book/src/tcp/a.md", path);
        assert_eq!(resolve("b.md").as_deref(), Some("book/src/tcp/b.md"));
        assert_eq!(resolve("../../../x/y.rs").as_deref(), Some("x/y.rs"));
        assert_eq!(resolve("../../../../passwd"), None);
    }

    #[test]
    fn the_workspace_itself_is_read() {
        let files = read(&crate::root()).unwrap();
        assert!(files.contains_key("book/src/SUMMARY.md"));
        assert!(files.contains_key("step01_device/src/main.rs"));
        assert!(!files.keys().any(|path| path.starts_with("book/book/")));
    }
}
