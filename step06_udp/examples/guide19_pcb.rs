//! Guide step 19: a control block has a port, and a queue for what arrives
//! there. Who sends to a port that nobody has is told so, by ICMP.

use std::process::ExitCode;
use std::time::Duration;

use step06_udp::udp::UdpSocket;
use step06_udp::{cli, scene, simulation};

fn main() -> ExitCode {
    cli::scene("guide19_pcb", "Guide step 19: UDP control blocks.", |env| {
        let [(a, mut a_net), (b, mut b_net)] = scene::two_hosts(env)?;
        let server = UdpSocket::bind(&a.udp, "0.0.0.0:7")?;
        let client = UdpSocket::bind(&b.udp, "0.0.0.0:50000")?;
        for to in ["192.0.2.2:7", "192.0.2.2:7", "192.0.2.2:9"] {
            client.send_to(b"hello\n", to)?;
            let second = Duration::from_secs(1);
            simulation::run_for(env, &mut [&mut a_net, &mut b_net], second);
        }
        for (local, _, waiting) in a.udp.sockets() {
            println!("a: {waiting} octets wait at {local} (256 of them for each datagram's keep)");
        }
        drop((server, client));
        a_net.close();
        b_net.close();
        Ok(())
    })
}
