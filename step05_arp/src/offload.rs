//! Finishing frames that the kernel expected hardware to finish.
//!
//! A sender in the kernel leaves two chores to the network card: the checksum
//! of TCP and UDP, and cutting a long stretch of TCP into segments that fit the
//! MTU. A virtual cable (veth) has no card at its end, and a card that *merges*
//! the segments it receives hands over the same half-finished frames. In front of
//! each frame the kernel tells what is left to do (`struct virtio_net_hdr`):
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +---------------+---------------+-------------------------------+
//! | flags, 1: sum |  kind, 1: TCP |       length of headers       |  in the byte
//! +---------------+---------------+-------------------------------+  order of
//! |      payload per segment      | start of what is to be summed |  this machine
//! +-------------------------------+-------------------------------+
//! |    checksum, from there on    |
//! +-------------------------------+
//! ```

use std::net::Ipv4Addr;
use std::ops::Range;

use crate::checksum::{Checksum, checksum};
use crate::unfinished::Unfinished;

/// The length of what stands before a frame. All zeros before a frame of ours:
/// nothing is left to do.
pub(crate) const HEADER_LEN: usize = 10;

/// The largest IPv4 datagram: how long an unfinished frame gets.
pub(crate) const MAX_LEN: usize = 65_535 + 18;

const NEEDS_CHECKSUM: u8 = 1;
const NO_SEGMENTS: u8 = 0;
const TCP_V4: u8 = 1;
/// Set beside the kind if the TCP segments carry ECN marks.
const ECN: u8 = 0x80;

const TCP: u8 = 6;
const FIN: u8 = 0x01;
const PSH: u8 = 0x08;
const CWR: u8 = 0x80;

/// What is left to do on a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Offload {
    /// Where the summed part starts, and where in it the checksum goes.
    pub(crate) checksum: Option<(usize, usize)>,
    /// The payload of one TCP segment, if the frame is to be cut.
    pub(crate) segment: Option<usize>,
    /// To be cut, but not TCP over IPv4: we leave it as it is.
    pub(crate) unknown: bool,
}

impl Offload {
    pub(crate) fn parse(header: &[u8; HEADER_LEN]) -> Self {
        let [flags, kind, _, _, s0, s1, c0, c1, o0, o1] = *header;
        let number = |a, b| usize::from(u16::from_ne_bytes([a, b]));
        let needs_checksum = flags & NEEDS_CHECKSUM != 0;
        let kind = kind & !ECN;
        Self {
            checksum: needs_checksum.then(|| (number(c0, c1), number(o0, o1))),
            segment: (kind == TCP_V4).then(|| number(s0, s1)),
            unknown: kind != NO_SEGMENTS && kind != TCP_V4,
        }
    }
}

// ANCHOR: header
/// What is to be written in front of a frame on which that is left to do.
pub(crate) fn header(left: &Unfinished) -> [u8; HEADER_LEN] {
    let mut header = [0; HEADER_LEN];
    header[0] = NEEDS_CHECKSUM;
    header[1] = left.segment.map_or(NO_SEGMENTS, |_| TCP_V4);
    let numbers = [
        left.start.saturating_add(left.header_len),
        left.segment.unwrap_or(0),
        left.start,
        left.checksum,
    ];
    for (field, number) in header[2..].chunks_exact_mut(2).zip(numbers) {
        field.copy_from_slice(&number.to_ne_bytes());
    }
    header
}
// ANCHOR_END: header

/// What the header in front of a frame says is left to do.
pub(crate) fn left(header: &[u8; HEADER_LEN]) -> Option<Unfinished> {
    let offload = Offload::parse(header);
    offload.checksum?;
    let number = |a, b| u16::from_ne_bytes([a, b]);
    let [_, _, h0, h1, _, _, c0, c1, o0, o1] = *header;
    Some(Unfinished {
        start: number(c0, c1),
        checksum: number(o0, o1),
        header_len: number(h0, h1).saturating_sub(number(c0, c1)),
        segment: offload.segment.and_then(|size| u16::try_from(size).ok()),
    })
}

/// Completes a checksum whose field holds the sum over the pseudo-header.
pub(crate) fn complete_checksum(frame: &mut [u8], start: usize, offset: usize) {
    let Some(data) = frame.get_mut(start..) else {
        return;
    };
    let sum = match checksum(data) {
        // UDP's "no checksum" (RFC 768). For TCP it is the same number.
        0 => 0xffff,
        sum => sum,
    };
    put(data, offset, &sum.to_be_bytes());
}

fn put(data: &mut [u8], at: usize, octets: &[u8]) {
    if let Some(field) = data.get_mut(at..at.saturating_add(octets.len())) {
        field.copy_from_slice(octets);
    }
}

fn u16_at(data: &[u8], at: usize) -> u16 {
    let field = data.get(at..).and_then(|rest| rest.first_chunk());
    field.copied().map_or(0, u16::from_be_bytes)
}

