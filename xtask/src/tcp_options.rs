//! TCP's options, as the log has them.

/// Where each option of a header is (from, length), and its value. A SACK option
/// has a line for each of its blocks. `None` if one is cut.
pub fn options(octets: &[u8]) -> Option<Vec<(usize, usize, String)>> {
    let mut options = Vec::new();
    let mut at = 0;
    while let Some(kind) = octets.get(at) {
        match kind {
            0 => break,
            1 => {
                at += 1;
                continue;
            }
            _ => {}
        }
        let len = usize::from(*octets.get(at + 1)?);
        let data = octets.get(at + 2..at + len.max(2))?;
        let number = |from: usize, len: usize| {
            let octets = data.get(from..from + len)?;
            Some(
                octets
                    .iter()
                    .fold(0_u64, |n, octet| n << 8 | u64::from(*octet)),
            )
        };
        let value = match kind {
            2 => format!("kind=2 (MSS), len={len}, mss={}", number(0, 2)?),
            3 => format!("kind=3 (Window Scale), len={len}, shift={}", number(0, 1)?),
            4 => format!("kind=4 (SACK Permitted), len={len}"),
            5 => {
                let mut from = at;
                for block in 0..data.len() / 8 {
                    let (start, end) = (number(block * 8, 4)?, number(block * 8 + 4, 4)?);
                    let value = format!("kind=5 (SACK), len=10, block={start}-{end}");
                    let to = at + 10 + block * 8;
                    options.push((from, to - from, value));
                    from = to;
                }
                at += len.max(2);
                continue;
            }
            8 => {
                let (value, echo) = (number(0, 4)?, number(4, 4)?);
                format!("kind=8 (Timestamps), len={len}, value={value}, echo={echo}")
            }
            kind => format!("kind={kind}, len={len}"),
        };
        options.push((at, len.max(2), value));
        at += len.max(2);
    }
    Some(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_a_syn() {
        let octets = [
            2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 1, 0, 0, 0, 0, 7, 1, 3, 3, 10,
        ];
        let expected = [
            (0, 4, "kind=2 (MSS), len=4, mss=1460"),
            (4, 2, "kind=4 (SACK Permitted), len=2"),
            (6, 10, "kind=8 (Timestamps), len=10, value=256, echo=7"),
            (17, 3, "kind=3 (Window Scale), len=3, shift=10"),
        ];
        let expected = expected.map(|(from, len, value)| (from, len, value.to_owned()));
        assert_eq!(options(&octets).unwrap(), expected);
        assert_eq!(options(&octets[..3]), None);
    }

    #[test]
    fn blocks_and_what_is_unknown() {
        let octets = [
            1, 1, 5, 18, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 99, 3, 0, 0, 7,
        ];
        let expected = [
            (2, 10, "kind=5 (SACK), len=10, block=1-2"),
            (12, 8, "kind=5 (SACK), len=10, block=3-4"),
            (20, 3, "kind=99, len=3"),
        ];
        let expected = expected.map(|(from, len, value)| (from, len, value.to_owned()));
        assert_eq!(options(&octets).unwrap(), expected);
        // A length of 0 would go round for ever.
        assert!(options(&[99, 0, 99, 0]).is_some());
    }
}
