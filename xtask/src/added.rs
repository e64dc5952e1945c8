//! The page "What this floor added" at the end of each chapter.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};

use crate::book::{Files, PAGES};
use crate::diff::diff;
use crate::runs::{Entry, Run, STEPS};
use crate::statements::{self, Statement};
use crate::{api, includes};

/// The pages of all floors: path and text.
pub fn pages(files: &Files, runs: &[Run]) -> Result<Vec<(String, String)>> {
    let mut pages = Vec::new();
    for (index, krate) in STEPS.iter().enumerate() {
        let below = index.checked_sub(1).map(|index| STEPS[index]);
        let run = |krate: &str| runs.iter().find(|run| run.step == krate);
        let own = run(krate).with_context(|| format!("{krate} was not run"))?;
        let mut page = head(krate, below);
        page.push_str(&files_section(files, krate));
        page.push_str(&root_section(files, krate, below).with_context(|| krate.to_string())?);
        let lower = runs.get(..index).unwrap_or_default();
        page.push_str(&log_section(files, own, lower)?);
        page.push_str(&api_section(files, krate));
        pages.push((format!("{PAGES}{}/added.md", number(krate)), page));
    }
    Ok(pages)
}

/// `step05`.
pub fn number(krate: &str) -> &str {
    krate.split('_').next().unwrap_or(krate)
}

/// A heading with an id that no other page has.
fn heading(level: usize, krate: &str, text: &str, id: &str) -> String {
    let marks = "#".repeat(level);
    format!("{marks} {text} {{#{}-added{id}}}\n\n", number(krate))
}

fn head(krate: &str, below: Option<&str>) -> String {
    let n = number(krate).trim_start_matches("step");
    let title = heading(1, krate, &format!("What floor {n} added"), "");
    let than = match below {
        Some(below) => format!(", compared with `{below}`"),
        None => String::new(),
    };
    format!(
        "{title}This page is made from the sources of `{krate}`{than}, and from what the scenes print. \
        It is for looking things up, and for a last look at the whole.\n\n"
    )
}

fn files_section(files: &Files, krate: &str) -> String {
    let mut text = heading(2, krate, "Files", "-files");
    for part in ["src", "examples", "tests", "benches"] {
        let folder = format!("{krate}/{part}/");
        let (mut rows, mut count, mut total) = (String::new(), 0, 0);
        for (file, code) in files {
            let Some(name) = file.strip_prefix(&folder).filter(|f| f.ends_with(".rs")) else {
                continue;
            };
            let lines = code.lines().count();
            (count, total) = (count + 1, total + lines);
            let doc = cell(&api::module_doc(code));
            rows.push_str(&format!("| `{name}` | {lines} | {doc} |\n"));
        }
        if count > 0 {
            text.push_str(&format!(
                "In `{krate}/{part}`, {count} files with {total} lines:\n\n\
                | file | lines | what is in it |\n|---|--:|---|\n{rows}\n"
            ));
        }
    }
    text
}

/// Text for a cell of a table.
pub fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

/// The file with a floor's composition root.
fn root_file(files: &Files, krate: &str) -> Result<String> {
    let candidates = ["host", "main"].map(|name| format!("{krate}/src/{name}.rs"));
    let mut candidates = candidates.into_iter();
    let found = candidates.find(|file| {
        let text = files.get(file).map(String::as_str).unwrap_or_default();
        includes::cut(text, "root").is_ok()
    });
    found.context("no anchor 'root' in host.rs or main.rs")
}

