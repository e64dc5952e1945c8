//! The null device: swallows what it is given, and raises an interrupt for
//! each packet, so that there is something to see. (The original's first
//! steps call it "dummy".)

use std::io;
use std::sync::Arc;

use log::debug;

use crate::device::{
    Device, DeviceConfig, DeviceFlags, DeviceType, Devices, HwAddr, Received, Receiver, Transmitter,
};
use crate::hexdump::hexdump;
use crate::packet::Packet;

/// The longest packet: as much as an IPv4 datagram can hold.
const MTU: usize = 65_535;

struct Null;

// ANCHOR: driver
impl Transmitter for Null {
    fn transmit(
        &self,
        device: &Device,
        _: HwAddr,
        ethertype: u16,
        packet: Packet,
    ) -> io::Result<()> {
        // EXERCISE 1.10: The null driver
        debug!(target: "null::transmit", "dev={}, type=0x{ethertype:04x}, len={}{}", device.name(), packet.len(), hexdump(&packet));
        device.irq().raise();
        Ok(())
        // END 1.10
    }
}
// ANCHOR_END: driver

// ANCHOR: isr
impl Receiver for Null {
    fn receive(&mut self, device: &Device) -> io::Result<Received> {
        debug!(target: "null::isr", "irq={}, dev={}", device.irq().number(), device.name());
        Ok(Received::Nothing)
    }
}
// ANCHOR_END: isr

/// Makes a null device.
pub fn init(devices: &mut Devices) -> Arc<Device> {
    let config = DeviceConfig {
        device_type: DeviceType::NULL,
        mtu: MTU,
        flags: DeviceFlags::NONE,
        addr: HwAddr::NONE,
        broadcast: HwAddr::NONE,
    };
    let device = devices.register(config, Null, Null);
    debug!(target: "null::init", "initialized, dev={}", device.name());
    device
}
