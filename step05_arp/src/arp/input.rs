//! The way up: what others say, and what they ask.

use std::sync::Arc;

use log::{debug, warn};

use crate::arp::message::{Message, Opcode, ParseError};
use crate::arp::output::{self, Arp};
use crate::device::Device;
use crate::ethernet::MacAddr;
use crate::hexdump::hexdump;
use crate::ip::Interface;
use crate::packet::Packet;
use crate::protocol::Protocol;

/// ARP, the way up: owned by the main loop.
pub struct ArpInput(Arc<Arp>);

impl ArpInput {
    /// The way up that belongs to `arp`.
    pub fn new(arp: &Arc<Arp>) -> Self {
        Self(Arc::clone(arp))
    }

    // ANCHOR: check_sender
    /// True if the sender can be what it says.
    fn check_sender(&self, iface: &Interface, message: &Message) -> bool {
        let counters = &self.0.counters;
        let Message { sha, spa, .. } = *message;
        let impossible = sha.is_group()
            || sha == MacAddr::ANY
            || spa.is_multicast()
            || spa.is_loopback()
            || iface.is_broadcast(spa);
        if impossible {
            counters.bad_sender.inc();
            debug!(target: "arp::input", "sender address error, sha={sha}, spa={spa}");
            return false;
        }
        if spa == iface.unicast() {
            counters.conflict.inc();
            self.defend(iface, sha);
            return false;
        }
        true
    }
    // ANCHOR_END: check_sender

    // ANCHOR: defend
    /// `sha` uses the address of `iface`: tells the log, and all on the link
    /// whose it is (RFC 5227 §2.4), but not as often as he may say so.
    fn defend(&self, iface: &Interface, sha: MacAddr) {
        let (device, spa, now) = (iface.device(), iface.unicast(), self.0.env().now());
        if self.0.with_cache(|cache| cache.defend(device.index(), now)) {
            warn!(target: "arp::input", "address conflict, dev={}, pa={spa}, ha={sha}", device.name());
            self.0.request(iface, spa, None);
        }
    }
    // ANCHOR_END: defend

    // ANCHOR: merge
    /// Learns where the sender is (RFC 826, "Packet Reception"): who is in the
    /// cache is updated whatever the message is about; others are entered only
    /// if they talk to us, as we are going to answer them.
    fn merge(&self, device: &Device, iface: &Interface, message: &Message) {
        let arp = &self.0;
        let Message { sha, spa, tpa, .. } = *message;
        // A probe (RFC 5227) has no address yet that could be learned.
        if spa.is_unspecified() {
            return;
        }
        // EXERCISE 5.11: Learn from whoever asks
        let (key, now) = ((device.index(), spa), arp.env().now());
        let waiting = arp.with_cache(|cache| cache.update(key, sha, now));
        match waiting {
            Some(packets) => output::flush(device, sha, packets),
            None if tpa == iface.unicast() => {
                arp.counters.inserted.inc();
                arp.count(arp.with_cache(|cache| cache.insert(key, sha, now)));
            }
            None => {}
        }
        // END 5.11
    }
    // ANCHOR_END: merge
}

impl Protocol for ArpInput {
    fn input(&mut self, device: &Arc<Device>, packet: Packet) {
        // EXERCISE 5.8: Who has this address? I have
        let counters = &self.0.counters;
        // ANCHOR: receive
        counters.received.inc();
        let message = match Message::parse(&packet) {
            Ok(message) => message,
            Err(error) => {
                match error {
                    ParseError::TooShort { .. } => counters.too_short.inc(),
                    _ => counters.unsupported.inc(),
                }
                debug!(target: "arp::input", "{error}, dev={}", device.name());
                return;
            }
        };
        // ANCHOR_END: receive
        debug!(
            target: "arp::input",
            "dev={}, opcode={}, len={}\n{message}{}",
            device.name(), message.opcode, packet.len(), hexdump(&packet)
        );
        // ANCHOR: decide
        let Some(iface) = self.0.interfaces().on(device) else {
            counters.other_host.inc();
            return;
        };
        if !self.check_sender(iface, &message) {
            return;
        }
        self.merge(device, iface, &message);
        if message.tpa != iface.unicast() {
            counters.other_host.inc();
        } else if message.opcode == Opcode::REQUEST {
            self.0.reply(iface, message.sha, message.spa);
        }
        // ANCHOR_END: decide
        // END 5.8
    }
}
