//! The way down: IP asks for a neighbour, requests and replies go out.

use std::collections::VecDeque;
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use log::debug;

use crate::arp::ArpCounters;
use crate::arp::cache::{CACHE_TIMEOUT, Cache, Evicted, Key, Resolution};
use crate::arp::message::{Message, Opcode};
use crate::device::{Device, DeviceFlags, HwAddr};
use crate::env::Env;
use crate::ethernet::MacAddr;
use crate::ethertype::EtherType;
use crate::hexdump::hexdump;
use crate::ip::{Interface, Interfaces, Neighbor};
use crate::logger;
use crate::packet::Packet;
use crate::sync::lock;

/// ARP, shared by IP, the way up and the timer. This is its one lock.
pub struct Arp {
    env: Arc<Env>,
    interfaces: Arc<Interfaces>,
    cache: Mutex<Cache>,
    /// What happened at this floor.
    pub counters: ArpCounters,
}

impl Arp {
    /// ARP for the addresses of `interfaces`.
    pub fn new(env: &Arc<Env>, interfaces: &Arc<Interfaces>) -> Arc<Self> {
        Self::with_timeout(env, interfaces, CACHE_TIMEOUT)
    }

    /// As [`new`](Self::new); what was heard is believed for `timeout`.
    pub fn with_timeout(
        env: &Arc<Env>,
        interfaces: &Arc<Interfaces>,
        timeout: Duration,
    ) -> Arc<Self> {
        Arc::new(Self {
            env: Arc::clone(env),
            interfaces: Arc::clone(interfaces),
            cache: Mutex::new(Cache::new(timeout)),
            counters: ArpCounters::default(),
        })
    }

    pub(super) fn env(&self) -> &Arc<Env> {
        &self.env
    }

    pub(super) fn interfaces(&self) -> &Interfaces {
        &self.interfaces
    }

    // ANCHOR: with_cache
    /// Lets `f` work on the cache. Nothing is sent while it is locked.
    pub(super) fn with_cache<T>(&self, f: impl FnOnce(&mut Cache) -> T) -> T {
        f(&mut lock(&self.cache))
    }
    // ANCHOR_END: with_cache

    /// The neighbours that are known: device, address, hardware address.
    pub fn neighbors(&self) -> Vec<(String, Ipv4Addr, MacAddr)> {
        let known: Vec<_> = self.with_cache(|cache| cache.iter().collect());
        let name = |index| {
            let mut interfaces = self.interfaces.as_slice().iter();
            let iface = interfaces.find(|iface| iface.device().index() == index);
            iface.map(|iface| iface.device().name().to_owned())
        };
        let rows = known.into_iter();
        rows.filter_map(|((index, pa), ha)| Some((name(index)?, pa, ha)))
            .collect()
    }

    /// Enters the hardware address of a neighbour on `iface` by hand.
    pub fn add_static(&self, iface: &Interface, pa: Ipv4Addr, ha: MacAddr) {
        let device = iface.device();
        let waiting = self.with_cache(|cache| cache.insert_static((device.index(), pa), ha));
        flush(device, ha, waiting);
    }

    pub(super) fn count(&self, evicted: Option<Evicted>) {
        if let Some(Evicted(packets)) = evicted {
            self.counters.evicted.inc();
            self.counters.evicted_packets.add(packets as u64);
        }
    }

    // ANCHOR: queued
    /// A packet waits: counts it, and keeps the limit that all of them share.
    fn queued(&self) {
        self.counters.packets_queued.inc();
        let lost = self.with_cache(Cache::limit_waiting);
        if lost > 0 {
            self.counters.memory_full.add(lost as u64);
            debug!(target: "arp::resolve", "too much is waiting, lost={lost}");
        }
    }
    // ANCHOR_END: queued

    // ANCHOR: request
    /// Asks for `tpa` on the link of `iface`: everybody, or only `neighbor`,
    /// who has had it until now.
    pub(super) fn request(&self, iface: &Interface, tpa: Ipv4Addr, neighbor: Option<MacAddr>) {
        // EXERCISE 5.13: Ask everybody
        let device = iface.device();
        let Some(sha) = hardware_address(device) else {
            return;
        };
        let message = Message {
            opcode: Opcode::REQUEST,
            sha,
            spa: iface.unicast(),
            tha: MacAddr::ANY,
            tpa,
        };
        let dst = neighbor.map_or(device.broadcast(), HwAddr::from);
        self.counters.requests_sent.inc();
        send("arp::request", device, dst, &message);
        // END 5.13
    }
    // ANCHOR_END: request

