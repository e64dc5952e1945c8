//! What is made from the sources and from runs of the programs: whole pages,
//! pictures, data. They are committed, so that mdBook alone can build the book.

use anyhow::{Context, Result};

use crate::book::{Files, Findings};
use crate::runs::Run;
use crate::{
    added, cheat_sheet, conformance, guide, log_lines, original, plot, rfcs, time_machine,
    unsafe_code,
};

/// All that is generated: path and text.
pub fn make(files: &Files, runs: &[Run]) -> Result<Vec<(String, String)>> {
    let mut made = added::pages(files, runs)?;
    made.push(log_lines::page(files, runs));
    made.push(cheat_sheet::page(files)?);
    made.push(original::page(files)?);
    made.push(rfcs::page(files)?);
    made.push(unsafe_code::page(files));
    made.extend(conformance::pages(files)?);
    made.extend(guide::tables(files)?);
    let last = runs.last().context("no scene was played")?;
    made.extend(time_machine::files(files, last)?);
    let title = "Congestion window, threshold and flight over time";
    let about = "Slow start, one segment lost, congestion avoidance, a cut of half a second, and slow start again.";
    let picture = plot::congestion(&last.trace, title, about)?;
    made.push(("book/src/images/congestion.svg".to_owned(), picture));
    Ok(made)
}

/// What is committed is what would be generated today; or why nothing can be.
pub fn look(files: &Files, runs: &[Run]) -> Findings {
    match make(files, runs) {
        Ok(made) => check(files, &made),
        Err(error) => Findings {
            errors: vec![format!("{error:#}")],
            ..Findings::default()
        },
    }
}

fn check(files: &Files, made: &[(String, String)]) -> Findings {
    let mut findings = Findings::default();
    for (path, text) in made {
        let Some(old) = files.get(path) else {
            findings.error(path, 1, "is missing: 'cargo xtask book --write' makes it");
            continue;
        };
        if old != text {
            let differs = |(a, b): (&str, &str)| a != b;
            let at = old.lines().zip(text.lines()).position(differs);
            let at = at.unwrap_or_else(|| old.lines().count().min(text.lines().count()));
            let now = text.lines().nth(at).unwrap_or("the end");
            let what =
                format!("is old, it would be '{now}': 'cargo xtask book --write' makes it anew");
            findings.error(path, at + 1, what);
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::files;

    #[test]
    fn what_cannot_be_made() {
        let errors = look(&files([]), &[]).errors;
        assert_eq!(errors, ["step01_device was not run"]);
    }

    #[test]
    fn what_is_committed_is_what_would_be_made() {
        let made = [("a.md".to_owned(), "1\n2\n".to_owned())];
        let errors = |files: &Files| check(files, &made).errors;
        assert_eq!(errors(&files([("a.md", "1\n2\n")])), [""; 0]);
        assert!(errors(&files([]))[0].starts_with("a.md:1: is missing"));
        let old = errors(&files([("a.md", "1\n3\n")]));
        assert!(old[0].starts_with("a.md:2: is old, it would be '2'"));
        let old = errors(&files([("a.md", "1\n2\n3\n")]));
        assert!(old[0].starts_with("a.md:3: is old, it would be 'the end'"));
    }
}