fn u32_at(data: &[u8], at: usize) -> u32 {
    let field = data.get(at..).and_then(|rest| rest.first_chunk());
    field.copied().map_or(0, u32::from_be_bytes)
}

/// Cuts one long frame into TCP segments.
#[derive(Debug)]
pub(crate) struct Segments {
    /// Where the IPv4 and the TCP header start, and the payload.
    ip: usize,
    tcp: usize,
    payload: Range<usize>,
    /// The payload of each segment but the last.
    size: usize,
    next: usize,
}

impl Segments {
    /// `ip` is where the IPv4 header starts, `size` the payload per segment.
    /// `None` if `frame` cannot be cut like that.
    pub(crate) fn new(frame: &[u8], ip: usize, size: usize) -> Option<Self> {
        let first = *frame.get(ip)?;
        let tcp = ip + usize::from(first & 0x0f) * 4;
        let header_len = usize::from(*frame.get(tcp + 12)? >> 4) * 4;
        let payload = tcp + header_len..frame.len();
        let valid = first >> 4 == 4
            && tcp - ip >= 20
            && frame.get(ip + 9) == Some(&TCP)
            && header_len >= 20
            && !payload.is_empty()
            && size > 0;
        valid.then_some(Self {
            ip,
            tcp,
            payload,
            size,
            next: 0,
        })
    }

    /// Builds the next segment in `out`; returns its length. `None` if there
    /// are no more, or if `out` is too short for them.
    pub(crate) fn next(&mut self, frame: &[u8], out: &mut [u8]) -> Option<usize> {
        let done = self.next * self.size;
        let rest = frame.get(self.payload.clone())?.get(done..)?;
        if rest.is_empty() {
            return None;
        }
        let payload = &rest[..rest.len().min(self.size)];
        let len = self.payload.start + payload.len();
        let out = out.get_mut(..len)?;
        out[..self.payload.start].copy_from_slice(frame.get(..self.payload.start)?);
        out[self.payload.start..].copy_from_slice(payload);
        self.patch_ip(&mut out[self.ip..]);
        let last = payload.len() == rest.len();
        self.patch_tcp(&mut out[self.ip..], done, last);
        self.next += 1;
        Some(len)
    }

    /// Length, identification and header checksum are the segment's own.
    fn patch_ip(&self, datagram: &mut [u8]) {
        let total_len = u16::try_from(datagram.len()).unwrap_or(u16::MAX);
        let number = u16::try_from(self.next).unwrap_or(u16::MAX);
        let id = u16_at(datagram, 4).wrapping_add(number);
        put(datagram, 2, &total_len.to_be_bytes());
        put(datagram, 4, &id.to_be_bytes());
        put(datagram, 10, &[0, 0]);
        let sum = checksum(&datagram[..self.tcp - self.ip]);
        put(datagram, 10, &sum.to_be_bytes());
    }

