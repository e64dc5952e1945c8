//! What a connection asks of IP: the Diffserv field (RFC 9293 §3.9.1.9, RFC
//! 2474) and the time to live (RFC 9293 §3.9.2, MUST-49).

use std::io;
use std::num::NonZeroU8;

use crate::ip::Parameters;
use crate::state::State;
use crate::tcb::Id;
use crate::tcp_stream::TcpStream;

/// What the segments of a connection tell routers, besides where to go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// The Diffserv field: the upper six bits of the old type of service.
    pub diffserv: u8,
    /// The time to live; `None`: the host's.
    pub ttl: Option<NonZeroU8>,
    /// No router may cut the segment (RFC 1191).
    pub dont_fragment: bool,
}

impl From<Service> for Parameters {
    fn from(service: Service) -> Self {
        Self {
            // The lower two bits belong to ECN (RFC 3168 §5).
            tos: service.diffserv << 2,
            ttl: service.ttl,
            dont_fragment: service.dont_fragment,
            ..Self::default()
        }
    }
}

impl State {
    /// Chooses what all segments of a connection say from now on (MUST-48,
    /// SHLD-21). What else `change` does to the fragmentation does not count.
    ///
    /// # Errors
    /// `NotConnected`; `InvalidInput`: more than the field can hold.
    pub fn set_service(&mut self, id: Id, change: impl FnOnce(&mut Service)) -> io::Result<()> {
        let tcb = self.tcbs.get_mut(&id).ok_or(io::ErrorKind::NotConnected)?;
        let mut service = tcb.service;
        change(&mut service);
        if service.diffserv > 63 {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        tcb.service = service;
        Ok(())
    }

    /// What the segments of a connection say.
    ///
    /// # Errors
    /// `NotConnected`.
    pub fn service(&self, id: Id) -> io::Result<Service> {
        let tcb = self.tcbs.get(&id).ok_or(io::ErrorKind::NotConnected)?;
        Ok(tcb.service)
    }
}

impl TcpStream {
    /// Sets the Diffserv field of all segments from now on: 0 to 63.
    ///
    /// # Errors
    /// `NotConnected`; `InvalidInput`: more than 63.
    pub fn set_diffserv(&self, diffserv: u8) -> io::Result<()> {
        self.call(|id, state, _, _| state.set_service(id, |s| s.diffserv = diffserv))
    }

    /// The Diffserv field of what is sent.
    ///
    /// # Errors
    /// `NotConnected`.
    pub fn diffserv(&self) -> io::Result<u8> {
        self.call(|id, state, _, _| Ok(state.service(id)?.diffserv))
    }

    /// Sets the time to live of all segments from now on.
    ///
    /// # Errors
    /// `NotConnected`; `InvalidInput`: not from 1 to 255.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        let ttl = u8::try_from(ttl).ok().and_then(NonZeroU8::new);
        let ttl = ttl.ok_or(io::ErrorKind::InvalidInput)?;
        self.call(|id, state, _, _| state.set_service(id, |s| s.ttl = Some(ttl)))
    }

    /// The time to live of what is sent; `None`: the host's.
    ///
    /// # Errors
    /// `NotConnected`.
    pub fn ttl(&self) -> io::Result<Option<u32>> {
        let service = self.call(|id, state, _, _| state.service(id))?;
        Ok(service.ttl.map(|ttl| u32::from(ttl.get())))
    }
}
