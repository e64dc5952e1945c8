//! Guide step 1: a device is registered, opened, used and closed.

use std::process::ExitCode;
use std::time::Duration;

use step01_device::device::{Devices, HwAddr};
use step01_device::net::{DropInput, Net};
use step01_device::packet::Packet;
use step01_device::{cli, null, sample};

fn main() -> ExitCode {
    cli::scene(
        "guide01_device",
        "Guide step 1: a device that swallows all it is given.",
        |env| {
            // ANCHOR: root
            let mut devices = Devices::new(env);
            let device = null::init(&mut devices);
            let mut net = Net::new(env, devices, DropInput::default());
            // ANCHOR_END: root

            net.open()?;
            for _ in 0..3 {
                // Nobody turns the crank yet: interrupts are guide step 2.
                device.output(HwAddr::NONE, 0x0800, Packet::new(sample::PACKET))?;
                env.advance(Duration::from_secs(1));
            }
            net.close();
            Ok(())
        },
    )
}
