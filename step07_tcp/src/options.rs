//! Options of the TCP header (RFC 9293 §3.2, RFC 7323, RFC 2018).
//!
//! ```text
//!   kind 0, 1           kind 2…
//!  +--------+          +--------+--------+---------…
//!  |  kind  |          |  kind  | length |  data        length counts all three
//!  +--------+          +--------+--------+---------…
//! ```

use std::fmt;

use crate::seq::{SeqNumber, octets};

/// End of option list: the rest of the header is padding.
const END: u8 = 0;
/// One octet of padding between options.
const NOP: u8 = 1;
/// Maximum segment size.
const MSS: u8 = 2;
/// Window scale.
const WINDOW_SCALE: u8 = 3;
/// SACK permitted.
const SACK_PERMITTED: u8 = 4;
/// SACK blocks.
const SACK: u8 = 5;
/// Timestamps.
const TIMESTAMPS: u8 = 8;

/// The options take 40 octets at most: 15 words of header less the fixed five.
pub const MAX_LEN: usize = 40;

/// The value and the echo reply of a timestamps option (RFC 7323 §3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timestamps {
    /// The sender's clock.
    pub value: u32,
    /// The clock value that the sender has last seen from its peer.
    pub echo: u32,
}

/// One block of a SACK option: the peer has `start` up to, not including, `end`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SackBlock {
    /// First sequence number of the block.
    pub start: SeqNumber,
    /// The sequence number that follows the block.
    pub end: SeqNumber,
}

/// Up to four blocks, as many as the option space can hold (RFC 2018 §3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SackBlocks {
    blocks: [SackBlock; 4],
    len: usize,
}

impl SackBlocks {
    /// The octets of the option without blocks, padding included.
    pub const HEADER: u32 = 4;
    /// The octets of one block.
    pub const EACH: u32 = 8;

    /// Adds a block, unless there are four already.
    pub fn push(&mut self, block: SackBlock) {
        if let Some(place) = self.blocks.get_mut(self.len) {
            *place = block;
            self.len += 1;
        }
    }

    /// Leaves only the first `count` blocks.
    pub fn truncate(&mut self, count: usize) {
        self.len = self.len.min(count);
    }

    /// The octets that the option takes in a header, padding included.
    pub fn octets(&self) -> u32 {
        match octets(self.len) {
            0 => 0,
            count => Self::HEADER + Self::EACH * count,
        }
    }

    /// True if there is no block.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The blocks, most important first.
    pub fn as_slice(&self) -> &[SackBlock] {
        self.blocks.get(..self.len).unwrap_or_default()
    }
}

/// The options of one segment that this stack knows. Others are skipped, as
/// RFC 9293 §3.2 (MUST-6) asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The largest segment text that the sender can take (RFC 9293 §3.7.1). On SYN only.
    pub mss: Option<u16>,
    /// The shift that the sender applies to its window (RFC 7323 §2). On SYN only.
    pub window_scale: Option<u8>,
    /// The sender understands SACK (RFC 2018 §2). On SYN only.
    pub sack_permitted: bool,
    /// The sender's clock and its echo of ours (RFC 7323 §3).
    pub timestamps: Option<Timestamps>,
    /// What has arrived beyond a gap (RFC 2018 §3).
    pub sack: SackBlocks,
}

impl Options {
    /// Reads the option octets of a header.
    ///
    /// An option with an illegal length (0, 1, or beyond the header) hides
    /// where the next one starts: reading ends there, and the options before
    /// it count (RFC 9293 §3.2, MUST-7: must not crash on one). A known kind
    /// with a length that is not its own is skipped like an unknown kind.
    // ANCHOR: parse
    pub fn parse(mut rest: &[u8]) -> Self {
        let mut options = Self::default();
        while let Some((&kind, after_kind)) = rest.split_first() {
            match kind {
                END => break,
                NOP => rest = after_kind,
                _ => {
                    let len = after_kind.first().map_or(0, |&len| usize::from(len));
                    let (Some(data), Some(next)) = (rest.get(2..len), rest.get(len..)) else {
                        log::debug!(target: "tcp::options", "bad option length: kind={kind}, len={len}");
                        break;
                    };
                    options.take(kind, data);
                    rest = next;
                }
            }
        }
        options
    }
    // ANCHOR_END: parse

