//! The programs of a step: the scene, and a host in the real world.
//!
//! `stepNN` plays the chapter's scene in memory; `stepNN serve` is a host on a
//! device that exists; `stepNN lab` makes a private network with such a host
//! in it (see [`lab`]). What differs from step to step is what the
//! host serves: that is the [`Server`].

use std::ffi::OsString;
use std::net::Ipv4Addr;
use std::num::NonZeroU8;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use log::info;

use crate::cli::{self, Cli, Matches, usage};
use crate::env::Env;
use crate::ethernet::MacAddr;
use crate::frame::{self, Capture, DeviceName, FrameIo, Kind};
use crate::host::Config;
use crate::ip::Cidr;
use crate::scene::{Recording, pcap_option};
use crate::signal::CtrlC;
use crate::tap::Tap;
use crate::{lab, sys};

/// A host that serves, until it is stopped.
pub trait Server: Sized {
    /// The program's name.
    const NAME: &'static str;
    /// What it serves, in a line.
    const ABOUT: &'static str;

    /// Adds the options that only this step has, to `serve` and `lab`.
    fn options(cli: Cli) -> Cli {
        cli
    }

    /// Plays the step's scene on a manual clock; what crosses its wire goes
    /// into `recording`.
    ///
    /// # Errors
    /// The scene does not go as it should.
    fn scene(env: &Arc<Env>, recording: &mut Recording) -> Result<()>;

    /// Starts the host. What `options` has added is found in `matches`.
    ///
    /// # Errors
    /// What keeps it from starting.
    fn start(
        env: &Arc<Env>,
        frames: Box<dyn FrameIo>,
        config: &Config,
        matches: &Matches,
    ) -> Result<Self>;

    /// Stops it in good order, and returns the table of its counters.
    ///
    /// # Errors
    /// Something has gone wrong meanwhile.
    fn stop(self) -> Result<String>;
}

/// The `main` of a step's program.
pub fn main<S: Server>() -> ExitCode {
    cli::main(|| {
        let args: Vec<OsString> = std::env::args_os().skip(1).collect();
        match args.first().and_then(|arg| arg.to_str()) {
            Some("serve") => serve::<S>(args.into_iter().skip(1)),
            Some("lab") => lab::run::<S>(args.into_iter().skip(1)),
            _ => scene::<S>(args),
        }
    })
}

