//! The way up: from a packet to the protocol that it is for.

use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;

use log::{debug, error, info, trace};

use crate::device::Device;
use crate::hexdump::hexdump;
use crate::ip::IpCounters;
use crate::ip::header::{Header, IpProtocol, MIN_LEN, ParseError};
use crate::ip::iface::Interface;
use crate::ip::options::{self, Problem};
use crate::ip::output::Ip;
use crate::ip::reassembly::Outcome;
use crate::packet::Packet;
use crate::protocol::Protocol;
use crate::sync::lock;
use crate::time::Time;

// ANCHOR: datagram
/// A datagram that has arrived, whole: who gets it may answer in the same
/// buffer, or quote it in an error message.
#[derive(Debug)]
pub struct Datagram<'a> {
    /// Where it came in.
    pub iface: &'a Interface,
    /// Its header.
    pub header: Header,
    /// Its payload.
    pub payload: Packet,
}
// ANCHOR_END: datagram

impl Datagram<'_> {
    // ANCHOR: into_packet
    /// The datagram as it came, header and options included.
    pub fn into_packet(self) -> Packet {
        let mut packet = self.payload;
        // Pulled off on the way up, and still there.
        packet.prepend(self.header.header_len.into());
        packet
    }
    // ANCHOR_END: into_packet

    // ANCHOR: options
    /// The header's options, padding included; as long as nothing has been
    /// pulled off the payload.
    pub fn options(&self) -> &[u8] {
        let header = self.payload.pulled(self.header.header_len.into());
        header.get(MIN_LEN..).unwrap_or_default()
    }
    // ANCHOR_END: options

    // ANCHOR: specific_dst
    /// The host's own address to which it was sent: the interface's, if it was
    /// a broadcast (RFC 1122 §3.2.1.3, "specific-destination address"). An
    /// answer comes from there.
    pub fn specific_dst(&self) -> Ipv4Addr {
        if self.is_broadcast() {
            self.iface.unicast()
        } else {
            self.header.dst
        }
    }
    // ANCHOR_END: specific_dst

    /// True if it was sent to all hosts of a link, or to a group.
    pub fn is_broadcast(&self) -> bool {
        self.iface.is_broadcast(self.header.dst) || self.header.dst.is_multicast()
    }
}

// ANCHOR: upper
/// The socket for the protocols above: ICMP, UDP, TCP.
pub trait Upper: Send {
    /// Takes a datagram that is for this protocol.
    fn input(&mut self, datagram: Datagram<'_>);

    /// As [`Protocol::drained`].
    fn drained(&mut self) {}
}
// ANCHOR_END: upper

// ANCHOR: delivery_error
/// Why a datagram that is for this host could not be delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeliveryError {
    /// Nobody here speaks its protocol.
    ProtocolUnreachable,
    /// Not all of its fragments have come in time. What is there is the first.
    ReassemblyTimeout,
    /// Its header is wrong at this octet.
    ParameterProblem(u8),
    /// A source route leads on from here. This host does not forward.
    SourceRouteFailed,
}
// ANCHOR_END: delivery_error

// ANCHOR: reporter
/// The socket for error reports to the sender: ICMP plugs in.
///
/// It belongs to the way up. In [`Ip`] it would close a circle, as ICMP itself
/// sends by [`Ip`].
pub trait ErrorReporter: Send {
    /// Tells the sender what became of `datagram`.
    fn report(&mut self, error: DeliveryError, datagram: Datagram<'_>);
}

/// The reporter of a host without ICMP: stays silent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl ErrorReporter for Silent {
    fn report(&mut self, _: DeliveryError, _: Datagram<'_>) {}
}
// ANCHOR_END: reporter

/// The protocol is in the table already.
#[derive(Debug, PartialEq, Eq)]
pub struct AlreadyRegistered(pub IpProtocol);

impl fmt::Display for AlreadyRegistered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IP protocol {} is already registered", self.0)
    }
}

impl std::error::Error for AlreadyRegistered {}

// ANCHOR: ip_input
/// IP, the way up: owned by the main loop, and the table of the protocols above.
pub struct IpInput {
    ip: Arc<Ip>,
    uppers: Vec<(IpProtocol, Box<dyn Upper>)>,
    errors: Box<dyn ErrorReporter>,
}
// ANCHOR_END: ip_input

