//! What the user types: mistakes end with a line that names them, exit code 2.
#![allow(clippy::unwrap_used)]

#[path = "../../step05_arp/tests/harness/cli.rs"]
mod harness;

use harness::{DEVICE_MISTAKES, HOST_MISTAKES, assert_help, assert_wrong};

const STEP06: &str = env!("CARGO_BIN_EXE_step06_udp");
const UDPS: &str = env!("CARGO_BIN_EXE_udps");
const UDPC: &str = env!("CARGO_BIN_EXE_udpc");

const HOST_OPTIONS: [&str; 8] = [
    "--log LEVEL",
    "--location",
    "--hexdump",
    "--mac MAC",
    "--addr ADDR/PREFIX",
    "--gateway ADDR",
    "--ttl HOPS",
    "--pcap FILE",
];

#[test]
fn help() {
    let serve = [
        &HOST_OPTIONS[..],
        &["--device NAME", "Serves: ping; echo (7)"],
    ]
    .concat();
    let udps = [&HOST_OPTIONS[..], &["--device NAME", "ADDR", "PORT"]].concat();
    let udpc = [
        &udps[..2],
        &["-s, --source ADDR", "-p, --port PORT", "ADDR:PORT"],
    ]
    .concat();
    for (program, args, usage, options) in [
        (
            STEP06,
            &[][..],
            "step06_udp [OPTIONS]",
            &["serve", "lab"][..],
        ),
        (STEP06, &["serve"], "step06_udp serve [OPTIONS]", &serve),
        (
            STEP06,
            &["lab"],
            "step06_udp lab [OPTIONS] [-- COMMAND…]",
            &HOST_OPTIONS,
        ),
        (UDPS, &[], "udps [OPTIONS] [ADDR] PORT", &udps),
        (UDPC, &[], "udpc [OPTIONS] ADDR:PORT", &udpc),
    ] {
        assert_help(program, args, usage, options);
    }
}

#[test]
fn mistakes_about_the_host() {
    for (args, complaint) in HOST_MISTAKES {
        assert_wrong(
            STEP06,
            &[&["lab"], args, &["--", "true"]].concat(),
            complaint,
        );
    }
    for (args, complaint) in HOST_MISTAKES.into_iter().chain(DEVICE_MISTAKES) {
        assert_wrong(STEP06, &[&["serve"], args].concat(), complaint);
        assert_wrong(UDPS, &[&["7"], args].concat(), complaint);
        assert_wrong(UDPC, &[&["192.0.2.1:7"], args].concat(), complaint);
    }
}

#[test]
fn mistakes_with_udps() {
    for (args, complaint) in [
        (&[][..], "error: missing argument PORT (see 'udps --help')"),
        (
            &["echo"],
            "error: argument PORT: 'echo': invalid digit found in string",
        ),
        (
            &["70000"],
            "error: argument PORT: '70000': number too large",
        ),
        (&["-1"], "error: unknown option '-1'; allowed are --log"),
        (
            &["1.2.3", "7"],
            "error: argument ADDR: '1.2.3': invalid IPv4 address syntax",
        ),
        (&["192.0.2.2", "7", "8"], "error: unexpected argument '8'"),
        (
            &["--prot", "7"],
            "error: unknown option '--prot'; allowed are --log",
        ),
    ] {
        assert_wrong(UDPS, args, complaint);
    }
}

#[test]
fn mistakes_with_udpc() {
    for (args, complaint) in [
        (
            &[][..],
            "error: missing argument ADDR:PORT (see 'udpc --help')",
        ),
        (
            &["192.0.2.1"],
            "error: argument ADDR:PORT: '192.0.2.1': invalid IPv4 socket address syntax",
        ),
        (
            &["192.0.2.1:"],
            "error: argument ADDR:PORT: '192.0.2.1:': invalid IPv4 socket",
        ),
        (
            &["192.0.2.1:0"],
            "error: argument ADDR:PORT: '192.0.2.1:0': port 0 is no port",
        ),
        (
            &["192.0.2.1:70000"],
            "error: argument ADDR:PORT: '192.0.2.1:70000': invalid IPv4",
        ),
        (
            &["-s", "me", "192.0.2.1:7"],
            "error: option --source: 'me': invalid IPv4 address syntax",
        ),
        (
            &["-p", "70000", "192.0.2.1:7"],
            "error: option --port: '70000': number too large",
        ),
        (
            &["192.0.2.1:7", "-p"],
            "error: option -p: needs a value PORT",
        ),
    ] {
        assert_wrong(UDPC, args, complaint);
    }
}
