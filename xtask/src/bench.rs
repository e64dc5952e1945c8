//! All benchmarks, one after the other.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

/// A title, and what Cargo is asked for.
const ALL: [(&str, &str); 5] = [
    (
        "beside smoltcp and the kernel, over a TAP",
        "run --release -q -p bench --",
    ),
    (
        "1 to 10,000 connections, in memory",
        "run --release -q -p bench --bin connections",
    ),
    ("the small pieces", "bench -q -p bench --bench micro"),
    (
        "instructions for each frame, under callgrind",
        "run --release -q -p bench --bin instructions",
    ),
    (
        "what a student pays",
        "run --release -q -p bench --bin pays",
    ),
];

/// Runs all; `args` are those of the first. False if one has failed: the
/// others are run all the same.
pub fn run(root: &Path, args: &[&str]) -> Result<bool> {
    let mut fine = true;
    for (number, (title, cargo)) in ALL.into_iter().enumerate() {
        println!("\n=== {title}");
        let mut command = Command::new("cargo");
        command.current_dir(root).args(cargo.split(' '));
        if number == 0 {
            command.args(args);
        }
        let status = command.status().context("cargo")?;
        if !status.success() {
            println!("{title}: {status}");
            fine = false;
        }
    }
    Ok(fine)
}
