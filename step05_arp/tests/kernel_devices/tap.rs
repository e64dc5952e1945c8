//! The TAP driver.

use std::env;
use std::io::ErrorKind;
use std::net::UdpSocket;
use std::process::Command;
use std::time::Duration;

use step05_arp::env::Env;
use step05_arp::frame::{Capture, FrameIo};
use step05_arp::tap::Tap;
use step05_arp::testing::skip;

use crate::frames::*;
use crate::support::*;

namespace_tests! {
    reads_what_the_kernel_sends
    writes_what_the_kernel_receives
    is_for_one_program
    that_is_deleted
    that_is_down
    under_a_capture
}

#[test]
fn that_has_a_thread() {
    with_sysfs(
        concat!(module_path!(), "::that_has_a_thread"),
        scenes::that_has_a_thread,
    );
}

mod scenes {
    use super::*;

    pub fn that_has_a_thread() {
        let file = "/sys/class/net/tap0/threaded";
        let switch = || std::fs::read_to_string(file).unwrap();
        // One that is made by being opened has no switch yet.
        let Some(made) = tap() else { return };
        if !std::fs::exists(file).unwrap() {
            return skip("the kernel's queues have no threads");
        }
        assert_eq!(switch(), "0\n");
        drop(made);
        if !ip("tuntap add mode tap name tap0") {
            return;
        }
        assert_eq!(switch(), "0\n");
        let tap = tap().unwrap();
        assert_eq!(switch(), "1\n");
        // Each comes alone: the thread sleeps in between, and is woken.
        for _ in 0..3 {
            tap.write_frame(&ethernet(BROADCAST, ARP, &arp(1, [0; 6])))
                .unwrap();
            wait_for(&tap, |frame| {
                with_type(frame, ARP)
                    .filter(|reply| reply[7] == 2)
                    .map(drop)
            });
        }
        drop(tap);
        assert!(ip("link del tap0"));
    }

    pub fn reads_what_the_kernel_sends() {
        let Some(tap) = tap() else { return };
        assert_eq!(tap.read_frame(&mut [0; 1600]).unwrap(), None);
        let socket = UdpSocket::bind((KERNEL, 0)).unwrap();
        socket.send_to(b"hello", (OURS, 7)).unwrap();
        let (src, request) = wait_for(&tap, |frame| {
            let request = with_type(frame, ARP)?.to_vec();
            assert_eq!(frame.len(), 42);
            assert_eq!(frame[..6], BROADCAST);
            Some((frame[6..12].to_vec(), request))
        });
        assert_eq!(src, tap.hardware_address().unwrap());
        // Ethernet, IPv4, lengths 6 and 4, request, from it, from 192.0.2.1, for 192.0.2.2.
        assert_eq!(request[..8], [0, 1, 8, 0, 6, 4, 0, 1]);
        assert_eq!(request[8..14], src);
        assert_eq!(request[14..18], KERNEL.octets());
        assert_eq!(request[24..28], OURS.octets());
        // Answered, it sends what it had to send.
        let src = src.try_into().unwrap();
        let reply = ethernet(src, ARP, &arp(2, src));
        tap.write_frame(&reply).unwrap();
        assert_eq!(wait_for_udp(&tap), b"hello");
    }

    pub fn writes_what_the_kernel_receives() {
        let Some(tap) = tap() else { return };
        tap.write_frame(&ethernet(BROADCAST, ARP, &arp(1, [0; 6])))
            .unwrap();
        let kernel = wait_for(&tap, |frame| {
            let reply = with_type(frame, ARP)?;
            (reply[7] == 2).then(|| <[u8; 6]>::try_from(&reply[8..14]).unwrap())
        });
        assert_eq!(kernel, tap.hardware_address().unwrap());
        let socket = UdpSocket::bind((KERNEL, 0)).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(5)))
            .unwrap();
        let port = socket.local_addr().unwrap().port();
        tap.write_frame(&ethernet(kernel, IP, &udp(port, b"up")))
            .unwrap();
        let mut buffer = [0; 16];
        let (len, from) = socket.recv_from(&mut buffer).unwrap();
        assert_eq!(&buffer[..len], b"up");
        assert_eq!(from, (OURS, 7).into());
    }

    pub fn is_for_one_program() {
        let Some(_tap) = tap() else { return };
        let error = Tap::open("tap0").unwrap_err().to_string();
        assert!(error.starts_with("ioctl [TUNSETIFF]: "), "{error}");
        assert!(
            error.ends_with("another program is using this TAP"),
            "{error}"
        );
        let error = Tap::open("lo").unwrap_err().to_string();
        assert!(error.ends_with("exists, and is not a TAP"), "{error}");
    }

    pub fn that_is_deleted() {
        let Some(tap) = tap() else { return };
        if !ip("link del tap0") {
            return;
        }
        let error = wait_for_end(&tap);
        assert!(
            error.to_string().starts_with("tap0 has been deleted"),
            "{error}"
        );
        let error = tap.write_frame(&[0; 60]).unwrap_err();
        assert!(
            error.to_string().starts_with("tap0 has been deleted"),
            "{error}"
        );
        // It does not end by waiting, either.
        wait_for_end(&tap);
    }

    pub fn that_is_down() {
        let Some(tap) = tap() else { return };
        if !ip("link set tap0 down") {
            return;
        }
        assert_eq!(tap.read_frame(&mut [0; 1600]).unwrap(), None);
        let error = tap.write_frame(&[0; 60]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NetworkDown);
        assert!(ip("link set tap0 up"));
        tap.write_frame(&ethernet(BROADCAST, ARP, &arp(1, [0; 6])))
            .unwrap();
        wait_for(&tap, |frame| with_type(frame, ARP).map(drop));
    }

    pub fn under_a_capture() {
        let Some(tap) = tap() else { return };
        let path = env::temp_dir().join(format!("microps-{}.pcap", std::process::id()));
        let frames = Capture::create(tap, &path, &Env::system()).unwrap();
        frames
            .write_frame(&ethernet(BROADCAST, ARP, &arp(1, [0; 6])))
            .unwrap();
        wait_for(&frames, |frame| with_type(frame, ARP).map(drop));
        // Complete while the capture is still running. In it: a header, and
        // request and reply with 16 octets before each.
        let file = std::fs::read(&path).unwrap();
        assert!(file.len() >= 24 + 2 * (16 + 42));
        match Command::new("tshark").arg("-r").arg(&path).output() {
            Ok(output) => {
                let text = String::from_utf8_lossy(&output.stdout);
                assert!(text.contains("Who has 192.0.2.1? Tell 192.0.2.2"), "{text}");
                assert!(text.contains("192.0.2.1 is at"), "{text}");
            }
            Err(error) => skip(&format!("tshark: {error}")),
        }
        std::fs::remove_file(&path).unwrap();
    }
}
