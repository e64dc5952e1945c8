//! The transmission control block: everything TCP knows about one connection
//! (RFC 9293 §3.3.1).
//!
//! What happens to it stands in other files, one for each idea: see
//! [`segment_arrives`](crate::segment_arrives), [`output`](crate::output),
//! [`retransmission`](crate::retransmission), [`recovery`](crate::recovery),
//! [`persist`](crate::persist), [`time_wait`](crate::time_wait).

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use crate::config::Config;
use crate::congestion::CongestionControl;
use crate::diffserv::Service;
use crate::keep_alive::KeepAliveState;
use crate::listener::Listener;
use crate::memory::Room;
use crate::options::Options;
use crate::path_mtu::{PathMtu, PathMtus};
use crate::prr::Prr;
use crate::rack::Rack;
use crate::reassembly::Reassembly;
use crate::receive_buffer::ReceiveBuffer;
use crate::recovery::Recovery;
use crate::retransmission_queue::RetransmissionQueue;
use crate::right_sizing::RightSizing;
use crate::rtt::RetransmissionTimeout;
use crate::sack::SackReport;
use crate::segment::Outgoing;
use crate::send_buffer::SendBuffer;
use crate::seq::{SeqNumber, octets};
use crate::syn_options::{DEFAULT_MSS, sendable_mss};
use crate::tail_loss_probe::TailLossProbe;
use crate::tcp_counters::TcpCounters;
pub use crate::tcp_state::TcpState;
use crate::time::Time;
use crate::timers::Timers;
use crate::timestamps::TimestampClock;
use crate::window_scale::WindowScale;

/// The name of a connection or a listener: what a socket holds. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub(crate) u64);

/// A hash map by [`Id`]. They are counted up by us, and no stranger chooses
/// them: the number itself, stirred a little, is hash enough.
pub(crate) type ById<T> = HashMap<Id, T, BuildHasherDefault<IdHasher>>;

/// See [`ById`].
#[derive(Debug, Default)]
pub(crate) struct IdHasher(u64);

// ANCHOR: id_hasher
impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, octets: &[u8]) {
        for octet in octets {
            self.write_u64(self.0 ^ u64::from(*octet));
        }
    }

    fn write_u64(&mut self, id: u64) {
        // A map looks at the upper bits as well as at the lower: 2^64 / φ
        // carries the count to both (Knuth, "The Art of Computer Programming" 6.4).
        self.0 = id.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32);
    }
}
// ANCHOR_END: id_hasher

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The send sequence variables.
///
/// ```text
///            1         2          3          4
///       ----------|----------|----------|----------
///              SND.UNA    SND.NXT    SND.UNA
///                                   +SND.WND
/// 1 acknowledged  2 in flight  3 may be sent now  4 may not be sent yet
/// ```
#[derive(Clone, Copy, Debug, Default)]
// ANCHOR: send
pub struct SendSequence {
    /// Oldest unacknowledged sequence number.
    pub una: SeqNumber,
    /// Next sequence number to be sent.
    pub nxt: SeqNumber,
    /// Behind all that was ever sent. Ahead of `nxt` only by the octet of a
    /// window probe, which the peer may have taken or not.
    pub max: SeqNumber,
    /// The peer's window.
    pub wnd: u32,
    /// The largest window that the peer has ever offered (RFC 9293 §3.8.6.2.1).
    pub max_wnd: u32,
    /// SEG.SEQ of the segment of the last window update.
    pub wl1: SeqNumber,
    /// SEG.ACK of the segment of the last window update.
    pub wl2: SeqNumber,
    /// Behind the last octet of urgent data, if it is not yet acknowledged.
    pub up: Option<SeqNumber>,
}
// ANCHOR_END: send

/// The receive sequence variables.
///
/// ```text
///                1          2          3
///            ----------|----------|----------
///                   RCV.NXT    RCV.NXT
///                             +RCV.WND
/// 1 received and acknowledged  2 may be received now  3 not yet
/// ```
#[derive(Clone, Copy, Debug, Default)]
// ANCHOR: receive
pub struct ReceiveSequence {
    /// Next sequence number expected.
    pub nxt: SeqNumber,
    /// The window that we have offered and not taken back.
    pub wnd: u32,
    /// Behind the last octet of urgent data, if some is not yet read.
    pub up: Option<SeqNumber>,
}
// ANCHOR_END: receive

/// Who answers for a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// A user holds its [`Id`].
    User,
    /// A listener will hand it out, once it is established.
    Listener(Id),
    /// The user has closed it; it goes when it is CLOSED.
    Nobody,
}

