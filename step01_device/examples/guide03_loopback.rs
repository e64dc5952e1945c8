//! Guide step 3: what goes into the loopback device comes back.

use std::process::ExitCode;
use std::time::Duration;

use step01_device::device::{Devices, HwAddr};
use step01_device::net::{DropInput, Net};
use step01_device::packet::Packet;
use step01_device::{cli, loopback, sample};

fn main() -> ExitCode {
    cli::scene(
        "guide03_loopback",
        "Guide step 3: a device with a queue.",
        |env| {
            // ANCHOR: root
            let mut devices = Devices::new(env);
            let device = loopback::init(&mut devices);
            let mut net = Net::new(env, devices, DropInput::default());
            // ANCHOR_END: root

            net.open()?;
            for _ in 0..3 {
                device.output(HwAddr::NONE, 0x0800, Packet::new(sample::PACKET))?;
                net.step();
                env.advance(Duration::from_secs(1));
            }
            net.close();
            Ok(())
        },
    )
}