    /// Takes one option, if its kind is known and its length right.
    fn take(&mut self, kind: u8, data: &[u8]) {
        match (kind, data) {
            // ANCHOR: take
            (MSS, &[a, b]) => self.mss = Some(u16::from_be_bytes([a, b])),
            (WINDOW_SCALE, &[shift]) => self.window_scale = Some(shift),
            (SACK_PERMITTED, []) => self.sack_permitted = true,
            (TIMESTAMPS, &[a, b, c, d, e, f, g, h]) => {
                self.timestamps = Some(Timestamps {
                    value: u32::from_be_bytes([a, b, c, d]),
                    echo: u32::from_be_bytes([e, f, g, h]),
                });
            }
            // ANCHOR_END: take
            (SACK, data) if data.len() % 8 == 0 => {
                for block in data.chunks_exact(8) {
                    if let &[a, b, c, d, e, f, g, h] = block {
                        self.sack.push(SackBlock {
                            start: SeqNumber::new(u32::from_be_bytes([a, b, c, d])),
                            end: SeqNumber::new(u32::from_be_bytes([e, f, g, h])),
                        });
                    }
                }
            }
            _ => {}
        }
    }

    /// Writes the options into the first octets of `buffer`, which is at least
    /// [`MAX_LEN`] long, and returns how many: always whole 32-bit words, with
    /// the values aligned to words as RFC 7323 appendix A proposes.
    pub(crate) fn emit(&self, buffer: &mut [u8; MAX_LEN]) -> usize {
        let mut writer = Writer { buffer, len: 0 };
        if let Some(mss) = self.mss {
            writer.put(&[MSS, 4]);
            writer.put(&mss.to_be_bytes());
        }
        // SACK permitted takes the place of the two NOPs before the timestamps.
        match (self.sack_permitted, self.timestamps.is_some()) {
            (true, true) => writer.put(&[SACK_PERMITTED, 2]),
            (true, false) => writer.put(&[NOP, NOP, SACK_PERMITTED, 2]),
            (false, true) => writer.put(&[NOP, NOP]),
            (false, false) => {}
        }
        if let Some(timestamps) = self.timestamps {
            writer.put(&[TIMESTAMPS, 10]);
            writer.put(&timestamps.value.to_be_bytes());
            writer.put(&timestamps.echo.to_be_bytes());
        }
        if let Some(shift) = self.window_scale {
            writer.put(&[NOP, WINDOW_SCALE, 3, shift]);
        }
        // As many blocks as still fit.
        let room = (MAX_LEN - writer.len).saturating_sub(4) / 8;
        let blocks = self.sack.as_slice();
        let blocks = blocks.get(..room).unwrap_or(blocks);
        if let Ok(count) = u8::try_from(blocks.len())
            && count > 0
        {
            writer.put(&[NOP, NOP, SACK, 2 + 8 * count]);
            for block in blocks {
                writer.put(&block.start.value().to_be_bytes());
                writer.put(&block.end.value().to_be_bytes());
            }
        }
        writer.len
    }

    /// The octets that the options take in a header, padding included.
    pub fn len(&self) -> usize {
        self.emit(&mut [0; MAX_LEN])
    }

    /// True if there is no option to be sent.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Fills an option area from the front.
struct Writer<'a> {
    buffer: &'a mut [u8; MAX_LEN],
    len: usize,
}

impl Writer<'_> {
    fn put(&mut self, octets: &[u8]) {
        let end = self.len + octets.len();
        if let Some(place) = self.buffer.get_mut(self.len..end) {
            place.copy_from_slice(octets);
            self.len = end;
        }
    }
}

