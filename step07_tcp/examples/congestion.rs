//! Congestion control, measured: one host sends six megabytes to another,
//! 20 ms away, and the wire loses what this program chooses. What the sender
//! measures goes to stdout as a table, which the book draws.
//!
//! One segment is lost first, and found by what arrives behind it. Later the
//! wire is cut for half a second, so that nothing arrives at all.

use std::io::{self, Read, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use step07_tcp::cli::{self, Cli};
use step07_tcp::config::Config;
use step07_tcp::env::Env;
use step07_tcp::net::Source;
use step07_tcp::scene::{self, Scene};
use step07_tcp::tcp_listener::TcpListener;
use step07_tcp::time::Time;
use step07_tcp::trace::Trace;
use step07_tcp::wire::Faults;

/// How much is sent, in octets.
const TOTAL: usize = 6_000_000;
/// How long a frame is under way.
const DELAY: Duration = Duration::from_millis(20);
/// Which of the long frames is lost.
const LOST: u32 = 300;
/// When the wire is cut, and when it is whole again.
const CUT: [Duration; 2] = [Duration::from_millis(1400), Duration::from_millis(1900)];

fn main() -> ExitCode {
    cli::main(|| {
        let env = Env::manual(0);
        let about = "Six megabytes over a wire that loses some: what TCP measures, as CSV.";
        let cli = Cli::new("congestion", about, "warn");
        if cli.start(&env, std::env::args_os().skip(1))?.is_some() {
            transfer(&env)?;
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn transfer(env: &Arc<Env>) -> Result<()> {
    let mut scene = Scene::new(env, &Config::default())?;
    scene.wire.set_faults(Faults {
        delay: DELAY,
        ..Faults::default()
    });
    let (clock, mut count) = (Arc::clone(env), 0);
    scene.wire.lose_if(move |_, frame| {
        count += u32::from(frame.len() > 1000);
        let now = clock.now().since(Time::ZERO);
        frame.len() > 1000 && count == LOST || CUT[0] <= now && now < CUT[1]
    });

    let listener = TcpListener::bind(&scene.b.tcp, "0.0.0.0:7")?;
    listener.set_nonblocking(true)?;
    let mut client = scene::connect(&scene.a, "192.0.2.1:7")?;
    let mut trace = Trace::new(&scene.a.tcp, io::stdout())?;
    scene.run(Duration::from_millis(200));
    let (mut server, _) = listener.accept()?;
    server.set_nonblocking(true)?;

    let (data, mut buffer) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    let (mut sent, mut received) = (0, 0);
    let clock = Arc::clone(env);
    scene.run_with(Duration::from_secs(6), || {
        while sent < TOTAL {
            match client.write(&data[..data.len().min(TOTAL - sent)]) {
                Ok(len) => sent += len,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        loop {
            match server.read(&mut buffer) {
                Ok(len) => received += len,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        if trace
            .deadline()
            .is_some_and(|deadline| deadline <= clock.now())
        {
            trace.service(clock.now());
        }
        Ok(())
    })?;
    // What the book says about the picture.
    let counters = &scene.a.tcp.counters;
    ensure!(received == TOTAL, "only {received} octets have arrived");
    ensure!(
        counters.fast_retransmissions.get() > 0,
        "no fast retransmission"
    );
    ensure!(counters.timeouts.get() > 0, "no timeout");
    scene.close();
    Ok(())
}
