//! The scene of step 01: a null device and a loopback device, and what
//! becomes of a packet that is sent through each.

use std::process::ExitCode;
use std::time::Duration;

use step01_device::device::{Devices, HwAddr};
use step01_device::net::{DropInput, Net};
use step01_device::packet::Packet;
use step01_device::{cli, counters, loopback, null, sample};

fn main() -> ExitCode {
    cli::scene(
        "step01_device",
        "Two devices without hardware, and the loop that serves them.",
        |env| {
            // ANCHOR: root
            let mut devices = Devices::new(env);
            let null = null::init(&mut devices);
            let loopback = loopback::init(&mut devices);
            let input = DropInput::default();
            let input_counters = input.counters.clone();
            let mut net = Net::new(env, devices, input);
            // ANCHOR_END: root

            net.open()?;
            for device in [&null, &loopback] {
                env.advance(Duration::from_secs(1));
                device.output(HwAddr::NONE, 0x0800, Packet::new(sample::PACKET))?;
                net.step();
            }
            net.close();
            print!(
                "{}",
                counters::table(&[
                    (null.name(), &null.counters),
                    (loopback.name(), &loopback.counters),
                    ("input", &*input_counters),
                ])
            );
            Ok(())
        },
    )
}
