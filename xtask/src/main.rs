//! Chores of this workspace. So far there is one:
//!
//! `cargo xtask book` asks whether the book is true. mdBook checks nothing by
//! itself: a missing anchor renders as an empty block, a dead link is silent.
//! So every listing, log and link is looked up here, and the book is built.

mod added;
mod anchors;
mod api;
mod book;
mod console;
mod diff;
mod excerpts;
mod exercises;
mod fences;
mod generated;
mod html;
mod includes;
mod links;
mod log_lines;
mod mdbook;
mod moments;
mod packet;
mod paths;
mod runs;
mod shell;
mod skip;
mod statements;
mod time_machine;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask book [--write]

  book     checks the book against the code, builds it, checks what was built
  --write  first makes anew what is generated: excerpts, pages, data
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let write = match args.as_slice() {
        ["book"] => false,
        ["book", "--write"] => true,
        ["--help" | "-h"] | ["book", "--help" | "-h"] => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match book::run(&root(), write) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The workspace. Cargo tells where it is, also if the folder has been moved.
fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR");
    let here = here.map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    here.parent().unwrap_or(Path::new(".")).to_owned()
}