fn root_section(files: &Files, krate: &str, below: Option<&str>) -> Result<String> {
    let file = root_file(files, krate)?;
    let mut text = heading(2, krate, "The composition root", "-root");
    let Some(below) = below else {
        text.push_str(&format!(
            "This is the lowest floor, so all of it is new:\n\n```rust,ignore\n{{{{#include ../../../{file}:root}}}}\n```\n\n"
        ));
        return Ok(text);
    };
    let old = root_file(files, below)?;
    let lines = |file: &str| {
        let code = files.get(file).map(String::as_str).unwrap_or_default();
        let lines = includes::cut(code, "root").map_err(anyhow::Error::msg)?;
        anyhow::Ok(
            lines
                .into_iter()
                .filter(|line| !includes::is_markup(line))
                .collect::<Vec<_>>(),
        )
    };
    let diff = diff(&lines(&old)?, &lines(&file)?);
    text.push_str(&format!(
        "What is plugged together in `{file}`, and was not (or otherwise) in `{old}`:\n\n```diff\n{diff}```\n\n"
    ));
    Ok(text)
}

/// The first line that each statement has printed, in the order of the log;
/// without the statements that the scenes `below` have reached.
fn news<'a>(run: &'a Run, below: &[Run]) -> Vec<&'a Entry> {
    let mut known: BTreeSet<&(String, usize)> = BTreeSet::new();
    let lower = below.iter().flat_map(|run| &run.log);
    known.extend(lower.map(|entry| &entry.location));
    let entries = run.log.iter();
    entries
        .filter(|entry| known.insert(&entry.location))
        .collect()
}

/// A new line, and what its statement is called on the page.
struct Named<'a> {
    entry: &'a Entry,
    id: String,
    title: String,
}

fn named<'a>(run: &'a Run, below: &[Run]) -> Vec<Named<'a>> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut named = Vec::new();
    for entry in news(run, below) {
        let count = counts.entry(&entry.target).or_default();
        *count += 1;
        let mut id = format!("-log-{}", entry.target.replace("::", "-"));
        let mut title = format!("`{}`", entry.target);
        if *count > 1 {
            id.push_str(&format!("-{count}"));
            title.push_str(&format!(", {count}"));
        }
        named.push(Named { entry, id, title });
    }
    named
}

/// Where the pages show the statement of a file's line.
pub fn places(runs: &[Run]) -> BTreeMap<&(String, usize), String> {
    let mut places = BTreeMap::new();
    for (index, run) in runs.iter().enumerate() {
        let below = runs.get(..index).unwrap_or_default();
        for new in named(run, below) {
            let floor = number(&run.step);
            let place = format!("{floor}/added.md#{floor}-added{}", new.id);
            places.entry(&new.entry.location).or_insert(place);
        }
    }
    places
}

fn log_section(files: &Files, run: &Run, below: &[Run]) -> Result<String> {
    let krate = run.step.as_str();
    let mut text = heading(2, krate, "New lines of the log", "-log");
    let count = news(run, below).len();
    let who = match below {
        [] => format!("The scene prints {count} kinds of lines."),
        _ => format!(
            "The scene of this floor prints {count} kinds of lines that no scene of a floor below has printed."
        ),
    };
    let how = "Each stands here once, as it was first printed, and leads to the statement that printed it. \
        (Fields of headers are left out.)";
    text.push_str(&format!("{who} {how}\n\n"));
    let (mut list, mut sources) = (String::new(), String::new());
    for new in named(run, below) {
        let (file, line) = &new.entry.location;
        let statement = statements::at(files, file, *line)
            .with_context(|| format!("no log statement at {file}:{line}: {}", new.entry.line()))?;
        let href = format!("#{}-added{}", number(krate), new.id);
        let shown = escape(&new.entry.line());
        list.push_str(&format!("<a href=\"{href}\">{shown}</a>\n"));
        sources.push_str(&heading(3, krate, &new.title, &new.id));
        sources.push_str(&source(&statement));
    }
    // A link needs HTML; nothing else is in these lines, and no line is empty.
    text.push_str(&format!(
        "<pre class=\"log\"><code class=\"nohighlight\">{list}</code></pre>\n\n{sources}"
    ));
    Ok(text)
}

