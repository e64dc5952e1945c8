//! Beyond the guide: a listening socket makes a connection of each request, up
//! to its backlog; and two hosts that connect to each other at the same moment
//! get one connection, not two.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use step07_tcp::cli;
use step07_tcp::config::Config;
use step07_tcp::scene::{self, Scene};
use step07_tcp::tcp_listener::{TcpListener, open_rfc793};

/// Three clients, and room for two: the SYN of the third is dropped, until
/// somebody has been accepted.
fn backlog(scene: &mut Scene) -> Result<()> {
    let listener = TcpListener::bind_with_backlog(&scene.a.tcp, "0.0.0.0:7", 2)?;
    listener.set_nonblocking(true)?;
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(scene::connect(&scene.b, "192.0.2.2:7")?);
        scene.run(Duration::from_millis(10));
    }
    scene.run(Duration::from_millis(70));
    for client in &clients {
        println!("{}: {}", client.local_addr()?, client.state()?);
    }
    let (first, peer) = listener.accept()?;
    println!("accepted {peer}");
    scene.run(Duration::from_millis(900));
    let (second, peer) = listener.accept()?;
    println!("accepted {peer}");
    let (third, peer) = listener.accept()?;
    println!("accepted {peer}");
    for stream in [first, second, third] {
        stream.abort();
    }
    drop(listener);
    scene.run(Duration::from_secs(1));
    scene.draw();
    Ok(())
}

/// Both sides open actively; their SYNs cross on the wire.
fn simultaneous_open(scene: &mut Scene) -> Result<()> {
    let (a, b) = ("192.0.2.2:1000".parse()?, "192.0.2.1:2000".parse()?);
    let a_end = open_rfc793(&scene.a.tcp, a, Some(b), true)?;
    let b_end = open_rfc793(&scene.b.tcp, b, Some(a), true)?;
    for _ in 0..4 {
        println!("a {:<12}  b {}", a_end.state()?, b_end.state()?);
        scene.run(Duration::from_millis(1));
    }
    a_end.abort();
    scene.run(Duration::from_secs(1));
    scene.draw();
    Ok(())
}

fn main() -> ExitCode {
    cli::scene(
        "guide29_sockets",
        "Beyond the guide: a backlog, and a simultaneous open.",
        |env| {
            let mut scene = Scene::new(env, &Config::simple())?;
            backlog(&mut scene)?;
            println!();
            simultaneous_open(&mut scene)?;
            scene.close();
            Ok(())
        },
    )
}
