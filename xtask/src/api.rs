//! The public items of a crate, with the first sentence of what is said of
//! them. A scanner of lines, for code as rustfmt writes it.

use crate::book::Files;
use crate::statements::implementor;

/// A module with public items.
#[derive(Debug, PartialEq, Eq)]
pub struct Module {
    /// `arp::cache`.
    pub path: String,
    /// The first sentence of its documentation.
    pub doc: String,
    /// Its items: how they are named, and the first sentence about them.
    pub items: Vec<(String, String)>,
}

/// The public modules of a crate that have public items, in the order of
/// their files.
pub fn modules(files: &Files, krate: &str) -> Vec<Module> {
    let folder = format!("{krate}/src/");
    let mut modules = Vec::new();
    for (file, text) in files {
        let Some(name) = file
            .strip_prefix(&folder)
            .and_then(|f| f.strip_suffix(".rs"))
        else {
            continue;
        };
        let name = name.strip_suffix("/mod").unwrap_or(name);
        if name == "main" || name.starts_with("bin/") || !is_public(files, krate, name) {
            continue;
        }
        let items = items(text);
        if name != "lib" && !items.is_empty() {
            let path = name.replace('/', "::");
            let doc = module_doc(text);
            modules.push(Module { path, doc, items });
        }
    }
    modules
}

/// True if each module on the way from the crate's root is `pub`.
fn is_public(files: &Files, krate: &str, name: &str) -> bool {
    if name == "lib" {
        return true;
    }
    let (parent, own) = name.rsplit_once('/').unwrap_or(("", name));
    let candidates = match parent {
        "" => vec![format!("{krate}/src/lib.rs")],
        parent => vec![
            format!("{krate}/src/{parent}/mod.rs"),
            format!("{krate}/src/{parent}.rs"),
        ],
    };
    let text = candidates.iter().find_map(|file| files.get(file));
    let declared = text.is_some_and(|text| {
        let line = format!("pub mod {own};");
        text.lines().any(|text| text == line)
    });
    declared && (parent.is_empty() || is_public(files, krate, parent))
}

/// The first sentence of a file's `//!`.
pub fn module_doc(text: &str) -> String {
    let lines = text.lines().map_while(|line| line.strip_prefix("//!"));
    sentence(lines)
}

/// The first sentence, with links as plain text.
fn sentence<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let lines: Vec<&str> = lines
        .map(str::trim)
        .skip_while(|line| line.is_empty())
        .take_while(|line| !line.is_empty())
        .collect();
    let text = lines.join(" ");
    let mut end = text.len();
    for (at, _) in text.match_indices(". ") {
        let begins = text[at + 2..].chars().next();
        // Not behind `e.g.` or in `RFC 9293, sec. 3`.
        if begins.is_some_and(|c| c.is_uppercase() || c == '[' || c == '`') {
            end = at + 1;
            break;
        }
    }
    plain_links(&text[..end])
}

/// `` [`a`](b) `` and `` [`a`] `` become `` `a` ``.
pub fn plain_links(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('[') {
        let Some((name, after)) = behind.split_once(']') else {
            break;
        };
        let is_index = before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        plain.push_str(before);
        if is_index {
            plain.push_str(&format!("[{name}]"));
            rest = after;
            continue;
        }
        plain.push_str(name);
        rest = match after.strip_prefix('(').and_then(|a| a.split_once(')')) {
            Some((_, after)) => after,
            None => after,
        };
    }
    plain + rest
}

fn items(text: &str) -> Vec<(String, String)> {
    let mut items = Vec::new();
    let mut docs: Vec<&str> = Vec::new();
    let mut owner = String::new();
    let mut in_trait = false;
    let mut in_attribute = false;
    for line in text.lines() {
        if line == "#[cfg(test)]" {
            break;
        }
        let code = line.trim_start();
        let depth = line.len() - code.len();
        if let Some(doc) = code.strip_prefix("///") {
            docs.push(doc);
            continue;
        }
        // Comments and attributes, on one line or more, stand between an item
        // and its docs.
        if code.starts_with("//") {
            continue;
        }
        if in_attribute || code.starts_with("#[") {
            in_attribute = !code.ends_with(']');
            continue;
        }
        if depth == 0 && !code.is_empty() {
            owner.clear();
            in_trait = false;
            if code.starts_with("impl") && !code.contains(" for ") {
                owner = implementor(code);
            }
        }
        if let Some((kind, name)) = item(code, in_trait && depth == 4) {
            let doc = sentence(docs.iter().copied());
            let name = match (depth, owner.as_str()) {
                (0, _) | (_, "") => format!("{kind} {name}"),
                (_, owner) => format!("{owner}::{name}"),
            };
            if depth <= 4 {
                items.push((name, doc));
            }
            if depth == 0 && kind == "trait" {
                owner = item(code, false)
                    .map(|(_, name)| name.to_owned())
                    .unwrap_or_default();
                in_trait = true;
            }
        }
        docs.clear();
    }
    items
}

/// The kind and the name of a public item. In a trait, all are public.
fn item(code: &str, in_trait: bool) -> Option<(&str, &str)> {
    let rest = match code.strip_prefix("pub ") {
        Some(rest) => rest,
        None if in_trait => code,
        None => return None,
    };
    let mut words = rest.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    let mut kind = words.next()?;
    let mut name = words.next()?;
    while (kind == "const" && name == "fn") || kind == "unsafe" {
        kind = name;
        name = words.next()?;
    }
    let kinds = [
        "struct", "enum", "trait", "fn", "const", "static", "type", "macro",
    ];
    (kinds.contains(&kind) && !name.is_empty()).then_some((kind, name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::files;

    const CODE: &str = "\
//! A cache: of [`addresses`](crate::a). And more
//! of it.
//!
//! More.

/// What is
/// known. Or not.
#[derive(
    Debug,
)]
pub struct State {
    /// A field.
    pub field: u8,
    hidden: u8,
}

impl State {
    /// Looks up `a[0]`, e.g. this one; see [`Self::new`].
    pub const fn resolve(&self) {}
    fn private() {}
    pub(crate) fn inside() {}
}

/// To be plugged in.
// ANCHOR: plug
pub trait Plug: Send {
    /// Takes it.
    fn take(&mut self) {
        let fn_like = 1;
    }
}

impl Plug for State {
    fn take(&mut self) {}
}

/// How many.
pub const LIMIT: usize = 1;

#[cfg(test)]
mod tests {
    pub fn not_this() {}
}
";

    #[test]
    fn public_items() {
        let files = files([
            ("x/src/lib.rs", "pub mod arp;\nmod own;\npub mod main;\n"),
            ("x/src/arp/mod.rs", "pub mod cache;\nmod own;\n"),
            ("x/src/arp/cache.rs", CODE),
            ("x/src/arp/own.rs", CODE),
            ("x/src/own.rs", CODE),
            ("x/src/main.rs", CODE),
        ]);
        let modules = modules(&files, "x");
        assert_eq!(modules.len(), 1);
        assert_eq!(modules[0].path, "arp::cache");
        assert_eq!(modules[0].doc, "A cache: of `addresses`.");
        let items: Vec<(&str, &str)> = modules[0]
            .items
            .iter()
            .map(|(name, doc)| (name.as_str(), doc.as_str()))
            .collect();
        let expected = [
            ("struct State", "What is known."),
            (
                "State::resolve",
                "Looks up `a[0]`, e.g. this one; see `Self::new`.",
            ),
            ("trait Plug", "To be plugged in."),
            ("Plug::take", "Takes it."),
            ("const LIMIT", "How many."),
        ];
        assert_eq!(items, expected);
    }
}