/// How a connection began: decides where a reset in SYN-RECEIVED leads to.
#[derive(Debug)]
pub(crate) enum Opened {
    /// By an active OPEN.
    Actively,
    /// As the child of a listening socket.
    ByListener,
    /// By a passive OPEN as in RFC 9293 §3.9.1, whose TCB became the
    /// connection and can become what it was.
    Passively(Listener),
}

/// What a TCB may know of the world while something happens to it.
pub(crate) struct Context<'a> {
    pub now: Time,
    /// More segments of the same turn may follow.
    pub in_turn: bool,
    /// May it take more memory?
    pub room: Room,
    pub config: &'a Config,
    pub counters: &'a TcpCounters,
    pub path_mtus: &'a mut PathMtus,
    /// To whom the way may be dead.
    pub advice: &'a mut Vec<Ipv4Addr>,
    pub out: &'a mut Vec<Outgoing>,
}

/// How many challenge ACKs a connection sends in a second (RFC 5961 §7).
/// Counted for each connection: a common count would tell a stranger about others.
const CHALLENGE_ACKS: u32 = 10;

/// A transmission control block.
#[derive(Debug)]
// ANCHOR: tcb
pub struct Tcb {
    pub(crate) id: Id,
    pub(crate) local: SocketAddrV4,
    pub(crate) remote: SocketAddrV4,
    pub(crate) state: TcpState,
    pub(crate) owner: Owner,
    pub(crate) opened: Opened,

    /// Initial send sequence number.
    pub(crate) iss: SeqNumber,
    /// Initial receive sequence number.
    pub(crate) irs: SeqNumber,
    pub(crate) snd: SendSequence,
    pub(crate) rcv: ReceiveSequence,
    // ANCHOR_END: tcb
    /// What one IP datagram to the peer can carry.
    pub(crate) mtu: usize,
    /// Eff.snd.MSS: the longest text that we send in one segment.
    pub(crate) mss: u32,
    /// The shifts of the windows of both sides.
    pub(crate) scale: WindowScale,
    /// The clocks of both sides.
    pub(crate) clock: TimestampClock,
    /// What the whole way to the peer can carry.
    pub(crate) path_mtu: PathMtu,
    /// The options that the peer's SYN had.
    pub(crate) offered: Options,

    pub(crate) send_buffer: SendBuffer,
    pub(crate) receive_buffer: ReceiveBuffer,
    pub(crate) right_sizing: RightSizing,
    pub(crate) reassembly: Reassembly,
    /// What acknowledgments have to say beyond SEG.ACK.
    pub(crate) report: SackReport,
    pub(crate) queue: RetransmissionQueue,

    pub(crate) timers: Timers,
    pub(crate) rto: Box<dyn RetransmissionTimeout>,
    pub(crate) congestion: Box<dyn CongestionControl>,
    pub(crate) recovery: Recovery,
    pub(crate) rack: Rack,
    pub(crate) probe: TailLossProbe,
    /// During a recovery with SACK.
    pub(crate) prr: Option<Prr>,
    /// The handshake took a retransmission.
    pub(crate) slow_handshake: bool,
    /// Retransmission timeouts in a row.
    pub(crate) timeouts: u32,
    /// When the first of them was, until an acknowledgment says whether rightly.
    pub(crate) timed_out_at: Option<Time>,
    /// Window probes in a row.
    pub(crate) probes: u32,
    /// Since when the peer owes us an answer.
    pub(crate) stalled_since: Time,
    pub(crate) last_sent: Time,

    /// An acknowledgment must go out now, with data or without.
    pub(crate) ack_now: bool,
    /// An acknowledgment must go out when the turn's segments are through.
    pub(crate) ack_due: bool,
    /// A user sleeps until there is something to read.
    pub(crate) reader_waits: bool,
    /// Segments with text since our last acknowledgment.
    pub(crate) unacknowledged: u32,
    challenge_period: Time,
    challenge_acks: u32,

    pub(crate) keep_alive: KeepAliveState,
    /// R2, if the user has chosen it.
    pub(crate) user_timeout: Option<Duration>,
    /// What our segments ask of IP.
    pub(crate) service: Service,
    pub(crate) nodelay: bool,
    /// The user does not want to read any more.
    pub(crate) reading_shut: bool,
    /// What ended the connection, until the user is told.
    pub(crate) error: Option<io::ErrorKind>,
    /// What ICMP has said, in case that nothing better explains a timeout (RFC 9293 §3.9.2.2).
    pub(crate) soft_error: Option<io::ErrorKind>,
    /// A user who waits should look again.
    pub(crate) changed: bool,
    /// The memory that the state knows of.
    pub(crate) charged: usize,
    /// The deadline under which the timer wheel knows this TCB.
    pub(crate) scheduled: Option<Time>,
}

