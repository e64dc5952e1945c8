//! How much memory all connections together may use.
//!
//! Each buffer has a limit, and yet they add up: a peer that reads nothing
//! makes us keep what it has asked for, and a peer that sends may find nobody
//! who reads. While there is room, buffers grow as they like. When there is
//! none, a connection that has its fair share (the limit, divided by the number
//! of connections) gets no more; one that has less still does. So a greedy peer
//! hurts himself, and all together never have more than twice the limit.

use crate::config::Config;
use crate::tcb::{Context, Tcb};

/// May a connection take more memory?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Room {
    /// No: what arrives is dropped, and writers wait.
    Gone,
    /// Yes, but buffers keep their size, and empty ones are given back.
    Tight,
    /// Yes.
    Plenty,
}

impl Room {
    /// For one of `count` connections, which has `own` of all that is `used`.
    pub fn new(used: usize, own: usize, count: usize, config: &Config) -> Self {
        let limit = config.memory_limit;
        if used < limit / 2 {
            Self::Plenty
        } else if used < limit || own < limit / count.max(1) {
            Self::Tight
        } else {
            Self::Gone
        }
    }
}

impl Tcb {
    /// What the connection's buffers occupy, in octets.
    pub(crate) fn memory(&self) -> usize {
        self.send_buffer.allocated() + self.receive_buffer.allocated() + self.queue.allocated()
    }

    /// Gives back buffers that are empty.
    pub(crate) fn release_memory(&mut self) {
        self.send_buffer.release();
        self.receive_buffer.release();
    }

    /// May text that begins so far beyond RCV.NXT be kept? One segment may
    /// always, or a connection that has only written could never read.
    pub(crate) fn has_room_for_text(&self, offset: u32, cx: &Context<'_>) -> bool {
        let next = offset == 0 && self.receive_buffer.readable() == 0;
        let room = cx.room > Room::Gone || next;
        if !room {
            cx.counters.no_memory.inc();
        }
        room
    }

    /// As much of `data` as may be written. Without room, one segment at a time.
    pub(crate) fn allowed<'a>(&self, data: &'a [u8], cx: &Context<'_>) -> &'a [u8] {
        if cx.room > Room::Gone {
            return data;
        }
        cx.counters.writes_withheld.inc();
        let one = if self.send_buffer.is_empty() {
            self.mss as usize
        } else {
            0
        };
        data.get(..one).unwrap_or(data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_less_than_his_share_gets_more() {
        let config = Config {
            memory_limit: 1000,
            ..Config::default()
        };
        let room = |used, own| Room::new(used, own, 10, &config);
        assert_eq!(room(499, 499), Room::Plenty);
        assert_eq!(room(500, 499), Room::Tight);
        assert_eq!(room(999, 999), Room::Tight);
        assert_eq!(room(1000, 100), Room::Gone);
        assert_eq!(room(1000, 99), Room::Tight);
        assert_eq!(room(1999, 99), Room::Tight);
        assert_eq!(Room::new(0, 0, 0, &config), Room::Plenty);
    }
}
