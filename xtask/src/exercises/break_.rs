//! The bug zoo: a bug is planted, and the student finds it from log and
//! capture alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};

use super::course::Files;
use super::desk::{Desk, put};
use super::id::Id;
use super::manifest::Mutant;
use super::pack;
use super::wrong;

/// What was there before a bug was planted, and what the bug is.
const FILE: &str = "planted-bug.txt";
/// The entry of [`FILE`] that says what the bug is.
const BUG: &str = "bug";

fn file(root: &Path) -> PathBuf {
    root.join(FILE)
}

/// Plants one bug of the exercise `id`, in our solution of it.
///
/// # Errors
/// There is none, or one is planted already.
pub fn plant(desk: &Desk, id: Id) -> Result<()> {
    desk.only_for_students("break")?;
    desk.find(Some(id))?;
    let root = &desk.workspace.root;
    if file(root).exists() {
        return Err(wrong(
            "a bug is planted already: cargo xtask mend".to_owned(),
        ));
    }
    let mutants = desk.course.mutants.iter().filter(|mutant| mutant.id == id);
    let mutants: Vec<&Mutant> = mutants.collect();
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let chance = now.map_or(0, |now| now.subsec_micros());
    let Some(mutant) = usize::try_from(chance)
        .ok()
        .and_then(|chance| mutants.get(chance % mutants.len().max(1)))
    else {
        return Err(wrong(format!("no bug is kept for exercise {id}")));
    };
    let mut before = Files::new();
    let mut after = Files::new();
    for (path, ..) in desk.course.holes(id) {
        let text = fs::read_to_string(root.join(path));
        let text = text.with_context(|| format!("cannot read {path}"))?;
        let broken = put(&desk.course, path, &text, id, |_, inside| {
            inside.replacen(&mutant.from, &mutant.to, 1)
        })?;
        before.insert(path.to_owned(), text);
        after.insert(path.to_owned(), broken);
    }
    before.insert(BUG.to_owned(), mutant.bug.clone());
    write(&file(root), &pack::encode(&before))?;
    for (path, text) in &after {
        write(&root.join(path), text)?;
    }
    println!("Exercise {id} now holds our solution, with a bug. Find it without reading the code:");
    let step = desk.course.holes(id);
    let package = step.first().and_then(|hole| hole.0.split('/').next());
    let package = package.unwrap_or("step01_device");
    println!(
        "  cargo run -p {package}            the scene and its log; --hexdump shows the bytes"
    );
    println!("  cargo xtask check {id}             what its tests see");
    println!("  cargo xtask mend                  says what it was, and brings your code back");
    Ok(())
}

/// Takes the bug out, and says what it was.
///
/// # Errors
/// None is planted.
pub fn mend(desk: &Desk) -> Result<()> {
    desk.only_for_students("mend")?;
    let root = &desk.workspace.root;
    let Ok(text) = fs::read_to_string(file(root)) else {
        return Err(wrong("no bug is planted: cargo xtask break 3.1".to_owned()));
    };
    let mut before = pack::decode(&text)?;
    let bug = before.remove(BUG).unwrap_or_default();
    for (path, text) in &before {
        write(&root.join(path), text)?;
    }
    fs::remove_file(file(root)).with_context(|| format!("cannot remove {FILE}"))?;
    println!("The bug was: {bug}\nYour code is back.");
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
