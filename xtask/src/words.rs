//! How long the book is: `cargo xtask words`.

use anyhow::Result;

use crate::book::{self, Files, PAGES};
use crate::fences::{blocks, prose};
use crate::guide::minutes;

/// What can be counted of a page.
#[derive(Debug, Default, PartialEq, Eq)]
struct Count {
    /// Words outside of blocks.
    words: usize,
    /// Blocks of code, logs and commands.
    blocks: usize,
    /// Blocks that include a source or an excerpt.
    included: usize,
    minutes: u32,
}

fn count(text: &str) -> Count {
    let words = prose(text)
        .into_iter()
        .flat_map(|(_, line)| line.split_whitespace());
    let words = words.filter(|word| word.contains(|c: char| c.is_alphanumeric()));
    let blocks = blocks(text);
    let includes = |lines: &[&str]| lines.iter().any(|line| line.contains("{{#include"));
    Count {
        words: words.count(),
        included: blocks.iter().filter(|block| includes(&block.lines)).count(),
        blocks: blocks.len(),
        minutes: minutes(text).unwrap_or(0),
    }
}

/// A line for each page, and one for all.
fn table(files: &Files) -> String {
    let mut text = " words blocks included minutes  page\n".to_owned();
    let mut sum = Count::default();
    let mut line = |count: &Count, page: &str| {
        let Count {
            words,
            blocks,
            included,
            minutes,
        } = count;
        text.push_str(&format!(
            "{words:6} {blocks:6} {included:8} {minutes:7}  {page}\n"
        ));
    };
    for (page, text) in book::pages(files) {
        let count = count(text);
        line(&count, page.trim_start_matches(PAGES));
        sum.words += count.words;
        sum.blocks += count.blocks;
        sum.included += count.included;
        sum.minutes += count.minutes;
    }
    line(&sum, "together");
    text
}

/// Prints the table.
pub fn run(root: &std::path::Path) -> Result<bool> {
    print!("{}", table(&book::read(root)?));
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_blocks() {
        let page = "# A b {#id}\n\n> **minutes** 40 ·\n\n```text\n{{#include x.txt}}\n```\n\n```sh\nno words\n```\n";
        let expected = Count {
            words: 5,
            blocks: 2,
            included: 1,
            minutes: 40,
        };
        assert_eq!(count(page), expected);
        let files = book::files([("book/src/a.md", page), ("book/src/b/c.md", "one")]);
        let table = table(&files);
        assert!(
            table.ends_with(
                "     1      0        0       0  b/c.md\n     6      2        1      40  together\n"
            ),
            "{table}"
        );
    }
}
