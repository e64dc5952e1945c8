//! The original's TCP client: sends stdin, and prints what comes back, until
//! the peer closes or Ctrl+C.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddrV4};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use log::{error, info};
use step07_tcp::cli::{self, Cli};
use step07_tcp::env::Env;
use step07_tcp::event;
use step07_tcp::host::Host;
use step07_tcp::serve::{config, device_option, open_device, options};
use step07_tcp::signal::OnCtrlC;
use step07_tcp::tcp_listener::{open_rfc793, wait_established};
use step07_tcp::tcp_stream::TcpStream;

/// How long the peer has to acknowledge the end.
const LINGER: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    cli::main(run)
}

fn run() -> Result<ExitCode> {
    let env = Env::system();
    let cli = Cli::new(
        "tcpc",
        "A TCP client: sends its input, prints what comes back.",
        "debug",
    );
    let cli = options(device_option(cli))
        .option(
            "--source",
            "ADDR",
            None,
            "connect from this address of the host's",
        )
        .short("-s")
        .option("--port", "PORT", None, "connect from this port")
        .short("-p")
        .positional(
            "ADDR:PORT",
            true,
            "whom to connect to, such as 192.0.2.1:10007",
        );
    let Some(matches) = cli.start(&env, std::env::args_os().skip(1))? else {
        return Ok(ExitCode::SUCCESS);
    };
    let source: Ipv4Addr = matches.get("--source")?.unwrap_or(Ipv4Addr::UNSPECIFIED);
    let port: u16 = matches.get("--port")?.unwrap_or(0);
    let server: SocketAddrV4 = matches.required("ADDR:PORT")?;
    let (host, mut net) = Host::new(&env, open_device(&env, &matches)?, &config(&matches)?)?;

    let (raise, mut subscribers) = event::event(&env);
    let tcp = Arc::clone(&host.tcp);
    subscribers.subscribe(move || tcp.close());
    net.add_source(OnCtrlC::new(move || raise.raise())?);
    net.add_source(subscribers);
    let running = net.spawn()?;

    let local = SocketAddrV4::new(source, port);
    let stream = open_rfc793(&host.tcp, local, Some(server), true)
        .and_then(|stream| wait_established(&stream).map(|_| stream))
        .with_context(|| format!("cannot connect to {server}"))?;
    info!("connection established, peer={server}");
    let sender = stream.clone();
    // Not joined: it may be blocked in a read of the terminal.
    thread::spawn(move || {
        if let Err(error) = send(&sender) {
            error!("{server}: {error}");
        }
    });
    let received = receive(&stream);
    // The sender's handle ends with the process: close by hand, and let the
    // peer know before the device goes down.
    if stream.shutdown(Shutdown::Both).is_ok() {
        let _ = stream.wait_flushed(Some(LINGER));
    }
    running.shutdown()?;
    match received {
        Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error.into()),
        _ => Ok(ExitCode::SUCCESS),
    }
}

fn send(mut stream: &TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let len = io::stdin().lock().read(&mut buffer)?;
        if len == 0 {
            return stream.shutdown(Shutdown::Write);
        }
        stream.write_all(&buffer[..len])?;
    }
}

fn receive(mut stream: &TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let len = stream.read(&mut buffer)?;
        if len == 0 {
            return Ok(());
        }
        info!("{len} bytes received");
        let mut out = io::stdout().lock();
        out.write_all(&buffer[..len]).and_then(|()| out.flush())?;
    }
}
