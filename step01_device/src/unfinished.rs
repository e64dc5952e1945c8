//! What a packet still lacks when a device, not this program, is to add it.
//!
//! A good network card computes the checksum of TCP and UDP itself, and cuts a
//! long stretch of TCP into segments that fit the MTU. A packet that is meant
//! for such a device goes down the floors unfinished, with a note of what is
//! left to do; see [`DeviceFlags::OFFLOAD`](crate::device::DeviceFlags::OFFLOAD).

// ANCHOR: unfinished
/// What is left to do on a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unfinished {
    /// Where the checksum begins to count: the octet of the packet's contents
    /// at which the header of TCP or UDP starts.
    pub start: u16,
    /// Where the checksum goes, in octets from there. The field holds the sum
    /// over the pseudo-header.
    pub checksum: u16,
    /// The length of that header, in octets.
    pub header_len: u16,
    /// The text of one segment, in octets, if the packet is to be cut.
    pub segment: Option<u16>,
}
// ANCHOR_END: unfinished
