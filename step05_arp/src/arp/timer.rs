//! What ARP does when time passes: repeat requests, give up, forget.

use std::collections::VecDeque;
use std::sync::Arc;

use log::{debug, info};

use crate::arp::cache::Expiry;
use crate::arp::output::Arp;
use crate::icmp::{Code, ErrorListener, IcmpError, IcmpType};
use crate::ip::{Header, IpProtocol};
use crate::net::Source;
use crate::packet::Packet;
use crate::time::Time;

/// ARP's timer: owned by the main loop.
pub struct ArpTimer {
    arp: Arc<Arp>,
    errors: Vec<(IpProtocol, Box<dyn ErrorListener>)>,
}

impl ArpTimer {
    /// The timer of `arp`.
    pub fn new(arp: &Arc<Arp>) -> Self {
        info!(target: "timer::register", "registered: ARP timeout={}s", arp.with_cache(|cache| cache.timeout()).as_secs());
        Self {
            arp: Arc::clone(arp),
            errors: Vec::new(),
        }
    }

    /// Tells `listener` of datagrams of `protocol` whose neighbour did not
    /// answer. For it that is the same as an ICMP "host unreachable" from
    /// ourselves (RFC 1122 §2.4).
    pub fn listen(&mut self, protocol: IpProtocol, listener: impl ErrorListener + 'static) {
        self.errors.push((protocol, Box::new(listener)));
    }

    // ANCHOR: unresolved
    fn unresolved(&mut self, packets: VecDeque<Packet>) {
        for packet in packets {
            self.arp.counters.unresolved.inc();
            let Ok(datagram) = Header::parse_quoted(&packet) else {
                continue;
            };
            debug!(target: "arp::timer", "host unreachable, dst={}", datagram.dst);
            let error = IcmpError {
                from: datagram.src,
                icmp_type: IcmpType::DEST_UNREACH,
                code: Code::HOST,
                values: 0,
                datagram,
                payload: packet.get(datagram.header_len.into()..).unwrap_or_default(),
            };
            for (protocol, listener) in &mut self.errors {
                if *protocol == datagram.protocol {
                    listener.error(&error);
                }
            }
        }
    }
    // ANCHOR_END: unresolved
}

// ANCHOR: source
impl Source for ArpTimer {
    fn deadline(&self) -> Option<Time> {
        self.arp.with_cache(|cache| cache.deadline())
    }

    fn service(&mut self, now: Time) {
        while let Some(expiry) = self.arp.with_cache(|cache| cache.expire(now)) {
            match expiry {
                Expiry::Request(key) => self.arp.request_again(key, None),
                Expiry::Probe(key, ha) => self.arp.request_again(key, Some(ha)),
                Expiry::Unresolved(_, packets) => self.unresolved(packets),
                Expiry::Expired(_) => self.arp.counters.expired.inc(),
            }
        }
    }
}
// ANCHOR_END: source
