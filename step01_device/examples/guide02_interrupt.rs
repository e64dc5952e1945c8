//! Guide step 2: the device raises an interrupt, and the main loop serves it.

use std::process::ExitCode;
use std::time::Duration;

use step01_device::device::{Devices, HwAddr};
use step01_device::net::{DropInput, Net};
use step01_device::packet::Packet;
use step01_device::{cli, null, sample};

fn main() -> ExitCode {
    cli::scene(
        "guide02_interrupt",
        "Guide step 2: a device that interrupts.",
        |env| {
            // ANCHOR: root
            let mut devices = Devices::new(env);
            let device = null::init(&mut devices);
            let mut net = Net::new(env, devices, DropInput::default());
            // ANCHOR_END: root

            net.open()?;
            // ANCHOR: crank
            for _ in 0..3 {
                device.output(HwAddr::NONE, 0x0800, Packet::new(sample::PACKET))?;
                net.step();
                env.advance(Duration::from_secs(1));
            }
            // ANCHOR_END: crank
            net.close();
            Ok(())
        },
    )
}