    /// Tells everybody on all links which addresses are ours: a request for
    /// one's own address, which nobody should answer (RFC 5227 §2.3). Those
    /// who knew another hardware address for it learn the new one.
    pub fn announce(&self) {
        let _scope = logger::scope(&self.env);
        for iface in self.interfaces.as_slice() {
            if iface.device().flags().contains(DeviceFlags::NEED_ARP) {
                self.request(iface, iface.unicast(), None);
            }
        }
    }

    // ANCHOR: reply
    /// Answers a request: `iface` has the address that was asked for.
    pub(super) fn reply(&self, iface: &Interface, tha: MacAddr, tpa: Ipv4Addr) {
        // EXERCISE 5.8: Who has this address? I have
        let device = iface.device();
        let Some(sha) = hardware_address(device) else {
            return;
        };
        let message = Message {
            opcode: Opcode::REPLY,
            sha,
            spa: iface.unicast(),
            tha,
            tpa,
        };
        self.counters.replies_sent.inc();
        send("arp::reply", device, tha.into(), &message);
        // END 5.8
    }
    // ANCHOR_END: reply

    /// Repeats a request.
    pub(super) fn request_again(&self, (index, tpa): Key, neighbor: Option<MacAddr>) {
        let mut interfaces = self.interfaces.as_slice().iter();
        if let Some(iface) = interfaces.find(|iface| iface.device().index() == index) {
            self.request(iface, tpa, neighbor);
        }
    }
}

// ANCHOR: flush
/// Sends what has waited for `ha`.
pub(super) fn flush(device: &Device, ha: MacAddr, waiting: VecDeque<Packet>) {
    for packet in waiting {
        // Failures are counted and logged by the device.
        let _ = device.output(ha.into(), EtherType::IP.0, packet);
    }
}
// ANCHOR_END: flush

fn hardware_address(device: &Device) -> Option<MacAddr> {
    MacAddr::try_from(device.addr()).ok()
}

fn send(target: &'static str, device: &Device, dst: HwAddr, message: &Message) {
    let bytes = message.emit();
    debug!(
        target: target,
        "dev={}, opcode={}, len={}\n{message}{}",
        device.name(), message.opcode, bytes.len(), hexdump(&bytes)
    );
    // Failures are counted and logged by the device; a request is repeated,
    // and who has not got his reply asks again.
    let _ = device.output(dst, EtherType::ARP.0, Packet::new(&bytes));
}

impl Neighbor for Arp {
    // ANCHOR: deliver
    fn deliver(&self, iface: &Interface, next_hop: Ipv4Addr, packet: Packet) -> io::Result<()> {
        // EXERCISE 5.14: A neighbour for IP
        let device = iface.device();
        let key = (device.index(), next_hop);
        let now = self.env.now();
        let (resolution, evicted) = self.with_cache(|cache| cache.resolve(key, packet, now));
        self.count(evicted);
        match resolution {
            Resolution::Send(ha, packet) => {
                debug!(target: "arp::resolve", "resolved, pa={next_hop}, ha={ha}");
                device.output(ha.into(), EtherType::IP.0, packet)
            }
            // ANCHOR_END: deliver
            // ANCHOR: deliver_wait
            Resolution::Request => {
                self.queued();
                self.request(iface, next_hop, None);
                // The main loop may be asleep, and now has a request to repeat.
                self.env.wake();
                Ok(())
            }
            Resolution::Wait => {
                self.queued();
                Ok(())
            }
            Resolution::QueueFull => {
                self.queued();
                self.counters.queue_full.inc();
                debug!(target: "arp::resolve", "queue is full, pa={next_hop}");
                Ok(())
            }
            Resolution::Unreachable => {
                self.counters.unreachable.inc();
                debug!(target: "arp::resolve", "unreachable, pa={next_hop}");
                Err(io::ErrorKind::HostUnreachable.into())
            }
        }
        // ANCHOR_END: deliver_wait
        // END 5.14
    }

    fn doubt(&self, iface: &Interface, next_hop: Ipv4Addr) {
        let now = self.env.now();
        let key = (iface.device().index(), next_hop);
        self.with_cache(|cache| cache.doubt(key, now));
        // The main loop may be asleep, and now has somebody to ask.
        self.env.wake();
    }
}
