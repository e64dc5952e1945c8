//! The registry of protocols, with one input queue each.
//!
//! ```text
//!   device ─► Protocols::input() ─► queue ─► Protocols::softirq() ─► Protocol::input()
//!             "hard" interrupt:              software interrupt:
//!             sort and queue                 parse, answer, deliver
//! ```
//!
//! Both halves run in the main loop, but not in one another: when a protocol's
//! handler runs, every device of this turn has been served already.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use log::{debug, error, info};

use crate::device::Device;
use crate::ethertype::EtherType;
use crate::hexdump::hexdump;
use crate::net::Input;
use crate::packet::Packet;

/// How many packets may wait for one protocol.
pub const QUEUE_LIMIT: usize = 1024;

// ANCHOR: protocol
/// What a protocol does with a packet that is for it.
pub trait Protocol: Send {
    /// Takes a packet that has arrived at `device`, without the link's header.
    fn input(&mut self, device: &Arc<Device>, packet: Packet);

    /// The queue is empty for now: the moment for what need not be done for
    /// each packet of a turn.
    fn drained(&mut self) {}
}
// ANCHOR_END: protocol

crate::counters! {
    /// What the registry counts.
    pub struct ProtocolCounters {
        /// packets queued
        pub queued,
        /// dropped: nobody speaks this protocol
        pub unknown_protocol,
        /// dropped: the protocol's queue was full
        pub queue_full,
    }
}

/// The protocol is in the table already.
#[derive(Debug, PartialEq, Eq)]
pub struct AlreadyRegistered(pub EtherType);

impl fmt::Display for AlreadyRegistered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "protocol {} is already registered", self.0)
    }
}

impl std::error::Error for AlreadyRegistered {}

// ANCHOR: entry
struct Entry {
    ethertype: EtherType,
    queue: VecDeque<(Arc<Device>, Packet)>,
    handler: Box<dyn Protocol>,
}
// ANCHOR_END: entry

/// The table of protocols. It is filled first, and then moved into the
/// [`Net`](crate::net::Net), after which nobody can change it any more.
#[derive(Default)]
pub struct Protocols {
    entries: Vec<Entry>,
    /// What happened at this floor.
    pub counters: Arc<ProtocolCounters>,
}

impl Protocols {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    // ANCHOR: register
    /// Says who takes the packets of the protocol `ethertype`.
    ///
    /// # Errors
    /// Somebody does already.
    pub fn register(
        &mut self,
        ethertype: EtherType,
        handler: impl Protocol + 'static,
    ) -> Result<(), AlreadyRegistered> {
        // ANCHOR_END: register
        // EXERCISE 2.1: Register a protocol
        // ANCHOR: register_body
        if self
            .entries
            .iter()
            .any(|entry| entry.ethertype == ethertype)
        {
            error!(target: "protocol::register", "already registered, type={ethertype}");
            return Err(AlreadyRegistered(ethertype));
        }
        self.entries.push(Entry {
            ethertype,
            queue: VecDeque::new(),
            handler: Box::new(handler),
        });
        info!(target: "protocol::register", "registered, type={ethertype}");
        Ok(())
        // ANCHOR_END: register_body
        // END 2.1
    }
}

impl Input for Protocols {
    // ANCHOR: input
    fn input(&mut self, device: &Arc<Device>, ethertype: u16, packet: Packet) {
        // EXERCISE 2.2: Sort what arrives
        let ethertype = EtherType(ethertype);
        let entry = self
            .entries
            .iter_mut()
            .find(|entry| entry.ethertype == ethertype);
        let Some(entry) = entry else {
            self.counters.unknown_protocol.inc();
            return;
        };
        if entry.queue.len() >= QUEUE_LIMIT {
            self.counters.queue_full.inc();
            debug!(target: "protocol::input", "queue is full, dev={}, type={ethertype}", device.name());
            return;
        }
        self.counters.queued.inc();
        debug!(
            target: "protocol::input",
            "queue pushed (num:{}), dev={}, type={ethertype}, len={}{}",
            entry.queue.len() + 1, device.name(), packet.len(), hexdump(&packet)
        );
        entry.queue.push_back((Arc::clone(device), packet));
        // END 2.2
    }
    // ANCHOR_END: input

    // ANCHOR: softirq
    fn softirq(&mut self) {
        // EXERCISE 2.3: The software interrupt
        for entry in &mut self.entries {
            let any = !entry.queue.is_empty();
            while let Some((device, packet)) = entry.queue.pop_front() {
                debug!(
                    target: "protocol::softirq",
                    "queue popped (num:{}), dev={}, type={}, len={}",
                    entry.queue.len(), device.name(), entry.ethertype, packet.len()
                );
                entry.handler.input(&device, packet);
            }
            if any {
                entry.handler.drained();
            }
        }
        // END 2.3
    }
    // ANCHOR_END: softirq
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::device::Devices;
    use crate::env::Env;
    use crate::null;

    struct Collect(mpsc::Sender<usize>);

    impl Protocol for Collect {
        fn input(&mut self, _: &Arc<Device>, packet: Packet) {
            self.0.send(packet.len()).unwrap();
        }
    }

    fn device() -> Arc<Device> {
        null::init(&mut Devices::new(&Env::manual(0)))
    }

    #[test]
    fn packets_wait_for_the_softirq_and_go_to_their_protocol() {
        let (ip_tx, ip) = mpsc::channel();
        let (arp_tx, arp) = mpsc::channel();
        let mut protocols = Protocols::new();
        protocols.register(EtherType::IP, Collect(ip_tx)).unwrap();
        protocols.register(EtherType::ARP, Collect(arp_tx)).unwrap();
        let device = device();
        for (ethertype, len) in [(0x0800, 1), (0x0806, 2), (0x0800, 3), (0x1234, 4)] {
            protocols.input(&device, ethertype, Packet::zeroed(len));
        }
        assert!(ip.try_recv().is_err(), "only queued");
        protocols.softirq();
        assert_eq!(ip.try_iter().collect::<Vec<_>>(), [1, 3]);
        assert_eq!(arp.try_iter().collect::<Vec<_>>(), [2]);
        assert_eq!(protocols.counters.unknown_protocol.get(), 1);
    }

    #[test]
    fn a_protocol_is_registered_once() {
        let (tx, _rx) = mpsc::channel();
        let mut protocols = Protocols::new();
        protocols
            .register(EtherType::IP, Collect(tx.clone()))
            .unwrap();
        let again = protocols.register(EtherType::IP, Collect(tx));
        assert_eq!(again, Err(AlreadyRegistered(EtherType::IP)));
    }

    #[test]
    fn a_queue_is_bounded() {
        let (tx, rx) = mpsc::channel();
        let mut protocols = Protocols::new();
        protocols.register(EtherType::IP, Collect(tx)).unwrap();
        let device = device();
        for _ in 0..QUEUE_LIMIT + 5 {
            protocols.input(&device, 0x0800, Packet::zeroed(1));
        }
        protocols.softirq();
        assert_eq!(rx.try_iter().count(), QUEUE_LIMIT);
        assert_eq!(protocols.counters.queue_full.get(), 5);
    }
}
