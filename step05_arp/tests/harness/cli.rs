//! Command lines, right and wrong.

use std::process::{Command, Output, Stdio};

fn run(program: &str, args: &[&str]) -> Output {
    Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Asserts that a mistake ends with exit code 2 and one line on stderr, which
/// begins like this.
pub fn assert_wrong(program: &str, args: &[&str], complaint: &str) {
    let output = run(program, args);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with(complaint), "{args:?}: {stderr}");
    assert_eq!(stderr.lines().count(), 1, "{args:?}: {stderr}");
    assert!(stderr.ends_with('\n'), "{args:?}: {stderr:?}");
    assert_eq!(output.status.code(), Some(2), "{args:?}");
    assert_eq!(output.stdout, b"", "{args:?}");
}

/// Asserts that help is given, on stdout, with this usage and these options.
pub fn assert_help(program: &str, args: &[&str], usage: &str, options: &[&str]) {
    for help in ["--help", "-h"] {
        let output = run(program, &[args, &[help]].concat());
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{stdout}");
        assert_eq!(output.stderr, b"");
        assert!(stdout.contains(&format!("\nUsage: {usage}\n")), "{stdout}");
        for option in options {
            let shown = stdout
                .lines()
                .any(|line| line.trim_start().starts_with(option));
            assert!(shown, "{option} is missing: {stdout}");
        }
    }
}

/// The mistakes that one can make with the options of `serve`, `lab` and the
/// applications.
pub const HOST_MISTAKES: [(&[&str], &str); 13] = [
    (
        &["--mac", "zz"],
        "error: option --mac: 'zz': not an Ethernet address, such as 00:00:5e:00:53:01",
    ),
    (
        &["--mac", "00:00:5e:00:53"],
        "error: option --mac: '00:00:5e:00:53': not an Ethernet address",
    ),
    (
        &["--mac", "ff:ff:ff:ff:ff:ff"],
        "error: option --mac: 'ff:ff:ff:ff:ff:ff': names no single station",
    ),
    (
        &["--addr", "192.0.2.2"],
        "error: option --addr: '192.0.2.2': not of the form ADDRESS/PREFIX",
    ),
    (
        &["--addr", "192.0.2.2/33"],
        "error: option --addr: '192.0.2.2/33': not of the form",
    ),
    (
        &["--addr=300.0.0.1/24"],
        "error: option --addr: '300.0.0.1/24': not of the form",
    ),
    (
        &["--addr", "0.0.0.0/0"],
        "error: option --addr: '0.0.0.0/0': names no host on a network",
    ),
    (
        &["--addr", "224.0.0.1/24"],
        "error: option --addr: '224.0.0.1/24': names no host on a network",
    ),
    (
        &["--gateway", "here"],
        "error: option --gateway: 'here': invalid IPv4 address syntax",
    ),
    (
        &["--gateway", "8.8.8.8"],
        "error: option --gateway: '8.8.8.8': not in the network of 192.0.2.2/24",
    ),
    (&["--ttl", "0"], "error: option --ttl: '0': not 1 to 255"),
    (
        &["--ttl", "256"],
        "error: option --ttl: '256': not 1 to 255",
    ),
    (
        &["--log", "loud"],
        "error: option --log: 'loud': 'loud' is none of off, error, warn",
    ),
];

/// The mistakes that one can make with `--device`.
pub const DEVICE_MISTAKES: [(&[&str], &str); 5] = [
    (
        &["--device", "no-such-dev"],
        "error: option --device: 'no-such-dev': no such interface; a TAP is made by: sudo ip tuntap add mode tap user $USER name no-such-dev && sudo ip addr add 192.0.2.1/24 dev no-such-dev && sudo ip link set no-such-dev up",
    ),
    (
        &["--device", ""],
        "error: option --device: '': a device name is not empty",
    ),
    (
        &["--device", "tap/0"],
        "error: option --device: 'tap/0': a device name has no",
    ),
    (
        &["--device", "sixteen-octets--"],
        "error: option --device: 'sixteen-octets--': a device name has at most 15 octets",
    ),
    (&["--device"], "error: option --device: needs a value NAME"),
];
