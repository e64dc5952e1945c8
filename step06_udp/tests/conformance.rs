//! CONFORMANCE.md tells the truth: each test that it names exists, each row is
//! whole, and no row of RFC 1122's tables is missing.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// How many rows each section has in the tables of RFC 1122 (§2.5, §3.5 but
/// for its last, and §4.1.5).
const ROWS: [(&str, usize); 51] = [
    ("2.3.1", 2),
    ("2.3.2.1", 3),
    ("2.3.2.2", 1),
    ("2.3.3", 6),
    ("2.4", 3),
    ("3.1", 9),
    ("3.2.1.1", 1),
    ("3.2.1.2", 1),
    ("3.2.1.3", 5),
    ("3.2.1.4", 1),
    ("3.2.1.5", 1),
    ("3.2.1.6", 3),
    ("3.2.1.7", 4),
    ("3.2.1.8", 3),
    ("3.2.1.8a", 1),
    ("3.2.1.8b", 2),
    ("3.2.1.8c", 4),
    ("3.2.1.8d", 1),
    ("3.2.1.8e", 1),
    ("3.2.2", 10),
    ("3.2.2.1", 4),
    ("3.2.2.2", 4),
    ("3.2.2.3", 3),
    ("3.2.2.4", 1),
    ("3.2.2.5", 3),
    ("3.2.2.6", 10),
    ("3.2.2.7", 1),
    ("3.2.2.8", 8),
    ("3.2.2.9", 12),
    ("3.3.1.1", 2),
    ("3.3.1.2", 6),
    ("3.3.1.3", 2),
    ("3.3.1.4", 6),
    ("3.3.1.5", 1),
    ("3.3.1.6", 1),
    ("3.3.2", 6),
    ("3.3.3", 5),
    ("3.3.4.2", 4),
    ("3.3.5", 10),
    ("3.3.6", 7),
    ("3.3.7", 4),
    ("3.3.8", 1),
    ("3.4", 6),
    ("4.1.3.1", 1),
    ("4.1.3.2", 3),
    ("4.1.3.3", 1),
    ("4.1.3.4", 5),
    ("4.1.3.5", 4),
    ("4.1.3.6", 2),
    ("4.1.4", 3),
    // All the rest of the page: what other RFCs ask, what has killed others.
    ("other", 38),
];

const LEVELS: [&str; 5] = ["MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY"];
const HEAD: [[&str; 4]; 3] = [
    ["requirement", "section", "level", "shown by"],
    ["requirement", "label", "level", "shown by"],
    ["---", "---", "---", "---"],
];

struct Row<'a> {
    /// Its line on the page.
    line: usize,
    cells: [&'a str; 4],
}

/// The rows of all tables, without their heads.
fn rows(page: &str) -> Result<Vec<Row<'_>>, String> {
    let mut rows = Vec::new();
    for (n, text) in page.lines().enumerate() {
        let line = n + 1;
        let Some(inner) = text.strip_prefix('|') else {
            continue;
        };
        let inner = inner.strip_suffix('|').ok_or(format!("{line}: no end"))?;
        let cells: Vec<&str> = inner.split('|').map(str::trim).collect();
        let cells: [&str; 4] = cells
            .try_into()
            .map_err(|cells: Vec<_>| format!("{line}: {} cells, not 4", cells.len()))?;
        if !HEAD.contains(&cells) {
            rows.push(Row { line, cells });
        }
    }
    Ok(rows)
}

/// True if `source` has a test of that name.
fn has_test(source: &str, name: &str) -> bool {
    let function = format!("fn {name}(");
    let mut before: [&str; 3] = [""; 3];
    for line in source.lines() {
        let line = line.trim();
        if line.contains(&function) && before.contains(&"#[test]") {
            return true;
        }
        before = [before[1], before[2], line];
    }
    // The programs of a step are tests of the macro `snapshots!`.
    let snapshot = format!("    {name} => ");
    source.contains("::snapshots! {") && source.contains(&snapshot)
}

