//! Datagrams in and out of a host.

use std::io::ErrorKind;
use std::time::Duration;

use step06_udp::counters::Counter;
use step06_udp::sync::lock;
use step06_udp::testing::History;
use step06_udp::udp::{Header, UdpCounters, UdpSocket};

use crate::bench::{Bench, LO, Seen, at};
use crate::header::FIELDS;

/// A datagram from port 40000 to `port` of the host itself.
fn datagram(port: u16, data: &[u8]) -> Vec<u8> {
    let len = u16::try_from(8 + data.len()).unwrap();
    let header = Header {
        src_port: 40_000,
        dst_port: port,
        len,
        checksum: 0,
    };
    let mut bytes = [&[0; 8], data].concat();
    header.emit(&mut bytes, LO, LO);
    bytes
}

/// How many octets wait for the sockets.
fn waiting(bench: &Bench) -> Vec<usize> {
    bench
        .udp
        .sockets()
        .into_iter()
        .map(|(_, _, octets)| octets)
        .collect()
}

#[test]
fn input_delivers_to_the_port() {
    let history = History::new();
    let mut bench = Bench::new();
    let _seven = UdpSocket::bind(&bench.udp, at(7)).unwrap();
    let _eight = UdpSocket::bind(&bench.udp, at(8)).unwrap();
    history.did("sockets at ports 7 and 8");
    let padded = [&datagram(7, b"hello")[..], &[0; 9]].concat();
    bench.receive(&padded);
    history.did("\"hello\" arrives for port 7, and padding");
    history.expect(
        "octets that wait: the data, and 256 more",
        waiting(&bench),
        [5 + 256, 0],
    );
    history.expect(
        "delivered, as counted",
        bench.udp.counters.delivered.get(),
        1,
    );
    bench.receive(&datagram(9, b"hello"));
    history.did("\"hello\" arrives for port 9, which nobody has");
    let counters = &bench.udp.counters;
    history.expect(
        "port unreachable, as counted",
        counters.port_unreachable.get(),
        1,
    );
    history.expect(
        "ICMP messages sent, as counted",
        bench.icmp.counters.sent.get(),
        1,
    );
}

#[test]
fn input_drops_what_is_wrong() {
    type Reason = fn(&UdpCounters) -> &Counter;
    let history = History::new();
    let with = |at: usize, octets: &[u8]| {
        let mut bytes = datagram(7, b"hello");
        bytes[at..at + octets.len()].copy_from_slice(octets);
        bytes
    };
    let mut from_0 = datagram(7, b"hello");
    from_0[..2].fill(0);
    from_0[6..8].fill(0);
    let cases: [(&str, Vec<u8>, Reason); 5] = [
        ("7 octets", datagram(7, b"")[..7].to_vec(), |c| &c.too_short),
        ("a length beyond the datagram", with(4, &[0, 99]), |c| {
            &c.bad_length
        }),
        ("a wrong checksum", with(9, b"E"), |c| &c.bad_checksum),
        ("one from port 0", from_0, |c| &c.bad_port),
        ("one to port 0", datagram(0, b"hello"), |c| &c.bad_port),
    ];
    for (what, bytes, reason) in cases {
        let mut bench = Bench::new();
        let _seven = UdpSocket::bind(&bench.udp, at(7)).unwrap();
        bench.receive(&bytes);
        history.did(format!("{what} arrives"));
        let counters = &bench.udp.counters;
        history.expect(
            &format!("{what}: dropped for its reason"),
            reason(counters).get(),
            1,
        );
        history.expect("octets that wait", waiting(&bench), [0]);
        history.expect("ICMP messages sent", bench.icmp.counters.sent.get(), 0);
    }
}

