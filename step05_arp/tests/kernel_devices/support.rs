//! A namespace for each test, and a device in it.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, io, thread};

use step05_arp::frame::FrameIo;
use step05_arp::namespace;
use step05_arp::packet_socket::PacketSocket;
use step05_arp::tap::Tap;
use step05_arp::testing::skip;

use crate::frames::{ARP, BROADCAST, IP, KERNEL, UDP, arp, carried, ethernet, with_type};

/// Declares tests that run in a network namespace of their own: for each name
/// there is a function of that name in the module `scenes`.
macro_rules! namespace_tests {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            let path = concat!(module_path!(), "::", stringify!($name));
            crate::support::in_namespace(path, scenes::$name);
        }
    )*};
}
pub(crate) use namespace_tests;

/// Runs this test program again, for one test, in a namespace.
pub fn in_namespace(test: &str, scene: fn()) {
    let program = env::current_exe().unwrap();
    again(test, scene, Command::new(program));
}

/// The exit status of a test program that could not get what it needs.
const SKIP: i32 = 77;

/// The same, with a sysfs that shows what is in the namespace.
pub fn with_sysfs(test: &str, scene: fn()) {
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "sh", "-c"])
        .arg(format!(
            "mount -t sysfs none /sys || exit {SKIP}; exec \"$0\" \"$@\""
        ))
        .arg(env::current_exe().unwrap());
    again(test, scene, command);
}

fn again(test: &str, scene: fn(), mut command: Command) {
    const INSIDE: &str = "MICROPS_TEST_NAMESPACE";
    if env::var_os(INSIDE).is_some() {
        return scene();
    }
    let (_, test) = test.split_once("::").unwrap(); // without the crate's name
    command
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, "1")
        .stderr(Stdio::inherit()); // reasons for skipping are shown at once
    crate::sys::enter_namespace(&mut command);
    match command.output() {
        Ok(output) if output.status.code() == Some(SKIP) => skip("no sysfs of its own"),
        Ok(output) => {
            let stdout = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{stdout}");
            assert!(stdout.contains("1 passed"), "{stdout}");
        }
        Err(_) => skip("no network namespace, for the reason given above"),
    }
}

/// Opens tap0 with the kernel's address at its other end, unless it is
/// impossible on this system.
pub fn tap() -> Option<Tap> {
    if let Err(error) = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/net/tun")
    {
        let message = Tap::open("tap0").unwrap_err().to_string();
        let advised = message.contains("sudo ");
        assert!(advised && message.contains("dev=tap0"), "{message}");
        skip(&format!("/dev/net/tun: {error}"));
        return None;
    }
    let tap = Tap::open("tap0").unwrap();
    namespace::configure("tap0", KERNEL, 24).unwrap();
    assert_eq!(tap.name(), "tap0");
    Some(tap)
}

/// Runs the `ip` program; false, and skipped, if it is not there or refuses.
pub fn ip(args: &str) -> bool {
    match Command::new("ip").args(args.split(' ')).output() {
        Ok(output) if output.status.success() => true,
        Ok(output) => {
            let reason = String::from_utf8_lossy(&output.stderr);
            skip(&format!("ip {args}: {}", reason.trim()));
            false
        }
        Err(error) => {
            skip(&format!("ip: {error}"));
            false
        }
    }
}

/// Opens one end of a virtual cable; at the other, veth1, is the kernel, which
/// knows our hardware address.
pub fn veth() -> Option<PacketSocket> {
    if !ip("link add veth0 type veth peer name veth1") {
        return None;
    }
    for end in ["veth0", "veth1"] {
        let file = format!("/proc/sys/net/ipv6/conf/{end}/disable_ipv6");
        let _ = std::fs::write(file, "1");
    }
    namespace::configure("veth1", KERNEL, 24).unwrap();
    assert!(ip("link set veth0 up"));
    assert!(ip("neigh add 192.0.2.2 lladdr 00:00:5e:00:53:01 dev veth1"));
    let frames = PacketSocket::open("veth0").unwrap();
    wait_until_up(&frames);
    Some(frames)
}

/// Waits until frames go both ways. An interface is set up at once, but for a
/// moment it loses what is sent, as the kernel starts its queue a little later.
pub fn wait_until_up(frames: &dyn FrameIo) {
    let deadline = Instant::now() + Duration::from_secs(5);
    let request = ethernet(BROADCAST, ARP, &arp(1, [0; 6]));
    let mut buffer = [0; 1600];
    while Instant::now() < deadline {
        frames.write_frame(&request).unwrap();
        thread::sleep(Duration::from_millis(10));
        while let Some(len) = frames.read_frame(&mut buffer).unwrap() {
            if with_type(&buffer[..len], ARP).is_some_and(|message| message[7] == 2) {
                return;
            }
        }
    }
    panic!("the interface does not come up");
}

/// Reads frames until `pick` takes one.
pub fn wait_for<T>(frames: &dyn FrameIo, mut pick: impl FnMut(&[u8]) -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(5);
    let mut buffer = [0; 1600];
    while Instant::now() < deadline {
        match frames.read_frame(&mut buffer).unwrap() {
            Some(len) => {
                if let Some(found) = pick(&buffer[..len]) {
                    return found;
                }
            }
            None => thread::sleep(Duration::from_millis(1)),
        }
    }
    panic!("no such frame");
}

/// Waits for the error that ends a device.
pub fn wait_for_end(frames: &dyn FrameIo) -> io::Error {
    let deadline = Instant::now() + Duration::from_secs(5);
    while Instant::now() < deadline {
        if let Err(error) = frames.read_frame(&mut [0; 1600]) {
            return error;
        }
        thread::sleep(Duration::from_millis(1));
    }
    panic!("the device seems to live on");
}

/// The kernel's UDP payload, as soon as it arrives.
pub fn wait_for_udp(frames: &dyn FrameIo) -> Vec<u8> {
    wait_for(frames, |frame| {
        let datagram = with_type(frame, IP)?;
        Some(carried(datagram, UDP)?[8..].to_vec())
    })
}
