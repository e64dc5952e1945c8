//! The drivers, with the Linux kernel at the other end of the cable.
//!
//! Each test runs alone in a process and a network namespace of its own, which
//! takes no root where the system allows user namespaces. What cannot be tested
//! here is skipped, with the reason on stderr.

use std::io::{ErrorKind, Write};
use std::net::{Ipv4Addr, TcpStream, UdpSocket};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, io, thread};

use step05_arp::checksum::{Checksum, checksum};
use step05_arp::cli::UsageError;
use step05_arp::env::Env;
use step05_arp::frame::{self, Capture, FrameIo, Kind};
use step05_arp::namespace;
use step05_arp::packet_socket::PacketSocket;
use step05_arp::tap::Tap;
use step05_arp::testing::skip;

const KERNEL: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const OURS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
const OUR_MAC: [u8; 6] = [0, 0, 0x5e, 0, 0x53, 1];
const BROADCAST: [u8; 6] = [0xff; 6];
const ARP: [u8; 2] = [0x08, 0x06];
const IP: [u8; 2] = [0x08, 0x00];
const UDP: u8 = 17;
const TCP: u8 = 6;

/// Declares tests that run in a network namespace of their own.
macro_rules! namespace_tests {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            in_namespace(stringify!($name), scenes::$name);
        }
    )*};
}

namespace_tests! {
    tap_reads_what_the_kernel_sends
    tap_writes_what_the_kernel_receives
    tap_is_for_one_program
    tap_that_is_deleted
    tap_that_is_down
    tap_under_a_capture
    packet_socket_and_kernel_exchange_udp
    packet_socket_cuts_long_segments
    packet_socket_keeps_vlan_tags
    packet_socket_sees_no_echo_of_its_own
    packet_socket_while_the_interface_is_down
    packet_socket_of_a_deleted_interface
    kinds_of_interfaces
}

/// Runs this test program again, for one test, in a namespace.
fn in_namespace(test: &str, scene: fn()) {
    const INSIDE: &str = "MICROPS_TEST_NAMESPACE";
    if env::var_os(INSIDE).is_some() {
        return scene();
    }
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, "1");
    // SAFETY: the closure runs in a child with one thread, between fork and
    // exec. It allocates and opens files, which glibc makes safe after a fork.
    unsafe {
        command.pre_exec(|| {
            namespace::enter().map_err(|error| {
                eprintln!("{error:#}");
                io::Error::from(ErrorKind::PermissionDenied)
            })
        });
    }
    match command.output() {
        Ok(output) => {
            let (stdout, stderr) = (
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr),
            );
            eprint!("{stderr}");
            assert!(output.status.success(), "{stdout}");
            assert!(stdout.contains("1 passed"), "{stdout}");
        }
        Err(error) => skip(&format!("no network namespace: {error}")),
    }
}

