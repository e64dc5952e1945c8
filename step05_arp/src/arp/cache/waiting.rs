//! How much may wait for all addresses together.

use std::collections::VecDeque;

use crate::arp::cache::Cache;
use crate::packet::Packet;

/// How many octets the packets that wait for addresses may occupy, all of them
/// together: eight of the longest datagrams, or a full frame of Ethernet for
/// each neighbour that the cache has room for.
pub const WAITING_MEMORY: usize = 512 * 1024;
/// What a packet that waits costs besides its octets.
pub(super) const OVERHEAD: usize = 256;

impl Cache {
    /// Keeps [`WAITING_MEMORY`]: as long as more is waiting, the neighbour for
    /// whom most of it waits loses its oldest packet. So each keeps its latest
    /// (RFC 1122 §2.3.2.2), and who asks for one silent neighbour after the
    /// other takes nothing from the rest. Returns how many packets are lost.
    pub fn limit_waiting(&mut self) -> usize {
        let queues = self.entries.values_mut();
        let queues = queues.filter_map(|entry| entry.waiting_mut());
        let mut queues: Vec<_> = queues.map(|queue| (octets(queue), queue)).collect();
        let mut used: usize = queues.iter().map(|(octets, _)| octets).sum();
        let mut lost = 0;
        while used > WAITING_MEMORY
            && let Some((most, queue)) = queues.iter_mut().max_by_key(|(octets, _)| *octets)
            && let Some(packet) = queue.pop_front()
        {
            *most -= cost(&packet);
            used -= cost(&packet);
            lost += 1;
        }
        lost
    }
}

fn octets(queue: &VecDeque<Packet>) -> usize {
    queue.iter().map(cost).sum()
}

fn cost(packet: &Packet) -> usize {
    packet.len() + OVERHEAD
}