fn scene<S: Server>(args: Vec<OsString>) -> Result<ExitCode> {
    let env = Env::manual(0);
    let about = "Plays the scene of this step, in memory and on a manual clock.\n\n\
        Subcommands (each has its own --help):\n  \
        serve  a host on a device that exists\n  \
        lab    a private network with such a host in it, without root";
    let cli = pcap_option(Cli::new(S::NAME, about, "debug"));
    if let Some(matches) = cli.start(&env, args)? {
        S::scene(&env, &mut Recording::new(&matches)?)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The options that `serve`, `lab` and the applications have in common.
pub fn options(cli: Cli) -> Cli {
    cli.option(
        "--mac",
        "MAC",
        Some("00:00:5e:00:53:01"),
        "the host's hardware address",
    )
    .option(
        "--addr",
        "ADDR/PREFIX",
        Some("192.0.2.2/24"),
        "the host's address and network",
    )
    .option(
        "--gateway",
        "ADDR",
        None,
        "who takes what is for other networks",
    )
    .option(
        "--ttl",
        "HOPS",
        Some("64"),
        "time to live of what the host sends, 1 to 255",
    )
    .flag(
        OFFLOAD,
        "leave checksums, and the cutting of TCP into segments, to the other end of a TAP",
    )
    .option(
        "--pcap",
        "FILE",
        None,
        "write what crosses the device, for Wireshark",
    )
}

/// Name of the option by which a TAP is opened with offloading.
pub(crate) const OFFLOAD: &str = "--offload";

/// The option that says which device.
pub fn device_option(cli: Cli) -> Cli {
    let help = "a TAP device, or another interface (by PF_PACKET)";
    cli.option("--device", "NAME", Some("tap0"), help)
}

/// What [`options`] say about the host.
///
/// # Errors
/// The user's mistakes.
pub fn config(matches: &Matches) -> Result<Config> {
    let mac: MacAddr = matches.required("--mac")?;
    if mac.is_group() || mac == MacAddr::ANY {
        return Err(usage(format!(
            "option --mac: '{mac}': names no single station"
        )));
    }
    let addr: Cidr = matches.required("--addr")?;
    let host = addr.addr();
    if host.is_unspecified() || host.is_multicast() || host.is_broadcast() || host.is_loopback() {
        return Err(usage(format!(
            "option --addr: '{addr}': names no host on a network"
        )));
    }
    let gateway: Option<Ipv4Addr> = matches.get("--gateway")?;
    if let Some(gateway) = gateway.filter(|gateway| !addr.contains(*gateway)) {
        return Err(usage(format!(
            "option --gateway: '{gateway}': not in the network of {addr}"
        )));
    }
    let ttl: String = matches.required("--ttl")?;
    let ttl: NonZeroU8 = ttl
        .parse()
        .map_err(|_| usage(format!("option --ttl: '{ttl}': not 1 to 255")))?;
    Ok(Config {
        mac,
        addr,
        gateway,
        ttl,
    })
}

/// `frames`, with a capture of what crosses it, if the user wants one.
///
/// # Errors
/// The file cannot be written.
pub fn capture(
    env: &Arc<Env>,
    matches: &Matches,
    frames: Box<dyn FrameIo>,
) -> Result<Box<dyn FrameIo>> {
    let Some(path) = matches.get::<PathBuf>("--pcap")? else {
        return Ok(frames);
    };
    let capture = Capture::create(frames, &path, env);
    Ok(Box::new(capture.map_err(|error| {
        usage(format!("option --pcap: '{}': {error}", path.display()))
    })?))
}

/// The device that `--device` names, with a capture if there is to be one.
///
/// # Errors
/// The user's mistakes; the device cannot be used.
pub fn open_device(env: &Arc<Env>, matches: &Matches) -> Result<Box<dyn FrameIo>> {
    let name = matches.required::<DeviceName>("--device")?;
    let name = name.as_str();
    if !sys::interface_exists(name) {
        let mut message = format!("option --device: '{name}': no such interface");
        if let Ok(config) = config(matches) {
            let how = crate::namespace::sudo_instructions(
                name,
                Ipv4Addr::new(192, 0, 2, 1),
                config.addr.prefix(),
            );
            let how = how.replace('\n', " && ");
            message = format!("{message}; a TAP is made by: {how}");
        }
        return Err(usage(message));
    }
    if !matches.is_set(OFFLOAD) {
        return capture(env, matches, frame::open_device(name)?);
    }
    if frame::kind(name)? != Some(Kind::Tap) {
        return Err(usage(format!("option {OFFLOAD}: '{name}' is not a TAP")));
    }
    capture(env, matches, Box::new(Tap::open_offloading(name)?))
}

fn serve<S: Server>(args: impl Iterator<Item = OsString>) -> Result<ExitCode> {
    let env = Env::system();
    let about = "A host on a device that exists, until Ctrl+C.";
    let cli = Cli::new(format!("{} serve", S::NAME), about, "info");
    let Some(matches) = S::options(options(device_option(cli))).start(&env, args)? else {
        println!("\nServes: {}", S::ABOUT);
        return Ok(ExitCode::SUCCESS);
    };
    let config = config(&matches)?;
    let frames = open_device(&env, &matches)?;
    let ctrl_c = CtrlC::new().context("cannot wait for Ctrl+C")?;
    let server = S::start(&env, frames, &config, &matches)?;
    info!(target: "serve", "{} at {}; Ctrl+C ends it", S::NAME, config.addr);
    ctrl_c.wait()?;
    info!(target: "serve", "stopping");
    print!("{}", server.stop()?);
    Ok(ExitCode::SUCCESS)
}