impl IpInput {
    /// The way up that belongs to `ip`, with nobody above it yet.
    pub fn new(ip: &Arc<Ip>) -> Self {
        Self {
            ip: Arc::clone(ip),
            uppers: Vec::new(),
            errors: Box::new(Silent),
        }
    }

    /// Plugs in who reports errors.
    #[must_use]
    pub fn error_reporter(mut self, errors: impl ErrorReporter + 'static) -> Self {
        self.errors = Box::new(errors);
        self
    }

    // ANCHOR: register
    /// Says who takes the datagrams of `protocol`.
    ///
    /// # Errors
    /// Somebody does already.
    pub fn register(
        &mut self,
        protocol: IpProtocol,
        upper: impl Upper + 'static,
    ) -> Result<(), AlreadyRegistered> {
        // EXERCISE 3.14: Register a protocol above IP
        if self
            .uppers
            .iter()
            .any(|(registered, _)| *registered == protocol)
        {
            error!(target: "ip::register", "already exists, type={protocol}");
            return Err(AlreadyRegistered(protocol));
        }
        self.uppers.push((protocol, Box::new(upper)));
        info!(target: "ip::register", "registered, type={protocol}");
        Ok(())
        // END 3.14
    }
    // ANCHOR_END: register

    fn count(&self, error: ParseError) {
        let counters = &self.ip.counters;
        match error {
            ParseError::TooShort { .. } => &counters.too_short,
            ParseError::Version(_) => &counters.bad_version,
            ParseError::HeaderLength { .. } => &counters.bad_header_length,
            ParseError::TotalLength { .. } => &counters.bad_total_length,
            ParseError::Checksum { .. } => &counters.bad_checksum,
        }
        .inc();
    }
}

// ANCHOR: source
/// A source to which no answer could go, or an address of this host's own,
/// which nobody else may use (RFC 1122 §3.2.1.3).
fn is_impossible_source(ip: &Ip, iface: &Interface, header: &Header) -> bool {
    let (src, interfaces) = (header.src, ip.interfaces());
    let is_own = src.is_loopback() || interfaces.owns(src);
    // Who asks for an address has none yet, and so can only ask all.
    let is_asking = src.is_unspecified() && iface.is_broadcast(header.dst);
    let [first, ..] = src.octets();
    first == 0 && !is_asking
        || first >= 224 // groups, reserved addresses, 255.255.255.255
        || interfaces.is_broadcast(src)
        || is_own && !iface.is_loopback()
}
// ANCHOR_END: source

// ANCHOR: for_us
/// Datagrams that a host sends to itself arrive at the loopback interface,
/// with whichever of its addresses.
fn is_for_us(ip: &Ip, iface: &Interface, dst: Ipv4Addr) -> bool {
    iface.accepts(dst) || iface.is_loopback() && ip.interfaces().owns(dst)
}
// ANCHOR_END: for_us

impl Protocol for IpInput {
    fn input(&mut self, device: &Arc<Device>, mut packet: Packet) {
        // EXERCISE 3.9: IP input
        let counters = &self.ip.counters;
        counters.received.inc();
        // ANCHOR: whole
        let header = match Header::parse(&packet) {
            Ok(header) => header,
            Err(error) => {
                self.count(error);
                debug!(target: "ip::input", "{error}, dev={}", device.name());
                return;
            }
        };
        // The link may have padded it (Ethernet: to 60 octets).
        packet.truncate(header.total_len.into());
        // ANCHOR_END: whole
        // ANCHOR: ours
        let Some(iface) = self.ip.interfaces().on(device) else {
            counters.no_interface.inc();
            trace!(target: "ip::input", "no interface, dev={}, dst={}", device.name(), header.dst);
            return;
        };
        if !is_for_us(&self.ip, iface, header.dst) {
            counters.other_host.inc();
            trace!(target: "ip::input", "not for us, dev={}, dst={}", device.name(), header.dst);
            return;
        }
        // ANCHOR_END: ours
        // ANCHOR: believable
        // Who sends to all must say so in both headers (RFC 1122 §3.3.6): else
        // one frame could make all hosts of a link answer at once.
        if packet.is_link_broadcast() && !iface.is_broadcast(header.dst) {
            counters.link_broadcast.inc();
            debug!(target: "ip::input", "unicast in a broadcast frame, dev={}, src={}, dst={}", device.name(), header.src, header.dst);
            return;
        }
        if is_impossible_source(&self.ip, iface, &header) {
            counters.bad_source.inc();
            debug!(target: "ip::input", "source address error, dev={}, src={}", device.name(), header.src);
            return;
        }
        // ANCHOR_END: believable
        debug!(
            target: "ip::input",
            "dev={}, iface={}, protocol={}, total={}\n{header}{}",
            device.name(), iface.unicast(), header.protocol, header.total_len, hexdump(&packet)
        );
        if header.fragment.is_fragment() {
            let now = self.ip.env().now();
            if let Some((header, packet)) = self.ip.reassemble(&header, packet, device, now) {
                deliver(
                    &self.ip,
                    &mut self.uppers,
                    self.errors.as_mut(),
                    iface,
                    header,
                    packet,
                );
            }
            return;
        }
        deliver(
            &self.ip,
            &mut self.uppers,
            self.errors.as_mut(),
            iface,
            header,
            packet,
        );
        // END 3.9
    }

