//! The way up: from a datagram to a segment, and to the state machine.

use std::io;
use std::net::SocketAddrV4;
use std::sync::Arc;

use log::debug;

use crate::header::{Header, ParseError};
use crate::hexdump::hexdump;
use crate::icmp::{self, Code, ErrorListener, IcmpType};
use crate::icmp_errors::IcmpError;
use crate::ip::{Datagram, Upper};
use crate::path_mtu::TooBig;
use crate::segment::Segment;
use crate::seq::SeqNumber;
use crate::tcb::Id;
use crate::tcp::Tcp;

/// TCP, the way up: owned by the main loop.
pub struct TcpInput {
    tcp: Arc<Tcp>,
    /// Whose users are to be woken when all segments of this turn are through:
    /// in between, they would get up for each of them, and want the lock.
    changed: Vec<Id>,
}

impl TcpInput {
    /// The way up that belongs to `tcp`.
    pub fn new(tcp: &Arc<Tcp>) -> Self {
        Self {
            tcp: Arc::clone(tcp),
            changed: Vec::new(),
        }
    }
}

impl Upper for TcpInput {
    fn input(&mut self, datagram: Datagram<'_>) {
        let counters = &self.tcp.counters;
        let (src, dst) = (datagram.header.src, datagram.header.dst);
        if datagram.is_broadcast() {
            counters.not_unicast.inc();
            debug!(target: "tcp::input", "only supports unicast, src={src}, dst={dst}");
            return;
        }
        let mtu = datagram.iface.device().mtu();
        let len = datagram.payload.len();
        if log::log_enabled!(target: "tcp::input", log::Level::Debug)
            && let Ok((header, offset)) = Header::parse(&datagram.payload)
        {
            debug!(
                target: "tcp::input",
                "{src}:{} => {dst}:{}, len={len} (payload={})\n{header}{}",
                header.src_port, header.dst_port, len - offset, hexdump(&datagram.payload)
            );
        }
        match Segment::parse(datagram.payload, src, dst) {
            Ok((src_port, dst_port, segment)) => {
                // ANCHOR: arrives
                let local = SocketAddrV4::new(dst, dst_port);
                let remote = SocketAddrV4::new(src, src_port);
                self.tcp.run_quietly(&mut self.changed, |state, now, out| {
                    state.begin_turn();
                    state.segment_arrives(local, remote, segment, mtu, now, out);
                });
                // ANCHOR_END: arrives
            }
            Err(error) => {
                // ANCHOR: errors
                match error {
                    ParseError::TooShort { .. } => &counters.too_short,
                    ParseError::DataOffset { .. } => &counters.bad_data_offset,
                    ParseError::Checksum { .. } => &counters.bad_checksum,
                }
                .inc();
                debug!(target: "tcp::input", "{error}, src={src}");
                // ANCHOR_END: errors
            }
        }
    }

    // ANCHOR: drained
    fn drained(&mut self) {
        let changed = &mut self.changed;
        self.tcp
            .run_quietly(changed, |state, now, out| state.end_turn(now, out));
        changed.sort_unstable();
        changed.dedup();
        self.tcp.wake(changed.drain(..));
    }
    // ANCHOR_END: drained
}

/// Takes the ICMP errors about segments that we have sent.
pub struct TcpErrors(Arc<Tcp>);

impl TcpErrors {
    /// For the connections of `tcp`.
    pub fn new(tcp: &Arc<Tcp>) -> Self {
        Self(Arc::clone(tcp))
    }
}

impl ErrorListener for TcpErrors {
    fn error(&mut self, error: &icmp::IcmpError<'_>) {
        let Some(&[s0, s1, d0, d1, n0, n1, n2, n3]) = error.payload.first_chunk() else {
            return;
        };
        let local = SocketAddrV4::new(error.datagram.src, u16::from_be_bytes([s0, s1]));
        let remote = SocketAddrV4::new(error.datagram.dst, u16::from_be_bytes([d0, d1]));
        let seq = SeqNumber::new(u32::from_be_bytes([n0, n1, n2, n3]));
        if (error.icmp_type, error.code) == (IcmpType::DEST_UNREACH, Code::FRAGMENT_NEEDED) {
            let [.., m0, m1] = error.values.to_be_bytes();
            let report = TooBig {
                len: error.datagram.total_len,
                mtu: u16::from_be_bytes([m0, m1]),
            };
            debug!(target: "tcp::error", "{local} => {remote}: too long, {report}, reported by {}", error.from);
            self.0
                .error((local, remote), seq, IcmpError::FragmentationNeeded(report));
            return;
        }
        let Some(kind) = error.kind() else {
            return;
        };
        debug!(target: "tcp::error", "{local} => {remote}: {kind}, reported by {}", error.from);
        // Our own ARP has said it: nobody can have forged it.
        let ourselves = error.from == error.datagram.src;
        if ourselves {
            self.0
                .run(|state, now, out| state.unreachable(local, remote, kind, now, out));
            return;
        }
        let hard = kind == io::ErrorKind::ConnectionRefused
            && error.icmp_type == IcmpType::DEST_UNREACH
            && matches!(error.code, Code::PROTOCOL | Code::PORT);
        let error = if hard {
            IcmpError::Hard(kind)
        } else {
            IcmpError::Soft(kind)
        };
        self.0.error((local, remote), seq, error);
    }
}
