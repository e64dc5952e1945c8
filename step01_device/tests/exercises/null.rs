//! The null device.

use step01_device::device::{Devices, HwAddr};
use step01_device::env::Env;
use step01_device::net::{DropInput, Net};
use step01_device::null;
use step01_device::packet::Packet;
use step01_device::testing::History;

#[test]
fn what_is_sent_is_swallowed_and_raises_the_interrupt() {
    let history = History::new();
    let env = Env::manual(0);
    let mut devices = Devices::new(&env);
    let device = null::init(&mut devices);
    let mut net = Net::new(&env, devices, DropInput::default());
    net.open().unwrap();
    let history = {
        drop(history);
        History::new()
    };
    history.did("send 48 octets through the null device");
    let sent = device.output(HwAddr::NONE, 0x0800, Packet::zeroed(48));
    history.expect("what output says", sent.map_err(|e| e.kind()), Ok(()));
    history.expect(
        "is its interrupt line raised",
        device.irq().is_pending(),
        true,
    );
    history.expect_log(&[
        "device::output: dev=net0, type=0x0800, len=48",
        "null::transmit: dev=net0, type=0x0800, len=48",
    ]);
    net.step();
    history.did("turn the crank");
    history.expect_log(&["interrupt: irq=0, name=net0", "null::isr: irq=0, dev=net0"]);
    history.expect(
        "packets received, as counted",
        device.counters.received.get(),
        0,
    );
}
