//! Guide step 27: active open. Host a connects to host b, whose hardware
//! address it does not know; and its first ARP request is lost. In the original
//! the SYN is lost with it. Here it waits, until the second request is answered.
//! Then a connects to a port where nobody listens.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use step07_tcp::cli;
use step07_tcp::config::Config;
use step07_tcp::rtt::RtoPolicy;
use step07_tcp::scene::{self, Scene};

fn main() -> ExitCode {
    cli::scene(
        "guide27_active_open",
        "Guide step 27: active open.",
        |env| {
            // More patient than ARP: so the one SYN can be seen to wait.
            let config = Config {
                rto: RtoPolicy::Fixed(Duration::from_secs(3)),
                ..Config::simple()
            };
            let mut scene = Scene::new(env, &config)?;
            scene.wire.lose_if(|number, _| number == 0);
            let server = scene::passive_open(&scene.b, 10007)?;
            let mut client = scene::connect(&scene.a, "192.0.2.1:10007")?;
            scene.run(Duration::from_millis(500));
            println!("after 0.5 s: {}", client.state()?);
            scene.run(Duration::from_millis(1500));
            println!("after 2 s: {}", client.state()?);

            client.write_all(b"foo\n")?;
            let second = Duration::from_secs(1);
            scene.run_with(second, || scene::echo(&server).map(drop))?;
            print!("{}", scene::read_text(&client)?);
            client.abort();
            scene.run(Duration::from_secs(1));
            drop((client, server));

            let client = scene::connect(&scene.a, "192.0.2.1:10008")?;
            scene.run(Duration::from_secs(1));
            match client.is_open() {
                Err(error) => println!("port 10008: {error}"),
                Ok(open) => anyhow::bail!("nobody listens, and yet: open={open}"),
            }
            drop(client);
            scene.close();
            scene.draw();
            Ok(())
        },
    )
}
