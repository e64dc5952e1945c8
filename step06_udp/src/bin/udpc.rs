//! The original's UDP client: sends each line of stdin as a datagram, and
//! prints what comes back, until the input ends or Ctrl+C.

use std::io::{self, BufRead, Write};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use log::info;
use step06_udp::cli::{self, Cli, usage};
use step06_udp::env::Env;
use step06_udp::event;
use step06_udp::host::Host;
use step06_udp::serve::{config, device_option, open_device, options};
use step06_udp::signal::OnCtrlC;
use step06_udp::udp::UdpSocket;

/// How long answers to the last line are waited for: long enough for a second
/// question of ARP, if the first was lost.
const LINGER: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    cli::main(run)
}

fn run() -> Result<ExitCode> {
    let env = Env::system();
    let cli = Cli::new(
        "udpc",
        "A UDP client: sends lines, prints what comes back.",
        "debug",
    );
    let cli = options(device_option(cli))
        .option(
            "--source",
            "ADDR",
            None,
            "send from this address of the host's",
        )
        .short("-s")
        .option("--port", "PORT", None, "send from this port")
        .short("-p")
        .positional(
            "ADDR:PORT",
            true,
            "whom to send to, such as 192.0.2.1:10007",
        );
    let Some(matches) = cli.start(&env, std::env::args_os().skip(1))? else {
        return Ok(ExitCode::SUCCESS);
    };
    let source: Ipv4Addr = matches.get("--source")?.unwrap_or(Ipv4Addr::UNSPECIFIED);
    let port: u16 = matches.get("--port")?.unwrap_or(0);
    let server: SocketAddrV4 = matches.required("ADDR:PORT")?;
    if server.port() == 0 {
        return Err(usage(format!(
            "argument ADDR:PORT: '{server}': port 0 is no port"
        )));
    }
    let config = config(&matches)?;
    let (host, mut net) = Host::new(&env, open_device(&env, &matches)?, &config)?;

    let (done, finished) = std::sync::mpsc::channel();
    let (raise, mut subscribers) = event::event(&env);
    let (udp, interrupted) = (Arc::clone(&host.udp), done.clone());
    subscribers.subscribe(move || {
        udp.close();
        let _ = interrupted.send(Ok(Duration::ZERO));
    });
    net.add_source(OnCtrlC::new(move || raise.raise())?);
    net.add_source(subscribers);

    let socket = UdpSocket::bind(&host.udp, (source, port));
    let socket =
        socket.map_err(|error| usage(format!("cannot send from {source}:{port}: {error}")))?;
    let running = net.spawn()?;

    let receiver = {
        let socket = socket.clone();
        thread::spawn(move || receive(&socket))
    };
    let sender = socket.clone();
    // Not joined: it may be blocked in a read of the terminal.
    thread::spawn(move || {
        let _ = done.send(send(&sender, server).map(|()| LINGER));
    });
    let result = finished.recv()?;
    if let Ok(linger) = result {
        thread::sleep(linger);
    }
    host.udp.close();
    let _ = receiver.join();
    running.shutdown()?;
    result.with_context(|| format!("cannot send to {server}"))?;
    Ok(ExitCode::SUCCESS)
}

fn send(socket: &UdpSocket, server: SocketAddrV4) -> io::Result<()> {
    for line in io::stdin().lock().split(b'\n') {
        let mut line = line?;
        line.push(b'\n');
        socket.send_to(&line, server)?;
    }
    Ok(())
}

fn receive(socket: &UdpSocket) {
    let mut buffer = vec![0; 65_535];
    while let Ok((len, from)) = socket.recv_from(&mut buffer) {
        info!("{len} bytes data from {from}");
        let mut out = io::stdout().lock();
        let _ = out.write_all(&buffer[..len]).and_then(|()| out.flush());
    }
}
