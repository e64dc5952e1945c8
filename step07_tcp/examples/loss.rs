//! Beyond the guide: losses that are found without waiting for the timer. The
//! wire takes 20 ms each way. Of ten segments the second and the third are
//! lost; of the next three the last two, behind which nothing arrives that
//! could tell.

use std::io::{Read, Write};
use std::process::ExitCode;
use std::time::Duration;

use step07_tcp::cli;
use step07_tcp::config::Config;
use step07_tcp::congestion::CongestionPolicy;
use step07_tcp::scene::{self, Scene};
use step07_tcp::tcp_listener::TcpListener;
use step07_tcp::wire::Faults;

/// The text of one segment.
const TEXT: usize = 1460;
/// Which of the long frames are lost, in the order in which they are sent.
const LOST: [u32; 4] = [2, 3, 14, 15];

fn main() -> ExitCode {
    let about = "Beyond the guide: losses found by what arrives behind them, and by a probe.";
    cli::scene("loss", about, |env| {
        let config = Config {
            congestion: CongestionPolicy::NewReno,
            timestamps: false,
            ..Config::default()
        };
        let mut scene = Scene::new(env, &config)?;
        scene.wire.set_faults(Faults {
            delay: Duration::from_millis(20),
            ..Faults::default()
        });
        let mut count = 0;
        scene.wire.lose_if(move |_, frame| {
            count += u32::from(frame.len() > 1000);
            frame.len() > 1000 && LOST.contains(&count)
        });
        let listener = TcpListener::bind(&scene.a.tcp, "0.0.0.0:7")?;
        listener.set_nonblocking(true)?;
        let mut client = scene::connect(&scene.b, "192.0.2.2:7")?;
        scene.run(Duration::from_millis(500));
        let (mut server, _) = listener.accept()?;

        for segments in [10, 3] {
            client.write_all(&vec![0; segments * TEXT])?;
            scene.run(Duration::from_secs(1));
            server.read_exact(&mut vec![0; segments * TEXT])?;
            scene.run(Duration::from_secs(1));
        }
        let counters = &scene.b.tcp.counters;
        println!("sent again: {}", counters.retransmitted.get());
        println!("fast: {}", counters.fast_retransmissions.get());
        println!("probes: {}", counters.tail_loss_probes.get());
        println!("timeouts: {}", counters.timeouts.get());
        client.abort();
        scene.run(Duration::from_secs(1));
        scene.close();
        scene.draw();
        Ok(())
    })
}
