//! The PF_PACKET driver, on one end of a virtual cable.

use std::io::{ErrorKind, Write};
use std::net::{TcpStream, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use step05_arp::frame::FrameIo;
use step05_arp::packet_socket::PacketSocket;

use crate::frames::*;
use crate::support::*;

namespace_tests! {
    and_kernel_exchange_udp
    cuts_long_segments
    keeps_vlan_tags
    sees_only_what_comes_in
    cuts_a_frame_that_is_longer_than_the_buffer
    while_the_interface_is_down
    of_a_deleted_interface
}

mod scenes {
    use super::*;

    pub fn and_kernel_exchange_udp() {
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

    pub fn cuts_long_segments() {
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

    pub fn keeps_vlan_tags() {
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

    pub fn sees_only_what_comes_in() {
        let Some(frames) = veth() else { return };
        // Another user of the same interface, as the kernel is.
        let other = PacketSocket::open("veth0").unwrap();
        let outgoing = ethernet(BROADCAST, [0x88, 0xb5], &[7; 50]);
        other.write_frame(&outgoing).unwrap();
        let socket = UdpSocket::bind((KERNEL, 0)).unwrap();
        socket.send_to(b"incoming", (OURS, 7)).unwrap();
        let payload = wait_for(&frames, |frame| {
            assert!(frame != outgoing);
            Some(carried(with_type(frame, IP)?, UDP)?[8..].to_vec())
        });
        assert_eq!(payload, b"incoming");
    }

    pub fn cuts_a_frame_that_is_longer_than_the_buffer() {
        let Some(frames) = veth() else { return };
        let socket = UdpSocket::bind((KERNEL, 0)).unwrap();
        socket.send_to(&[7; 100], (OURS, 7)).unwrap();
        let mut short = [0; 50];
        let deadline = Instant::now() + Duration::from_secs(5);
        while frames.read_frame(&mut short).unwrap() != Some(50) {
            assert!(Instant::now() < deadline);
        }
        assert_eq!(short[42..], [7; 8]);
    }

    pub fn while_the_interface_is_down() {
        let Some(frames) = veth() else { return };
        assert!(ip("link set veth0 down"));
        for _ in 0..20 {
            assert_eq!(frames.read_frame(&mut [0; 1600]).unwrap(), None);
        }
        let error = frames.write_frame(&[0; 60]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NetworkDown);
        assert!(ip("link set veth0 up"));
        wait_until_up(&frames);
        let socket = UdpSocket::bind((KERNEL, 0)).unwrap();
        socket.send_to(b"again", (OURS, 7)).unwrap();
        assert_eq!(wait_for_udp(&frames), b"again");
    }

    pub fn of_a_deleted_interface() {
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
}