    fn drained(&mut self) {
        for (_, upper) in &mut self.uppers {
            upper.drained();
        }
    }
}

impl Ip {
    /// Puts a fragment to the others; the whole datagram, if that completes it.
    fn reassemble(
        &self,
        header: &Header,
        packet: Packet,
        device: &Device,
        now: Time,
    ) -> Option<(Header, Packet)> {
        // ANCHOR: reassemble
        let counters = &self.counters;
        counters.fragments.inc();
        let (outcome, evicted) = lock(&self.reassembly).insert(header, packet, device.index(), now);
        counters.reassembly_evicted.add(evicted as u64);
        match outcome {
            Outcome::Whole(header, packet) => {
                counters.reassembled.inc();
                debug!(target: "ip::reassembly", "reassembled, id={}, total={}", header.id, header.total_len);
                return Some((header, packet));
            }
            Outcome::Held => {}
            Outcome::Duplicate => counters.fragment_duplicate.inc(),
            Outcome::Malformed => counters.fragment_malformed.inc(),
            Outcome::Overlap => {
                counters.fragment_overlap.inc();
                debug!(target: "ip::reassembly", "fragments overlap, src={}, id={}", header.src, header.id);
            }
        }
        // ANCHOR_END: reassemble
        None
    }
}

/// Hands a whole datagram to the protocol that it is for.
fn deliver(
    ip: &Ip,
    uppers: &mut [(IpProtocol, Box<dyn Upper>)],
    errors: &mut dyn ErrorReporter,
    iface: &Interface,
    header: Header,
    mut packet: Packet,
) {
    // EXERCISE 3.16: To the protocol that it is for
    // ANCHOR: unpack
    let counters = &ip.counters;
    if !packet.pull(header.header_len.into()) {
        return; // parse() has made sure that it is long enough
    }
    let datagram = Datagram {
        iface,
        header,
        payload: packet,
    };
    // ANCHOR_END: unpack
    // ANCHOR: keep_out
    if let Err(problem) = options::check(datagram.options()) {
        debug!(target: "ip::input", "options error, src={}: {problem:?}", header.src);
        errors.report(count_options(counters, problem), datagram);
        return;
    }
    // ANCHOR_END: keep_out
    // ANCHOR: deliver
    let mut uppers = uppers.iter_mut();
    match uppers.find(|(protocol, _)| *protocol == header.protocol) {
        Some((_, upper)) => {
            counters.delivered.inc();
            upper.input(datagram);
        }
        None => {
            counters.unknown_protocol.inc();
            errors.report(DeliveryError::ProtocolUnreachable, datagram);
        }
    }
    // ANCHOR_END: deliver
    // END 3.16
}

// ANCHOR: count_options
fn count_options(counters: &IpCounters, problem: Problem) -> DeliveryError {
    match problem {
        Problem::Malformed(at) => {
            counters.bad_options.inc();
            DeliveryError::ParameterProblem(at)
        }
        Problem::SourceRoute => {
            counters.source_routed.inc();
            DeliveryError::SourceRouteFailed
        }
    }
}
// ANCHOR_END: count_options
