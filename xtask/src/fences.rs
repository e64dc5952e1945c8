//! Every fenced block names its language, and is closed.

use crate::book::{Files, Findings, pages};

/// The lines of a page that are not inside a fenced block, with their numbers
/// from 1. The fences themselves are inside.
pub fn prose(text: &str) -> Vec<(usize, &str)> {
    let mut fence = None;
    let mut lines = Vec::new();
    for (index, line) in text.lines().enumerate() {
        match (fence, opening(line)) {
            (None, Some((mark, _))) => fence = Some(mark),
            (None, None) => lines.push((index + 1, line)),
            (Some(mark), _) if closes(line, mark) => fence = None,
            (Some(_), _) => {}
        }
    }
    lines
}

/// A fenced block of a page.
#[derive(Debug, PartialEq, Eq)]
pub struct Block<'a> {
    /// The line of the fence that opens it, from 1.
    pub line: usize,
    /// What stands behind that fence: the language, and more.
    pub info: &'a str,
    /// What is between the fences.
    pub lines: Vec<&'a str>,
}

/// The fenced blocks of a page.
pub fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut open = None;
    for (index, line) in text.lines().enumerate() {
        match (open, opening(line)) {
            (None, Some((mark, info))) => {
                open = Some(mark);
                let (line, lines) = (index + 1, Vec::new());
                blocks.push(Block { line, info, lines });
            }
            (Some(mark), _) if closes(line, mark) => open = None,
            _ => {
                if let (Some(_), Some(block)) = (open, blocks.last_mut()) {
                    block.lines.push(line);
                }
            }
        }
    }
    blocks
}

/// The fence that begins here, and what stands behind it.
fn opening(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start().trim_start_matches("> ");
    let char = line.chars().next().filter(|c| *c == '`' || *c == '~')?;
    let info = line.trim_start_matches(char);
    let mark = &line[..line.len() - info.len()];
    // One line of code between backticks is no fence.
    (mark.len() >= 3 && !info.contains('`')).then_some((mark, info.trim()))
}

fn closes(line: &str, mark: &str) -> bool {
    let line = line.trim().trim_start_matches("> ");
    line.len() >= mark.len()
        && line.starts_with(mark)
        && line.trim_start_matches(&mark[..1]).is_empty()
}

/// Looks at every fence of every page.
pub fn check(files: &Files) -> Findings {
    let mut findings = Findings::default();
    for (page, text) in pages(files) {
        let mut open = None;
        for (index, line) in text.lines().enumerate() {
            let number = index + 1;
            match (open, opening(line)) {
                (None, Some((mark, info))) => {
                    if info.is_empty() {
                        findings.error(page, number, "a block without a language");
                    }
                    open = Some((number, mark));
                }
                (Some((_, mark)), _) if closes(line, mark) => open = None,
                _ => {}
            }
        }
        if let Some((number, _)) = open {
            findings.error(page, number, "a block that is not closed");
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::files;

    fn errors(page: &str) -> Vec<String> {
        check(&files([("book/src/a.md", page)])).errors
    }

    #[test]
    fn blocks_with_a_language() {
        assert_eq!(
            errors("a\n```rust\nlet a;\n```\n~~~text\n```\n~~~\n"),
            [""; 0]
        );
        assert_eq!(errors("> ```text\n> a\n> ```\n"), [""; 0]);
        assert_eq!(errors("```one line``` of code\n"), [""; 0]);
    }

    #[test]
    fn a_block_without_a_language() {
        let expected = ["book/src/a.md:2: a block without a language"];
        assert_eq!(errors("a\n```\nb\n```\n"), expected);
    }

    #[test]
    fn a_block_that_is_not_closed() {
        let expected = ["book/src/a.md:1: a block that is not closed"];
        assert_eq!(errors("````rust\n```\n"), expected);
    }

    #[test]
    fn what_is_in_blocks() {
        let page = "a\n```console,lab\n$ b\n~~~\n```\nc\n";
        let block = Block {
            line: 2,
            info: "console,lab",
            lines: vec!["$ b", "~~~"],
        };
        assert_eq!(blocks(page), [block]);
    }

    #[test]
    fn what_is_prose() {
        let page = "a\n```text\nb\n```\nc\n";
        assert_eq!(prose(page), [(1, "a"), (5, "c")]);
    }
}
