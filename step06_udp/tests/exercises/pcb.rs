//! Control blocks and ports.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddrV4};

use step06_udp::ip::Options;
use step06_udp::packet::Packet;
use step06_udp::testing::History;
use step06_udp::udp::message::Arrival;
use step06_udp::udp::pcb::{Delivery, EPHEMERAL, Id, QUEUE_LIMIT, State};

fn addr(text: &str) -> SocketAddrV4 {
    text.parse().unwrap()
}

fn open(state: &mut State, local: &str) -> Result<Id, ErrorKind> {
    state.open(addr(local), 0).map_err(|error| error.kind())
}

#[test]
fn a_port_has_one_owner() {
    let history = History::new();
    let mut state = State::default();
    for (local, free) in [
        ("192.0.2.2:7", true),
        ("192.0.2.2:7", false),
        ("192.0.2.2:8", true),
        ("127.0.0.1:7", true),
        ("0.0.0.0:7", false),
        ("0.0.0.0:9", true),
        ("192.0.2.2:9", false),
    ] {
        history.did(format!("open a control block for {local}"));
        let opened = open(&mut state, local);
        history.expect("may it be opened", opened.is_ok(), free);
        if let Ok(id) = opened {
            history.expect("its address", state.get(id).unwrap().local, addr(local));
        } else {
            history.expect("the error", opened.err(), Some(ErrorKind::AddrInUse));
        }
    }
    let id = open(&mut state, "192.0.2.2:10").unwrap();
    state.close(id);
    history.did("open one for 192.0.2.2:10, close it, and open it again");
    let again = open(&mut state, "192.0.2.2:10");
    history.expect("may it be opened", again.is_ok(), true);
    history.expect("is it another one", again != Ok(id), true);
}

#[test]
fn port_0_asks_for_any() {
    let history = History::new();
    let mut state = State::default();
    let mut any = |random| {
        let id = state
            .open(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0), random)
            .unwrap();
        state.get(id).unwrap().local.port()
    };
    let first = *EPHEMERAL.start();
    history.did("open a control block for any port; the random number is 5");
    history.expect("its port", any(5), first + 5);
    history.did("again, with the same random number");
    history.expect("its port: the next that is free", any(5), first + 6);
    history.did("again; the random number is 16384 + 5: there are 16384 ports");
    history.expect("its port", any(16_384 + 5), first + 7);
    history.did("again; the random number points at the last port, twice");
    history.expect("its port", any(16_383), 65_535);
    history.expect("its port: it goes on with the first", any(16_383), first);
}

fn arrival(from: &str, data: &[u8]) -> Arrival {
    Arrival {
        from: addr(from),
        to: Ipv4Addr::new(192, 0, 2, 2),
        tos: 0,
        options: Options::NONE,
        data: Packet::new(data),
    }
}

#[test]
fn the_most_specific_gets_it() {
    let history = History::new();
    let mut state = State::default();
    let one = open(&mut state, "192.0.2.2:7").unwrap();
    let other = open(&mut state, "198.51.100.2:7").unwrap();
    let all = open(&mut state, "0.0.0.0:8").unwrap();
    history.did("control blocks for 192.0.2.2:7, 198.51.100.2:7 and 0.0.0.0:8");
    let mut deliver = |local: &str, from: &str| state.deliver(addr(local), arrival(from, b"x"));
    for (local, expected) in [
        ("192.0.2.2:7", Delivery::Queued(one)),
        ("198.51.100.2:7", Delivery::Queued(other)),
        ("203.0.113.2:7", Delivery::NoSuchPort),
        ("192.0.2.2:8", Delivery::Queued(all)),
        ("192.0.2.2:9", Delivery::NoSuchPort),
    ] {
        history.did(format!("a datagram for {local} arrives"));
        let delivered = deliver(local, "192.0.2.1:40000");
        history.expect(
            &format!("who gets what is for {local}"),
            delivered,
            expected,
        );
    }
    let peer = addr("192.0.2.1:40000");
    state
        .get(all)
        .unwrap()
        .connect(Ipv4Addr::new(192, 0, 2, 2), peer);
    let listener = open(&mut state, "198.51.100.2:8").unwrap();
    history.did("the one at port 8 is connected to 192.0.2.1:40000; another opens 198.51.100.2:8");
    let mut deliver = |local: &str, from: &str| state.deliver(addr(local), arrival(from, b"x"));
    let friend = deliver("192.0.2.2:8", "192.0.2.1:40000");
    history.expect(
        "who gets a datagram from 192.0.2.1:40000",
        friend,
        Delivery::Queued(all),
    );
    let stranger = deliver("192.0.2.2:8", "192.0.2.1:40001");
    history.expect(
        "who gets one from 192.0.2.1:40001",
        stranger,
        Delivery::NoSuchPort,
    );
    let next_door = deliver("198.51.100.2:8", "192.0.2.1:40000");
    history.expect(
        "who gets one for 198.51.100.2:8",
        next_door,
        Delivery::Queued(listener),
    );
}

#[test]
fn the_queue_is_bounded_and_in_order() {
    let history = History::new();
    let mut state = State::default();
    let id = open(&mut state, "192.0.2.2:7").unwrap();
    let local = addr("192.0.2.2:7");
    for text in ["one", "two"] {
        state.deliver(local, arrival("192.0.2.1:1", text.as_bytes()));
        history.did(format!("\"{text}\" arrives"));
    }
    for text in ["one", "two"] {
        let popped = state
            .get(id)
            .unwrap()
            .pop()
            .map(|arrival| arrival.data.to_vec());
        history.expect("what is taken out", popped, Some(text.as_bytes().to_vec()));
    }
    let fits = QUEUE_LIMIT / (1000 + 256);
    let mut taken = 0;
    while taken < 9 * fits
        && state.deliver(local, arrival("192.0.2.1:1", &[0; 1000])) == Delivery::Queued(id)
    {
        taken += 1;
    }
    history.did("datagrams of 1000 octets arrive until the queue is full; each costs 256 more");
    history.expect("how many it has taken", taken, fits);
    let full = state.deliver(local, arrival("192.0.2.1:1", &[0; 1000]));
    history.expect("what becomes of one more", full, Delivery::QueueFull);
}
