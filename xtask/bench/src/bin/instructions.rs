//! `cargo run --release -p bench --bin instructions`
//!
//! Instructions per frame under callgrind: unlike times, these are the same at
//! every run, and on a machine that has other things to do. (Needs valgrind.)

#![allow(clippy::unwrap_used, clippy::expect_used)] // it is a measurement: what fails ends it

use std::env;
use std::process::Command;

use bench::memory::World;

/// What is moved in the two runs; the difference leaves out the start.
const OCTETS: [usize; 2] = [2_000_000, 12_000_000];

fn main() {
    if let Some(octets) = env::args().nth(1) {
        let mut world = World::new().unwrap();
        world.connect().unwrap();
        world.transfer(octets.parse().unwrap(), 1).unwrap();
        println!("{}", world.frames());
        return;
    }
    let [short, long] = OCTETS.map(|octets| {
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(env::current_exe().unwrap())
            .arg(octets.to_string())
            .output()
            .expect("valgrind is needed");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let refs = text
            .lines()
            .rev()
            .find(|line| line.contains("Collected : "));
        let refs = refs.expect(&text).rsplit(' ').next().unwrap();
        let frames = String::from_utf8_lossy(&output.stdout).into_owned();
        let number = |text: &str| text.trim().parse::<f64>().unwrap();
        (number(refs), number(&frames))
    });
    let frames = long.1 - short.1;
    println!(
        "{frames:.0} frames more: {:.0} instructions for each, both hosts together",
        (long.0 - short.0) / frames
    );
}
