//! The tools of the exercises: `cargo xtask --help`.

mod exercises;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use exercises::Wrong;
use exercises::args::STUDENT;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let wants_help = args.iter().any(|arg| ["--help", "-h"].contains(arg));
    let result = if wants_help { None } else { exercises::args::run(&root(), &args) };
    match result {
        Some(Ok(true)) => ExitCode::SUCCESS,
        Some(Ok(false)) => ExitCode::FAILURE,
        Some(Err(error)) => {
            eprintln!("xtask: {error:#}");
            ExitCode::from(if error.is::<Wrong>() { 2 } else { 1 })
        }
        None => {
            print!("Usage: cargo xtask COMMAND\n\n{STUDENT}");
            ExitCode::from(if wants_help { 0 } else { 2 })
        }
    }
}

/// The workspace. Cargo tells where it is, also if the folder has been moved.
fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR");
    let here = here.map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    here.parent().unwrap_or(Path::new(".")).to_owned()
}
