//! Interrupt lines that software raises.

use step01_device::device::Devices;
use step01_device::env::Env;
use step01_device::testing::History;

use crate::driver;

#[test]
fn a_line_is_raised_until_it_is_served() {
    let history = History::new();
    let mut devices = Devices::new(&Env::manual(0));
    let (device, _) = driver::add(&mut devices);
    let (other, _) = driver::add(&mut devices);
    history.did("two devices, each with its line");
    history.expect("is the first line raised", device.irq().is_pending(), false);
    device.irq().raise();
    history.did("raise the first line");
    history.expect("is it raised", device.irq().is_pending(), true);
    history.expect(
        "is it still raised, as nobody serves it",
        device.irq().is_pending(),
        true,
    );
    history.expect("is the other one raised", other.irq().is_pending(), false);
    device.irq().clone().raise();
    history.did("raise it again, by a copy of the handle");
    history.expect("is it raised", device.irq().is_pending(), true);
    other.irq().clone().raise();
    history.did("raise the other line by a copy of its handle");
    history.expect("is it raised", other.irq().is_pending(), true);
}
