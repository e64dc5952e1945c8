//! Ethernet: frames, addresses, and the one helper under all drivers.
//!
//! A driver only moves whole frames ([`FrameIo`]): over a TAP device, a packet
//! socket, or a wire in memory. What makes a network device of it is the same
//! for all, and lies here.

pub mod header;
pub mod mac;

use std::os::fd::RawFd;
use std::sync::Arc;
use std::{io, mem};

use log::{debug, info, trace};

use crate::device::{
    Device, DeviceConfig, DeviceFlags, DeviceType, Devices, HwAddr, Received, Receiver, Transmitter,
};
use crate::ethertype::EtherType;
use crate::frame::FrameIo;
use crate::hexdump::hexdump;
use crate::packet::Packet;
use crate::time::Time;

pub use header::Header;
pub use mac::MacAddr;

/// The longest payload of a frame, in octets (IEEE 802.3).
pub const MTU: usize = 1500;
/// The longest frame, without the checksum that the hardware adds.
pub const MAX_FRAME_LEN: usize = header::LEN + MTU;
/// The shortest frame, without the checksum; shorter ones are padded.
pub const MIN_FRAME_LEN: usize = 60;

/// Makes a network device of what carries frames.
pub fn init(devices: &mut Devices, frames: impl FrameIo + 'static, mac: MacAddr) -> Arc<Device> {
    let frames: Arc<dyn FrameIo> = Arc::new(frames);
    let offload = if frames.offloads() {
        DeviceFlags::OFFLOAD
    } else {
        DeviceFlags::NONE
    };
    // ANCHOR: config
    let config = DeviceConfig {
        device_type: DeviceType::ETHERNET,
        mtu: MTU,
        flags: DeviceFlags::BROADCAST
            .with(DeviceFlags::NEED_ARP)
            .with(offload),
        addr: mac.into(),
        broadcast: MacAddr::BROADCAST.into(),
    };
    // ANCHOR_END: config
    // One octet more than the longest frame, to notice a longer one.
    let longest = if frames.offloads() {
        header::LEN + usize::from(u16::MAX)
    } else {
        MAX_FRAME_LEN
    };
    // ANCHOR: halves
    let tx = Tx {
        frames: Arc::clone(&frames),
        mac,
    };
    let rx = Rx {
        frames: Arc::clone(&frames),
        mac,
        empty: Packet::for_reading(longest + 1),
    };
    let device = devices.register(config, tx, rx);
    // ANCHOR_END: halves
    frames.attach(device.irq());
    info!(target: "ethernet::init", "ethernet device initialized, dev={}, addr={mac}", device.name());
    device
}

struct Tx {
    frames: Arc<dyn FrameIo>,
    mac: MacAddr,
}

impl Transmitter for Tx {
    fn transmit(
        &self,
        device: &Device,
        dst: HwAddr,
        ethertype: u16,
        mut packet: Packet,
    ) -> io::Result<()> {
        // EXERCISE 5.3: Frames go out
        // ANCHOR: transmit
        let header = Header {
            dst: MacAddr::try_from(dst).map_err(io::Error::other)?,
            src: self.mac,
            ethertype: EtherType(ethertype),
        };
        if let Some(out) = packet.prepend(header::LEN).first_chunk_mut() {
            header.emit(out);
        }
        packet.pad_to(MIN_FRAME_LEN);
        debug!(
            target: "ethernet::transmit",
            "dev={}, type={}, len={}\n{header}{}",
            device.name(), header.ethertype, packet.len(), hexdump(&packet)
        );
        match packet.unfinished() {
            None => self.frames.write_frame(&packet),
            Some(left) => self.frames.write_unfinished(&packet, &left),
        }
        // ANCHOR_END: transmit
        // END 5.3
    }
}

struct Rx {
    frames: Arc<dyn FrameIo>,
    mac: MacAddr,
    /// Where the next frame is read to.
    empty: Packet,
}

impl Receiver for Rx {
    fn fd(&self) -> Option<RawFd> {
        self.frames.fd()
    }

    fn deadline(&self) -> Option<Time> {
        self.frames.deadline()
    }

    fn receive(&mut self, device: &Device) -> io::Result<Received> {
        // ANCHOR: receive
        let Some((len, left)) = self.frames.read_unfinished(&mut self.empty)? else {
            return Ok(Received::Nothing);
        };
        let mut packet = self.take(len);
        if left.is_some() {
            packet.mark_undamaged();
        }
        Ok(match self.accept(device, packet) {
            Some((ethertype, packet)) => Received::Packet(ethertype, packet),
            None => Received::Dropped,
        })
        // ANCHOR_END: receive
    }
}

impl Rx {
    // ANCHOR: take
    /// The frame of `len` octets that was just read. A short one is copied, so
    /// that it does not occupy a long buffer wherever it may have to wait.
    fn take(&mut self, len: usize) -> Packet {
        let longest = self.empty.len();
        if len < longest / 4 {
            return Packet::new(self.empty.get(..len).unwrap_or_default());
        }
        let mut packet = mem::replace(&mut self.empty, Packet::for_reading(longest));
        packet.truncate(len);
        packet
    }
    // ANCHOR_END: take

    /// What a frame carries, if it is well-formed and for us.
    fn accept(&self, device: &Device, mut packet: Packet) -> Option<(u16, Packet)> {
        // EXERCISE 5.4: Frames come in
        // ANCHOR: accept
        // What has crossed no wire need not have fitted one.
        let fits = packet.len() <= MAX_FRAME_LEN || packet.is_undamaged();
        let Some(header) = Header::parse(&packet).filter(|_| fits) else {
            device.counters.malformed.inc();
            debug!(target: "ethernet::input", "length error, dev={}, len={}", device.name(), packet.len());
            return None;
        };
        if header.dst != self.mac && header.dst != MacAddr::BROADCAST {
            device.counters.other_host.inc();
            trace!(target: "ethernet::input", "not for us, dev={}, dst={}", device.name(), header.dst);
            return None;
        }
        // ANCHOR_END: accept
        // ANCHOR: accept_marked
        debug!(
            target: "ethernet::input",
            "dev={}, type={}, len={}\n{header}{}",
            device.name(), header.ethertype, packet.len(), hexdump(&packet)
        );
        if header.dst == MacAddr::BROADCAST {
            packet.mark_link_broadcast();
        }
        packet
            .pull(header::LEN)
            .then_some((header.ethertype.0, packet))
        // ANCHOR_END: accept_marked
        // END 5.4
    }
}
