//! Guide step 25: data both ways. Host b sends two lines, host a sends them
//! back. Every segment is acknowledged at once, as in the guide.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use step07_tcp::cli;
use step07_tcp::config::Config;
use step07_tcp::scene::{self, Scene};

fn main() -> ExitCode {
    cli::scene("guide25_data", "Guide step 25: an echo server.", |env| {
        let mut scene = Scene::new(env, &Config::simple())?;
        let server = scene::passive_open(&scene.a, 7)?;
        let mut client = scene::connect(&scene.b, "192.0.2.2:7")?;
        scene.run(Duration::from_secs(1));

        for line in ["foo\n", "bar\n"] {
            client.write_all(line.as_bytes())?;
            let second = Duration::from_secs(1);
            scene.run_with(second, || scene::echo(&server).map(drop))?;
            print!("{}", scene::read_text(&client)?);
        }

        server.abort();
        scene.run(Duration::from_secs(1));
        drop((client, server));
        scene.close();
        scene.draw();
        Ok(())
    })
}
