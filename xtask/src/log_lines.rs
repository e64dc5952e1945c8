//! The appendix of all lines that the log can have.

use std::collections::BTreeSet;

use crate::added::{cell, number, places};
use crate::api::module_doc;
use crate::book::{Files, PAGES};
use crate::runs::{Run, STEPS};
use crate::statements::{self, Statement};

const HEAD: &str = "\
# Appendix: the lines of the log {#log-lines}

Every log statement of the floors, made from the sources. `{…}` stands for a value. \
Where a scene prints the line, the link leads to the statement; the others tell of what goes wrong, \
or of what only the real world does.

| level | what it is for |
|---|---|
| `error` | what should not happen: the program cannot do what it should |
| `warn` | something is wrong, and the program goes on |
| `info` | what is rare and of interest to everybody: a device, a route, a registration |
| `debug` | a packet passes, a state changes |
| `trace` | what happens all the time and concerns nobody, such as a frame for another host |

";

/// The page: path and text.
pub fn page(files: &Files, runs: &[Run]) -> (String, String) {
    let places = places(runs);
    let mut text = HEAD.to_owned();
    for krate in STEPS {
        let floor = number(krate);
        text.push_str(&format!("## `{krate}` {{#log-lines-{floor}}}\n\n"));
        let folder = format!("{krate}/src/");
        for (file, code) in files.iter().filter(|(file, _)| file.starts_with(&folder)) {
            let is_program = file.ends_with("/main.rs") || file.contains("/bin/");
            let statements = statements::all(file, code);
            if statements.is_empty() || is_program {
                continue;
            }
            text.push_str(&format!(
                "`{file}`: {}\n\n",
                module_doc(code).replace('<', "&lt;")
            ));
            text.push_str("| level | function | text |\n|---|---|---|\n");
            for statement in statements {
                let location = (statement.file.clone(), statement.line);
                let place = places.get(&location).map(String::as_str);
                text.push_str(&row(&statement, &seen(runs, &location), place));
            }
            text.push('\n');
        }
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    (format!("{PAGES}log_lines.md"), text)
}

/// The functions that a statement has printed in the scenes, for one that is
/// told which.
fn seen<'a>(runs: &'a [Run], location: &(String, usize)) -> BTreeSet<&'a str> {
    let entries = runs.iter().flat_map(|run| &run.log);
    let here = entries.filter(|entry| entry.location == *location);
    here.map(|entry| entry.target.as_str()).collect()
}

fn row(statement: &Statement, seen: &BTreeSet<&str>, place: Option<&str>) -> String {
    let target = statement.target();
    let names = match target.as_deref() {
        Some(target) => BTreeSet::from([target]),
        None if seen.is_empty() => BTreeSet::from([statement.function.as_str()]),
        None => seen.clone(),
    };
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let name = match place {
        Some(place) => format!("[{}]({place})", names.join(", ")),
        None => names.join(", "),
    };
    // The fields of a header follow in lines of their own.
    let template = statement.template();
    let (template, fields) = template.split_once("\\n").unwrap_or((&template, ""));
    // `--hexdump` adds the octets at the end.
    let dumps = statement.code.iter().any(|line| line.contains("hexdump("));
    let template = template
        .strip_suffix("{}")
        .filter(|_| dumps && fields.is_empty())
        .unwrap_or(template);
    let template = template.replace("\\\"", "\"").replace('`', "'");
    let template = match template.is_empty() {
        true => String::new(),
        false => format!("`{}`", cell(&template).replace("&lt;", "<")),
    };
    format!("| {} | {name} | {template} |\n", statement.level())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::files;
    use crate::runs::parse;

    #[test]
    fn all_lines_of_a_floor() {
        let code = "//! Input.\n\nfn input() {\n    debug!(target: \"a::b\", \"x={}|\\n{h}\", 1);\n    warn!(\"lost\");\n    \
            debug!(target: to, \"y={}\\n{h}{}\", 1, hexdump(p));\n}\n";
        let files = files([
            ("step01_device/src/a.rs", code),
            ("step01_device/src/main.rs", code),
        ]);
        let log = "00:00:00.000 [D] a::b: x=1 (step01_device/src/a.rs:4)\n\
            00:00:00.000 [D] a::d: y=1 (step01_device/src/a.rs:6)\n\
            00:00:00.000 [D] a::c: y=1 (step01_device/src/a.rs:6)\n";
        let run = Run {
            step: STEPS[0].to_owned(),
            log: parse(log).unwrap(),
            pcap: Vec::new(),
            trace: String::new(),
        };
        let (_, page) = page(&files, &[run]);
        assert!(page.contains("`step01_device/src/a.rs`: Input.\n"));
        let shown = "| debug | [`a::b`](step01/added.md#step01-added-log-a-b) | `x={}\\|` |\n";
        assert_eq!(page.matches(shown).count(), 1, "{page}");
        assert_eq!(page.matches("| warn | `input` | `lost` |\n").count(), 1);
        let told = "| debug | [`a::c`, `a::d`](step01/added.md#step01-added-log-a-d) | `y={}` |\n";
        assert_eq!(page.matches(told).count(), 1, "{page}");
    }
}