/// One line per option, as part of the header's dump. No line break at the end.
impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut index = 0;
        let mut line = |kind: u8, name: &str, len: usize, value: fmt::Arguments<'_>| {
            let (end, label) = (
                if index == 0 { "" } else { "\n" },
                format_args!("opt[{index}]").to_string(),
            );
            index += 1;
            write!(
                f,
                "{end}{label:>11}: kind={kind} ({name}), len={len}{value}"
            )
        };
        if let Some(mss) = self.mss {
            line(MSS, "MSS", 4, format_args!(", mss={mss}"))?;
        }
        if self.sack_permitted {
            line(SACK_PERMITTED, "SACK Permitted", 2, format_args!(""))?;
        }
        if let Some(Timestamps { value, echo }) = self.timestamps {
            line(
                TIMESTAMPS,
                "Timestamps",
                10,
                format_args!(", value={value}, echo={echo}"),
            )?;
        }
        if let Some(shift) = self.window_scale {
            line(
                WINDOW_SCALE,
                "Window Scale",
                3,
                format_args!(", shift={shift}"),
            )?;
        }
        for SackBlock { start, end } in self.sack.as_slice() {
            line(SACK, "SACK", 10, format_args!(", block={start}-{end}"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The options of a SYN of Linux, captured: MSS 1460, SACK permitted, timestamps, NOP, window scale 10.
    const LINUX_SYN: [u8; 20] = [
        0x02, 0x04, 0x05, 0xb4, 0x04, 0x02, 0x08, 0x0a, 0x5d, 0x47, 0x14, 0xca, 0x00, 0x00, 0x00,
        0x00, 0x01, 0x03, 0x03, 0x0a,
    ];

    fn emitted(options: &Options) -> Vec<u8> {
        let mut buffer = [0xee; MAX_LEN];
        let len = options.emit(&mut buffer);
        buffer[..len].to_vec()
    }

    #[test]
    fn linux_syn_is_read_and_written_back_octet_by_octet() {
        let options = Options::parse(&LINUX_SYN);
        assert_eq!(options.mss, Some(1460));
        assert_eq!(options.window_scale, Some(10));
        assert!(options.sack_permitted);
        let timestamps = Timestamps {
            value: 0x5d47_14ca,
            echo: 0,
        };
        assert_eq!(options.timestamps, Some(timestamps));
        assert_eq!(emitted(&options), LINUX_SYN);
        assert_eq!(options.len(), 20);
    }

    #[test]
    fn sack_blocks_of_a_capture() {
        let bytes = [
            1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 7, 1, 1, 5, 18, 0xff, 0xff, 0xff, 0xf0, 0, 0, 0, 4,
            0, 0, 1, 0, 0, 0, 2, 0,
        ];
        let options = Options::parse(&bytes);
        let block = |start, end| SackBlock {
            start: SeqNumber::new(start),
            end: SeqNumber::new(end),
        };
        assert_eq!(
            options.sack.as_slice(),
            [block(0xffff_fff0, 4), block(0x100, 0x200)]
        );
        assert_eq!(emitted(&options), bytes);
    }

    #[test]
    fn blocks_give_way_when_the_space_is_used_up() {
        let mut options = Options {
            timestamps: Some(Timestamps::default()),
            ..Options::default()
        };
        for _ in 0..5 {
            options.sack.push(SackBlock::default());
        }
        assert_eq!(options.sack.as_slice().len(), 4);
        assert_eq!(options.len(), 12 + 4 + 3 * 8);
        options.timestamps = None;
        assert_eq!(options.len(), 4 + 4 * 8);
    }

    #[test]
    fn whatever_is_combined_fits_and_fills_whole_words() {
        for bits in 0..32_u8 {
            let mut options = Options {
                mss: (bits & 1 != 0).then_some(536),
                window_scale: (bits & 2 != 0).then_some(3),
                sack_permitted: bits & 4 != 0,
                timestamps: (bits & 8 != 0).then_some(Timestamps { value: 1, echo: 2 }),
                ..Options::default()
            };
            if bits & 16 != 0 {
                options.sack.push(SackBlock {
                    start: SeqNumber::new(1),
                    end: SeqNumber::new(2),
                });
            }
            let bytes = emitted(&options);
            assert_eq!(bytes.len() % 4, 0);
            assert_eq!(Options::parse(&bytes), options, "{bytes:?}");
        }
    }

    #[test]
    fn illegal_lengths_end_the_reading_and_keep_what_came_before() {
        let before = Options {
            mss: Some(1460),
            ..Options::default()
        };
        for tail in [
            &[3_u8, 0][..],        // length zero: the original ports loop for ever
            &[3, 1],               // shorter than its own two octets
            &[3, 3],               // data missing
            &[3],                  // length missing
            &[99, 200, 1, 2],      // unknown kind, beyond the header
            &[0, 3, 3, 7],         // after the end of the list
            &[253, 4, 1, 2, 3, 0], // unknown kind, well formed, then illegal
        ] {
            let bytes = [&[2, 4, 0x05, 0xb4][..], tail].concat();
            assert_eq!(Options::parse(&bytes), before, "{bytes:?}");
        }
    }

    #[test]
    fn wrong_length_of_a_known_kind_is_skipped() {
        let options = Options::parse(&[2, 3, 9, 3, 4, 1, 1, 4, 2, 5, 6, 1, 2, 3, 4]);
        assert_eq!(
            options,
            Options {
                sack_permitted: true,
                ..Options::default()
            }
        );
    }

    #[test]
    fn dump_has_one_line_per_option() {
        let text = Options::parse(&LINUX_SYN).to_string();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines,
            [
                "     opt[0]: kind=2 (MSS), len=4, mss=1460",
                "     opt[1]: kind=4 (SACK Permitted), len=2",
                "     opt[2]: kind=8 (Timestamps), len=10, value=1564939466, echo=0",
                "     opt[3]: kind=3 (Window Scale), len=3, shift=10",
            ]
        );
        assert_eq!(Options::default().to_string(), "");
    }
}
