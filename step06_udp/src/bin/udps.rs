//! The original's UDP server: sends back what it receives, until Ctrl+C.

use std::io;
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use log::info;
use step06_udp::cli::{self, Cli, usage};
use step06_udp::env::Env;
use step06_udp::event;
use step06_udp::hexdump;
use step06_udp::host::Host;
use step06_udp::serve::{config, device_option, open_device, options};
use step06_udp::signal::OnCtrlC;
use step06_udp::udp::UdpSocket;

fn main() -> ExitCode {
    cli::main(run)
}

fn run() -> Result<ExitCode> {
    let env = Env::system();
    let cli = Cli::new(
        "udps",
        "A UDP server that sends back what it receives.",
        "debug",
    );
    let cli = options(device_option(cli))
        .positional(
            "ADDR",
            false,
            "the address to serve on (default: all of the host's)",
        )
        .positional("PORT", true, "the port to serve on, such as 7");
    let Some(matches) = cli.start(&env, std::env::args_os().skip(1))? else {
        return Ok(ExitCode::SUCCESS);
    };
    let addr: Ipv4Addr = matches.get("ADDR")?.unwrap_or(Ipv4Addr::UNSPECIFIED);
    let port: u16 = matches.required("PORT")?;
    let config = config(&matches)?;
    let (host, mut net) = Host::new(&env, open_device(&env, &matches)?, &config)?;

    // Ctrl+C raises an event; the main loop then ends the sleep in recv_from.
    // For good: an interruption would be lost on who is just busy.
    let (raise, mut subscribers) = event::event(&env);
    let udp = Arc::clone(&host.udp);
    subscribers.subscribe(move || udp.close());
    net.add_source(OnCtrlC::new(move || raise.raise())?);
    net.add_source(subscribers);

    let socket = UdpSocket::bind(&host.udp, (addr, port));
    let socket =
        socket.map_err(|error| usage(format!("cannot serve on {addr}:{port}: {error}")))?;
    let running = net.spawn()?;
    info!("serving on {}; Ctrl+C ends it", socket.local_addr()?);
    let mut buffer = vec![0; 65_535];
    loop {
        match socket.recv_from(&mut buffer) {
            Ok((len, from)) => {
                let data = &buffer[..len];
                info!("{len} bytes data from {from}\n{}", hexdump::table(data));
                if let Err(error) = socket.send_to(data, from) {
                    info!("{from}: {error}");
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => break,
            Err(error) => return Err(error.into()),
        }
    }
    drop(socket);
    running.shutdown()?;
    print!("{}", host.counters());
    Ok(ExitCode::SUCCESS)
}
