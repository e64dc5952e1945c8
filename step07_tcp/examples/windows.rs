//! Windows and small segments, as they are on the Internet of today. First
//! four octets are written one by one: Nagle's algorithm and the delayed
//! acknowledgment hold them back, until the user switches the former off. Then
//! a program does not read for three seconds: the window closes, and is probed.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use step07_tcp::cli;
use step07_tcp::config::Config;
use step07_tcp::scene::{self, Scene};
use step07_tcp::tcp_stream::TcpStream;
use step07_tcp::wire::Faults;

/// How long a frame is under way.
const DELAY: Duration = Duration::from_millis(10);
/// How much a host keeps for a program that does not read.
const BUFFER: usize = 4_000;

/// Writes one octet each millisecond.
fn write_slowly(scene: &mut Scene, mut client: &TcpStream, text: &[u8]) -> Result<()> {
    for octet in text {
        client.write_all(&[*octet])?;
        scene.run(Duration::from_millis(1));
    }
    scene.run(Duration::from_millis(200));
    Ok(())
}

fn main() -> ExitCode {
    cli::scene(
        "windows",
        "Nagle, delays, and a window that closes.",
        |env| {
            // ANCHOR: config
            let config = Config {
                receive_buffer: BUFFER,
                receive_buffer_limit: BUFFER,
                window_scaling: false,
                timestamps: false,
                sack: false,
                ..Config::default()
            };
            // ANCHOR_END: config
            let mut scene = Scene::new(env, &config)?;
            scene.wire.set_faults(Faults {
                delay: DELAY,
                ..Faults::default()
            });
            let server = scene::passive_open(&scene.a, 7)?;
            let mut client = scene::connect(&scene.b, "192.0.2.2:7")?;
            scene.run(Duration::from_secs(1));

            write_slowly(&mut scene, &client, b"abcd")?;
            client.set_nodelay(true)?;
            write_slowly(&mut scene, &client, b"efgh")?;
            println!("read: {}", scene::read_text(&server)?);

            scene.run(Duration::from_millis(500));
            client.write_all(&[b'x'; 2 * BUFFER])?;
            scene.run(Duration::from_secs(3));
            let mut sum = 0;
            scene.run_with(Duration::from_secs(2), || {
                sum += scene::read_text(&server)?.len();
                Ok(())
            })?;
            println!("read: {sum} octets");

            server.abort();
            scene.run(Duration::from_secs(1));
            drop((client, server));
            scene.close();
            let counters = &scene.b.tcp.counters;
            println!("probes: {}", counters.window_probes.get());
            scene.draw();
            Ok(())
        },
    )
}
