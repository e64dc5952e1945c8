//! Guide step 16: time passes. Half a minute after a neighbour was heard last,
//! its hardware address is forgotten.

use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::time::Duration;

use step05_arp::{cli, sample, scene, simulation};

fn main() -> ExitCode {
    cli::scene("guide16_timer", "Guide step 16: timers.", |env| {
        let [(a, mut a_net), (b, mut b_net)] = scene::two_hosts(env)?;
        let (dst, data) = (Ipv4Addr::new(192, 0, 2, 2), &sample::PACKET[28..]);
        b.ping.send(Ipv4Addr::UNSPECIFIED, dst, data)?;
        for span in [1, 30] {
            let span = Duration::from_secs(span);
            simulation::run_for(env, &mut [&mut a_net, &mut b_net], span);
            let known = a.arp.neighbors().into_iter();
            let known: Vec<_> = known.map(|(_, pa, ha)| format!("{pa} at {ha}")).collect();
            println!("{}: a knows {known:?}", env.now());
        }
        a_net.close();
        b_net.close();
        Ok(())
    })
}
