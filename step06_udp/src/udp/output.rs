//! The way down, and what the main loop and the sockets share.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;

use log::{debug, error};

use crate::hexdump::hexdump;
use crate::icmp::Icmp;
use crate::ip::{Ip, IpProtocol, Parameters};
use crate::logger;
use crate::packet::Packet;
use crate::udp::UdpCounters;
use crate::udp::header::{self, Header};
use crate::udp::pcb::State;
use crate::wait::Monitor;

/// The longest payload: what IP can carry, less both headers.
pub const MAX_PAYLOAD: usize = 65_535 - 20 - header::LEN;

/// UDP, shared by sockets and the way up. The monitor is its one lock.
pub struct Udp {
    ip: Arc<Ip>,
    icmp: Arc<Icmp>,
    pub(super) pcbs: Monitor<State>,
    /// What happened at this floor, both ways.
    pub counters: UdpCounters,
}

impl Udp {
    /// UDP over `ip`, which reports by `icmp` what it cannot deliver.
    pub fn new(ip: &Arc<Ip>, icmp: &Arc<Icmp>) -> Arc<Self> {
        Arc::new(Self {
            ip: Arc::clone(ip),
            icmp: Arc::clone(icmp),
            pcbs: Monitor::new(State::default()),
            counters: UdpCounters::default(),
        })
    }

    /// The floor below.
    pub fn ip(&self) -> &Arc<Ip> {
        &self.ip
    }

    pub(super) fn icmp(&self) -> &Arc<Icmp> {
        &self.icmp
    }

    /// Sends `data` from `src` to `dst`.
    ///
    /// # Errors
    /// As [`output_with`](Self::output_with).
    pub fn output(&self, src: SocketAddrV4, dst: SocketAddrV4, data: &[u8]) -> io::Result<()> {
        self.output_with(&Parameters::default(), src, dst, data)
    }

    /// Sends `data` from `src` to `dst`; IP does as `parameters` say.
    ///
    /// # Errors
    /// `InvalidInput`: too long. Otherwise as [`Ip::output_with`].
    pub fn output_with(
        &self,
        parameters: &Parameters,
        src: SocketAddrV4,
        dst: SocketAddrV4,
        data: &[u8],
    ) -> io::Result<()> {
        // EXERCISE 6.9: UDP output
        let _scope = logger::scope(self.ip.env());
        // ANCHOR: limit
        let len = header::LEN + data.len();
        let len = u16::try_from(len)
            .ok()
            .filter(|_| data.len() <= MAX_PAYLOAD);
        let Some(len) = len else {
            self.counters.too_long.inc();
            error!(target: "udp::output", "too long, len={}", data.len());
            return Err(io::ErrorKind::InvalidInput.into());
        };
        // ANCHOR_END: limit
        // ANCHOR: build
        let mut header = Header {
            src_port: src.port(),
            dst_port: dst.port(),
            len,
            checksum: 0,
        };
        let mut packet = Packet::new(data);
        packet.prepend(header::LEN);
        header.emit(&mut packet, *src.ip(), *dst.ip());
        header.checksum = u16::from_be_bytes([packet[6], packet[7]]);
        // ANCHOR_END: build
        debug!(
            target: "udp::output",
            "{src} => {dst}, len={len} (payload={})\n{header}{}",
            data.len(), hexdump(&packet)
        );
        // ANCHOR: send
        let result = self
            .ip
            .output_with(parameters, IpProtocol::UDP, *src.ip(), *dst.ip(), packet);
        match &result {
            Ok(()) => self.counters.sent.inc(),
            Err(_) => self.counters.output_failed.inc(),
        }
        result
        // ANCHOR_END: send
        // END 6.9
    }

    /// The address from which `dst` is reached: part of the checksum, and so
    /// needed before IP chooses it.
    ///
    /// # Errors
    /// `NetworkUnreachable`: there is no way to `dst`.
    // ANCHOR: source_for
    pub fn source_for(&self, dst: Ipv4Addr) -> io::Result<Ipv4Addr> {
        self.ip.source_for(dst).ok_or_else(|| {
            debug!(target: "udp::sendto", "iface not found that can reach foreign address, addr={dst}");
            io::ErrorKind::NetworkUnreachable.into()
        })
    }
    // ANCHOR_END: source_for

    /// Ends the sleep of all who are blocked in a call now (`Interrupted`).
    pub fn interrupt(&self) {
        self.pcbs.interrupt();
    }

    /// Ends the sleep of all, now and ever: the host shuts down. Calls that
    /// could block end at once (`Interrupted`), whatever waits for them.
    pub fn close(&self) {
        self.pcbs.close();
    }

    /// How many threads are asleep in a call.
    pub fn sleepers(&self) -> usize {
        self.pcbs.sleepers()
    }

    /// The sockets: local, remote, octets waiting.
    pub fn sockets(&self) -> Vec<(SocketAddrV4, Option<SocketAddrV4>, usize)> {
        self.pcbs.with(|state| state.iter().collect())
    }
}
