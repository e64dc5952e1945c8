//! A private network, without root: a place to try things.
//!
//! ```text
//!   ┌──────────── network namespace ─────────────┐
//!   │  Linux  192.0.2.1 ── tap0 ── 192.0.2.2     │
//!   │  COMMAND or shell            our stack     │
//!   └────────────────────────────────────────────┘
//! ```
//!
//! The namespace belongs to this process and to those that it starts: when the
//! last of them ends, the kernel removes it, and the device with it.

use std::ffi::OsString;
use std::net::Ipv4Addr;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use log::info;

use crate::cli::Cli;
use crate::env::Env;
use crate::serve::{OFFLOAD, Server, capture, config, options};
use crate::signal::CtrlC;
use crate::tap::Tap;
use crate::{namespace, sys};

/// The name of the lab's device.
const DEVICE: &str = "tap0";
/// The kernel's address on it.
const KERNEL: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// The length of the network's prefix.
const PREFIX: u8 = 24;

/// `stepNN lab [-- COMMAND…]`.
///
/// # Errors
/// The system forbids it; the message says what it takes instead.
pub fn run<S: Server>(args: impl Iterator<Item = OsString>) -> Result<ExitCode> {
    let env = Env::system();
    let about =
        "A private network with this step's host in it: runs COMMAND (or a shell) beside it.";
    let cli = Cli::new(format!("{} lab", S::NAME), about, "warn");
    let cli = S::options(options(cli)).trailing(
        "COMMAND…",
        "what to run there; your shell, if there is none",
    );
    let Some(matches) = cli.start(&env, args)? else {
        return Ok(ExitCode::SUCCESS);
    };
    let config = config(&matches)?;
    let tap = private_tap(matches.is_set(OFFLOAD)).with_context(|| {
        let how = namespace::sudo_instructions(DEVICE, KERNEL, PREFIX);
        format!("no lab on this system. This does instead, with 'serve':\n{how}\nThe reason")
    })?;
    let frames = capture(&env, &matches, Box::new(tap))?;
    // Ctrl+C is for the command: it reaches us as well, and we must outlive it.
    let _ctrl_c = CtrlC::new().context("cannot wait for Ctrl+C")?;
    let server = S::start(&env, frames, &config, &matches)?;
    let code = command(matches.trailing(), &config.addr.addr(), S::ABOUT);
    let counters = server.stop()?;
    info!(target: "lab", "stopped\n{counters}");
    code
}

fn private_tap(offload: bool) -> Result<Tap> {
    namespace::enter()?;
    let tap = if offload {
        Tap::open_offloading(DEVICE)?
    } else {
        Tap::open(DEVICE)?
    };
    namespace::configure(DEVICE, KERNEL, PREFIX)?;
    Ok(tap)
}

/// Runs the user's command, and passes its exit status on as a shell does.
fn command(command: &[OsString], stack: &Ipv4Addr, about: &str) -> Result<ExitCode> {
    let shell = std::env::var_os("SHELL").unwrap_or_else(|| "/bin/sh".into());
    let (program, args) = match command {
        [] => {
            eprintln!("lab: Linux is {KERNEL}, the stack is {stack}: {about}");
            eprintln!("lab: try 'ping {stack}'; 'exit' leaves the lab");
            (shell, &[] as &[OsString])
        }
        [program, args @ ..] => (program.clone(), args),
    };
    let mut command = Command::new(&program);
    sys::unblock_signals(command.args(args));
    let status = command.status();
    let status = status.with_context(|| format!("cannot run {program:?}"))?;
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal));
    Ok(ExitCode::from(
        code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1),
    ))
}
