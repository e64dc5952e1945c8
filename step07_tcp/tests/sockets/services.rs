//! What one client can take from the others who want to be served.

use std::io::{ErrorKind, Read, Write};
use std::thread;
use std::time::Duration;

use step07_tcp::config::Config;
use step07_tcp::http;

use step07_tcp::tcp_services::TcpServices;
use step07_tcp::tcp_stream::TcpStream;

use crate::world::{World, kind, wait_until, watched};

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

const SHORT: Duration = Duration::from_millis(50);

/// Why the HTTP server of host b gives this client up, if it is short of patience.
fn given_up(world: &World, client: impl FnOnce(&TcpStream) + Send) -> Option<ErrorKind> {
    let (ours, theirs) = world.connection();
    thread::scope(|scope| {
        let client = scope.spawn(|| client(&ours));
        let served = http::serve_within(&world.b, &theirs, SHORT);
        drop(theirs);
        client.join().unwrap();
        kind(served)
    })
}

fn in_vain(error: Option<ErrorKind>) -> bool {
    matches!(error, Some(ErrorKind::WouldBlock | ErrorKind::TimedOut))
}

#[test]
fn http_clients_that_ask_nothing_are_given_up() {
    watched("http_clients_that_ask_nothing_are_given_up", || {
        let silent = |mut client: &TcpStream| {
            assert_eq!(client.read(&mut [0]).unwrap(), 0);
        };
        assert!(in_vain(given_up(&World::new(), silent)));
    });
}

/// Each octet comes long before a timeout that begins again with each.
#[test]
fn http_clients_that_ask_octet_by_octet_are_given_up() {
    watched("http_clients_that_ask_octet_by_octet_are_given_up", || {
        let slow = |mut client: &TcpStream| {
            // The server would read so many as one request.
            for _ in 0..8 * 1024 {
                if client.write_all(b"x").is_err() {
                    return;
                }
                thread::sleep(Duration::from_millis(1));
            }
        };
        let error = given_up(&World::new(), slow);
        assert!(in_vain(error), "{error:?}");
    });
}

/// The answer is longer than all buffers, and nobody reads it.
#[test]
fn http_clients_that_do_not_read_are_given_up() {
    watched("http_clients_that_do_not_read_are_given_up", || {
        let world = World::with(Config {
            send_buffer: 512,
            send_buffer_limit: 512,
            receive_buffer: 512,
            receive_buffer_limit: 512,
            ..Config::default()
        });
        let error = given_up(&world, |mut client| {
            client.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        });
        assert!(in_vain(error), "{error:?}");
    });
}

#[test]
fn http_clients_have_ten_seconds() {
    watched("http_clients_have_ten_seconds", || {
        let world = World::new();
        let (mut client, server) = world.connection();
        client.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        http::serve(&world.b, &server).unwrap();
        for timeout in [server.read_timeout(), server.write_timeout()] {
            let timeout = timeout.unwrap().expect("a timeout");
            assert!(timeout <= http::TIMEOUT, "{timeout:?}");
        }
        assert_eq!(http::TIMEOUT, Duration::from_secs(10));
        drop(server);
        let mut page = String::new();
        client.read_to_string(&mut page).unwrap();
        assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
    });
}
