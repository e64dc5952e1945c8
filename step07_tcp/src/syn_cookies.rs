//! SYN cookies (RFC 4987 §3.6): a SYN queue that outlives a flood.
//!
//! Each SYN that is answered takes memory until its handshake is over, and
//! anyone can send SYNs in the name of others, which nobody completes. When
//! the queue of half-open connections is full, the listener keeps nothing: all
//! that it must know later goes into the initial sequence number of its SYN,ACK,
//! which a real peer acknowledges.
//!
//! ```text
//!  31      27 26   24 23                                             0
//! ┌──────────┬───────┬────────────────────────────────────────────────┐
//! │ time     │ MSS   │ hash of both ends, the peer's number, time, MSS │
//! └──────────┴───────┴────────────────────────────────────────────────┘
//! ```
//!
//! There is no room for other options: such a connection has neither window
//! scale nor timestamps nor SACK. (They could go into the low bits of a
//! timestamp, as some have it.) It is a connection all the same.

use std::net::SocketAddrV4;
use std::time::Duration;

use crate::diffserv::Service;
use crate::flags::Flags;
use crate::isn::Secret;
use crate::options::Options;
use crate::packet::Packet;
use crate::segment::{Outgoing, Segment};
use crate::segment_arrives::listen::Arrival;
use crate::seq::SeqNumber;
use crate::state::State;
use crate::syn_options::{DEFAULT_MSS, mss_of};
use crate::tcb::{Context, Id, Opened, Owner, Tcb, TcpState};
use crate::time::Time;

/// How long one value of the time field lasts.
const PERIOD: Duration = Duration::from_secs(64);
/// A cookie counts in its period and the next.
const MAX_AGE: u32 = 1;
/// What three bits can say about the peer's MSS; the next lower one is taken.
const MSS: [u16; 8] = [64, 536, 1024, 1220, 1360, 1440, 1460, 8960];

/// The number of the period.
fn period(now: Time) -> u64 {
    now.since(Time::ZERO).as_secs() / PERIOD.as_secs()
}

/// The value of the time field.
fn time_field(period: u64) -> u32 {
    u32::try_from(period % 32).unwrap_or(0)
}

/// The hash that nobody can make without the secret.
fn hash(secret: &Secret, ends: (SocketAddrV4, SocketAddrV4), irs: SeqNumber, what: u64) -> u32 {
    let [a, b, c, ..] = secret.cookie(ends, irs, what).to_le_bytes();
    u32::from_le_bytes([a, b, c, 0])
}

// ANCHOR: make
/// The number of a SYN,ACK to a peer whose SYN has the number `irs`.
fn make(
    secret: &Secret,
    ends: (SocketAddrV4, SocketAddrV4),
    irs: SeqNumber,
    mss: u16,
    now: Time,
) -> SeqNumber {
    let index = MSS.iter().rposition(|&entry| entry <= mss).unwrap_or(0);
    let period = period(now);
    let hash = hash(secret, ends, irs, period << 3 | index as u64);
    let index = u32::try_from(index).unwrap_or(0);
    SeqNumber::new(time_field(period) << 27 | index << 24 | hash)
}
// ANCHOR_END: make

// ANCHOR: check
/// Have we lately sent this number in answer to that SYN? Then it tells the
/// peer's MSS.
fn check(
    secret: &Secret,
    ends: (SocketAddrV4, SocketAddrV4),
    irs: SeqNumber,
    cookie: SeqNumber,
    now: Time,
) -> Option<u16> {
    let (field, index) = (cookie.value() >> 27, cookie.value() >> 24 & 7);
    let age = time_field(period(now)).wrapping_sub(field) % 32;
    let made = period(now).checked_sub(age.into())?;
    let right = hash(secret, ends, irs, made << 3 | u64::from(index));
    let valid = age <= MAX_AGE && cookie.value() & 0x00ff_ffff == right;
    MSS.get(index as usize).copied().filter(|_| valid)
}
// ANCHOR_END: check

impl State {
    /// The queue is full: answers a SYN without keeping anything.
    pub(crate) fn send_syn_cookie(
        &mut self,
        listener: Id,
        arrival: &Arrival,
        now: Time,
        out: &mut Vec<Outgoing>,
    ) {
        let &Arrival {
            local,
            remote,
            ref segment,
            mtu,
            ..
        } = arrival;
        if let Some(backlog) = self.listeners.backlog_mut(listener) {
            if backlog.cookies_until.is_none_or(|until| until < now) {
                log::warn!(target: "tcp::syn_cookies", "possible SYN flood, local={local}: sending cookies");
            }
            backlog.cookies_until = Some(now + PERIOD * (MAX_AGE + 1));
        }
        let mss = segment.options.mss.unwrap_or(DEFAULT_MSS);
        let seq = make(&self.secret, (local, remote), segment.seq, mss, now);
        self.counters.cookies_sent.inc();
        self.counters.segments_sent.inc();
        let window = self.config.receive_buffer;
        out.push(Outgoing {
            local,
            remote,
            service: Service::default(),
            segment: Segment {
                seq,
                ack: segment.seq + 1,
                flags: Flags::SYN | Flags::ACK,
                window: u16::try_from(window).unwrap_or(u16::MAX),
                options: Options {
                    mss: Some(mss_of(mtu)),
                    ..Options::default()
                },
                payload: Packet::zeroed(0),
                ..Segment::default()
            },
        });
    }

