//! Guide step 0: the groundwork says hello, and shows the bytes of a packet.

use std::process::ExitCode;

use log::{debug, info};
use step01_device::{cli, hexdump, sample};

fn main() -> ExitCode {
    cli::scene("guide00_greeting", "Guide step 0: log and hexdump.", |_| {
        info!("Hello, World!");
        debug!(
            "len={}\n{}",
            sample::PACKET.len(),
            hexdump::table(sample::PACKET)
        );
        Ok(())
    })
}
