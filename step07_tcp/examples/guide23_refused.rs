//! Guide step 23: control blocks, and segments out. Nobody listens here, so the
//! first thing that TCP learns to say is no: RST.

use std::process::ExitCode;
use std::time::Duration;

use step07_tcp::cli;
use step07_tcp::config::Config;
use step07_tcp::scene::{self, Scene};

fn main() -> ExitCode {
    cli::scene("guide23_refused", "Guide step 23: nobody listens.", |env| {
        let mut scene = Scene::new(env, &Config::simple())?;
        let client = scene::connect(&scene.b, "192.0.2.2:7")?;
        println!("the client is in {}", client.state()?);
        scene.run(Duration::from_secs(1));
        match client.is_open() {
            Err(error) => println!("the client hears: {error}"),
            Ok(open) => anyhow::bail!("nobody listens, and yet: open={open}"),
        }
        println!("the client is in {}", client.state()?);
        drop(client);
        scene.close();
        scene.draw();
        Ok(())
    })
}
