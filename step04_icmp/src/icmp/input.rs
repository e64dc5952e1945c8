//! The way up: echoes are answered, errors find those whom they concern.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;

use log::debug;

use crate::hexdump::hexdump;
use crate::icmp::message::{Code, HEADER_LEN, Header, IcmpType, ParseError};
use crate::icmp::output::Icmp;
use crate::ip::header::Header as IpHeader;
use crate::ip::{Datagram, IpProtocol, Options, Parameters, Upper};

/// An error message about a datagram that this host has sent.
#[derive(Clone, Copy, Debug)]
pub struct IcmpError<'a> {
    /// Who reports it: the destination, or a router on the way.
    pub from: Ipv4Addr,
    /// What kind of error it is.
    pub icmp_type: IcmpType,
    /// What exactly it is.
    pub code: Code,
    /// The four octets that depend on the type (the next hop's MTU, say).
    pub values: u32,
    /// The header of the datagram in question.
    pub datagram: IpHeader,
    /// The beginning of its payload: at least 8 octets if the reporter abides
    /// by RFC 792.
    pub payload: &'a [u8],
}

impl IcmpError<'_> {
    // ANCHOR: kind
    /// How an application is told (RFC 1122 §4.1.3.3, §4.2.3.9); `None` if it
    /// is none of its business.
    pub fn kind(&self) -> Option<io::ErrorKind> {
        match (self.icmp_type, self.code) {
            // No way to the network, not known, not allowed, not with this TOS.
            (IcmpType::DEST_UNREACH, Code::NET | Code(6 | 9 | 11)) => {
                Some(io::ErrorKind::NetworkUnreachable)
            }
            (IcmpType::DEST_UNREACH, Code::PROTOCOL | Code::PORT) => {
                Some(io::ErrorKind::ConnectionRefused)
            }
            (IcmpType::DEST_UNREACH, Code::FRAGMENT_NEEDED) => None,
            (IcmpType::DEST_UNREACH | IcmpType::TIME_EXCEEDED, _) => {
                Some(io::ErrorKind::HostUnreachable)
            }
            // A header of ours, or an option in it, is wrong.
            (IcmpType::PARAM_PROBLEM, _) => Some(io::ErrorKind::InvalidInput),
            _ => None,
        }
    }
    // ANCHOR_END: kind
}

// ANCHOR: listeners
/// The socket for protocols that want to know what became of their datagrams.
pub trait ErrorListener: Send {
    /// Takes an error about a datagram of this protocol.
    fn error(&mut self, error: &IcmpError<'_>);
}

/// The socket for who has sent echoes.
pub trait EchoListener: Send {
    /// Takes the answer to an echo.
    fn echo_reply(&mut self, from: Ipv4Addr, id: u16, seq: u16, data: &[u8]);
}
// ANCHOR_END: listeners

/// ICMP, the way up: owned by the main loop.
pub struct IcmpInput {
    icmp: Arc<Icmp>,
    errors: Vec<(IpProtocol, Box<dyn ErrorListener>)>,
    echoes: Vec<Box<dyn EchoListener>>,
}

impl IcmpInput {
    /// The way up that belongs to `icmp`.
    pub fn new(icmp: &Arc<Icmp>) -> Self {
        Self {
            icmp: Arc::clone(icmp),
            errors: Vec::new(),
            echoes: Vec::new(),
        }
    }

    /// Tells `listener` of errors about datagrams of `protocol`.
    pub fn listen(&mut self, protocol: IpProtocol, listener: impl ErrorListener + 'static) {
        self.errors.push((protocol, Box::new(listener)));
    }

    /// Tells `listener` of answers to echoes.
    pub fn listen_echo(&mut self, listener: impl EchoListener + 'static) {
        self.echoes.push(Box::new(listener));
    }

