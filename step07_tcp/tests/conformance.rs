//! CONFORMANCE.md says of every requirement which test shows it: this test
//! sees to it that it does not drift.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The labels of appendix B of RFC 9293.
const LABELS: [(&str, u32); 4] = [("MUST", 69), ("SHLD", 31), ("MAY", 18), ("REC", 1)];

/// A row of the table.
#[derive(Debug)]
struct Row {
    label: String,
    section: String,
    requirement: String,
    shown_by: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn rows(table: &str) -> Vec<Row> {
    let row = |line: &str| {
        let cells = line.strip_prefix('|')?.strip_suffix('|')?;
        let cells: Vec<_> = cells
            .split('|')
            .map(|cell| cell.trim().to_owned())
            .collect();
        let [label, section, requirement, shown_by] = cells.try_into().ok()?;
        Some(Row {
            label,
            section,
            requirement,
            shown_by,
        })
    };
    let lines = table.lines().filter(|line| line.starts_with('|'));
    // The headline, and the line under it.
    let lines = lines.skip(2);
    lines
        .map(|line| row(line).unwrap_or_else(|| panic!("not four cells: {line}")))
        .collect()
}

/// The tests that a cell names, as file and function.
fn tests(cell: &str) -> Vec<(&str, &str)> {
    cell.split('`')
        .filter_map(|text| text.split_once("::"))
        .collect()
}

/// Is there a test of that name?
fn exists(source: &str, name: &str) -> bool {
    let head = format!("fn {name}(");
    let lines: Vec<_> = source.lines().map(str::trim).collect();
    let mut places = (0..lines.len()).filter(|&place| lines[place].starts_with(&head));
    places.any(|place| {
        // Its attributes stand directly before it.
        let before = lines[..place].iter().rev();
        let mut attributes =
            before.take_while(|line| line.starts_with('#') || line.starts_with("//"));
        attributes.any(|line| *line == "#[test]")
    })
}

/// What is wrong with a table.
fn complaints(table: &str) -> Vec<String> {
    let rows = rows(table);
    let mut complaints = Vec::new();
    let mut seen = BTreeSet::new();
    for row in &rows {
        if !seen.insert(row.label.as_str()) {
            complaints.push(format!("{}: appears twice", row.label));
        }
        let cells = [&row.section, &row.requirement, &row.shown_by];
        if cells.iter().any(|cell| cell.is_empty()) {
            complaints.push(format!("{}: a cell is empty", row.label));
        }
        if tests(&row.shown_by).is_empty() && !row.shown_by.starts_with("no, because ") {
            complaints.push(format!("{}: neither a test nor a reason", row.label));
        }
        for (file, name) in tests(&row.shown_by) {
            let found = match fs::read_to_string(root().join(file)) {
                Ok(source) => exists(&source, name),
                Err(_) => false,
            };
            if !found {
                complaints.push(format!("{}: no test {file}::{name}", row.label));
            }
        }
    }
    let wanted = LABELS
        .iter()
        .flat_map(|(kind, count)| (1..=*count).map(move |number| format!("{kind}-{number}")));
    let found: Vec<_> = rows.iter().map(|row| row.label.clone()).collect();
    for label in wanted.clone().filter(|label| !found.contains(label)) {
        complaints.push(format!("{label}: is missing"));
    }
    let wanted: Vec<_> = wanted.collect();
    for label in found.iter().filter(|label| !wanted.contains(label)) {
        complaints.push(format!("{label}: is no label of RFC 9293"));
    }
    if complaints.is_empty() && found != wanted {
        complaints.push("the labels are not in their order".to_owned());
    }
    complaints
}

fn table() -> String {
    fs::read_to_string(root().join("step07_tcp/CONFORMANCE.md")).unwrap()
}

#[test]
fn every_requirement_has_its_test_or_its_reason() {
    let complaints = complaints(&table());
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn what_is_wrong_is_found() {
    let table = table();
    let line = |label: &str| {
        let start = format!("| {label} |");
        let mut lines = table.lines();
        lines
            .find(|line| line.starts_with(&start))
            .unwrap()
            .to_owned()
    };
    let first = line("MUST-1");
    let with = |other: &str| complaints(&table.replace(&first, other));
    assert_eq!(
        with(&line("MUST-2")),
        ["MUST-2: appears twice", "MUST-1: is missing"]
    );
    assert_eq!(
        with("| MUST-1 | 3.1 | | no, because |"),
        [
            "MUST-1: a cell is empty",
            "MUST-1: neither a test nor a reason"
        ]
    );
    let gone = "step07_tcp/tests/conformance.rs::no_such_test";
    assert_eq!(
        with(&format!("| MUST-1 | 3.1 | x | `{gone}` |")),
        [format!("MUST-1: no test {gone}")]
    );
    // A function that is no test does not count.
    let helper = "step07_tcp/tests/conformance.rs::table";
    assert_eq!(
        with(&format!("| MUST-1 | 3.1 | x | `{helper}` |")),
        [format!("MUST-1: no test {helper}")]
    );
    assert_eq!(
        with(&format!("{first}\n| MUST-70 | 3.1 | x | no, because |")),
        [
            "MUST-70: neither a test nor a reason",
            "MUST-70: is no label of RFC 9293"
        ]
    );
}
