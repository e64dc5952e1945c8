//! The drivers, with the Linux kernel at the other end of the cable.
//!
//! Each test runs alone in a process and a network namespace of its own, which
//! takes no root where the system allows user namespaces. What cannot be tested
//! here is skipped, with the reason on stderr.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)] // it is all test

mod frames;
mod packet_socket;
mod support;
mod sys;
mod tap;

use step05_arp::cli::UsageError;
use step05_arp::frame::{self, FrameIo, Kind};
use step05_arp::namespace;
use step05_arp::packet_socket::PacketSocket;
use step05_arp::tap::Tap;

support::namespace_tests! {
    kinds_of_interfaces
}

mod scenes {
    use super::*;

    pub fn kinds_of_interfaces() {
        assert_eq!(frame::kind("lo").unwrap(), Some(Kind::PacketSocket));
        assert_eq!(frame::kind("tap0").unwrap(), None);
        let error = PacketSocket::open("lo").unwrap_err().to_string();
        assert!(
            error.starts_with("device 'lo': not an Ethernet interface"),
            "{error}"
        );
        let error = PacketSocket::open("none").unwrap_err().to_string();
        assert!(
            error.ends_with("dev=none: there is no such interface"),
            "{error}"
        );
        if let Some(_tap) = support::tap() {
            assert_eq!(frame::kind("tap0").unwrap(), Some(Kind::Tap));
        }
        if let Some(_frames) = support::veth() {
            assert_eq!(frame::kind("veth0").unwrap(), Some(Kind::PacketSocket));
            let frames = frame::open_device("veth0").unwrap();
            assert!(frames.fd().is_some());
        }
    }
}

#[test]
fn names_that_are_too_long() {
    let name = "sixteen-octets--";
    for result in [
        Tap::open(name).map(drop),
        PacketSocket::open(name).map(drop),
        frame::open_device(name).map(drop),
        namespace::configure(name, frames::KERNEL, 24),
    ] {
        let error = result.unwrap_err();
        assert!(error.is::<UsageError>());
        assert_eq!(
            error.to_string(),
            "device 'sixteen-octets--': a device name has at most 15 octets, not 16"
        );
    }
}
