//! A set of sequence numbers, kept as ranges: what has arrived beyond a gap.
//! Both ends need one: the receiver for its text, the sender for what the
//! peer has reported.

use std::ops::Range;

use crate::seq::SeqNumber;

/// So many separate ranges are kept at most: a peer that sends every other
/// octet must not make us keep lists as long as its window.
pub const MAX_RANGES: usize = 1024;

/// Ranges in order, with a gap between each and the next. All of them lie in
/// one window, so they can be compared.
#[derive(Debug, Default)]
pub struct SeqRanges(Vec<Range<SeqNumber>>);

impl SeqRanges {
    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds `start..end`. False if there are too many ranges to add another.
    #[must_use]
    pub fn insert(&mut self, start: SeqNumber, end: SeqNumber) -> bool {
        let first = self.0.partition_point(|range| range.end.lt(start));
        let last = self.0.partition_point(|range| range.start.le(end));
        // The ranges first..last touch the new one and become one with it.
        let mut merged = start..end;
        if let Some([range, ..]) = self.0.get(first..last) {
            merged.start = if range.start.lt(start) {
                range.start
            } else {
                start
            };
        } else if self.0.len() >= MAX_RANGES {
            return false;
        }
        if let Some([.., range]) = self.0.get(first..last) {
            merged.end = range.end.later(end);
        }
        self.0.splice(first..last.max(first), [merged]);
        true
    }

    /// Takes away the ranges that begin at or before `nxt`, and tells where
    /// the first gap behind it is then.
    pub fn advance(&mut self, mut nxt: SeqNumber) -> SeqNumber {
        let begun = |range: &&Range<SeqNumber>| range.start.le(nxt);
        let count = self.0.iter().take_while(begun).count();
        for range in self.0.drain(..count) {
            nxt = nxt.later(range.end);
        }
        nxt
    }

    /// The range that has `seq` in it.
    pub fn at(&self, seq: SeqNumber) -> Option<Range<SeqNumber>> {
        let index = self.0.partition_point(|range| range.end.le(seq));
        let range = self.0.get(index)?;
        range.start.le(seq).then(|| range.clone())
    }

    /// Where the first range behind `seq` begins.
    pub fn next_start(&self, seq: SeqNumber) -> Option<SeqNumber> {
        let index = self.0.partition_point(|range| range.start.le(seq));
        self.0.get(index).map(|range| range.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers near the wrap, to be sure that order is modular.
    fn at(offset: u32) -> SeqNumber {
        SeqNumber::new(u32::MAX - 20) + offset
    }

    fn offsets(ranges: &SeqRanges) -> Vec<(u32, u32)> {
        let offsets = |range: &Range<SeqNumber>| (range.start.since(at(0)), range.end.since(at(0)));
        ranges.0.iter().map(offsets).collect()
    }

    fn with(inserted: &[(u32, u32)]) -> SeqRanges {
        let mut ranges = SeqRanges::default();
        for &(start, end) in inserted {
            assert!(ranges.insert(at(start), at(end)));
        }
        ranges
    }

    #[test]
    fn ranges_stay_in_order_and_merge() {
        assert_eq!(offsets(&with(&[(30, 40), (10, 20)])), [(10, 20), (30, 40)]);
        assert_eq!(offsets(&with(&[(10, 20), (20, 30)])), [(10, 30)]);
        assert_eq!(offsets(&with(&[(20, 30), (10, 20)])), [(10, 30)]);
        assert_eq!(offsets(&with(&[(10, 20), (12, 15)])), [(10, 20)]);
        assert_eq!(offsets(&with(&[(12, 15), (10, 20)])), [(10, 20)]);
        assert_eq!(
            offsets(&with(&[(10, 20), (30, 40), (50, 60), (15, 55)])),
            [(10, 60)]
        );
        assert_eq!(
            offsets(&with(&[(10, 20), (30, 40), (50, 60), (21, 29)])).len(),
            4
        );
    }

    #[test]
    fn what_is_in_order_is_taken_away() {
        let mut ranges = with(&[(10, 20), (30, 40)]);
        assert_eq!(ranges.advance(at(5)), at(5));
        assert_eq!(ranges.advance(at(12)), at(20));
        assert_eq!(offsets(&ranges), [(30, 40)]);
        assert_eq!(ranges.advance(at(45)), at(45));
        assert!(ranges.is_empty());
    }

    #[test]
    fn ranges_are_found() {
        let ranges = with(&[(10, 20), (30, 40)]);
        assert_eq!(ranges.at(at(9)), None);
        assert_eq!(ranges.at(at(10)), Some(at(10)..at(20)));
        assert_eq!(ranges.at(at(19)), Some(at(10)..at(20)));
        assert_eq!(ranges.at(at(20)), None);
        assert_eq!(ranges.next_start(at(9)), Some(at(10)));
        assert_eq!(ranges.next_start(at(10)), Some(at(30)));
        assert_eq!(ranges.next_start(at(30)), None);
    }

    #[test]
    fn number_of_ranges_is_bounded() {
        let mut ranges = SeqRanges::default();
        for range in 0..1100 {
            let room = ranges.0.len() < MAX_RANGES;
            assert_eq!(ranges.insert(at(range * 2 + 1), at(range * 2 + 2)), room);
        }
        // What fills a gap is welcome even then.
        assert!(ranges.insert(at(2), at(3)));
        assert_eq!(ranges.0.len(), MAX_RANGES - 1);
    }
}