    /// So are the sequence number, the flags and the checksum.
    fn patch_tcp(&self, datagram: &mut [u8], done: usize, last: bool) {
        let src = Ipv4Addr::from_bits(u32_at(datagram, 12));
        let dst = Ipv4Addr::from_bits(u32_at(datagram, 16));
        let segment = &mut datagram[self.tcp - self.ip..];
        // A frame is shorter than 2^32.
        let done = u32::try_from(done).unwrap_or(u32::MAX);
        let seq = u32_at(segment, 4).wrapping_add(done);
        put(segment, 4, &seq.to_be_bytes());
        let mut flags = segment[13];
        if !last {
            // They belong to the last octet.
            flags &= !(FIN | PSH);
        }
        if done > 0 {
            // "I have reduced my window" is said once.
            flags &= !CWR;
        }
        segment[13] = flags;
        put(segment, 16, &[0, 0]);
        let mut sum = Checksum::pseudo_header(src, dst, TCP, segment.len());
        sum.add(segment);
        put(segment, 16, &sum.finish().to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SRC: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
    const DST: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

    fn header(flags: u8, kind: u8, numbers: [u16; 4]) -> [u8; HEADER_LEN] {
        let mut header = [flags, kind, 0, 0, 0, 0, 0, 0, 0, 0];
        for (field, number) in header[2..].chunks_exact_mut(2).zip(numbers) {
            field.copy_from_slice(&number.to_ne_bytes());
        }
        header
    }

    #[test]
    fn the_header_says_what_is_left_to_do() {
        assert_eq!(Offload::parse(&[0; HEADER_LEN]), Offload::default());
        let offload = Offload::parse(&header(1, TCP_V4 | ECN, [54, 1448, 34, 16]));
        assert_eq!(offload.checksum, Some((34, 16)));
        assert_eq!(offload.segment, Some(1448));
        assert!(!offload.unknown);
        // 5: UDP that is to be cut.
        let offload = Offload::parse(&header(3, 5, [42, 1000, 34, 6]));
        assert!(offload.unknown && offload.segment.is_none());
    }

    #[test]
    fn what_is_left_is_said_and_understood() {
        let left_to_do = Unfinished {
            start: 34,
            checksum: 16,
            header_len: 32,
            segment: Some(1448),
        };
        assert_eq!(
            super::header(&left_to_do),
            header(1, TCP_V4, [66, 1448, 34, 16])
        );
        for segment in [Some(1448), None] {
            let left_to_do = Unfinished {
                segment,
                ..left_to_do
            };
            assert_eq!(left(&super::header(&left_to_do)), Some(left_to_do));
        }
        assert_eq!(left(&[0; HEADER_LEN]), None);
    }

    #[test]
    fn a_checksum_is_completed_in_place() {
        let mut frame = vec![0xee; 4];
        frame.extend(b"\x04\xd2\x00\x07\x00\x0b\x00\x00abc");
        let mut sum = Checksum::pseudo_header(SRC, DST, 17, 11);
        let partial = !sum.finish();
        frame[10..12].copy_from_slice(&partial.to_be_bytes());
        complete_checksum(&mut frame, 4, 6);
        sum.add(&frame[4..]);
        assert_eq!(sum.finish(), 0);
        assert_eq!(&frame[..4], [0xee; 4]);
    }

    #[test]
    fn a_wrong_place_for_a_checksum_does_no_harm() {
        for (start, offset) in [(9, 0), (0, 7), (8, 0), (0, usize::MAX), (usize::MAX, 1)] {
            complete_checksum(&mut [1; 8], start, offset);
        }
    }

    /// Ethernet, IPv4 and TCP headers before `payload`.
    fn long_frame(payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![0; 14];
        frame.extend(b"\x45\x00\x00\x00\xff\xff\x40\x00\x40\x06\x00\x00");
        frame.extend(SRC.octets());
        frame.extend(DST.octets());
        frame.extend(b"\x04\xd2\x00\x07\xff\xff\xff\xfe\x00\x00\x00\x01\x50\x99\x10\x00\0\0\0\0");
        frame.extend(payload);
        frame
    }

    fn cut(frame: &[u8], size: usize) -> Vec<Vec<u8>> {
        let mut segments = Segments::new(frame, 14, size).unwrap();
        let mut out = [0; 1515];
        std::iter::from_fn(|| {
            segments
                .next(frame, &mut out)
                .map(|len| out[..len].to_vec())
        })
        .collect()
    }

    #[test]
    fn a_long_frame_becomes_segments() {
        let payload: Vec<u8> = (0..250u8).collect();
        let segments = cut(&long_frame(&payload), 100);
        assert_eq!(segments.len(), 3);
        let mut joined: Vec<u8> = Vec::new();
        for (n, segment) in segments.iter().enumerate() {
            let (ip, tcp) = (&segment[14..34], &segment[34..]);
            assert_eq!(checksum(ip), 0);
            assert_eq!(usize::from(u16_at(ip, 2)), segment.len() - 14);
            let mut sum = Checksum::pseudo_header(SRC, DST, TCP, tcp.len());
            sum.add(tcp);
            assert_eq!(sum.finish(), 0);
            let id = [0xffff, 0, 1][n];
            assert_eq!(u16_at(ip, 4), id);
            assert_eq!(
                u32_at(tcp, 4),
                0xffff_fffe_u32.wrapping_add(u32::try_from(joined.len()).unwrap())
            );
            // CWR only on the first, PSH and FIN only on the last, ACK on all.
            assert_eq!(tcp[13], [0x90, 0x10, 0x19][n]);
            joined.extend(&tcp[20..]);
        }
        assert_eq!(joined, payload);
    }

    #[test]
    fn an_exact_multiple_leaves_no_empty_segment() {
        let lens: Vec<_> = cut(&long_frame(&[7; 200]), 100)
            .iter()
            .map(Vec::len)
            .collect();
        assert_eq!(lens, [154, 154]);
    }

    #[test]
    fn what_cannot_be_cut_is_refused() {
        let frame = long_frame(b"payload");
        assert!(Segments::new(&frame, 14, 0).is_none());
        assert!(Segments::new(&frame[..54], 14, 1).is_none());
        for len in 0..54 {
            assert!(Segments::new(&frame[..len], 14, 1).is_none());
        }
        for (at, octet) in [(14, 0x65), (14, 0x44), (23, 17), (46, 0x40), (46, 0xf0)] {
            let mut frame = frame.clone();
            frame[at] = octet;
            assert!(Segments::new(&frame, 14, 1).is_none(), "{at}");
        }
        let mut segments = Segments::new(&frame, 14, 100).unwrap();
        assert_eq!(segments.next(&frame, &mut [0; 60]), None);
    }
}