fn source(statement: &Statement) -> String {
    let (function, file) = (&statement.function, &statement.file);
    let code = statement.code.join("\n");
    format!("`{function}` in `{file}`:\n\n```rust,ignore\n{code}\n```\n\n")
}

/// Text within HTML.
pub fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}

fn api_section(files: &Files, krate: &str) -> String {
    let modules = api::modules(files, krate);
    let count: usize = modules.iter().map(|module| module.items.len()).sum();
    let mut text = heading(2, krate, "Public items", "-api");
    text.push_str(&format!(
        "{count} items in {} modules. `cargo doc --no-deps --open` has all that is said of them.\n\n",
        modules.len()
    ));
    for module in modules {
        text.push_str(&format!(
            "**`{}`**: {}\n\n| item | what it is |\n|---|---|\n",
            module.path,
            module.doc.replace('<', "&lt;")
        ));
        for (name, doc) in &module.items {
            text.push_str(&format!("| `{name}` | {} |\n", cell(doc)));
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::files;
    use crate::runs::parse;

    const ROOT: &str = "// ANCHOR: root\na;\n// ANCHOR_END: root\n";
    const CODE: &str = "//! New.\n\nimpl S {\n    pub fn f() {\n        debug!(target: \"a::b\", \"x < {}\", 1);\n    }\n}\n";

    fn run(step: &str, log: &str) -> Run {
        Run {
            step: step.to_owned(),
            log: parse(log).unwrap(),
            pcap: Vec::new(),
            trace: String::new(),
        }
    }

    fn world() -> (Files, Vec<Run>) {
        let mut world = files([
            ("step02_protocol/src/new.rs", CODE),
            ("step02_protocol/src/lib.rs", "pub mod new;\n"),
        ]);
        for step in STEPS {
            world.insert(
                format!("{step}/src/main.rs"),
                ROOT.replace("a;", &format!("{step};")),
            );
        }
        let mut runs: Vec<Run> = STEPS.iter().map(|step| run(step, "")).collect();
        let line = "00:00:00.000 [D] a::b: x < 1 (step02_protocol/src/new.rs:5)\n";
        runs[1] = run(STEPS[1], &line.repeat(2));
        runs[2] = run(STEPS[2], line);
        (world, runs)
    }

    #[test]
    fn what_is_new_on_a_floor() {
        let (world, runs) = world();
        let pages = pages(&world, &runs).unwrap();
        let (path, page) = &pages[1];
        assert_eq!(path, "book/src/step02/added.md");
        assert!(page.contains("| `new.rs` | 7 | New. |\n"));
        assert!(page.contains("```diff\n- step01_device;\n+ step02_protocol;\n```"));
        let line = "<a href=\"#step02-added-log-a-b\">00:00:00.000 [D] a::b: x &lt; 1</a>\n";
        assert_eq!(page.matches(line).count(), 1);
        assert!(page.contains("### `a::b` {#step02-added-log-a-b}\n\n`S::f` in"));
        assert!(page.contains("\ndebug!(target: \"a::b\", \"x < {}\", 1);\n"));
        assert!(page.contains("| `S::f` |"));
        // The floor above prints it as well, and so it is not new there.
        assert!(!pages[2].1.contains("a::b"));
    }

    #[test]
    fn a_line_that_no_statement_has_printed() {
        let (mut world, runs) = world();
        world.insert("step02_protocol/src/new.rs".to_owned(), String::new());
        let error = pages(&world, &runs).unwrap_err().to_string();
        assert!(error.starts_with("no log statement at step02_protocol/src/new.rs:5"));
    }

    #[test]
    fn a_floor_without_a_root() {
        let (mut world, runs) = world();
        world.insert("step03_ip/src/main.rs".to_owned(), String::new());
        let error = format!("{:#}", pages(&world, &runs).unwrap_err());
        assert!(error.contains("no anchor 'root'"), "{error}");
    }
}
