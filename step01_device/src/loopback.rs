//! The loopback device: what is sent through it comes back.
//!
//! The first driver with something between its two halves: a queue. The
//! transmitter pushes and raises the interrupt; the receiver, called by the
//! main loop, pops. A packet is never received within the call that sends it,
//! and so a layer never finds itself entered twice.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};

use log::debug;

use crate::device::{
    Device, DeviceConfig, DeviceFlags, DeviceType, Devices, HwAddr, Received, Receiver, Transmitter,
};
use crate::hexdump::hexdump;
use crate::packet::Packet;
use crate::sync::lock;

/// The longest packet: as much as an IPv4 datagram can hold.
const MTU: usize = 65_535;

/// How many packets may wait. The sender learns of a full queue
/// (`WouldBlock`), as from any device whose queue is full.
pub const QUEUE_LIMIT: usize = 16;

// ANCHOR: queue
type Queue = Mutex<VecDeque<(u16, Packet)>>;

struct Tx(Arc<Queue>);
struct Rx(Arc<Queue>);
// ANCHOR_END: queue

// ANCHOR: transmit
impl Transmitter for Tx {
    fn transmit(
        &self,
        device: &Device,
        _: HwAddr,
        ethertype: u16,
        packet: Packet,
    ) -> io::Result<()> {
        // EXERCISE 1.12: Loopback, the way down
        let len = packet.len();
        let num = {
            let mut queue = lock(&self.0);
            if queue.len() >= QUEUE_LIMIT {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            queue.push_back((ethertype, packet));
            queue.len()
        };
        debug!(target: "loopback::transmit", "queue pushed (num:{num}), dev={}, type=0x{ethertype:04x}, len={len}", device.name());
        device.irq().raise();
        Ok(())
        // END 1.12
    }
}
// ANCHOR_END: transmit

// ANCHOR: receive
impl Receiver for Rx {
    fn receive(&mut self, device: &Device) -> io::Result<Received> {
        // EXERCISE 1.13: Loopback, the way up
        let (num, entry) = {
            let mut queue = lock(&self.0);
            let entry = queue.pop_front();
            (queue.len(), entry)
        };
        let Some((ethertype, packet)) = entry else {
            return Ok(Received::Nothing);
        };
        debug!(target: "loopback::isr", "queue popped (num:{num}), dev={}, type=0x{ethertype:04x}, len={}{}", device.name(), packet.len(), hexdump(&packet));
        Ok(Received::Packet(ethertype, packet))
        // END 1.13
    }
}
// ANCHOR_END: receive

/// Makes a loopback device.
pub fn init(devices: &mut Devices) -> Arc<Device> {
    // ANCHOR: init
    // EXERCISE 1.11: A loopback device is made
    let queue = Arc::new(Queue::default());
    let config = DeviceConfig {
        device_type: DeviceType::LOOPBACK,
        mtu: MTU,
        flags: DeviceFlags::LOOPBACK,
        addr: HwAddr::NONE,
        broadcast: HwAddr::NONE,
    };
    let device = devices.register(config, Tx(Arc::clone(&queue)), Rx(queue));
    debug!(target: "loopback::init", "initialized, dev={}", device.name());
    device
    // END 1.11
    // ANCHOR_END: init
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Env;

    #[test]
    fn what_goes_in_comes_out_in_order_up_to_the_limit() {
        let env = Env::manual(0);
        let mut devices = Devices::new(&env);
        let device = init(&mut devices);
        device.open().unwrap();
        for n in 0..QUEUE_LIMIT {
            let packet = Packet::zeroed(n);
            device.output(HwAddr::NONE, 0x0800, packet).unwrap();
        }
        let full = device.output(HwAddr::NONE, 0x0800, Packet::zeroed(1));
        assert_eq!(full.unwrap_err().kind(), io::ErrorKind::WouldBlock);
        assert_eq!(device.counters.queue_full.get(), 1);

        assert!(device.irq().is_pending());
        let receiver = &mut devices.table[0].receiver;
        for n in 0..QUEUE_LIMIT {
            let received = receiver.receive(&device).unwrap();
            assert_eq!(received, Received::Packet(0x0800, Packet::zeroed(n)));
        }
        assert_eq!(receiver.receive(&device).unwrap(), Received::Nothing);
    }
}
