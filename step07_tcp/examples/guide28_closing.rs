//! Guide step 28: closing. Three connections, that end in three ways: the peer
//! closes first; we close first; both at the same moment.

use std::net::Shutdown;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use step07_tcp::cli;
use step07_tcp::config::Config;
use step07_tcp::scene::{self, Scene};
use step07_tcp::tcp_stream::TcpStream;

/// An established connection: our end, at host a, and the peer's.
fn open(scene: &mut Scene) -> Result<[TcpStream; 2]> {
    let server = scene::passive_open(&scene.a, 7)?;
    let client = scene::connect(&scene.b, "192.0.2.2:7")?;
    scene.run(Duration::from_secs(1));
    Ok([server, client])
}

/// What both hosts know of the connection.
fn show(scene: &Scene, what: &str) {
    let states = [&scene.a, &scene.b].map(|host| {
        let all = host.tcp.all();
        all.first()
            .map_or("CLOSED".to_owned(), |status| status.state.to_string())
    });
    println!("{what:>24}: a {:<11}  b {}", states[0], states[1]);
}

fn one_after_the_other(scene: &mut Scene, ends: [TcpStream; 2], names: [&str; 2]) -> Result<()> {
    for (end, name) in ends.into_iter().zip(names) {
        end.shutdown(Shutdown::Write)?;
        scene.run(Duration::from_millis(10));
        show(scene, &format!("{name} has closed"));
        drop(end);
    }
    Ok(())
}

fn time_wait(scene: &mut Scene) {
    scene.run(Duration::from_secs(30));
    show(scene, "30 s later");
    scene.draw();
    println!();
}

fn main() -> ExitCode {
    cli::scene("guide28_closing", "Guide step 28: closing.", |env| {
        let mut scene = Scene::new(env, &Config::simple())?;

        let [a, b] = open(&mut scene)?;
        one_after_the_other(&mut scene, [b, a], ["b", "a"])?;
        time_wait(&mut scene);

        let [a, b] = open(&mut scene)?;
        one_after_the_other(&mut scene, [a, b], ["a", "b"])?;
        time_wait(&mut scene);

        let [a, b] = open(&mut scene)?;
        a.shutdown(Shutdown::Write)?;
        b.shutdown(Shutdown::Write)?;
        show(&scene, "both have closed");
        scene.run(Duration::from_millis(1));
        show(&scene, "1 ms later");
        scene.run(Duration::from_millis(1));
        show(&scene, "2 ms later");
        drop((a, b));
        time_wait(&mut scene);

        scene.close();
        Ok(())
    })
}
