//! The registry of protocols and its queues.

use std::sync::{Arc, Mutex};

use step02_protocol::device::{Device, Devices};
use step02_protocol::env::Env;
use step02_protocol::ethertype::EtherType;
use step02_protocol::net::Input;
use step02_protocol::null;
use step02_protocol::packet::Packet;
use step02_protocol::protocol::{AlreadyRegistered, Protocol, Protocols, QUEUE_LIMIT};
use step02_protocol::sync::lock;
use step02_protocol::testing::History;

/// Who has got a packet of which length, in order; without one he was told that
/// his queue is empty.
type Delivered = Arc<Mutex<Vec<(&'static str, Option<usize>)>>>;

struct Collect(&'static str, Delivered);

impl Protocol for Collect {
    fn input(&mut self, _: &Arc<Device>, packet: Packet) {
        lock(&self.1).push((self.0, Some(packet.len())));
    }

    fn drained(&mut self) {
        lock(&self.1).push((self.0, None));
    }
}

/// A table with IP and ARP in it.
fn table(delivered: &Delivered) -> Protocols {
    let mut protocols = Protocols::new();
    let ip = Collect("IP", Arc::clone(delivered));
    let arp = Collect("ARP", Arc::clone(delivered));
    protocols.register(EtherType::IP, ip).unwrap();
    protocols.register(EtherType::ARP, arp).unwrap();
    protocols
}

fn device() -> Arc<Device> {
    null::init(&mut Devices::new(&Env::manual(0)))
}

#[test]
fn register_takes_each_protocol_once() {
    let history = History::new();
    let delivered = Delivered::default();
    let mut protocols = Protocols::new();
    for (ethertype, shown) in [
        (EtherType::IP, "IP(0x0800)"),
        (EtherType::ARP, "ARP(0x0806)"),
    ] {
        history.did(format!("register {ethertype}"));
        let registered = protocols.register(ethertype, Collect("first", Arc::clone(&delivered)));
        history.expect("what register says", registered, Ok(()));
        history.expect_log(&[&format!("protocol::register: registered, type={shown}")]);
    }
    history.did("register IP(0x0800) once more");
    let again = protocols.register(EtherType::IP, Collect("second", Arc::clone(&delivered)));
    history.expect(
        "what register says",
        again,
        Err(AlreadyRegistered(EtherType::IP)),
    );
    history.expect_log(&["protocol::register: already registered, type=IP(0x0800)"]);
    // A handler that was refused is dropped; one that was taken is kept.
    history.expect(
        "how many handlers are kept",
        Arc::strong_count(&delivered) - 1,
        2,
    );
}

#[test]
fn input_puts_each_packet_into_its_queue() {
    let history = History::new();
    let delivered = Delivered::default();
    let (mut protocols, device) = (table(&delivered), device());
    drop(history);
    let history = History::new();
    for (ethertype, len) in [(0x0800, 48), (0x0806, 28), (0x0800, 50)] {
        history.did(format!(
            "a packet of {len} octets arrives, type 0x{ethertype:04x}"
        ));
        protocols.input(&device, ethertype, Packet::zeroed(len));
    }
    history.expect_log(&[
        "protocol::input: queue pushed (num:1), dev=net0, type=IP(0x0800), len=48",
        "protocol::input: queue pushed (num:1), dev=net0, type=ARP(0x0806), len=28",
        "protocol::input: queue pushed (num:2), dev=net0, type=IP(0x0800), len=50",
    ]);
    history.expect(
        "packets queued, as counted",
        protocols.counters.queued.get(),
        3,
    );
    history.expect(
        "what the protocols have got so far",
        lock(&delivered).len(),
        0,
    );
}

#[test]
fn input_drops_what_nobody_speaks_and_what_is_too_much() {
    let history = History::new();
    let delivered = Delivered::default();
    let (mut protocols, device) = (table(&delivered), device());
    protocols.input(&device, 0x86dd, Packet::zeroed(40));
    history.did("a packet arrives of a protocol that nobody has registered");
    let counters = Arc::clone(&protocols.counters);
    history.expect("dropped as unknown", counters.unknown_protocol.get(), 1);
    history.expect("packets queued, as counted", counters.queued.get(), 0);
    for _ in 0..QUEUE_LIMIT + 5 {
        protocols.input(&device, 0x0800, Packet::zeroed(1));
    }
    history.did("1024 packets arrive for IP, and five more");
    history.expect(
        "packets queued, as counted",
        counters.queued.get(),
        QUEUE_LIMIT as u64,
    );
    history.expect("dropped as the queue is full", counters.queue_full.get(), 5);
}

#[test]
fn softirq_drains_the_queues() {
    let history = History::new();
    let delivered = Delivered::default();
    let (mut protocols, device) = (table(&delivered), device());
    for (ethertype, len) in [(0x0806, 28), (0x0800, 48), (0x0800, 50)] {
        protocols.input(&device, ethertype, Packet::zeroed(len));
    }
    drop(history);
    let history = History::new();
    history.did("packets of 28 (ARP), 48 and 50 octets (IP) arrive");
    protocols.softirq();
    history.did("the software interrupt");
    let expected = vec![
        ("IP", Some(48)),
        ("IP", Some(50)),
        ("IP", None),
        ("ARP", Some(28)),
        ("ARP", None),
    ];
    history.expect(
        "who has got what (None: drained() was called)",
        lock(&delivered).clone(),
        expected,
    );
    history.expect_log(&[
        "protocol::softirq: queue popped (num:1), dev=net0, type=IP(0x0800), len=48",
        "protocol::softirq: queue popped (num:0), dev=net0, type=IP(0x0800), len=50",
        "protocol::softirq: queue popped (num:0), dev=net0, type=ARP(0x0806), len=28",
    ]);
    protocols.softirq();
    history.did("once more");
    history.expect("how many calls there were", lock(&delivered).len(), 5);
}
