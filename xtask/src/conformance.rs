//! The tables of conformance, `stepNN/CONFORMANCE.md`, and of limits,
//! `step07_tcp/BOUNDS.md`, as pages of the book. That each test in the former
//! exists is a test of their crates; [`claims`](crate::claims) sees to the latter.

use anyhow::{Context, Result};

use crate::book::{Files, PAGES};

/// The table, the page, how its headings' ids begin, and what kind of tables it
/// has: `book/breaks.js` breaks the long names in them.
const TABLES: [(&str, &str, &str, &str); 3] = [
    (
        "step06_udp/CONFORMANCE.md",
        "conformance_hosts.md",
        "conformance-hosts",
        "tests",
    ),
    (
        "step07_tcp/CONFORMANCE.md",
        "conformance_tcp.md",
        "conformance-tcp",
        "tests",
    ),
    ("step07_tcp/BOUNDS.md", "bounds.md", "bounds", "names"),
];

/// The pages: path and text.
pub fn pages(files: &Files) -> Result<Vec<(String, String)>> {
    let page = |(table, page, id, class): &(&str, &str, &str, &str)| {
        let text = files.get(*table).with_context(|| format!("no {table}"))?;
        Ok((format!("{PAGES}{page}"), transform(table, text, id, class)))
    };
    TABLES.iter().map(page).collect()
}

fn transform(table: &str, text: &str, id: &str, class: &str) -> String {
    let mut page = String::new();
    let mut count = 0;
    let mut in_table = false;
    for line in text.lines() {
        match (in_table, line.starts_with('|')) {
            (false, true) => page.push_str(&format!("<div class=\"{class}\">\n\n")),
            (true, false) => page.push_str("\n</div>\n"),
            _ => {}
        }
        in_table = line.starts_with('|');
        match line.strip_prefix("# ") {
            Some(title) => {
                let title = lower_first(title);
                page.push_str(&format!(
                    "# Appendix: {title} {{#{id}}}\n\nThis is `{table}`.\n"
                ));
            }
            None if line.starts_with('#') => {
                count += 1;
                page.push_str(&format!("{line} {{#{id}-{count}}}\n"));
            }
            None => {
                page.push_str(line);
                page.push('\n');
            }
        }
    }
    if in_table {
        page.push_str("\n</div>\n");
    }
    page
}

/// As behind a colon.
fn lower_first(title: &str) -> String {
    let mut chars = title.chars();
    let first = chars.next().into_iter().flat_map(char::to_lowercase);
    first.chain(chars).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_becomes_a_page() {
        let table = "# Of TCP\n\n## Part\n\n| a |\n|---|\n| `x` |\n\nText.\n\n| b |\n";
        let expected = "# Appendix: of TCP {#c}\n\nThis is `T`.\n\n## Part {#c-1}\n\n\
            <div class=\"x\">\n\n| a |\n|---|\n| `x` |\n\n</div>\n\nText.\n\n\
            <div class=\"x\">\n\n| b |\n\n</div>\n";
        assert_eq!(transform("T", table, "c", "x"), expected);
        let error = pages(&Files::new()).unwrap_err().to_string();
        assert_eq!(error, "no step06_udp/CONFORMANCE.md");
    }
}