impl Tcb {
    /// A TCB in CLOSED state, on the way to another.
    pub(crate) fn new(
        (id, owner, opened): (Id, Owner, Opened),
        (local, remote): (SocketAddrV4, SocketAddrV4),
        mtu: usize,
        iss: SeqNumber,
        config: &Config,
    ) -> Self {
        let mss = sendable_mss(DEFAULT_MSS, mtu);
        let snd = SendSequence {
            una: iss,
            nxt: iss,
            max: iss,
            ..SendSequence::default()
        };
        let wnd = octets(config.receive_buffer).min(u32::from(u16::MAX));
        Self {
            id,
            local,
            remote,
            state: TcpState::Closed,
            owner,
            opened,
            iss,
            irs: SeqNumber::default(),
            snd,
            rcv: ReceiveSequence {
                wnd,
                ..ReceiveSequence::default()
            },
            mtu,
            mss,
            scale: WindowScale::default(),
            clock: TimestampClock::default(),
            path_mtu: PathMtu::new(mtu, config.path_mtu_discovery),
            offered: Options::default(),
            send_buffer: SendBuffer::new(iss + 1, config.send_buffer),
            receive_buffer: ReceiveBuffer::new(config.receive_buffer),
            right_sizing: RightSizing::default(),
            reassembly: Reassembly::default(),
            report: SackReport::default(),
            queue: RetransmissionQueue::default(),
            timers: Timers::default(),
            rto: config.rto.start(),
            congestion: config.congestion.start(mss),
            recovery: Recovery::new(iss),
            rack: Rack::default(),
            probe: TailLossProbe::default(),
            prr: None,
            slow_handshake: false,
            timeouts: 0,
            timed_out_at: None,
            probes: 0,
            stalled_since: Time::ZERO,
            last_sent: Time::ZERO,
            ack_now: false,
            ack_due: false,
            reader_waits: false,
            unacknowledged: 0,
            challenge_period: Time::ZERO,
            challenge_acks: 0,
            keep_alive: KeepAliveState::default(),
            user_timeout: None,
            service: Service::default(),
            nodelay: config.nodelay,
            reading_shut: false,
            error: None,
            soft_error: None,
            changed: false,
            charged: 0,
            scheduled: None,
        }
    }

    // ANCHOR: transition
    /// Goes to another state. The one place where that happens, and is logged.
    pub(crate) fn transition(&mut self, state: TcpState) {
        log::debug!(
            target: "tcp::transition",
            "id={}, local={}, foreign={}, {} => {state}", self.id, self.local, self.remote, self.state
        );
        self.state = state;
        self.changed = true;
        // ANCHOR_END: transition
        if state == TcpState::Closed {
            self.timers.stop_all();
            self.queue.clear();
            self.rack.clear();
            self.send_buffer.clear();
            self.receive_buffer.forget_out_of_order();
        }
    }

    /// The connection ends with an error for the user.
    pub(crate) fn fail(&mut self, error: io::ErrorKind) {
        self.error = Some(error);
        self.transition(TcpState::Closed);
    }

    /// The connection becomes ESTABLISHED.
    pub(crate) fn establish(&mut self, cx: &Context<'_>) {
        self.rto.handshake_done();
        if self.slow_handshake {
            self.congestion.handshake_was_slow();
        }
        self.transition(TcpState::Established);
        cx.counters.established.inc();
        self.start_keep_alive(cx);
        log::debug!(
            target: "tcp::segment_arrives",
            "connection established: local={}, foreign={}", self.local, self.remote
        );
        // The user closed before there was a connection: now there is one to be closed.
        if self.send_buffer.is_closed() {
            self.transition(TcpState::FinWait1);
        }
    }

    /// Has our FIN been sent?
    pub(crate) fn fin_sent(&self) -> bool {
        self.snd.nxt.gt(self.send_buffer.end())
    }

    /// Has our FIN been acknowledged?
    pub(crate) fn fin_acknowledged(&self) -> bool {
        self.send_buffer.is_closed() && self.snd.una.gt(self.send_buffer.end())
    }

    /// Octets in flight: FlightSize of RFC 5681.
    pub(crate) fn flight(&self) -> u32 {
        self.snd.nxt.saturating_since(self.snd.una)
    }

    // ANCHOR: challenge
    /// May another challenge ACK be sent in this second?
    pub(crate) fn challenge_allowed(&mut self, now: Time) -> bool {
        if now.since(self.challenge_period).as_secs() >= 1 {
            self.challenge_period = now;
            self.challenge_acks = 0;
        }
        self.challenge_acks += 1;
        self.challenge_acks <= CHALLENGE_ACKS
    }
    // ANCHOR_END: challenge
}
