//! What the user types: mistakes end with a line that names them, exit code 2.
#![allow(clippy::unwrap_used)]

#[path = "harness/cli.rs"]
mod harness;

use harness::{DEVICE_MISTAKES, HOST_MISTAKES, assert_help, assert_wrong};

const STEP05: &str = env!("CARGO_BIN_EXE_step05_arp");

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
    assert_help(
        STEP05,
        &[],
        "step05_arp [OPTIONS]",
        &["serve", "lab", "--log LEVEL", "--hexdump", "--pcap FILE"],
    );
    assert_help(
        STEP05,
        &["serve"],
        "step05_arp serve [OPTIONS]",
        &HOST_OPTIONS,
    );
    assert_help(
        STEP05,
        &["serve"],
        "step05_arp serve [OPTIONS]",
        &["--device NAME"],
    );
    assert_help(
        STEP05,
        &["lab"],
        "step05_arp lab [OPTIONS] [-- COMMAND…]",
        &HOST_OPTIONS,
    );
}

#[test]
fn mistakes_with_the_scene() {
    for (args, complaint) in [
        (
            &["--device", "tap0"][..],
            "error: unknown option '--device'; allowed are --log, --location, --hexdump, --pcap (see 'step05_arp --help')",
        ),
        (
            &["server"],
            "error: unexpected argument 'server' (see 'step05_arp --help')",
        ),
        (
            &["--hexdump=on"],
            "error: option --hexdump: takes no value, got 'on'",
        ),
        (&["--log"], "error: option --log: needs a value LEVEL"),
        (
            &["--log", "info,step05_arp=all"],
            "error: option --log: 'info,step05_arp=all': 'all' is none of off",
        ),
        (
            &["--pcap", "/no-such-folder/a.pcap"],
            "error: option --pcap: '/no-such-folder/a.pcap': No such file or directory",
        ),
    ] {
        assert_wrong(STEP05, args, complaint);
    }
}

#[test]
fn mistakes_with_serve() {
    for (args, complaint) in HOST_MISTAKES.into_iter().chain(DEVICE_MISTAKES) {
        assert_wrong(STEP05, &[&["serve"], args].concat(), complaint);
    }
    let unknown =
        "error: unknown option '--port'; allowed are --log, --location, --hexdump, --device, --mac";
    assert_wrong(STEP05, &["serve", "--port", "7"], unknown);
    let unexpected = "error: unexpected argument 'tap0' (see 'step05_arp serve --help')";
    assert_wrong(STEP05, &["serve", "tap0"], unexpected);
}

#[test]
fn mistakes_with_lab() {
    for (args, complaint) in HOST_MISTAKES {
        assert_wrong(
            STEP05,
            &[&["lab"], args, &["--", "true"]].concat(),
            complaint,
        );
    }
    let unexpected = "error: unexpected argument 'ping' (see 'step05_arp lab --help')";
    assert_wrong(STEP05, &["lab", "ping", "192.0.2.2"], unexpected);
}
