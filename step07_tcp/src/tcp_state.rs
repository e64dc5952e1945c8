//! The states of a connection, and what is allowed in them.

use std::fmt;

/// The states of a connection (RFC 9293 §3.3.2).
///
/// ```text
///                             CLOSED
///              passive OPEN │        │ active OPEN: send SYN
///                           ▼        ▼
///                         LISTEN   SYN-SENT
///     receive SYN:          │        │   │ receive SYN,ACK: send ACK
///     send SYN,ACK          ▼        │   │
///                     SYN-RECEIVED ◄─┘   │    receive SYN: send SYN,ACK
///         receive ACK of SYN │           ▼
///                            └──────► ESTABLISHED
///                  CLOSE: send FIN │        │ receive FIN: send ACK
///                                  ▼        ▼
///                         FIN-WAIT-1      CLOSE-WAIT
///    receive ACK of FIN │    │ receive       │ CLOSE: send FIN
///                       ▼    ▼ FIN           ▼
///              FIN-WAIT-2   CLOSING       LAST-ACK
///          receive FIN │       │ receive      │ receive ACK of FIN
///                      ▼       ▼ ACK of FIN   ▼
///                      TIME-WAIT ─────────► CLOSED
///                               2MSL
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TcpState {
    /// No connection.
    Closed,
    /// Waiting for a connection request from any peer.
    Listen,
    /// Waiting for a matching request after having sent one.
    SynSent,
    /// Waiting for the acknowledgment of our request, having received and sent one.
    SynReceived,
    /// Open: data flows both ways.
    Established,
    /// We have closed; waiting for the acknowledgment of our FIN, or the peer's FIN.
    FinWait1,
    /// Our FIN is acknowledged; waiting for the peer's.
    FinWait2,
    /// The peer has closed; waiting for our user to close.
    CloseWait,
    /// Both have closed at the same time; waiting for the acknowledgment of our FIN.
    Closing,
    /// The peer closed first, then we; waiting for the acknowledgment of our FIN.
    LastAck,
    /// Waiting until nothing of this connection can be in the network any more.
    TimeWait,
}

impl TcpState {
    /// True for the states in which both ends know each other's sequence
    /// numbers: ESTABLISHED and all behind it.
    pub fn is_synchronized(self) -> bool {
        self >= Self::Established
    }

    /// May our user still send?
    pub fn can_send(self) -> bool {
        matches!(self, Self::Established | Self::CloseWait)
    }

    /// May the peer still send?
    pub fn can_receive(self) -> bool {
        matches!(self, Self::Established | Self::FinWait1 | Self::FinWait2)
    }
}

impl fmt::Display for TcpState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Closed => "CLOSED",
            Self::Listen => "LISTEN",
            Self::SynSent => "SYN_SENT",
            Self::SynReceived => "SYN_RECEIVED",
            Self::Established => "ESTABLISHED",
            Self::FinWait1 => "FIN_WAIT1",
            Self::FinWait2 => "FIN_WAIT2",
            Self::CloseWait => "CLOSE_WAIT",
            Self::Closing => "CLOSING",
            Self::LastAck => "LAST_ACK",
            Self::TimeWait => "TIME_WAIT",
        })
    }
}