#[test]
fn output_makes_a_datagram() {
    let history = History::new();
    let bench = Bench::new();
    drop(history);
    let history = History::new();
    let sent = bench.udp.output(at(40_000), at(7), b"hello");
    history.did("send \"hello\" from port 40000 to port 7");
    history.expect("what output says", sent.map_err(|e| e.kind()), Ok(()));
    history.expect(
        "datagrams sent, as counted",
        bench.udp.counters.sent.get(),
        1,
    );
    history.expect_log(&[
        "udp::output: 127.0.0.1:40000 => 127.0.0.1:7, len=13 (payload=5)",
        "ip::output_core: dev=net0, dst=127.0.0.1, protocol=UDP(0x11), len=33",
        "device::output: dev=net0, type=0x0800, len=33",
        "loopback::transmit: queue pushed (num:1), dev=net0, type=0x0800, len=33",
    ]);
    let sent = bench.udp.output(at(40_000), at(7), &[0; 65_508]);
    history.did("send 65508 octets, one more than fits");
    let sent = sent.map_err(|e| e.kind());
    history.expect("what output says", sent, Err(ErrorKind::InvalidInput));
    history.expect("too long, as counted", bench.udp.counters.too_long.get(), 1);
}

#[test]
fn what_is_sent_arrives() {
    let history = History::new();
    let mut bench = Bench::new();
    let _seven = UdpSocket::bind(&bench.udp, at(7)).unwrap();
    bench.udp.output(at(40_000), at(7), b"hello").unwrap();
    bench.settle();
    history.did("send \"hello\" from port 40000 to port 7 of the host itself");
    history.expect("octets that wait", waiting(&bench), [5 + 256]);
    history.expect("wrong checksums", bench.udp.counters.bad_checksum.get(), 0);
}

#[test]
fn output_on_the_wire() {
    let history = History::new();
    let seen = Seen::default();
    let mut bench = Bench::deaf(&seen);
    bench.udp.output(at(40_000), at(7), b"hello").unwrap();
    bench.settle();
    history.did("send \"hello\" from port 40000 to port 7");
    let sent = lock(&seen).pop().unwrap_or_default();
    history.expect_bytes("the datagram", &sent, &datagram(7, b"hello"), &FIELDS);
}

#[test]
fn receive_takes_what_waits() {
    let history = History::new();
    let mut bench = Bench::new();
    let socket = UdpSocket::bind(&bench.udp, at(7)).unwrap();
    socket.set_nonblocking(true).unwrap();
    let mut buffer = [0; 9];
    let none = socket.recv_from(&mut buffer).map_err(|e| e.kind());
    history.did("receive at port 7, without waiting; nothing is there");
    history.expect("what recv_from says", none, Err(ErrorKind::WouldBlock));
    bench.receive(&datagram(7, b"hello"));
    history.did("\"hello\" arrives for port 7");
    let (len, from) = socket.recv_from(&mut buffer).unwrap();
    history.expect(
        "what is received",
        buffer[..len].to_vec(),
        b"hello".to_vec(),
    );
    history.expect("from whom", from, at(40_000).into());
    socket.set_nonblocking(false).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_millis(20)))
        .unwrap();
    history.did("receive again, for at most 20 ms");
    let late = socket.recv_from(&mut buffer).map_err(|e| e.kind());
    history.expect("what recv_from says", late, Err(ErrorKind::WouldBlock));
    bench.receive(&datagram(7, b"late"));
    bench.udp.close();
    history.did("\"late\" arrives, but the host shuts down");
    let closed = socket.recv_from(&mut buffer).map_err(|e| e.kind());
    history.expect("what recv_from says", closed, Err(ErrorKind::Interrupted));
}

#[test]
fn receive_wakes_up() {
    let history = History::new();
    let mut bench = Bench::new();
    let socket = UdpSocket::bind(&bench.udp, at(7)).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(8)))
        .unwrap();
    let receiver = std::thread::spawn(move || {
        let mut buffer = [0; 9];
        let received = socket.recv_from(&mut buffer).map_err(|e| e.kind());
        received.map(|(len, _)| buffer[..len].to_vec())
    });
    while bench.udp.sleepers() == 0 && !receiver.is_finished() {
        std::thread::yield_now();
    }
    history.did("a thread waits at port 7, at most 8 seconds");
    bench.receive(&datagram(7, b"hello"));
    history.did("\"hello\" arrives");
    let received = receiver.join().unwrap();
    history.expect(
        "what the thread has received",
        received,
        Ok(b"hello".to_vec()),
    );
}
