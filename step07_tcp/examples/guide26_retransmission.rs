//! Guide step 26: retransmission. The wire loses the second line twice: it is
//! sent again after 200 ms, and after 400 ms more. Then it loses the
//! acknowledgment of the third line, which for the sender is the same; the
//! receiver gets that line twice, and keeps it once.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use step07_tcp::cli;
use step07_tcp::config::Config;
use step07_tcp::scene::{self, Scene};

/// Decides frame by frame what is lost.
fn losses() -> impl FnMut(u64, &[u8]) -> bool {
    let (mut seconds, mut thirds, mut acknowledgment) = (0, 0, false);
    move |_, frame| {
        let carries = |text: &[u8]| frame.windows(text.len()).any(|part| part == text);
        // The frame after the third line is its acknowledgment.
        let lost = std::mem::take(&mut acknowledgment);
        seconds += u32::from(carries(b"second\n"));
        if carries(b"third\n") {
            thirds += 1;
            acknowledgment = thirds == 1;
        }
        lost || carries(b"second\n") && seconds <= 2
    }
}

fn main() -> ExitCode {
    cli::scene(
        "guide26_retransmission",
        "Guide step 26: what is lost is sent again.",
        |env| {
            let mut scene = Scene::new(env, &Config::simple())?;
            scene.wire.lose_if(losses());
            let server = scene::passive_open(&scene.a, 7)?;
            let mut client = scene::connect(&scene.b, "192.0.2.2:7")?;
            scene.run(Duration::from_secs(1));

            for line in ["first\n", "second\n", "third\n"] {
                client.write_all(line.as_bytes())?;
                scene.run(Duration::from_secs(1));
                print!("{}", scene::read_text(&server)?);
            }

            server.abort();
            scene.run(Duration::from_secs(1));
            drop((client, server));
            scene.close();
            let counters = &scene.b.tcp.counters;
            println!("sent again: {}", counters.retransmitted.get());
            scene.draw();
            Ok(())
        },
    )
}
