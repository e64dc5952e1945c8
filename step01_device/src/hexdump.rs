//! Bytes, shown in hexadecimal beneath a log line.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

static ENABLED: AtomicBool = AtomicBool::new(false);

/// Switches the dumps of all packets on or off (`--hexdump`).
pub fn enable(on: bool) {
    ENABLED.store(on, Ordering::Relaxed);
}

/// `bytes` as lines to be appended to a log message: nothing unless dumps are
/// switched on; otherwise each line starts with a line break.
// ANCHOR: lazy
pub fn hexdump(bytes: &[u8]) -> impl fmt::Display {
    fmt::from_fn(move |f| {
        if ENABLED.load(Ordering::Relaxed) {
            write!(f, "\n{}", table(bytes))
        } else {
            Ok(())
        }
    })
}
// ANCHOR_END: lazy

/// `bytes` as a ruled table: offset, 16 bytes in hexadecimal, ASCII.
pub fn table(bytes: &[u8]) -> impl fmt::Display {
    const RULE: &str =
        "+------+-------------------------------------------------+------------------+";
    fmt::from_fn(move |f| {
        writeln!(f, "{RULE}")?;
        // ANCHOR: row
        for (row, line) in bytes.chunks(16).enumerate() {
            write!(f, "| {:04x} | ", row * 16)?;
            for column in 0..16 {
                match line.get(column) {
                    Some(byte) => write!(f, "{byte:02x} ")?,
                    None => f.write_str("   ")?,
                }
            }
            f.write_str("| ")?;
            for column in 0..16 {
                let shown = match line.get(column) {
                    Some(byte) if (0x20..0x7f).contains(byte) => char::from(*byte),
                    Some(_) => '.',
                    None => ' ',
                };
                write!(f, "{shown}")?;
            }
            f.write_str(" |\n")?;
        }
        // ANCHOR_END: row
        f.write_str(RULE)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_has_offset_bytes_and_ascii() {
        let text = table(b"0123456789abcdef\x00z").to_string();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines[1],
            "| 0000 | 30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66 | 0123456789abcdef |"
        );
        assert_eq!(
            lines[2],
            "| 0010 | 00 7a                                           | .z               |"
        );
        assert_eq!(lines.len(), 4);
    }
}