    /// Does an ACK for a half-open connection acknowledge not our SYN, but a
    /// cookie? One was sent before there was a place for the connection, and
    /// the peer, who has asked twice, believes the first answer.
    pub(crate) fn brings_cookie(&self, id: Id, segment: &Segment, now: Time) -> bool {
        let Some(tcb) = self.tcbs.get(&id) else {
            return false;
        };
        let Owner::Listener(listener) = tcb.owner else {
            return false;
        };
        let backlog = self.listeners.backlog(listener);
        let until = backlog.and_then(|backlog| backlog.cookies_until);
        let (ends, irs) = ((tcb.local, tcb.remote), segment.seq - 1);
        tcb.state == TcpState::SynReceived
            && segment.flags.ack()
            && !segment.flags.rst()
            && segment.ack != tcb.snd.nxt
            && until.is_some_and(|until| now <= until)
            && check(&self.secret, ends, irs, segment.ack - 1, now).is_some()
    }

    /// An ACK for a listener: if it brings a cookie back, it completes a
    /// handshake, and the connection is made now. False if it does not.
    pub(crate) fn take_syn_cookie(
        &mut self,
        listener: Id,
        arrival: &Arrival,
        now: Time,
        out: &mut Vec<Outgoing>,
    ) -> bool {
        let &Arrival {
            local,
            remote,
            ref segment,
            mtu,
            ..
        } = arrival;
        let Some(backlog) = self.listeners.backlog(listener) else {
            return false;
        };
        let expected = backlog.cookies_until.is_some_and(|until| now <= until);
        if !expected || segment.flags.syn() {
            return false;
        }
        let (irs, iss) = (segment.seq - 1, segment.ack - 1);
        let Some(mss) = check(&self.secret, (local, remote), irs, iss, now) else {
            self.counters.cookies_wrong.inc();
            return false;
        };
        if backlog.is_full() {
            // The peer believes that the connection is there. What it sends
            // will bring the cookie again: silence, not a reset.
            self.counters.backlog_full.inc();
            return true;
        }
        self.counters.cookies_taken.inc();
        self.counters.passive_opens.inc();
        let who = (self.new_id(), Owner::Listener(listener), Opened::ByListener);
        let tcb = Tcb::new(who, (local, remote), mtu, iss, &self.config);
        let id = self.insert(tcb, now);
        if let Some(backlog) = self.listeners.backlog_mut(listener) {
            backlog.add(id);
        }
        let (irs, segment) = (irs, segment.clone());
        self.with(id, now, out, |tcb, cx| tcb.syn_was_answered(irs, mss, cx));
        self.with(id, now, out, |tcb, cx| tcb.segment_arrives(segment, cx));
        true
    }
}

impl Tcb {
    /// Into the state in which the answer to the SYN has left it.
    fn syn_was_answered(&mut self, irs: SeqNumber, mss: u16, cx: &Context<'_>) {
        let syn = Segment {
            seq: irs,
            flags: Flags::SYN,
            options: Options {
                mss: Some(mss),
                ..Options::default()
            },
            ..Segment::default()
        };
        self.take_syn(&syn, cx);
        self.state = TcpState::Listen;
        self.transition(TcpState::SynReceived);
        self.snd.nxt = self.iss + 1;
        self.snd.max = self.snd.nxt;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends() -> (SocketAddrV4, SocketAddrV4) {
        let (us, peer) = ("192.0.2.2:7", "192.0.2.1:43210");
        (us.parse().unwrap(), peer.parse().unwrap())
    }

    #[test]
    fn cookie_comes_back_with_the_mss() {
        let (secret, irs) = (Secret::new(7), SeqNumber::new(5));
        // Periods 31 and 32: the time field goes from its last value to 0.
        let now = Time::ZERO + PERIOD * 31;
        for (mss, taken) in [
            (1, 64),
            (536, 536),
            (1459, 1440),
            (1460, 1460),
            (65_495, 8960),
        ] {
            let cookie = make(&secret, ends(), irs, mss, now);
            assert_eq!(check(&secret, ends(), irs, cookie, now), Some(taken));
            let next = now + PERIOD;
            assert_eq!(check(&secret, ends(), irs, cookie, next), Some(taken));
            assert_eq!(check(&secret, ends(), irs, cookie, next + PERIOD), None);
            // Not even when the time field has its old value again.
            let again = now + PERIOD * 32;
            assert_eq!(check(&secret, ends(), irs, cookie, again), None);
        }
        let early = make(&secret, ends(), irs, 1460, Time::ZERO);
        assert_eq!(check(&secret, ends(), irs, early, Time::ZERO), Some(1460));
    }

    #[test]
    fn nothing_of_it_can_be_changed() {
        let (secret, irs, now) = (Secret::new(7), SeqNumber::new(5), Time::ZERO + PERIOD);
        let cookie = make(&secret, ends(), irs, 1460, now);
        for bit in 0..32 {
            let other = SeqNumber::new(cookie.value() ^ 1 << bit);
            assert_eq!(check(&secret, ends(), irs, other, now), None, "bit {bit}");
        }
        assert_eq!(check(&secret, ends(), irs + 1, cookie, now), None);
        let (us, peer) = ends();
        assert_eq!(check(&secret, (peer, us), irs, cookie, now), None);
        let other = Secret::new(8);
        assert_eq!(check(&other, ends(), irs, cookie, now), None);
    }
}
