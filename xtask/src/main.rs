//! Chores of this workspace.
//!
//! `cargo xtask student` cuts a workspace with holes out of the finished
//! crates; in it, `check`, `hint` and the like are a student's tools.
//!
//! `cargo xtask book` asks whether the book is true. mdBook checks nothing by
//! itself: a missing anchor renders as an empty block, a dead link is silent.
//! So every listing, log and link is looked up here, every command is run, and
//! the book is built.
//!
//! `cargo xtask browser` asks whether it can be read: it looks at every page
//! in a real browser.

mod added;
mod anchors;
mod api;
mod bench;
mod book;
mod browser;
mod cheat_sheet;
mod claims;
mod conformance;
mod console;
mod diff;
mod excerpts;
mod exercises;
mod fences;
mod generated;
mod guide;
mod html;
mod includes;
mod links;
mod log_lines;
mod mdbook;
mod moments;
mod original;
mod packet;
mod paths;
mod plot;
mod rfcs;
mod runs;
mod shell;
mod skip;
mod statements;
mod tcp_options;
mod time_machine;
mod unsafe_code;
mod words;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use exercises::Wrong;
use exercises::args::{AUTHOR, STUDENT, TEACHER};

const BOOK: &str = "\
  book [--write]           checks the book against the code, builds it, checks what
                           was built; --write first makes anew what is generated
  browser [--pictures DIR] builds the book and looks at its pages in a headless
                           Chromium; with pictures of some
  words                    how many words, blocks and minutes each page has
  bench [--runs N]         all benchmarks, one after the other: some ten minutes
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    if args.is_empty() || args.iter().any(|arg| ["--help", "-h"].contains(arg)) {
        print!("{}", usage());
        return ExitCode::from(if args.is_empty() { 2 } else { 0 });
    }
    let root = root();
    let result = match args.as_slice() {
        ["book"] => book::run(&root, false),
        ["book", "--write"] => book::run(&root, true),
        ["words"] => words::run(&root),
        ["bench", args @ ..] => bench::run(&root, args),
        ["browser"] => browser::run(&root, None),
        ["browser", "--pictures", folder] => browser::run(&root, Some(Path::new(folder))),
        _ => exercises::args::run(&root, &args).unwrap_or_else(|| {
            eprint!("{}", usage());
            std::process::exit(2);
        }),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::from(if error.is::<Wrong>() { 2 } else { 1 })
        }
    }
}

fn usage() -> String {
    format!(
        "Usage: cargo xtask COMMAND\n\nFor students:\n{STUDENT}\n\
         For teachers, in the finished workspace:\n{TEACHER}\nFor authors:\n{AUTHOR}{BOOK}"
    )
}

/// The workspace. Cargo tells where it is, also if the folder has been moved.
fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR");
    let here = here.map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    here.parent().unwrap_or(Path::new(".")).to_owned()
}
