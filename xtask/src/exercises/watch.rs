//! `check --watch`: again on every save.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, SystemTime};

use anyhow::Result;

use super::course::crates;
use super::desk::Desk;
use super::id::Id;

/// How often the files are looked at.
const PAUSE: Duration = Duration::from_millis(300);

/// Checks, and checks again whenever a source has changed. Ends by Ctrl+C.
///
/// # Errors
/// Cargo cannot be run.
pub fn watch(desk: &mut Desk, id: Option<Id>) -> Result<()> {
    loop {
        let seen = newest(desk)?;
        println!();
        desk.check(id)?;
        println!("  Watching the sources; Ctrl+C ends it.");
        while newest(desk)? <= seen {
            thread::sleep(PAUSE);
        }
    }
}

/// When a source was changed last, and how many there are.
fn newest(desk: &Desk) -> Result<(SystemTime, usize)> {
    let root = &desk.workspace.root;
    let mut newest = (SystemTime::UNIX_EPOCH, 0);
    for name in crates(root)? {
        for folder in ["src", "tests", "examples"] {
            look(&root.join(&name).join(folder), &mut newest);
        }
    }
    Ok(newest)
}

fn look(folder: &Path, newest: &mut (SystemTime, usize)) {
    // What has just been renamed by an editor is seen the next time.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(meta) = entry.metadata() else { continue };
        if meta.is_dir() {
            look(&entry.path(), newest);
        } else if entry.path().extension().is_some_and(|end| end == "rs") {
            newest.1 += 1;
            newest.0 = newest
                .0
                .max(meta.modified().unwrap_or(SystemTime::UNIX_EPOCH));
        }
    }
}