/// Opens tap0 with the kernel's address at its other end, unless it is
/// impossible on this system.
fn tap() -> Option<Tap> {
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
fn ip(args: &str) -> bool {
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
fn veth() -> Option<PacketSocket> {
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
    Some(PacketSocket::open("veth0").unwrap())
}

/// Reads frames until `pick` takes one.
fn wait_for<T>(frames: &dyn FrameIo, mut pick: impl FnMut(&[u8]) -> Option<T>) -> T {
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
fn wait_for_end(frames: &dyn FrameIo) -> io::Error {
    let deadline = Instant::now() + Duration::from_secs(5);
    while Instant::now() < deadline {
        if let Err(error) = frames.read_frame(&mut [0; 1600]) {
            return error;
        }
        thread::sleep(Duration::from_millis(1));
    }
    panic!("the device seems to live on");
}

fn with_type(frame: &[u8], ethertype: [u8; 2]) -> Option<&[u8]> {
    (frame.get(12..14)? == ethertype).then(|| &frame[14..])
}

fn ethernet(dst: [u8; 6], ethertype: [u8; 2], payload: &[u8]) -> Vec<u8> {
    [&dst[..], &OUR_MAC, &ethertype, payload].concat()
}

fn arp(opcode: u8, target: [u8; 6]) -> Vec<u8> {
    let mut message = vec![0, 1, 8, 0, 6, 4, 0, opcode];
    message.extend(OUR_MAC);
    message.extend(OURS.octets());
    message.extend(target);
    message.extend(KERNEL.octets());
    message
}

/// An IPv4 datagram from us to the kernel; fills in the checksum that stands
/// at `checksum_at` in what it carries.
fn datagram(protocol: u8, mut carried: Vec<u8>, checksum_at: usize) -> Vec<u8> {
    let mut sum = Checksum::pseudo_header(OURS, KERNEL, protocol, carried.len());
    sum.add(&carried);
    carried[checksum_at..checksum_at + 2].copy_from_slice(&sum.finish().to_be_bytes());
    let len = u16::try_from(20 + carried.len()).unwrap();
    let mut header = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, protocol, 0, 0];
    header[2..4].copy_from_slice(&len.to_be_bytes());
    header.extend(OURS.octets());
    header.extend(KERNEL.octets());
    let sum = checksum(&header).to_be_bytes();
    header[10..12].copy_from_slice(&sum);
    [header, carried].concat()
}

fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(8 + payload.len()).unwrap();
    let ports = [[0, 7], port.to_be_bytes(), len.to_be_bytes(), [0, 0]];
    datagram(UDP, [&ports.concat(), payload].concat(), 6)
}

/// What an IPv4 datagram from the kernel carries, if its protocol is the given
/// one. Its checksums must be right.
fn carried(datagram: &[u8], protocol: u8) -> Option<&[u8]> {
    if datagram[9] != protocol {
        return None;
    }
    let len = usize::from(u16::from_be_bytes([datagram[2], datagram[3]]));
    assert_eq!(checksum(&datagram[..20]), 0);
    let carried = &datagram[20..len];
    let mut sum = Checksum::pseudo_header(KERNEL, OURS, protocol, carried.len());
    sum.add(carried);
    assert_eq!(sum.finish(), 0, "checksum of {carried:02x?}");
    Some(carried)
}

/// The kernel's UDP payload, as soon as it arrives.
fn wait_for_udp(frames: &dyn FrameIo) -> Vec<u8> {
    wait_for(frames, |frame| {
        let datagram = with_type(frame, IP)?;
        Some(carried(datagram, UDP)?[8..].to_vec())
    })
}

mod scenes {
    use super::*;

    pub fn tap_reads_what_the_kernel_sends() {
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

    pub fn tap_writes_what_the_kernel_receives() {
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

    pub fn tap_is_for_one_program() {
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

    pub fn tap_that_is_deleted() {
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

    pub fn tap_that_is_down() {
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

    pub fn tap_under_a_capture() {
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
        assert_eq!(file.len(), 24 + 2 * (16 + 42));
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

    pub fn packet_socket_and_kernel_exchange_udp() {
        let Some(frames) = veth() else { return };
        let socket = UdpSocket::bind((KERNEL, 0)).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(5)))
            .unwrap();
        // The kernel leaves this checksum to hardware that is not there. The
        // frame is for our address, not the interface's: promiscuous mode works.
        socket.send_to(b"down", (OURS, 7)).unwrap();
        let (kernel, payload) = wait_for(&frames, |frame| {
            let udp = carried(with_type(frame, IP)?, UDP)?;
            assert_eq!(frame[..6], OUR_MAC);
            Some((
                <[u8; 6]>::try_from(&frame[6..12]).unwrap(),
                udp[8..].to_vec(),
            ))
        });
        assert_eq!(payload, b"down");
        assert_ne!(frames.hardware_address().unwrap(), kernel);
        let port = socket.local_addr().unwrap().port();
        frames
            .write_frame(&ethernet(kernel, IP, &udp(port, b"up")))
            .unwrap();
        let mut buffer = [0; 16];
        let (len, from) = socket.recv_from(&mut buffer).unwrap();
        assert_eq!((&buffer[..len], from), (&b"up"[..], (OURS, 7).into()));
    }

    /// A TCP header of ours, with room for 4 octets of options.
    fn tcp(port: u16, ack: u32, flags: u8) -> Vec<u8> {
        let seq: u32 = if flags & SYN == 0 { 1001 } else { 1000 };
        let mut segment = [[0, 7], port.to_be_bytes()].concat();
        segment.extend(seq.to_be_bytes());
        segment.extend(ack.to_be_bytes());
        segment.extend([6 << 4, flags, 0xff, 0xff, 0, 0, 0, 0]);
        segment.extend([2, 4, 0x05, 0xb4]); // maximum segment size 1460
        datagram(TCP, segment, 16)
    }
    const SYN: u8 = 2;
    const ACK: u8 = 16;

    pub fn packet_socket_cuts_long_segments() {
        const LEN: usize = 200_000;
        let Some(frames) = veth() else { return };
        let sent: Vec<u8> = (0..LEN).map(|n| (n % 251) as u8).collect();
        let client = thread::spawn({
            let sent = sent.clone();
            move || {
                let mut stream = TcpStream::connect((OURS, 7)).unwrap();
                stream.write_all(&sent).unwrap();
                stream
            }
        });
        let mut received: Vec<u8> = Vec::new();
        let (mut port, mut first) = (0, 0);
        wait_for(&frames, |frame| {
            assert!(frame.len() <= 1514);
            let segment = carried(with_type(frame, IP)?, TCP)?;
            let kernel = <[u8; 6]>::try_from(&frame[6..12]).unwrap();
            let seq = u32::from_be_bytes(*segment[4..].first_chunk().unwrap());
            let reply = if segment[13] & SYN != 0 {
                port = u16::from_be_bytes(*segment.first_chunk().unwrap());
                first = seq.wrapping_add(1);
                tcp(port, first, SYN | ACK)
            } else {
                let at = seq.wrapping_sub(first) as usize;
                let payload = &segment[usize::from(segment[12] >> 4) * 4..];
                if at == received.len() {
                    received.extend(payload);
                }
                tcp(port, first.wrapping_add(received.len() as u32), ACK)
            };
            frames.write_frame(&ethernet(kernel, IP, &reply)).unwrap();
            (received.len() == LEN).then_some(())
        });
        assert!(received == sent, "the data has changed on the way");
        drop(client.join().unwrap());
    }

    pub fn packet_socket_keeps_vlan_tags() {
        let Some(frames) = veth() else { return };
        let kernel = PacketSocket::open("veth1").unwrap();
        let payload = [&[0x00, 0x05, 0x08, 0x00][..], &[7; 50]].concat();
        let tagged = ethernet(BROADCAST, [0x81, 0x00], &payload);
        kernel.write_frame(&tagged).unwrap();
        let received = wait_for(&frames, |frame| {
            with_type(frame, [0x81, 0x00]).map(|_| frame.to_vec())
        });
        assert_eq!(received, tagged);
        // Network 0 is no network: the tag tells the priority only.
        let payload = [&[0xe0, 0x00, 0x88, 0xb5][..], &[7; 50]].concat();
        kernel
            .write_frame(&ethernet(BROADCAST, [0x81, 0x00], &payload))
            .unwrap();
        let received = wait_for(&frames, |frame| {
            with_type(frame, [0x88, 0xb5]).map(<[u8]>::to_vec)
        });
        assert_eq!(received, [7; 50]);
    }

    pub fn packet_socket_sees_no_echo_of_its_own() {
        let Some(frames) = veth() else { return };
        let mine = ethernet(BROADCAST, [0x88, 0xb5], &[7; 50]);
        frames.write_frame(&mine).unwrap();
        frames
            .write_frame(&ethernet(BROADCAST, ARP, &arp(1, [0; 6])))
            .unwrap();
        wait_for(&frames, |frame| {
            assert!(frame != mine);
            (frame[6..12] != OUR_MAC).then_some(())
        });
        // A frame that is longer than the buffer is cut, not lost.
        frames
            .write_frame(&ethernet(BROADCAST, ARP, &arp(1, [0; 6])))
            .unwrap();
        let mut short = [0; 20];
        let deadline = Instant::now() + Duration::from_secs(5);
        while frames.read_frame(&mut short).unwrap() != Some(20) {
            assert!(Instant::now() < deadline);
        }
    }

    pub fn packet_socket_while_the_interface_is_down() {
        let Some(frames) = veth() else { return };
        assert!(ip("link set veth0 down"));
        for _ in 0..20 {
            assert_eq!(frames.read_frame(&mut [0; 1600]).unwrap(), None);
        }
        let error = frames.write_frame(&[0; 60]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NetworkDown);
        assert!(ip("link set veth0 up"));
        let socket = UdpSocket::bind((KERNEL, 0)).unwrap();
        socket.send_to(b"again", (OURS, 7)).unwrap();
        assert_eq!(wait_for_udp(&frames), b"again");
    }

    pub fn packet_socket_of_a_deleted_interface() {
        let Some(frames) = veth() else { return };
        // Somebody reads all the time, and so also in the midst of the deletion.
        let reader = thread::spawn(move || {
            let deadline = Instant::now() + Duration::from_secs(5);
            while Instant::now() < deadline {
                if let Err(error) = frames.read_frame(&mut [0; 1600]) {
                    let write = frames.write_frame(&[0; 60]);
                    return (error.to_string(), write.is_err());
                }
            }
            panic!("the interface seems to live on");
        });
        assert!(ip("link del veth0"));
        let (error, no_write) = reader.join().unwrap();
        assert!(error.starts_with("veth0 has been deleted"), "{error}");
        assert!(no_write);
    }

    pub fn kinds_of_interfaces() {
        assert_eq!(frame::kind("lo").unwrap(), Some(Kind::PacketSocket));
        assert_eq!(frame::kind("tap0").unwrap(), None);
        let error = PacketSocket::open("lo").unwrap_err().to_string();
        assert!(
            error.starts_with("not an Ethernet interface, dev=lo"),
            "{error}"
        );
        let error = PacketSocket::open("none").unwrap_err().to_string();
        assert!(
            error.ends_with("dev=none: there is no such interface"),
            "{error}"
        );
        if let Some(_tap) = tap() {
            assert_eq!(frame::kind("tap0").unwrap(), Some(Kind::Tap));
        }
        if let Some(_frames) = veth() {
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
        namespace::configure(name, KERNEL, 24),
    ] {
        let error = result.unwrap_err();
        assert!(error.is::<UsageError>());
        assert_eq!(
            error.to_string(),
            "device 'sixteen-octets--': a device name has at most 15 octets, not 16"
        );
    }
}
