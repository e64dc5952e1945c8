//! Guide step 20, first program: a server sends back what it receives. Host b
//! sends three lines, as `nc -u 192.0.2.2 7` would.

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use log::info;
use step06_udp::hexdump::table;
use step06_udp::udp::UdpSocket;
use step06_udp::{cli, logger, scene, simulation};

/// Sends back what has arrived.
// ANCHOR: echo
fn echo(socket: &UdpSocket) -> io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        match socket.recv_from(&mut buffer) {
            Ok((len, from)) => {
                let data = &buffer[..len];
                info!(target: "server", "{len} bytes data from {from}\n{}", table(data));
                socket.send_to(data, from)?;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}
// ANCHOR_END: echo

fn main() -> ExitCode {
    cli::scene(
        "guide20_1_echo_server",
        "Guide step 20: a UDP echo server.",
        |env| {
            let [(a, mut a_net), (b, mut b_net)] = scene::two_hosts(env)?;
            let server = UdpSocket::bind(&a.udp, "0.0.0.0:7")?;
            let client = UdpSocket::bind(&b.udp, "0.0.0.0:0")?;
            // Who turns the crank himself must not sleep in a call.
            server.set_nonblocking(true)?;
            client.set_nonblocking(true)?;
            let span = Duration::from_millis(10);
            let mut run = || simulation::run_for(env, &mut [&mut a_net, &mut b_net], span);
            for line in ["foo\n", "bar\n", "baz\n"] {
                client.send_to(line.as_bytes(), "192.0.2.2:7")?;
                run();
                {
                    let _scope = logger::scope(a.udp.ip().env());
                    echo(&server)?;
                }
                run();
                let mut buffer = [0; 1024];
                let len = client.recv(&mut buffer)?;
                print!("{}", String::from_utf8_lossy(&buffer[..len]));
            }
            drop((server, client));
            a_net.close();
            b_net.close();
            Ok(())
        },
    )
}
