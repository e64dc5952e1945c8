//! The tables of conformance, `stepNN/CONFORMANCE.md`, and of limits,
//! `step07_tcp/BOUNDS.md`, as pages of the book. That each test in the former
//! exists is a test of their crates; [`claims`](crate::claims) sees to the latter.

use anyhow::{Context, Result};

use crate::book::{Files, PAGES};

/// The table, the page, and how its headings' ids begin.
const TABLES: [(&str, &str, &str); 3] = [
    (
        "step06_udp/CONFORMANCE.md",
        "conformance_hosts.md",
        "conformance-hosts",
    ),
    (
        "step07_tcp/CONFORMANCE.md",
        "conformance_tcp.md",
        "conformance-tcp",
    ),
    ("step07_tcp/BOUNDS.md", "bounds.md", "bounds"),
];

/// The pages: path and text.
pub fn pages(files: &Files) -> Result<Vec<(String, String)>> {
    let page = |(table, page, id): &(&str, &str, &str)| {
        let text = files.get(*table).with_context(|| format!("no {table}"))?;
        Ok((format!("{PAGES}{page}"), transform(table, text, id)))
    };
    TABLES.iter().map(page).collect()
}

fn transform(table: &str, text: &str, id: &str) -> String {
    let mut page = String::new();
    let mut count = 0;
    for line in text.lines() {
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
            None if line.starts_with('|') => page.push_str(&breakable(line)),
            None => {
                page.push_str(line);
                page.push('\n');
            }
        }
    }
    page
}

/// As behind a colon.
fn lower_first(title: &str) -> String {
    let mut chars = title.chars();
    let first = chars.next().into_iter().flat_map(char::to_lowercase);
    first.chain(chars).collect()
}

/// The names of tests are long: they may be broken at each `/`, `::` and `_`.
fn breakable(row: &str) -> String {
    let mut text = String::new();
    for (index, piece) in row.split('`').enumerate() {
        match (index % 2, piece.contains("::")) {
            (0, _) => text.push_str(piece),
            (_, true) => {
                let piece = piece.replace('/', "/<wbr>").replace("::", "::<wbr>");
                let piece = piece.replace('_', "_<wbr>");
                text.push_str(&format!("<code>{piece}</code>"));
            }
            (_, false) => text.push_str(&format!("`{piece}`")),
        }
    }
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_becomes_a_page() {
        let table = "# Of TCP\n\nText `a::b`.\n\n## Part\n\n| a `x` | `t/f.rs::g_h` |\n";
        let expected = "# Appendix: of TCP {#c}\n\nThis is `T`.\n\nText `a::b`.\n\n## Part {#c-1}\n\n\
            | a `x` | <code>t/<wbr>f.rs::<wbr>g_<wbr>h</code> |\n";
        assert_eq!(transform("T", table, "c"), expected);
        let error = pages(&Files::new()).unwrap_err().to_string();
        assert_eq!(error, "no step06_udp/CONFORMANCE.md");
    }
}
