//! The way down: messages, and errors about datagrams of others.

use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use log::debug;

use crate::hexdump::hexdump;
use crate::icmp::IcmpCounters;
use crate::icmp::message::{Code, HEADER_LEN, Header, IcmpType};
use crate::icmp::rate_limit::TokenBucket;
use crate::ip::header::{Header as IpHeader, MIN_LEN as IP_HEADER_LEN};
use crate::ip::{Datagram, DeliveryError, ErrorReporter, Interface, Ip, IpProtocol, Parameters};
use crate::logger;
use crate::packet::Packet;
use crate::sync::lock;

/// The longest error message: it must not need fragmentation anywhere, and
/// quotes as much as fits (RFC 1812 §4.3.2.3).
const MAX_ERROR_LEN: usize = 576;

/// How many errors may be sent in a row.
const ERROR_BURST: u32 = 100;

/// After that, how long it takes until another may.
const ERROR_INTERVAL: Duration = Duration::from_millis(10);

/// ICMP, the way down.
pub struct Icmp {
    ip: Arc<Ip>,
    limit: Mutex<TokenBucket>,
    /// What happened at this floor, both ways.
    pub counters: IcmpCounters,
}

impl Icmp {
    /// ICMP over `ip`.
    pub fn new(ip: &Arc<Ip>) -> Self {
        Self {
            ip: Arc::clone(ip),
            // 100 at once, and 100 a second in the long run.
            limit: Mutex::new(TokenBucket::new(ERROR_BURST, ERROR_INTERVAL)),
            counters: IcmpCounters::default(),
        }
    }

    /// The floor below.
    pub fn ip(&self) -> &Arc<Ip> {
        &self.ip
    }

    /// Sends a message with the given data. `src` may be 0.0.0.0.
    ///
    /// # Errors
    /// As [`Ip::output`].
    pub fn output(
        &self,
        icmp_type: IcmpType,
        code: Code,
        values: u32,
        data: Packet,
        src: Ipv4Addr,
        dst: Ipv4Addr,
    ) -> io::Result<()> {
        let header = Header {
            icmp_type,
            code,
            checksum: 0,
            values,
        };
        self.output_with(&Parameters::default(), header, data, src, dst)
    }

    // ANCHOR: output
    /// As [`output`](Self::output), with the whole header at once (but for its
    /// checksum), and what IP is to do with it.
    ///
    /// # Errors
    /// As [`Ip::output_with`].
    pub fn output_with(
        &self,
        parameters: &Parameters,
        mut header: Header,
        mut data: Packet,
        src: Ipv4Addr,
        dst: Ipv4Addr,
    ) -> io::Result<()> {
        // ANCHOR_END: output
        // EXERCISE 4.4: Send a message
        // ANCHOR: output_body
        let _scope = logger::scope(self.ip.env());
        data.prepend(HEADER_LEN);
        header.emit(&mut data);
        header.checksum = u16::from_be_bytes([data[2], data[3]]);
        debug!(
            target: "icmp::output",
            "{src} => {dst}, type={}, len={}\n{header}{}",
            header.icmp_type, data.len(), hexdump(&data)
        );
        let protocol = IpProtocol::ICMP;
        let result = self.ip.output_with(parameters, protocol, src, dst, data);
        match &result {
            Ok(()) => self.counters.sent.inc(),
            Err(_) => self.counters.output_failed.inc(),
        }
        result
        // ANCHOR_END: output_body
        // END 4.4
    }

    /// Tells the sender of `datagram` that it could not be delivered.
    pub fn unreachable(&self, code: Code, datagram: Datagram<'_>) {
        self.error(IcmpType::DEST_UNREACH, code, 0, datagram);
    }

    // ANCHOR: error
    /// Tells the sender of `datagram` what is wrong with it, unless the rules
    /// forbid it or too many have been told lately.
    pub fn error(&self, icmp_type: IcmpType, code: Code, values: u32, datagram: Datagram<'_>) {
        // EXERCISE 4.8: Tell the sender, if you may
        let (iface, header) = (datagram.iface, datagram.header);
        // The address that the sender wrote to, so that it knows who answers.
        let src = datagram.specific_dst();
        let mut quote = datagram.into_packet();
        if !may_report(iface, &header, &quote) {
            self.counters.suppressed.inc();
            return;
        }
        if !lock(&self.limit).take(self.ip.env().now()) {
            self.counters.rate_limited.inc();
            return;
        }
        quote.truncate(MAX_ERROR_LEN - IP_HEADER_LEN - HEADER_LEN);
        // Failures are counted and logged where they happen.
        let _ = self.output(icmp_type, code, values, quote, src, header.src);
        // END 4.8
    }
    // ANCHOR_END: error
}

// ANCHOR: may_report
/// About what an error may be sent (RFC 1122 §3.2.2): never about another
/// error, a broadcast, a later fragment, or a source that is no single host.
fn may_report(iface: &Interface, header: &IpHeader, datagram: &Packet) -> bool {
    // EXERCISE 4.8: Tell the sender, if you may
    let is_icmp_error = header.protocol == IpProtocol::ICMP
        && datagram
            .get(usize::from(header.header_len))
            .is_none_or(|icmp_type| IcmpType(*icmp_type).is_error());
    let to_many =
        iface.is_broadcast(header.dst) || header.dst.is_multicast() || datagram.is_link_broadcast();
    let from_one = !(header.src.is_unspecified()
        || iface.is_broadcast(header.src)
        || header.src.is_multicast()
        || header.src.octets()[0] >= 240);
    from_one && !to_many && !is_icmp_error && header.fragment.offset() == 0
    // END 4.8
}
// ANCHOR_END: may_report

/// ICMP in IP's socket for error reports.
pub struct IcmpErrors(Arc<Icmp>);

impl IcmpErrors {
    /// Reports by `icmp`.
    pub fn new(icmp: &Arc<Icmp>) -> Self {
        Self(Arc::clone(icmp))
    }
}

// ANCHOR: report
impl ErrorReporter for IcmpErrors {
    fn report(&mut self, error: DeliveryError, datagram: Datagram<'_>) {
        // EXERCISE 4.9: Which error is which message
        let (icmp_type, code, values) = match error {
            DeliveryError::ProtocolUnreachable => (IcmpType::DEST_UNREACH, Code::PROTOCOL, 0),
            DeliveryError::SourceRouteFailed => (IcmpType::DEST_UNREACH, Code::SOURCE_ROUTE, 0),
            DeliveryError::ReassemblyTimeout => (IcmpType::TIME_EXCEEDED, Code::REASSEMBLY, 0),
            // The pointer is the first of the four octets (RFC 792).
            DeliveryError::ParameterProblem(pointer) => (
                IcmpType::PARAM_PROBLEM,
                Code::NONE,
                u32::from(pointer) << 24,
            ),
            _ => return,
        };
        self.0.error(icmp_type, code, values, datagram);
        // END 4.9
    }
}
// ANCHOR_END: report
