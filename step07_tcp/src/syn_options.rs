//! What the two SYNs agree on: the MSS, window scaling, SACK and timestamps
//! (RFC 9293 §3.7.1, RFC 7323 §1.3, RFC 2018 §2).

use crate::config::Config;
use crate::options::Options;
use crate::tcb::{Context, Tcb, TcpState};
use crate::window_scale::{self, WindowScale};

/// Headers of IP and TCP without options: what the MTU has to carry besides text.
pub(crate) const HEADERS: usize = 40;
/// The MSS of a peer that does not tell (RFC 9293 §3.7.1, MUST-15).
pub(crate) const DEFAULT_MSS: u16 = 536;
/// A smaller announcement is an attack or an error: each octet would cost forty.
const MIN_MSS: u32 = 64;
/// The octets that timestamps take in a header, padding included.
const TIMESTAMPS: u32 = 12;

/// The largest text that fits a datagram of `mtu` octets.
pub(crate) fn mss_of(mtu: usize) -> u16 {
    u16::try_from(mtu.saturating_sub(HEADERS)).unwrap_or(u16::MAX)
}

/// The longest text to a peer that has announced an MSS, over a way that
/// carries datagrams of `mtu` octets.
pub(crate) fn sendable_mss(announced: u16, mtu: usize) -> u32 {
    u32::from(announced.min(mss_of(mtu))).max(MIN_MSS)
}

/// The shift that we offer, if we do.
fn own_shift(config: &Config) -> Option<u8> {
    let limit = config.receive_buffer_limit.max(config.receive_buffer);
    config
        .window_scaling
        .then(|| window_scale::shift_for(limit))
}

impl Tcb {
    /// The options of our SYN: all that we know, but in an answer only what
    /// the peer has offered too.
    pub(crate) fn syn_options(&self, cx: &Context<'_>) -> Options {
        let offered = |theirs: bool| self.state == TcpState::SynSent || theirs;
        let Options {
            window_scale: scale,
            timestamps,
            sack_permitted,
            ..
        } = self.offered;
        let timestamps = cx.config.timestamps && offered(timestamps.is_some());
        Options {
            mss: Some(mss_of(self.mtu)),
            sack_permitted: cx.config.sack && offered(sack_permitted),
            window_scale: own_shift(cx.config).filter(|_| offered(scale.is_some())),
            timestamps: timestamps.then(|| self.clock.option(cx.now)),
            ..Options::default()
        }
    }

    /// Takes over what the peer's SYN says (RFC 9293 §3.7.1).
    pub(crate) fn take_syn_options(&mut self, options: &Options, cx: &Context<'_>) {
        self.offered = *options;
        self.scale = WindowScale::agreed(own_shift(cx.config), options.window_scale);
        if let Some(theirs) = options.timestamps.filter(|_| cx.config.timestamps) {
            self.clock.agree(theirs.value, cx.now);
        }
        self.report.agreed = cx.config.sack && options.sack_permitted;
        self.mss = self.effective_mss();
        self.congestion = cx.config.congestion.start(self.mss);
    }

    /// Eff.snd.MSS: what the peer has announced and the way can carry, less
    /// the options of every segment (RFC 9293 §3.7.1, RFC 6691 §2).
    pub(crate) fn effective_mss(&self) -> u32 {
        let announced = self.offered.mss.unwrap_or(DEFAULT_MSS);
        let mss = sendable_mss(announced, self.path_mtu.mtu());
        let options = if self.clock.is_agreed() {
            TIMESTAMPS
        } else {
            0
        };
        mss - options
    }

    /// The longest text that the peer may send in one segment.
    pub(crate) fn receive_mss(&self) -> u32 {
        u32::from(mss_of(self.mtu))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_peer_makes_segments_smaller_than_64_octets() {
        assert_eq!(sendable_mss(1, 1500), 64);
        assert_eq!(sendable_mss(0, 1500), 64);
        assert_eq!(sendable_mss(65, 1500), 65);
        assert_eq!(sendable_mss(u16::MAX, 1500), 1460);
    }
}
