//! Networks, and addresses on devices.

use std::net::Ipv4Addr;

use step03_ip::device::Devices;
use step03_ip::env::Env;
use step03_ip::ip::iface::V4;
use step03_ip::ip::{Cidr, Interfaces};
use step03_ip::testing::History;
use step03_ip::{loopback, null};

fn addr(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}

#[test]
fn masks() {
    let history = History::new();
    for (network, netmask, broadcast, inside, outside) in [
        (
            "192.0.2.130/25",
            "255.255.255.128",
            "192.0.2.255",
            "192.0.2.128",
            "192.0.2.127",
        ),
        (
            "10.1.2.3/8",
            "255.0.0.0",
            "10.255.255.255",
            "10.255.0.1",
            "11.1.2.3",
        ),
        (
            "172.16.9.9/12",
            "255.240.0.0",
            "172.31.255.255",
            "172.31.0.1",
            "172.32.0.1",
        ),
        (
            "192.0.2.1/32",
            "255.255.255.255",
            "192.0.2.1",
            "192.0.2.1",
            "192.0.2.0",
        ),
    ] {
        let cidr: Cidr = network.parse().unwrap();
        history.did(format!("the network {network}"));
        history.expect("netmask", cidr.netmask(), addr(netmask));
        history.expect("broadcast address", cidr.broadcast(), addr(broadcast));
        history.expect(
            &format!("does it contain {inside}"),
            cidr.contains(addr(inside)),
            true,
        );
        history.expect(
            &format!("does it contain {outside}"),
            cidr.contains(addr(outside)),
            false,
        );
    }
    let all: Cidr = "192.0.2.1/0".parse().unwrap();
    history.did("the network 192.0.2.1/0: all addresses");
    history.expect("netmask", all.netmask(), Ipv4Addr::UNSPECIFIED);
    history.expect(
        "does it contain 8.8.8.8",
        all.contains(addr("8.8.8.8")),
        true,
    );
}

#[test]
fn register_gives_a_device_one_address() {
    let history = History::new();
    let mut devices = Devices::new(&Env::manual(0));
    let (lo, null) = (loopback::init(&mut devices), null::init(&mut devices));
    drop(history);
    let history = History::new();
    let mut interfaces = Interfaces::<V4>::new();
    let mut register = |device, network: &str| {
        let network: Cidr = network.parse().unwrap();
        history.did(format!("register {network}"));
        interfaces
            .register(device, network)
            .map_err(|error| error.to_string())
    };
    history.expect("what register says", register(&lo, "127.0.0.1/8"), Ok(()));
    history.expect_log(&[
        "iface::register: registered: dev=net0, unicast=127.0.0.1, netmask=255.0.0.0, broadcast=127.255.255.255",
    ]);
    history.expect(
        "what register says",
        register(&null, "192.0.2.2/24"),
        Ok(()),
    );
    history.expect_log(&[
        "iface::register: registered: dev=net1, unicast=192.0.2.2, netmask=255.255.255.0, broadcast=192.0.2.255",
    ]);
    let error = "device net0 has an IP interface already".to_owned();
    history.expect(
        "what register says",
        register(&lo, "127.0.0.2/8"),
        Err(error),
    );
    history.expect_log(&["iface::register: already exists, dev=net0, family=IP"]);
    let table = interfaces.as_slice().iter();
    let table: Vec<_> = table
        .map(|i| (i.device().name().to_owned(), i.unicast()))
        .collect();
    let expected = [
        ("net0".to_owned(), addr("127.0.0.1")),
        ("net1".to_owned(), addr("192.0.2.2")),
    ];
    history.expect("the table", table, expected);
}

#[test]
fn what_an_interface_accepts() {
    let history = History::new();
    let mut devices = Devices::new(&Env::manual(0));
    let (lo, null) = (loopback::init(&mut devices), null::init(&mut devices));
    let (pair, all) = (null::init(&mut devices), Ipv4Addr::BROADCAST);
    let mut interfaces = Interfaces::<V4>::new();
    for (device, network) in [
        (&lo, "127.0.0.1/8"),
        (&null, "192.0.2.2/24"),
        (&pair, "192.0.2.4/31"),
    ] {
        interfaces
            .register(device, network.parse().unwrap())
            .unwrap();
    }
    for (device, network, dst, broadcast, accepted) in [
        (&null, "192.0.2.2/24", addr("192.0.2.2"), false, true),
        (&null, "192.0.2.2/24", addr("192.0.2.255"), true, true),
        (&null, "192.0.2.2/24", all, true, true),
        (&null, "192.0.2.2/24", addr("192.0.2.3"), false, false),
        (&null, "192.0.2.2/24", addr("127.0.0.1"), false, false),
        (&lo, "127.0.0.1/8", addr("127.9.9.9"), false, true),
        (&lo, "127.0.0.1/8", addr("192.0.2.2"), false, false),
        (&pair, "192.0.2.4/31", addr("192.0.2.5"), false, false),
        (&pair, "192.0.2.4/31", all, true, true),
    ] {
        history.did(format!(
            "a datagram to {dst} comes to the interface {network}"
        ));
        let iface = interfaces.on(device).unwrap();
        history.expect("is it a broadcast", iface.is_broadcast(dst), broadcast);
        history.expect(
            "is the address ours alone",
            iface.owns(dst),
            accepted && !broadcast,
        );
        history.expect("is it accepted", iface.accepts(dst), accepted);
    }
}