    // ANCHOR: quote
    fn error(&mut self, header: &Header, from: Ipv4Addr, quote: &[u8]) {
        // EXERCISE 4.6: Whom an error concerns
        let counters = &self.icmp.counters;
        let Ok(datagram) = IpHeader::parse_quoted(quote) else {
            counters.bad_quote.inc();
            return;
        };
        let error = IcmpError {
            from,
            icmp_type: header.icmp_type,
            code: header.code,
            values: header.values,
            datagram,
            payload: quote.get(datagram.header_len.into()..).unwrap_or_default(),
        };
        // ANCHOR_END: quote
        // ANCHOR: error
        let mut claimed = false;
        // Only who really sent it may be told (RFC 5927 §4.1).
        if self.icmp.ip().interfaces().owns(datagram.src) {
            for (protocol, listener) in &mut self.errors {
                if *protocol == datagram.protocol {
                    listener.error(&error);
                    claimed = true;
                }
            }
        }
        if claimed {
            counters.error_claimed.inc();
        } else {
            counters.unclaimed_error.inc();
        }
        // ANCHOR_END: error
        // END 4.6
    }
}

impl Upper for IcmpInput {
    fn input(&mut self, datagram: Datagram<'_>) {
        let icmp = Arc::clone(&self.icmp);
        // ANCHOR: checks
        icmp.counters.received.inc();
        let (src, dst) = (datagram.header.src, datagram.header.dst);
        let own = datagram.specific_dst();
        // What an answer has in common with the question (RFC 1122 §3.2.1.6,
        // §3.2.2.6).
        let (tos, options) = (datagram.header.tos, Options::new(datagram.options()));
        let mut message = datagram.payload;
        // ANCHOR_END: checks
        // EXERCISE 4.5: ICMP input, and the echo
        // ANCHOR: parse
        let header = match Header::parse(&message) {
            Ok(header) => header,
            Err(error) => {
                match error {
                    ParseError::TooShort { .. } => icmp.counters.too_short.inc(),
                    ParseError::Checksum { .. } => icmp.counters.bad_checksum.inc(),
                }
                debug!(target: "icmp::input", "{error}, src={src}");
                return;
            }
        };
        // ANCHOR_END: parse
        debug!(
            target: "icmp::input",
            "{src} => {dst}, type={}, len={}, iface={}\n{header}{}",
            header.icmp_type, message.len(), datagram.iface.unicast(), hexdump(&message)
        );
        if !message.pull(HEADER_LEN) {
            return; // parse() has made sure that it is long enough
        }
        match header.icmp_type {
            // ANCHOR: echo
            IcmpType::ECHO => {
                icmp.counters.echo_answered.inc();
                // The echo may have been sent to a broadcast address, from
                // which nobody can answer: then the interface's own.
                let time = icmp.ip().env().unix_time();
                let parameters = Parameters {
                    tos,
                    options: options.unwrap_or_default().reflect(own, time),
                    ..Parameters::default()
                };
                let reply = Header {
                    icmp_type: IcmpType::ECHO_REPLY,
                    ..header
                };
                // Failures are counted and logged where they happen.
                let _ = icmp.output_with(&parameters, reply, message, own, src);
            }
            // ANCHOR_END: echo
            // ANCHOR: echo_reply
            IcmpType::ECHO_REPLY => {
                icmp.counters.echo_reply.inc();
                let (id, seq) = header.echo();
                for listener in &mut self.echoes {
                    listener.echo_reply(src, id, seq, &message);
                }
            }
            // ANCHOR_END: echo_reply
            // ANCHOR: silent
            IcmpType::DEST_UNREACH | IcmpType::TIME_EXCEEDED | IcmpType::PARAM_PROBLEM => {
                self.error(&header, src, &message);
            }
            // Who sends one wants us elsewhere, and nobody can tell whether he
            // may (RFC 5927): this host goes by its routes.
            IcmpType::REDIRECT => icmp.counters.redirect.inc(),
            // "MUST silently discard" (RFC 6633 §3).
            IcmpType::SOURCE_QUENCH => icmp.counters.source_quench.inc(),
            // "MAY" answer, "SHOULD NOT", and only who is in charge of masks
            // may (RFC 1122 §3.2.2.7 to §3.2.2.9).
            IcmpType::TIMESTAMP | IcmpType::INFO_REQUEST | IcmpType::MASK_REQUEST => {
                icmp.counters.unanswered_query.inc();
            }
            _ => icmp.counters.unknown_type.inc(),
            // ANCHOR_END: silent
        }
        // END 4.5
    }
}
