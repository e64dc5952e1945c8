//! Routes.

use std::net::Ipv4Addr;
use std::sync::Arc;

use step06_udp::device::Devices;
use step06_udp::env::Env;
use step06_udp::ip::{Interfaces, Router};
use step06_udp::null;
use step06_udp::route::{NotOnLink, Routes};
use step06_udp::testing::History;

fn addr(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}

/// Two interfaces: 192.0.2.2/24 and 198.51.100.2/24.
fn interfaces() -> Arc<Interfaces> {
    let mut devices = Devices::new(&Env::manual(0));
    let mut interfaces = Interfaces::new();
    for network in ["192.0.2.2/24", "198.51.100.2/24"] {
        let device = null::init(&mut devices);
        interfaces
            .register(&device, network.parse().unwrap())
            .unwrap();
    }
    Arc::new(interfaces)
}

/// By which interface `dst` is reached, and by whom.
fn way(routes: &Routes, interfaces: &Interfaces, dst: &str) -> Option<(String, String)> {
    let route = routes.route(interfaces.as_slice(), addr(dst))?;
    Some((
        route.iface.unicast().to_string(),
        route.next_hop.to_string(),
    ))
}

fn pair(iface: &str, next_hop: &str) -> Option<(String, String)> {
    Some((iface.to_owned(), next_hop.to_owned()))
}

#[test]
fn on_link_and_by_the_gateway() {
    let history = History::new();
    let interfaces = interfaces();
    let mut routes = Routes::new(&interfaces);
    history.did("routes of a host at 192.0.2.2/24 and 198.51.100.2/24");
    let own = way(&routes, &interfaces, "198.51.100.9");
    history.expect(
        "the way to 198.51.100.9",
        own,
        pair("198.51.100.2", "198.51.100.9"),
    );
    history.expect(
        "the way to 8.8.8.8",
        way(&routes, &interfaces, "8.8.8.8"),
        None,
    );
    history.did("set the default gateway to 192.0.2.1");
    routes.set_default_gateway(addr("192.0.2.1")).unwrap();
    let far = way(&routes, &interfaces, "8.8.8.8");
    history.expect("the way to 8.8.8.8", far, pair("192.0.2.2", "192.0.2.1"));
    let own = way(&routes, &interfaces, "198.51.100.9");
    history.expect(
        "the way to 198.51.100.9",
        own,
        pair("198.51.100.2", "198.51.100.9"),
    );
    history.did("add a route by 203.0.113.1, which is on none of the links");
    let gone = routes.add("10.0.0.0/8".parse().unwrap(), addr("203.0.113.1"));
    history.expect("what add says", gone, Err(NotOnLink(addr("203.0.113.1"))));
}

#[test]
fn the_longest_prefix_wins() {
    let history = History::new();
    let interfaces = interfaces();
    let mut routes = Routes::new(&interfaces);
    for (network, next_hop) in [
        ("10.1.2.0/24", "192.0.2.3"),
        ("10.0.0.0/8", "192.0.2.1"),
        ("10.1.0.0/16", "198.51.100.1"),
        ("10.0.0.0/8", "192.0.2.9"),
    ] {
        history.did(format!("add a route to {network} by {next_hop}"));
        routes
            .add(network.parse().unwrap(), addr(next_hop))
            .unwrap();
    }
    for (dst, iface, next_hop) in [
        ("10.1.2.3", "192.0.2.2", "192.0.2.3"),
        ("10.1.3.3", "198.51.100.2", "198.51.100.1"),
        ("10.2.0.1", "192.0.2.2", "192.0.2.1"),
    ] {
        let found = way(&routes, &interfaces, dst);
        history.expect(&format!("the way to {dst}"), found, pair(iface, next_hop));
    }
}
