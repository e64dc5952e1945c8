//! What the stack does in a second, beside its peers.
//!
//! `cargo run --release -p bench` measures our stack, smoltcp and the Linux
//! kernel in one run: the same clients of the same kernel talk to each of them
//! in turn, again and again, and the medians are compared. All of it happens in
//! network namespaces of its own.
//!
//! ```text
//!   ours, smoltcp:  kernel 192.0.2.1 ── tap0 ═══ the stack in a process 192.0.2.2
//!   linux:          kernel 192.0.2.1 ── veth ─── veth, another kernel   192.0.2.2
//! ```

mod client;
mod kernel_peer;
mod lab;
mod our_peer;
mod report;
mod scenario;
mod smoltcp_peer;
mod turns;

use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "\
Usage: cargo run --release -p bench [-- [--runs N] [--peers A,B,…] [SCENARIO…]]

  --runs N   how often each is measured (default: 5)
  --peers    of ours, ours-offload, smoltcp, linux, linux-offload (default: all)
  SCENARIO   of in1, in8, out1, out8, echo1, rtt, ping, connect (default: all)
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[String]) -> Result<()> {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        // The parts that it starts of itself, in the namespaces.
        ["inside", rest @ ..] => lab::inside(rest),
        ["peer", "ours"] => our_peer::serve(false),
        ["peer", "ours-offload"] => our_peer::serve(true),
        ["peer", "smoltcp"] => smoltcp_peer::serve(),
        ["peer", "kernel"] => kernel_peer::serve(),
        ["client", scenario] => client::measure(scenario),
        ["--help" | "-h"] => {
            print!("{USAGE}");
            Ok(())
        }
        _ if cfg!(debug_assertions) => bail!("figures of a debug build mean nothing: --release"),
        rest => lab::outside(rest),
    }
}
