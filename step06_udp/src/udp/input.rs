//! The way up: from a datagram to the socket that it is for.

use std::io;
use std::net::SocketAddrV4;
use std::sync::Arc;

use log::debug;

use crate::hexdump::hexdump;
use crate::icmp::{Code, ErrorListener, IcmpError, IcmpType};
use crate::ip::{Datagram, Options, Upper};
use crate::udp::header::{self, Header, ParseError};
use crate::udp::message::{Arrival, ErrorReport};
use crate::udp::output::Udp;
use crate::udp::pcb::Delivery;

/// UDP, the way up: owned by the main loop.
pub struct UdpInput(Arc<Udp>);

impl UdpInput {
    /// The way up that belongs to `udp`.
    pub fn new(udp: &Arc<Udp>) -> Self {
        Self(Arc::clone(udp))
    }
}

impl Upper for UdpInput {
    fn input(&mut self, mut datagram: Datagram<'_>) {
        // Its sender has computed no checksum, and 0 says so.
        if datagram.payload.is_undamaged()
            && let Some(checksum) = datagram.payload.get_mut(6..8)
        {
            checksum.fill(0);
        }
        let counters = &self.0.counters;
        counters.received.inc();
        let (src, dst) = (datagram.header.src, datagram.header.dst);
        // EXERCISE 6.8: UDP input
        let header = match Header::parse(&datagram.payload, src, dst) {
            Ok(header) => header,
            Err(error) => {
                match error {
                    ParseError::TooShort { .. } => counters.too_short.inc(),
                    ParseError::Length { .. } => counters.bad_length.inc(),
                    ParseError::Checksum { .. } => counters.bad_checksum.inc(),
                }
                debug!(target: "udp::input", "{error}, src={src}");
                return;
            }
        };
        let remote = SocketAddrV4::new(src, header.src_port);
        let local = SocketAddrV4::new(dst, header.dst_port);
        debug!(
            target: "udp::input",
            "{remote} => {local}, len={} (payload={})\n{header}{}",
            header.len, usize::from(header.len) - header::LEN, hexdump(&datagram.payload)
        );
        if remote.port() == 0 || local.port() == 0 {
            counters.bad_port.inc();
            return;
        }
        // ANCHOR: arrival
        let mut data = datagram.payload.clone();
        data.truncate(header.len.into());
        if !data.pull(header::LEN) {
            return; // parse() has made sure that it is long enough
        }
        let arrival = Arrival {
            from: remote,
            to: datagram.specific_dst(),
            tos: datagram.header.tos,
            options: Options::new(datagram.options()).unwrap_or_default(),
            data,
        };
        // ANCHOR_END: arrival
        // ANCHOR: deliver
        let delivery = self.0.pcbs.with(|state| state.deliver(local, arrival));
        match delivery {
            Delivery::Queued(id) => {
                counters.delivered.inc();
                self.0.pcbs.wakeup(id.key());
            }
            Delivery::QueueFull => counters.queue_full.inc(),
            Delivery::NoSuchPort => {
                counters.port_unreachable.inc();
                self.0.icmp().unreachable(Code::PORT, datagram);
            }
        }
        // ANCHOR_END: deliver
        // END 6.8
    }
}

/// Takes the ICMP errors about datagrams that we have sent.
pub struct UdpErrors(Arc<Udp>);

impl UdpErrors {
    /// For the sockets of `udp`.
    pub fn new(udp: &Arc<Udp>) -> Self {
        Self(Arc::clone(udp))
    }
}

impl ErrorListener for UdpErrors {
    fn error(&mut self, error: &IcmpError<'_>) {
        // It asked not to be fragmented, and is too long for the way.
        let too_long =
            (error.icmp_type, error.code) == (IcmpType::DEST_UNREACH, Code::FRAGMENT_NEEDED);
        let kind = error
            .kind()
            .or(too_long.then_some(io::ErrorKind::InvalidInput));
        // ANCHOR: errors
        let (Some(kind), Some(&[s0, s1, d0, d1])) = (kind, error.payload.first_chunk()) else {
            return;
        };
        let local = SocketAddrV4::new(error.datagram.src, u16::from_be_bytes([s0, s1]));
        let remote = SocketAddrV4::new(error.datagram.dst, u16::from_be_bytes([d0, d1]));
        debug!(target: "udp::error", "{local} => {remote}: {kind}, reported by {}", error.from);
        let report = ErrorReport {
            to: remote,
            from: error.from,
            kind,
        };
        let told = self.0.pcbs.with(|state| state.error(local, report));
        if let Some((id, full)) = told {
            self.0.counters.icmp_errors.inc();
            self.0.counters.reports_lost.add(full.into());
            self.0.pcbs.wakeup(id.key());
        }
        // ANCHOR_END: errors
    }
}
