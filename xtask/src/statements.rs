//! The log statements of the sources: which function they are in, what they say.

use crate::book::Files;

/// A log statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The file, from the workspace's root.
    pub file: String,
    /// The line where it begins, from 1.
    pub line: usize,
    /// The function that it is in: `State::resolve`.
    pub function: String,
    /// Its lines, without the indentation that they have in common.
    pub code: Vec<String>,
}

const MACROS: [&str; 5] = ["error!(", "warn!(", "info!(", "debug!(", "trace!("];

impl Statement {
    /// How important it is: `debug`.
    pub fn level(&self) -> &str {
        let code = self.code.first().map(String::as_str).unwrap_or_default();
        let code = code.strip_prefix("log::").unwrap_or(code);
        code.split('!').next().unwrap_or_default()
    }

    /// The string literals in it, in their order.
    fn literals(&self) -> Vec<String> {
        let code = self.code.join("\n");
        let mut literals = Vec::new();
        let mut rest = code.as_str();
        while let Some((_, behind)) = rest.split_once('"') {
            let mut end = behind.len();
            let mut escaped = false;
            for (at, c) in behind.char_indices() {
                match c {
                    _ if escaped => escaped = false,
                    '\\' => escaped = true,
                    '"' => {
                        end = at;
                        break;
                    }
                    _ => {}
                }
            }
            let literal = behind[..end].split("\\\n").map(str::trim_start);
            literals.push(literal.collect::<String>());
            rest = behind.get(end + 1..).unwrap_or_default();
        }
        literals
    }

    /// `arp::input`, if the statement says so itself.
    pub fn target(&self) -> Option<String> {
        let says_so = self.code.iter().any(|line| line.contains("target: \""));
        self.literals().into_iter().next().filter(|_| says_so)
    }

    /// The text, with `{…}` where values stand.
    pub fn template(&self) -> String {
        let skip = usize::from(self.target().is_some());
        self.literals().into_iter().nth(skip).unwrap_or_default()
    }
}

/// The log statement that begins at a line of a file.
pub fn at(files: &Files, file: &str, line: usize) -> Option<Statement> {
    let lines: Vec<&str> = files.get(file)?.lines().collect();
    let index = line.checked_sub(1)?;
    begins(lines.get(index)?).then(|| cut(file, &lines, index))
}

/// All log statements of a file; not those of its tests.
pub fn all(file: &str, text: &str) -> Vec<Statement> {
    let lines: Vec<&str> = text.lines().collect();
    let end = lines.iter().position(|line| *line == "#[cfg(test)]");
    let indices = 0..end.unwrap_or(lines.len());
    let indices = indices.filter(|index| begins(lines[*index]));
    indices.map(|index| cut(file, &lines, index)).collect()
}

fn begins(line: &str) -> bool {
    let code = line.trim_start();
    let code = code.strip_prefix("log::").unwrap_or(code);
    MACROS.iter().any(|name| code.starts_with(name))
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn cut(file: &str, lines: &[&str], index: usize) -> Statement {
    let own = indent(lines[index]);
    let mut code = vec![lines[index].trim_start().to_owned()];
    // As rustfmt writes it: what was opened is closed at the same indentation.
    if lines[index].ends_with('(') {
        for line in &lines[index + 1..] {
            code.push(line.get(own..).unwrap_or_default().to_owned());
            if indent(line) == own && !line.trim().is_empty() {
                break;
            }
        }
    }
    Statement {
        file: file.to_owned(),
        line: index + 1,
        function: function(lines, index),
        code,
    }
}

/// The function that a line is in, with the type that it belongs to.
pub fn function(lines: &[&str], index: usize) -> String {
    let mut name = String::new();
    let mut own = indent(lines[index]);
    for line in lines[..index].iter().rev() {
        // `) -> io::Result<()> {` ends a head that began further up.
        let is_end = line.trim_start().starts_with(')');
        if line.trim().is_empty() || indent(line) >= own || is_end {
            continue;
        }
        let words: Vec<&str> = line
            .split(|c: char| !(c.is_alphanumeric() || c == '_'))
            .filter(|word| !word.is_empty())
            .collect();
        if let (true, Some(at)) = (name.is_empty(), words.iter().position(|word| *word == "fn")) {
            name = words.get(at + 1).copied().unwrap_or_default().to_owned();
        } else if indent(line) == 0 && line.starts_with("impl") {
            return format!("{}::{name}", implementor(line));
        }
        own = indent(line);
    }
    name
}

/// The type of an `impl` block: `State`, of `impl<T: A> B<T> for State<T> {`.
pub fn implementor(line: &str) -> String {
    let line = line.replace("->", "  ");
    let rest = line.split(" for ").last().unwrap_or(&line);
    let rest = match rest.strip_prefix("impl<") {
        // Behind the bracket that closes the parameters.
        Some(parameters) => {
            let mut depth = 1;
            let end = parameters.find(|c| {
                depth += i32::from(c == '<') - i32::from(c == '>');
                depth == 0
            });
            parameters.get(end.unwrap_or(0) + 1..).unwrap_or_default()
        }
        None => rest.strip_prefix("impl").unwrap_or(rest),
    };
    let rest = rest.trim_start().trim_start_matches('&');
    let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_'));
    rest[..end.unwrap_or(rest.len())].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::files;

    const CODE: &str = "\
use log::debug;

impl<T: Into<u8>> Other<T> for State<T> {
    /// Doc.
    pub fn resolve(
        &self,
    ) -> bool {
        if self.is() {
            debug!(
                target: \"arp::resolve\",
                \"not \\\"found\\\", \\
                 pa={}\",
                self.pa,
            );
        }
        log::warn!(\"lost: {self}\");
    }
}

fn free() {
    log::info!(target: \"free\", \"free\");
}

#[cfg(test)]
mod tests {
    fn no() { }
    debug!(\"not this\");
}
";

    #[test]
    fn statements_of_a_file() {
        let all = all("a.rs", CODE);
        assert_eq!(all.len(), 3);
        let functions = all.iter().map(|statement| statement.function.as_str());
        assert!(functions.eq(["State::resolve", "State::resolve", "free"]));
        assert_eq!(all[0].code.len(), 6);
        assert_eq!(all[0].code[1], "    target: \"arp::resolve\",");
        assert_eq!(all[0].target().as_deref(), Some("arp::resolve"));
        assert_eq!(all[0].template(), "not \\\"found\\\", pa={}");
        assert_eq!((all[1].level(), all[1].target()), ("warn", None));
        assert_eq!(all[1].template(), "lost: {self}");
    }

    #[test]
    fn the_statement_of_a_line() {
        let files = files([("a.rs", CODE)]);
        let statement = at(&files, "a.rs", 16).unwrap();
        assert_eq!(statement.code, ["log::warn!(\"lost: {self}\");"]);
        assert_eq!(at(&files, "a.rs", 15), None);
        assert_eq!(at(&files, "b.rs", 16), None);
        assert_eq!(at(&files, "a.rs", 0), None);
    }

    #[test]
    fn whose_implementation() {
        assert_eq!(implementor("impl State {"), "State");
        assert_eq!(implementor("impl<'a> Iterator for Walk<'a> {"), "Walk");
        assert_eq!(implementor("impl<F: Fn() -> u8> State<F> {"), "State");
    }
}
