//! The appendix "the original's functions and ours", from `book/original.txt`.
//! Each function of ours is looked up in the sources.

use anyhow::{Context, Result, bail};

use crate::added::cell;
use crate::book::{Files, PAGES};
use crate::statements::implementor;

/// The list, one function a line, with `|` between the columns.
const LIST: &str = "book/original.txt";

const HEAD: &str = "\
# Appendix: the original's functions and ours {#original}

For readers of the C beside the Rust: where the work of each function of microps is done here. \
The [steps](guide.md) are the guide's. That each of ours exists is checked; a function is looked for in the \
file that stands beside it.

<div class=\"names\">

| step | original | ours | file | remark |
|---|---|---|---|---|
";

/// The page: path and text.
pub fn page(files: &Files) -> Result<(String, String)> {
    let list = files.get(LIST).with_context(|| format!("no {LIST}"))?;
    let mut text = HEAD.to_owned();
    for (index, line) in list.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let row = row(files, line).with_context(|| format!("{LIST}:{}", index + 1))?;
        text.push_str(&row);
    }
    text.push_str("\n</div>\n");
    Ok((format!("{PAGES}original.md"), text))
}

fn row(files: &Files, line: &str) -> Result<String> {
    let columns: Vec<&str> = line.split('|').map(str::trim).collect();
    let [step, original, file, ours, remark] = columns.as_slice() else {
        bail!("has {} columns instead of 5", columns.len());
    };
    if *file != "–" && !exists(files, file, ours)? {
        bail!("there is no '{ours}' in {file}");
    }
    let code = |text: &str| match text {
        "–" => "–".to_owned(),
        text => format!("`{text}`"),
    };
    let originals: Vec<String> = original.split(", ").map(code).collect();
    Ok(format!(
        "| {step} | {} | {} | {} | {} |\n",
        originals.join(", "),
        code(ours),
        code(file),
        cell(remark)
    ))
}

/// True if the file has the function `name` or `Type::name`, or a type of that name.
fn exists(files: &Files, file: &str, name: &str) -> Result<bool> {
    let text = files.get(file).with_context(|| format!("no file {file}"))?;
    let (wanted, name) = match name.split_once("::") {
        Some((owner, name)) => (Some(owner), name),
        None => (None, name),
    };
    let mut owner = String::new();
    for line in text.lines().take_while(|line| *line != "#[cfg(test)]") {
        if line.starts_with("impl") {
            owner = implementor(line);
        }
        let mut words = line
            .split(|c: char| !(c.is_alphanumeric() || c == '_'))
            .filter(|word| !word.is_empty());
        let kinds = ["fn", "struct", "enum", "trait"];
        let is_it = words.any(|word| kinds.contains(&word)) && words.next() == Some(name);
        let is_comment = line.trim_start().starts_with("//");
        if is_it && !is_comment && wanted.is_none_or(|wanted| wanted == owner) {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::files;

    const CODE: &str =
        "impl<T> Cache<T> {\n    pub fn insert(&self) {}\n}\n/// fn doc\npub trait Plug {}\n";

    fn page_of(list: &str) -> Result<String> {
        let files = files([(LIST, list), ("a.rs", CODE)]);
        Ok(page(&files)?.1)
    }

    #[test]
    fn functions_that_are_there() {
        let list =
            "# comment\n14 | arp_insert, arp_b | a.rs | Cache::insert | x\n– | q | – | – |\n";
        let page = page_of(list).unwrap();
        assert!(page.contains(
            "| 14 | `arp_insert`, `arp_b` | `Cache::insert` | `a.rs` | x |\n| – | `q` | – | – |  |\n"
        ));
        assert!(page_of("1 | a | a.rs | insert |").is_ok());
        assert!(page_of("1 | a | a.rs | Plug |").is_ok());
    }

    #[test]
    fn functions_that_are_not() {
        let error = |list| format!("{:#}", page_of(list).unwrap_err());
        let gone = error("1 | a | a.rs | Cache::remove |");
        assert_eq!(
            gone,
            "book/original.txt:1: there is no 'Cache::remove' in a.rs"
        );
        assert!(error("1 | a | a.rs | Other::insert |").contains("no 'Other::insert'"));
        assert!(error("1 | a | a.rs | doc |").contains("no 'doc'"));
        assert!(error("1 | a | b.rs | insert |").contains("no file b.rs"));
        assert!(error("1 | a | a.rs |").contains("4 columns"));
    }
}