/// What is wrong with a row, if anything.
fn check(row: &Row<'_>, root: &Path) -> Result<(), String> {
    let [requirement, label, level, shown_by] = row.cells;
    if requirement.is_empty() || label.is_empty() || shown_by.is_empty() {
        return Err("an empty cell".into());
    }
    if !LEVELS.contains(&level) {
        return Err(format!("'{level}' is no level"));
    }
    if let Some(reason) = shown_by.strip_prefix("no, because ") {
        let told = reason.split_whitespace().count() >= 3;
        return told.then_some(()).ok_or("no reason".into());
    }
    for test in shown_by.split(", ") {
        let name = test.strip_prefix('`').and_then(|t| t.strip_suffix('`'));
        let name = name.ok_or(format!("{test} is no `file::name`"))?;
        let (file, name) = name.split_once("::").ok_or(format!("{test}: no name"))?;
        let source = fs::read_to_string(root.join(file)).map_err(|e| format!("{file}: {e}"))?;
        if !has_test(&source, name) {
            return Err(format!("{file} has no test {name}"));
        }
    }
    Ok(())
}

/// Everything that is wrong with `page`.
fn mistakes(page: &str, root: &Path) -> Vec<String> {
    let rows = match rows(page) {
        Ok(rows) => rows,
        Err(error) => return vec![error],
    };
    let mut mistakes = Vec::new();
    let mut found = BTreeMap::<&str, usize>::new();
    for row in &rows {
        if let Err(mistake) = check(row, root) {
            mistakes.push(format!("{}: {mistake}", row.line));
        }
        let label = row.cells[1];
        let is_section = label.starts_with(|c: char| c.is_ascii_digit());
        *found
            .entry(if is_section { label } else { "other" })
            .or_default() += 1;
    }
    for (section, expected) in ROWS {
        let found = found.remove(section).unwrap_or(0);
        if found != expected {
            mistakes.push(format!("section {section}: {found} rows, not {expected}"));
        }
    }
    let unknown = found.keys();
    mistakes.extend(unknown.map(|section| format!("section {section} is in no table")));
    mistakes
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn page() -> String {
    fs::read_to_string(root().join("step06_udp/CONFORMANCE.md")).unwrap()
}

#[test]
fn the_table_is_whole_and_every_test_in_it_exists() {
    let mistakes = mistakes(&page(), root());
    assert!(mistakes.is_empty(), "\n{}", mistakes.join("\n"));
}

#[test]
fn each_mistake_is_found() {
    let page = page();
    let complaint = |from: &str, to: &str| {
        let changed = page.replacen(from, to, 1);
        assert_ne!(changed, page, "{from}");
        mistakes(&changed, root()).join("\n")
    };
    for (from, to, expected) in [
        (
            "::what_comes_by_broadcast_is_marked",
            "::nobody",
            "has no test nobody",
        ),
        (
            "step05_arp/tests/ethernet.rs",
            "step05_arp/tests/no.rs",
            "no.rs: ",
        ),
        // A function that is no test.
        (
            "ethernet.rs::what_comes_by_broadcast_is_marked",
            "ethernet.rs::settle",
            "has no test",
        ),
        (
            "| 2.3.1 | MAY |",
            "| 2.3.1 | PERHAPS |",
            "'PERHAPS' is no level",
        ),
        ("| 2.3.1 | MAY |", "| 2.3.1 |", "3 cells, not 4"),
        (
            "| 2.3.1 | MAY |",
            "| 2.3.9 | MAY |",
            "section 2.3.1: 1 rows, not 2\nsection 2.3.9 is in no table",
        ),
        (
            "no, because trailers are dead, and nobody asks for them",
            "no, because",
            "is no `file::name`",
        ),
        (
            "no, because trailers are dead, and nobody asks for them",
            "no, because so",
            "no reason",
        ),
        (
            "no, because trailers are dead, and nobody asks for them",
            "",
            "an empty cell",
        ),
        (
            "| forget ARP entries that are out of date | 2.3.2.1",
            "2.3.2.1",
            "section 2.3.2.1: 2 rows, not 3",
        ),
    ] {
        let complaint = complaint(from, to);
        assert!(complaint.contains(expected), "{from} -> {to}: {complaint}");
    }
}
