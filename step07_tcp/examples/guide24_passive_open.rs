//! Guide step 24: passive open. Host a waits at port 7 as the RFC's OPEN has it:
//! the control block that listens becomes the connection. At the end Ctrl+C
//! gives it up, and the peer gets a RST.

use std::process::ExitCode;
use std::time::Duration;

use step07_tcp::cli;
use step07_tcp::config::Config;
use step07_tcp::scene::{self, Scene};

fn main() -> ExitCode {
    cli::scene(
        "guide24_passive_open",
        "Guide step 24: passive open.",
        |env| {
            let mut scene = Scene::new(env, &Config::simple())?;
            let server = scene::passive_open(&scene.a, 7)?;
            println!("a: {}", server.state()?);
            scene.run(Duration::from_secs(1));

            let client = scene::connect(&scene.b, "192.0.2.2:7")?;
            println!("b: {}", client.state()?);
            scene.run(Duration::from_secs(1));
            let peer = server.peer_addr()?;
            println!("a: {}, peer {peer}", server.state()?);
            println!("b: {}", client.state()?);

            server.abort();
            scene.run(Duration::from_secs(1));
            match scene::read_text(&client) {
                Err(error) => println!("b: {}, {error}", client.state()?),
                Ok(text) => {
                    anyhow::bail!("the client has not heard of the reset, but read {text:?}")
                }
            }
            drop((client, server));
            scene.close();
            scene.draw();
            Ok(())
        },
    )
}
