//! A segment as the state machine sees it: without ports, without checksum.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};

use crate::diffserv::Service;
use crate::flags::Flags;
use crate::header::{Header, ParseError, verify};
use crate::options::Options;
use crate::packet::Packet;
use crate::seq::{SeqNumber, octets};

/// The variables `SEG.*` of RFC 9293 §3.3.1, and the text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Segment {
    /// SEG.SEQ
    pub seq: SeqNumber,
    /// SEG.ACK
    pub ack: SeqNumber,
    /// The control bits.
    pub flags: Flags,
    /// SEG.WND, not scaled.
    pub window: u16,
    /// SEG.UP
    pub urgent_pointer: u16,
    /// The options.
    pub options: Options,
    /// The text.
    pub payload: Packet,
}

impl Segment {
    /// Makes a segment of the contents of an IP datagram from `src` to `dst`,
    /// without copying the text. Gives the ports too: source, destination.
    // ANCHOR: parse
    pub fn parse(
        mut packet: Packet,
        src: Ipv4Addr,
        dst: Ipv4Addr,
    ) -> Result<(u16, u16, Self), ParseError> {
        if !packet.is_undamaged() {
            verify(&packet, src, dst)?;
        }
        let (header, offset) = Header::parse(&packet)?;
        if !packet.pull(offset) {
            return Err(ParseError::TooShort { len: packet.len() });
        }
        let segment = Self {
            seq: header.seq,
            ack: header.ack,
            flags: header.flags,
            window: header.window,
            urgent_pointer: header.urgent_pointer,
            options: header.options,
            payload: packet,
        };
        Ok((header.src_port, header.dst_port, segment))
    }
    // ANCHOR_END: parse

    // ANCHOR: len
    /// SEG.LEN: the sequence numbers that the segment takes; SYN and FIN take one each.
    pub fn len(&self) -> u32 {
        octets(self.payload.len()) + u32::from(self.flags.syn()) + u32::from(self.flags.fin())
    }

    /// True if the segment takes no sequence number: a pure acknowledgment, say.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The sequence number behind the segment.
    pub fn end(&self) -> SeqNumber {
        self.seq + self.len()
    }
    // ANCHOR_END: len

    /// Cuts off what lies before `start` or not within `size` octets from it:
    /// "segments with higher beginning sequence numbers should be held",
    /// what was received already must not be taken twice (RFC 9293 §3.10.7.4).
    // ANCHOR: trim
    pub(crate) fn trim(&mut self, start: SeqNumber, size: u32) {
        if self.flags.syn() && self.seq.lt(start) {
            self.flags = self.flags - Flags::SYN;
            self.seq += 1;
        }
        let before = start.saturating_since(self.seq);
        let before = usize::try_from(before).map_or(usize::MAX, |n| n.min(self.payload.len()));
        if self.payload.pull(before) {
            self.seq += octets(before);
        }
        let room = (start + size).saturating_since(self.seq);
        if self.len() > room {
            self.flags = self.flags - Flags::FIN;
            self.payload.truncate(room as usize);
        }
    }
    // ANCHOR_END: trim
}

/// One line: what a reader of a log wants to see of a segment.
impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            seq,
            ack,
            flags,
            window,
            payload,
            ..
        } = self;
        write!(
            f,
            "seq={seq}, ack={ack}, flags={flags}, len={}, wnd={window}",
            payload.len()
        )
    }
}

/// A segment on its way out. The text has headroom for all headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Our end.
    pub local: SocketAddrV4,
    /// The peer's end.
    pub remote: SocketAddrV4,
    /// What it asks of IP.
    pub service: Service,
    /// What is to be sent.
    pub segment: Segment,
}

impl Outgoing {
    /// The header that belongs before the text, its checksum not yet computed.
    pub fn header(&self) -> Header {
        let Segment {
            seq,
            ack,
            flags,
            window,
            urgent_pointer,
            options,
            ..
        } = self.segment;
        Header {
            src_port: self.local.port(),
            dst_port: self.remote.port(),
            seq,
            ack,
            flags,
            window,
            urgent_pointer,
            options,
            ..Header::default()
        }
    }

