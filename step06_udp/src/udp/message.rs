//! All that IP knows of a datagram, both ways, for applications that want more
//! than `std::net` offers (RFC 1122 §4.1.4).

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, ToSocketAddrs};
use std::num::NonZeroU8;

use crate::ip::Options;
use crate::ip::header::MIN_LEN;
use crate::packet::Packet;
use crate::udp::header;
use crate::udp::pcb::Pcb;
use crate::udp::socket::{UdpSocket, copy, resolve};

/// A datagram that waits for its socket.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Who sent it.
    pub from: SocketAddrV4,
    /// To which of the host's own addresses.
    pub to: Ipv4Addr,
    /// Its type of service.
    pub tos: u8,
    /// Its IP options.
    pub options: Options,
    /// Its payload.
    pub data: Packet,
}

/// What [`UdpSocket::recv_message`] has received.
#[derive(Clone, Copy, Debug)]
pub struct Message {
    /// How many octets are in the buffer now.
    pub len: usize,
    /// Who sent it.
    pub from: SocketAddr,
    /// Which of the host's own addresses it was sent to: the interface's, if it
    /// was a broadcast (RFC 1122 §4.1.3.5, "specific-destination address").
    pub to: Ipv4Addr,
    /// Its type of service.
    pub tos: u8,
    /// Its IP options.
    pub options: Options,
}

/// A datagram could not be delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorReport {
    /// Whom it was for.
    pub to: SocketAddrV4,
    /// Who says so.
    pub from: Ipv4Addr,
    /// What went wrong.
    pub kind: io::ErrorKind,
}

impl UdpSocket {
    /// As [`recv_from`](Self::recv_from), with all that IP knows.
    ///
    /// # Errors
    /// As [`recv_from`](Self::recv_from).
    pub fn recv_message(&self, buffer: &mut [u8]) -> io::Result<Message> {
        let arrival = self.receive(Pcb::pop)?;
        Ok(Message {
            len: copy(&arrival.data, buffer),
            from: arrival.from.into(),
            to: arrival.to,
            tos: arrival.tos,
            options: arrival.options,
        })
    }

    /// The oldest report, not asked for yet, that something which this socket
    /// has sent could not be delivered. Never waits. Only a socket that is not
    /// connected has reports; the calls of a connected one fail instead.
    ///
    /// # Errors
    /// None, as long as the socket is open.
    pub fn error_report(&self) -> io::Result<Option<ErrorReport>> {
        self.with(|pcb| pcb.reports.pop_front())
    }

    /// Sets the time to live of what is sent: 1 to 255.
    ///
    /// # Errors
    /// `InvalidInput`: another number.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        let ttl = u8::try_from(ttl).ok().and_then(NonZeroU8::new);
        let ttl = ttl.ok_or(io::ErrorKind::InvalidInput)?;
        self.with(|pcb| pcb.parameters.ttl = Some(ttl))
    }

    /// The time to live of what is sent.
    ///
    /// # Errors
    /// None, as long as the socket is open.
    pub fn ttl(&self) -> io::Result<u32> {
        let ttl = self.with(|pcb| pcb.parameters.ttl)?;
        let ttl = ttl.unwrap_or_else(|| self.0.udp.ip().default_ttl());
        Ok(u32::from(ttl.get()))
    }

    /// Sets the type of service (today: DSCP and ECN) of what is sent.
    ///
    /// # Errors
    /// None, as long as the socket is open.
    pub fn set_tos(&self, tos: u8) -> io::Result<()> {
        self.with(|pcb| pcb.parameters.tos = tos)
    }

    /// Sets the IP options of what is sent, as they stand in a header.
    ///
    /// # Errors
    /// `InvalidInput`: more than 40 octets, or not well-formed.
    pub fn set_ip_options(&self, options: &[u8]) -> io::Result<()> {
        let options = Options::new(options);
        let options = options.map_err(|bad| io::Error::new(io::ErrorKind::InvalidInput, bad))?;
        self.with(|pcb| pcb.parameters.options = options)
    }

    /// Forbids, or allows, that what is sent is fragmented, here or on the way.
    /// What is too long for the way fails with `InvalidInput`.
    ///
    /// # Errors
    /// None, as long as the socket is open.
    pub fn set_dont_fragment(&self, dont_fragment: bool) -> io::Result<()> {
        self.with(|pcb| pcb.parameters.dont_fragment = dont_fragment)
    }

    /// The longest payload, in octets, that goes to `addr` in one piece, as far
    /// as this host's own link is concerned (RFC 1122 §3.4, `GET_MAXSIZES`).
    ///
    /// # Errors
    /// `NetworkUnreachable`: there is no way to `addr`.
    pub fn unfragmented_len(&self, addr: impl ToSocketAddrs) -> io::Result<usize> {
        let remote = resolve(addr)?;
        let route = self.0.udp.ip().route(*remote.ip());
        let route = route.ok_or(io::ErrorKind::NetworkUnreachable)?;
        let options = self.with(|pcb| pcb.parameters.options.len())?;
        let headers = MIN_LEN + options + header::LEN;
        Ok(route.iface.device().mtu().saturating_sub(headers))
    }
}
