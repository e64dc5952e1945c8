//! The original's TCP server: sends back what it receives, to any number of
//! clients at once, until Ctrl+C.

use std::io::{self, Read, Write};
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use anyhow::Result;
use log::{info, warn};
use step07_tcp::cli::{self, Cli, usage};
use step07_tcp::env::Env;
use step07_tcp::event;
use step07_tcp::hexdump;
use step07_tcp::host::Host;
use step07_tcp::serve::{config, device_option, open_device, options};
use step07_tcp::signal::OnCtrlC;
use step07_tcp::tcp_listener::TcpListener;
use step07_tcp::tcp_stream::TcpStream;

fn main() -> ExitCode {
    cli::main(run)
}

fn run() -> Result<ExitCode> {
    let env = Env::system();
    let cli = Cli::new(
        "tcps",
        "A TCP server that sends back what it receives.",
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

    // Ctrl+C raises an event; the main loop then interrupts who sleeps.
    let (raise, mut subscribers) = event::event(&env);
    let tcp = Arc::clone(&host.tcp);
    subscribers.subscribe(move || tcp.close());
    net.add_source(OnCtrlC::new(move || raise.raise())?);
    net.add_source(subscribers);

    let listener = TcpListener::bind(&host.tcp, (addr, port));
    let listener =
        listener.map_err(|error| usage(format!("cannot serve on {addr}:{port}: {error}")))?;
    let running = net.spawn()?;
    info!("serving on {}; Ctrl+C ends it", listener.local_addr()?);
    thread::scope(|scope| -> Result<()> {
        loop {
            match listener.accept() {
                Ok((stream, peer)) => {
                    info!("connection accepted, peer={peer}");
                    let serve = move || {
                        if let Err(error) = echo(&stream) {
                            warn!("{peer}: {error}");
                        }
                        info!("connection closed, peer={peer}");
                    };
                    thread::Builder::new().spawn_scoped(scope, serve)?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    })?;
    drop(listener);
    running.shutdown()?;
    print!("{}", host.counters());
    Ok(ExitCode::SUCCESS)
}

fn echo(mut stream: &TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let len = stream.read(&mut buffer)?;
        let data = &buffer[..len];
        if data.is_empty() {
            return Ok(());
        }
        info!("{len} bytes received\n{}", hexdump::table(data));
        stream.write_all(data)?;
    }
}
