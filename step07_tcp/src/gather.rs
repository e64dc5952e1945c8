//! Segments that leave together, as one.
//!
//! To send a segment costs a call of the kernel, which costs more than all that
//! we do for it. A device that cuts TCP by itself can be given many at once: one
//! header, and the text of all. TCP's bookkeeping knows nothing of it. It makes
//! segments of the right length as ever, and they are gathered at the last
//! moment, if nothing but their place in the sequence tells them apart.

use crate::flags::Flags;
use crate::header::MIN_LEN;
use crate::options;
use crate::packet::Packet;
use crate::segment::Outgoing;
use crate::seq::octets;

/// The text that fits into one IP datagram behind the longest headers.
const MAX_TEXT: usize = u16::MAX as usize - 20 - MIN_LEN - options::MAX_LEN;

/// Segments in one packet: the text of one of them, in octets, if there are several.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Gathered {
    pub outgoing: Outgoing,
    pub segment: Option<u16>,
}

/// Gathers neighbours that a device can tell apart again, and takes them all
/// out of the list.
pub(crate) fn gather(segments: &mut Vec<Outgoing>) -> impl Iterator<Item = Gathered> {
    let mut segments = segments.drain(..);
    std::iter::from_fn(move || {
        let first = segments.next()?;
        let count = followers(&first, segments.as_slice());
        let size = u16::try_from(first.segment.payload.len()).ok();
        if count == 0 {
            return Some(Gathered {
                outgoing: first,
                segment: None,
            });
        }
        Some(Gathered {
            outgoing: join(first, segments.by_ref().take(count)),
            segment: size,
        })
    })
}

/// How many of `rest` can go into one packet with `first`.
fn followers(first: &Outgoing, rest: &[Outgoing]) -> usize {
    let size = first.segment.payload.len();
    let mut end = first.segment.end();
    let mut len = size;
    let mut last = first;
    let mut count = 0;
    for next in rest {
        let fits = len + next.segment.payload.len() <= MAX_TEXT;
        // Only the last may be shorter.
        let regular = last.segment.payload.len() == size && next.segment.payload.len() <= size;
        if !fits || !regular || !is_plain(last) || next.segment.seq != end || !is_alike(first, next)
        {
            break;
        }
        end += octets(next.segment.payload.len());
        len += next.segment.payload.len();
        last = next;
        count += 1;
    }
    count
}

/// Text and nothing else that a segment behind it would lose.
fn is_plain(outgoing: &Outgoing) -> bool {
    let segment = &outgoing.segment;
    segment.flags - Flags::PSH == Flags::ACK && !segment.payload.is_empty()
}

// ANCHOR: alike
/// Do the two differ in nothing but place, text, and PSH?
fn is_alike(a: &Outgoing, b: &Outgoing) -> bool {
    let (one, other) = (&a.segment, &b.segment);
    is_plain(b)
        && (a.local, a.remote, a.service) == (b.local, b.remote, b.service)
        && (one.ack, one.window) == (other.ack, other.window)
        && one.options == other.options
        && (one.urgent_pointer, other.urgent_pointer) == (0, 0)
}
// ANCHOR_END: alike

fn join(first: Outgoing, rest: impl Iterator<Item = Outgoing>) -> Outgoing {
    let mut joined = first;
    // The last one's flags: PSH belongs behind all of the text.
    let mut text = Packet::with_capacity(MAX_TEXT);
    text.append(&joined.segment.payload);
    for next in rest {
        text.append(&next.segment.payload);
        joined.segment.flags = next.segment.flags;
    }
    joined.segment.payload = text;
    joined
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diffserv::Service;
    use crate::segment::Segment;
    use crate::seq::SeqNumber;

    const PUSH: Flags = Flags::from_bits(0x18);

    fn outgoing(seq: u32, flags: Flags, text: &[u8]) -> Outgoing {
        Outgoing {
            local: "192.0.2.2:7".parse().unwrap(),
            remote: "192.0.2.1:43210".parse().unwrap(),
            service: Service::default(),
            segment: Segment {
                seq: SeqNumber::new(seq),
                flags,
                payload: Packet::new(text),
                ..Segment::default()
            },
        }
    }

    /// Sequence number, flags, text and the size of the cut of each.
    fn gathered(mut segments: Vec<Outgoing>) -> Vec<(u32, Flags, String, Option<u16>)> {
        let all = gather(&mut segments).map(|Gathered { outgoing, segment }| {
            let text = String::from_utf8_lossy(&outgoing.segment.payload).into_owned();
            let seq = outgoing.segment.seq.value();
            (seq, outgoing.segment.flags, text, segment)
        });
        all.collect()
    }

    #[test]
    fn neighbours_become_one() {
        let segments = vec![
            outgoing(u32::MAX, Flags::ACK, b"abc"),
            outgoing(2, Flags::ACK, b"def"),
            outgoing(5, PUSH, b"g"),
        ];
        let one = (u32::MAX, PUSH, "abcdefg".to_owned(), Some(3));
        assert_eq!(gathered(segments), [one]);
    }

    #[test]
    fn what_could_not_be_told_apart_stays_alone() {
        let alone = |second: Outgoing| {
            let parts = gathered(vec![outgoing(1, Flags::ACK, b"abc"), second]);
            assert_eq!(parts.len(), 2);
            assert!(parts.iter().all(|(.., size)| size.is_none()));
        };
        alone(outgoing(5, Flags::ACK, b"gap"));
        alone(outgoing(4, Flags::ACK, b"longer"));
        alone(outgoing(4, Flags::ACK, b""));
        alone(outgoing(4, Flags::ACK | Flags::FIN, b"end"));
        let mut other = outgoing(4, Flags::ACK, b"def");
        other.segment.ack += 1;
        alone(other);
        let mut other = outgoing(4, Flags::ACK, b"def");
        other.remote.set_port(1);
        alone(other);
        let mut urgent = outgoing(4, Flags::ACK | Flags::URG, b"def");
        urgent.segment.urgent_pointer = 1;
        alone(urgent);
    }

    #[test]
    fn a_short_one_is_the_last() {
        let segments = vec![
            outgoing(1, Flags::ACK, b"abc"),
            outgoing(4, PUSH, b"de"),
            outgoing(6, Flags::ACK, b"fg"),
            outgoing(8, Flags::ACK, b"hi"),
        ];
        let two = (1, PUSH, "abcde".to_owned(), Some(3));
        let rest = (6, Flags::ACK, "fghi".to_owned(), Some(2));
        assert_eq!(gathered(segments), [two, rest]);
    }

    #[test]
    fn a_datagram_is_not_overfilled() {
        let text = [0; 1448];
        let mut all: Vec<_> = (0..100)
            .map(|n| outgoing(n * 1448, Flags::ACK, &text))
            .collect();
        let lens: Vec<_> = gather(&mut all)
            .map(|g| g.outgoing.segment.payload.len())
            .collect();
        assert_eq!(lens, [45 * 1448, 45 * 1448, 10 * 1448]);
    }
}
