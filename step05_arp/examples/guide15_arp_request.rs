//! Guide step 15: we ping the neighbour, whose hardware address we do not know
//! yet. ARP asks for it, and the first echo waits for the answer. (In the
//! original it is lost, and only the second one is answered.)

use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::time::Duration;

use step05_arp::{cli, sample, scene, simulation};

fn main() -> ExitCode {
    cli::scene(
        "guide15_arp_request",
        "Guide step 15: ARP requests.",
        |env| {
            let [(a, mut a_net), (_b, mut b_net)] = scene::two_hosts(env)?;
            let (dst, data) = (Ipv4Addr::new(192, 0, 2, 1), &sample::PACKET[28..]);
            for _ in 0..3 {
                a.ping.send(Ipv4Addr::UNSPECIFIED, dst, data)?;
                let second = Duration::from_secs(1);
                simulation::run_for(env, &mut [&mut a_net, &mut b_net], second);
                while let Some(reply) = a.ping.reply() {
                    println!("seq {} answered by {}", reply.seq, reply.from);
                }
            }
            a_net.close();
            b_net.close();
            Ok(())
        },
    )
}
