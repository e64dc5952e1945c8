//! What one client can take from the others who want to be served.

use std::io::{ErrorKind, Read, Write};

use step07_tcp::tcp_services::TcpServices;
use step07_tcp::tcp_stream::TcpStream;

use crate::world::{World, wait_until, watched};

/// Does the echo service serve this client?
fn is_served(mut client: &TcpStream) -> bool {
    // It may have been closed, or reset, as what we say was not read.
    let _ = client.write_all(b"hello");
    let mut answer = Vec::new();
    match client.take(5).read_to_end(&mut answer) {
        Ok(len) => len == 5,
        Err(error) if error.kind() == ErrorKind::ConnectionReset => false,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_service_has_so_many_clients_and_no_more() {
    watched("a_service_has_so_many_clients_and_no_more", || {
        let world = World::new();
        let services = TcpServices::with_limit(&world.b, 2).unwrap();
        let clients = [world.connect(7), world.connect(7)];
        assert!(clients.iter().all(is_served));
        let counters = &world.b.tcp.counters;
        assert_eq!(counters.service_full.get(), 0);
        for count in 1..=3 {
            assert!(!is_served(&world.connect(7)), "{count}");
            assert_eq!(counters.service_full.get(), count);
        }
        // Other services have limits of their own.
        let mut daytime = String::new();
        world.connect(13).read_to_string(&mut daytime).unwrap();
        assert!(daytime.ends_with("\r\n"), "{daytime:?}");
        // A place becomes free.
        assert!(clients.iter().all(is_served));
        let [leaves, stays] = clients;
        drop(leaves);
        wait_until(|| is_served(&world.connect(7)));
        assert!(is_served(&stays));
        drop(services);
    });
}
