//! The protocols above IP: registered, and delivered to.

use step03_ip::device::DeviceFlags;
use step03_ip::ip::input::AlreadyRegistered;
use step03_ip::ip::options::{Problem, check};
use step03_ip::ip::{IpInput, IpProtocol};
use step03_ip::sync::lock;
use step03_ip::testing::History;

use crate::bench::{Host, ME, Note, Seen, datagram, seal};

fn host(seen: &Seen) -> Host {
    let plug = |input: IpInput| {
        let mut input = input.error_reporter(Note(seen.clone()));
        input.register(IpProtocol::UDP, Note(seen.clone())).unwrap();
        input.register(IpProtocol::TCP, Note(seen.clone())).unwrap();
        input
    };
    Host::new(DeviceFlags::BROADCAST, plug)
}

#[test]
fn register_takes_each_protocol_once() {
    let history = History::new();
    let seen = Seen::default();
    let host = Host::new(DeviceFlags::BROADCAST, |input| input);
    let mut input = IpInput::new(&host.ip);
    drop(history);
    let history = History::new();
    for (protocol, shown) in [
        (IpProtocol::UDP, "UDP(0x11)"),
        (IpProtocol::TCP, "TCP(0x06)"),
    ] {
        history.did(format!("register {protocol}"));
        let registered = input.register(protocol, Note(seen.clone()));
        history.expect("what register says", registered, Ok(()));
        history.expect_log(&[&format!("ip::register: registered, type={shown}")]);
    }
    history.did("register UDP once more");
    let again = input.register(IpProtocol::UDP, Note(seen.clone()));
    history.expect(
        "what register says",
        again,
        Err(AlreadyRegistered(IpProtocol::UDP)),
    );
    history.expect_log(&["ip::register: already exists, type=UDP(0x11)"]);
    history.expect(
        "how many handlers are kept",
        std::sync::Arc::strong_count(&seen) - 1,
        2,
    );
}

#[test]
fn options_that_are_let_in() {
    let history = History::new();
    for options in [
        &[][..],
        &[1, 1, 1, 1],
        &[0x94, 4, 0, 0],
        &[0, 7, 99, 1],
        &[7, 7, 4, 0, 0, 0, 0],     // record route, room for one
        &[7, 7, 8, 0, 0, 0, 0],     // and full
        &[68, 8, 5, 0, 0, 0, 0, 0], // timestamps
        &[131, 7, 8, 192, 0, 2, 2], // a source route that has been gone
    ] {
        history.did(format!("look at the options {options:?}"));
        history.expect("what check says", check(options), Ok(()));
    }
}

#[test]
fn options_that_keep_a_datagram_out() {
    let history = History::new();
    let malformed = Problem::Malformed;
    for (options, problem) in [
        (&[7, 0, 0, 0][..], malformed(21)),
        (&[1, 7, 4, 0], malformed(22)),
        (&[1, 1, 1, 7], malformed(23)), // nor a length
        (&[7, 2, 1, 1], malformed(21)), // there is no pointer
        (&[7, 7, 3, 0, 0, 0, 0], malformed(22)),
        (&[1, 68, 7, 4, 0, 0, 0, 0], malformed(23)),
        (&[131, 7, 4, 192, 0, 2, 9], Problem::SourceRoute),
        (&[137, 7, 7, 192, 0, 2, 9], Problem::SourceRoute),
        (&[1, 7, 7, 4, 0, 0, 0, 0, 137, 3, 3, 0], malformed(30)),
    ] {
        history.did(format!("look at the options {options:?}"));
        history.expect("what check says", check(options), Err(problem));
    }
}

#[test]
fn delivered_to_the_protocol_that_it_is_for() {
    let history = History::new();
    let seen = Seen::default();
    let mut host = host(&seen);
    for (protocol, text) in [(17, "UDP(0x11) one"), (6, "TCP(0x06) two")] {
        let payload = &text[text.len() - 3..];
        let mut packet = datagram(ME, protocol, payload.as_bytes());
        packet.resize(46, 0xee);
        host.receive(&packet);
        history.did(format!(
            "\"{payload}\" arrives for protocol {protocol}, padded to 46 octets"
        ));
        history.expect("who has got what", lock(&seen).pop(), Some(text.to_owned()));
    }
    history.expect("delivered, as counted", host.ip.counters.delivered.get(), 2);
    for dst in [[192, 0, 2, 255], [255; 4]] {
        host.receive(&datagram(dst.into(), 17, b"all"));
        history.did(format!(
            "\"all\" arrives for UDP at the broadcast address {dst:?}"
        ));
        history.expect(
            "who has got what",
            lock(&seen).pop(),
            Some("UDP(0x11) all".to_owned()),
        );
    }
    let mut packet = datagram(ME, 17, &[0x94, 4, 0, 0, b'd', b'a', b't', b'a']);
    packet[0] = 0x46;
    seal(&mut packet);
    host.receive(&packet);
    history.did("\"data\" arrives behind four octets of options");
    history.expect(
        "who has got what",
        lock(&seen).pop(),
        Some("UDP(0x11) data".to_owned()),
    );
}

#[test]
fn what_cannot_be_delivered_is_reported() {
    let history = History::new();
    let seen = Seen::default();
    let mut host = host(&seen);
    host.receive(&datagram(ME, 254, b"lost"));
    history.did("\"lost\" arrives for protocol 254, that nobody speaks");
    let report = "ProtocolUnreachable for 24 octets".to_owned();
    history.expect("what is reported", lock(&seen).pop(), Some(report));
    history.expect(
        "unknown protocols, as counted",
        host.ip.counters.unknown_protocol.get(),
        1,
    );
    let mut packet = datagram(ME, 17, &[7, 0, 0, 0, b'x']);
    packet[0] = 0x46;
    seal(&mut packet);
    host.receive(&packet);
    history.did("a datagram arrives whose option has the length 0");
    let report = "ParameterProblem(21) for 25 octets".to_owned();
    history.expect("what is reported", lock(&seen).pop(), Some(report));
    history.expect(
        "bad options, as counted",
        host.ip.counters.bad_options.get(),
        1,
    );
    history.expect("delivered, as counted", host.ip.counters.delivered.get(), 0);
}
