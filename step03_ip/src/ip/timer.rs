//! What IP does when time passes: it gives up on datagrams that stay incomplete.

use std::sync::Arc;

use log::debug;

use crate::ip::input::{Datagram, DeliveryError, ErrorReporter, Silent};
use crate::ip::output::Ip;
use crate::net::Source;
use crate::sync::lock;
use crate::time::Time;

/// IP's timer: owned by the main loop.
pub struct IpTimer {
    ip: Arc<Ip>,
    errors: Box<dyn ErrorReporter>,
}

impl IpTimer {
    /// The timer of `ip`.
    pub fn new(ip: &Arc<Ip>) -> Self {
        Self {
            ip: Arc::clone(ip),
            errors: Box::new(Silent),
        }
    }

    /// Plugs in who tells the senders.
    #[must_use]
    pub fn error_reporter(mut self, errors: impl ErrorReporter + 'static) -> Self {
        self.errors = Box::new(errors);
        self
    }
}

impl Source for IpTimer {
    fn deadline(&self) -> Option<Time> {
        lock(&self.ip.reassembly).deadline()
    }

    fn service(&mut self, now: Time) {
        // ANCHOR: service
        loop {
            let Some(expired) = lock(&self.ip.reassembly).expire(now) else {
                return;
            };
            self.ip.counters.reassembly_timeout.inc();
            let mut interfaces = self.ip.interfaces().as_slice().iter();
            let iface = interfaces.find(|iface| iface.device().index() == expired.device);
            // Without the first fragment nobody is told (RFC 792).
            if let (Some(iface), Some((header, mut packet))) = (iface, expired.first)
                && packet.pull(header.header_len.into())
            {
                debug!(target: "ip::timer", "reassembly timeout, src={}, id={}", header.src, header.id);
                let datagram = Datagram {
                    iface,
                    header,
                    payload: packet,
                };
                self.errors
                    .report(DeliveryError::ReassemblyTimeout, datagram);
            }
        }
        // ANCHOR_END: service
    }
}