    /// The segment as octets, ready to be the contents of an IP datagram.
    pub fn into_packet(self) -> Packet {
        let header = self.header();
        let mut packet = self.segment.payload;
        header.prepend_to(&mut packet, *self.local.ip(), *self.remote.ip());
        packet
    }

    /// The same for a device that adds the checksum, and cuts the text into
    /// segments of `segment` octets.
    pub(crate) fn into_unfinished_packet(self, segment: Option<u16>) -> Packet {
        let header = self.header();
        let mut packet = self.segment.payload;
        header.prepend_unfinished(&mut packet, *self.local.ip(), *self.remote.ip(), segment);
        packet
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(seq: u32, flags: Flags, text: &[u8]) -> Segment {
        Segment {
            seq: SeqNumber::new(seq),
            flags,
            payload: Packet::new(text),
            ..Segment::default()
        }
    }

    /// Trims to a window and shows what is left.
    fn trimmed(mut segment: Segment, start: u32, size: u32) -> (u32, Flags, Vec<u8>) {
        segment.trim(SeqNumber::new(start), size);
        (segment.seq.value(), segment.flags, segment.payload.to_vec())
    }

    #[test]
    fn syn_and_fin_take_a_sequence_number() {
        assert_eq!(segment(7, Flags::ACK, b"").len(), 0);
        assert!(segment(7, Flags::ACK, b"").is_empty());
        assert_eq!(segment(7, Flags::SYN | Flags::FIN, b"abc").len(), 5);
        assert_eq!(
            segment(u32::MAX, Flags::FIN, b"abc").end(),
            SeqNumber::new(3)
        );
    }

    #[test]
    fn what_lies_outside_the_window_is_cut_off() {
        let fin = Flags::FIN;
        assert_eq!(
            trimmed(segment(10, fin, b"abcd"), 10, 9),
            (10, fin, b"abcd".to_vec())
        );
        assert_eq!(
            trimmed(segment(10, fin, b"abcd"), 12, 9),
            (12, fin, b"cd".to_vec())
        );
        assert_eq!(
            trimmed(segment(10, fin, b"abcd"), 10, 5),
            (10, fin, b"abcd".to_vec())
        );
        assert_eq!(
            trimmed(segment(10, fin, b"abcd"), 10, 4),
            (10, Flags::NONE, b"abcd".to_vec())
        );
        assert_eq!(
            trimmed(segment(10, fin, b"abcd"), 11, 2),
            (11, Flags::NONE, b"bc".to_vec())
        );
        assert_eq!(trimmed(segment(10, fin, b"abcd"), 14, 2), (14, fin, vec![]));
        assert_eq!(
            trimmed(segment(10, fin, b"abcd"), 10, 0),
            (10, Flags::NONE, vec![])
        );
        // A SYN before the window, text inside it, all across the wrap.
        assert_eq!(
            trimmed(segment(u32::MAX, Flags::SYN, b"ab"), 1, 9),
            (1, Flags::NONE, b"b".to_vec())
        );
    }

    #[test]
    fn goes_out_and_comes_in_again() {
        let local = "192.0.2.2:7".parse().unwrap();
        let remote = "192.0.2.1:43210".parse().unwrap();
        let sent = segment(5, Flags::ACK | Flags::PSH, b"foo\n");
        let packet = Outgoing {
            local,
            remote,
            service: Service::default(),
            segment: sent.clone(),
        }
        .into_packet();
        let (src, dst, received) = Segment::parse(packet, *local.ip(), *remote.ip()).unwrap();
        assert_eq!((src, dst), (7, 43210));
        assert_eq!(
            received.to_string(),
            "seq=5, ack=0, flags=---AP---, len=4, wnd=0"
        );
        assert_eq!(received.payload[..], sent.payload[..]);
    }

    #[test]
    fn bad_octets_are_refused() {
        let [src, dst] = [Ipv4Addr::LOCALHOST; 2];
        let result = Segment::parse(Packet::new(b"too short"), src, dst);
        assert_eq!(result, Err(ParseError::TooShort { len: 9 }));
    }
}
