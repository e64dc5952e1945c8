//! The original's TCP client: sends stdin, and prints what comes back, until
//! the peer closes or Ctrl+C.

use std::io::{self, IsTerminal, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddrV4};
use std::process::ExitCode;
use std::sync::{Arc, mpsc};
use std::thread;

use anyhow::Result;
use log::info;
use step07_tcp::cli::{self, Cli, usage};
use step07_tcp::env::Env;
use step07_tcp::event;
use step07_tcp::host::Host;
use step07_tcp::serve::{config, device_option, open_device, options};
use step07_tcp::signal::OnCtrlC;
use step07_tcp::tcp_listener::{open_rfc793, wait_established};
use step07_tcp::tcp_stream::TcpStream;

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
    if server.port() == 0 {
        return Err(usage(format!(
            "argument ADDR:PORT: '{server}': port 0 is no port"
        )));
    }
    let config = config(&matches)?;
    let (host, mut net) = Host::new(&env, open_device(&env, &matches)?, &config)?;

    let (done, sent) = mpsc::channel();
    let (raise, mut subscribers) = event::event(&env);
    let (tcp, interrupted) = (Arc::clone(&host.tcp), done.clone());
    subscribers.subscribe(move || {
        tcp.close();
        let _ = interrupted.send(Err(io::ErrorKind::Interrupted.into()));
    });
    net.add_source(OnCtrlC::new(move || raise.raise())?);
    net.add_source(subscribers);
    let running = net.spawn()?;

    let local = SocketAddrV4::new(source, port);
    // As the original does it: with the OPEN of RFC 793.
    let opened = open_rfc793(&host.tcp, local, Some(server), true)
        .and_then(|stream| wait_established(&stream).map(|_| stream));
    let stream = match opened {
        Ok(stream) => stream,
        Err(error) => {
            running.shutdown()?;
            return failed(error, local, server);
        }
    };
    info!("connection established, peer={server}");
    let sender = stream.clone();
    // Not joined: it may be blocked in a read of the terminal.
    thread::spawn(move || {
        let _ = done.send(send(&sender));
    });
    let mut result = receive(&stream);
    // A peer that has closed its side may still listen. Whoever sits at a
    // terminal sees the end, and does not want to type one as well.
    if result.is_ok() && !io::stdin().is_terminal() {
        result = sent.recv()?;
    }
    // The sender's handle ends with the process: close by hand, and let the
    // peer know before the device goes down.
    if result.is_ok() && stream.shutdown(Shutdown::Both).is_ok() {
        result = stream.wait_flushed(None);
    }
    running.shutdown()?;
    match result {
        Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error.into()),
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// Why there is no connection, and whose fault that is.
fn failed(error: io::Error, local: SocketAddrV4, server: SocketAddrV4) -> Result<ExitCode> {
    use io::ErrorKind::{AddrInUse, AddrNotAvailable, Interrupted};
    match error.kind() {
        Interrupted => Ok(ExitCode::SUCCESS),
        AddrInUse | AddrNotAvailable => Err(usage(format!("cannot connect from {local}: {error}"))),
        _ => Err(anyhow::Error::new(error).context(format!("cannot connect to {server}"))),
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
