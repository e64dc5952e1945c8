//! The original's test program: a host with null, loopback and TAP devices
//! that sends an ICMP echo a second, or nothing, until Ctrl+C.

use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use anyhow::Result;
use log::{info, warn};
use step07_tcp::cli::{self, Cli};
use step07_tcp::env::Env;
use step07_tcp::host::Host;
use step07_tcp::sample;
use step07_tcp::serve::{config, device_option, open_device, options};
use step07_tcp::signal::OnCtrlC;

fn main() -> ExitCode {
    cli::main(run)
}

fn run() -> Result<ExitCode> {
    let env = Env::system();
    let cli = Cli::new("stacktest", "A host that pings DST once a second.", "debug");
    let cli = options(device_option(cli))
        .flag("--noop", "send nothing, only answer")
        .short("-n")
        .positional("DST", false, "whom to ping (default: 192.0.2.1)");
    let Some(matches) = cli.start(&env, std::env::args_os().skip(1))? else {
        return Ok(ExitCode::SUCCESS);
    };
    let dst: Ipv4Addr = matches.get("DST")?.unwrap_or(Ipv4Addr::new(192, 0, 2, 1));
    let noop = matches.is_set("--noop");
    let config = config(&matches)?;
    let (host, mut net) = Host::new(&env, open_device(&env, &matches)?, &config)?;
    let (interrupt, interrupted) = mpsc::channel();
    net.add_source(OnCtrlC::new(move || {
        let _ = interrupt.send(());
    })?);
    let running = net.spawn()?;
    // The text of the guide's sample packet: what follows IP and ICMP header.
    let data = sample::PACKET.get(28..).unwrap_or_default();
    while interrupted.recv_timeout(Duration::from_secs(1)) == Err(RecvTimeoutError::Timeout) {
        while let Some(reply) = host.ping.reply() {
            info!(
                "reply from {}: seq={} time={:?}",
                reply.from, reply.seq, reply.round_trip
            );
        }
        if !noop && let Err(error) = host.ping.send(Ipv4Addr::UNSPECIFIED, dst, data) {
            warn!("{dst}: {error}");
        }
    }
    running.shutdown()?;
    print!("{}", host.counters());
    Ok(ExitCode::SUCCESS)
}
