//! Guide step 20, second program: a client sends lines; its address and its
//! port are chosen for it. Host b prints them, as `nc -u -l 10007` would. (In
//! the original, the first line is lost, as ARP has to ask first.)

use std::process::ExitCode;
use std::time::Duration;

use step06_udp::udp::UdpSocket;
use step06_udp::{cli, scene, simulation};

fn main() -> ExitCode {
    cli::scene("guide20_2_client", "Guide step 20: a UDP client.", |env| {
        let [(a, mut a_net), (b, mut b_net)] = scene::two_hosts(env)?;
        let client = UdpSocket::bind(&a.udp, "0.0.0.0:0")?;
        let server = UdpSocket::bind(&b.udp, "0.0.0.0:10007")?;
        // Who turns the crank himself must not sleep in a call.
        server.set_nonblocking(true)?;
        // ANCHOR: client
        for line in ["foo\n", "bar\n", "baz\n"] {
            client.send_to(line.as_bytes(), "192.0.2.1:10007")?;
            let span = Duration::from_millis(10);
            simulation::run_for(env, &mut [&mut a_net, &mut b_net], span);
            let mut buffer = [0; 1024];
            let (len, from) = server.recv_from(&mut buffer)?;
            print!("{from}: {}", String::from_utf8_lossy(&buffer[..len]));
        }
        // ANCHOR_END: client
        drop((client, server));
        a_net.close();
        b_net.close();
        Ok(())
    })
}
