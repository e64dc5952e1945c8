//! What a student's tree carries for `hint`, `solution` and `reset`, in one
//! file.
//!
//! It is encoded so that nobody reads a solution by accident, in an editor's
//! search for instance. It is not encrypted: a program that can show the
//! solutions can be read as well, and so this keeps out nobody who wants in.

use anyhow::{Context, Result, bail};

use super::course::Files;

/// Where it is, from the student's workspace.
pub const FILE: &str = "xtask/course.txt";

const HEAD: &str = "The exercises of this course with their hints and solutions, encoded.\n\
    cargo xtask hint, solution and reset read it.\n\n";

/// The files as one text.
pub fn encode(files: &Files) -> String {
    let mut plain = Vec::new();
    for (path, text) in files {
        plain.extend(format!("{path}\n{}\n", text.len()).into_bytes());
        plain.extend(text.as_bytes());
    }
    let mut out = HEAD.to_owned();
    for line in scramble(plain).chunks(48) {
        out.extend(line.iter().map(|byte| format!("{byte:02x}")));
        out.push('\n');
    }
    out
}

/// The files again.
///
/// # Errors
/// The text has been changed.
pub fn decode(text: &str) -> Result<Files> {
    let damaged = || format!("{FILE} is damaged; take it from a fresh copy of the exercises");
    let hex = text.strip_prefix(HEAD).with_context(damaged)?;
    let digits: Vec<u8> = hex
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let bytes = digits.chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(pair, 16).ok()
    });
    let bytes: Vec<u8> = bytes.collect::<Option<_>>().with_context(damaged)?;
    let plain = String::from_utf8(scramble(bytes)).with_context(damaged)?;
    let mut files = Files::new();
    let mut rest = plain.as_str();
    while !rest.is_empty() {
        let mut parts = rest.splitn(3, '\n');
        let (Some(path), Some(len), Some(text)) = (parts.next(), parts.next(), parts.next()) else {
            bail!(damaged());
        };
        let len: usize = len.parse().with_context(damaged)?;
        let (text, after) = text.split_at_checked(len).with_context(damaged)?;
        files.insert(path.to_owned(), text.to_owned());
        rest = after;
    }
    Ok(files)
}

/// Makes text unreadable, and readable again.
fn scramble(mut bytes: Vec<u8>) -> Vec<u8> {
    let mut state = 0x2545_f491_u32;
    for byte in &mut bytes {
        // A linear congruential generator; its high bits are the better ones.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *byte ^= state.to_be_bytes()[0];
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_readable_and_nothing_is_lost() {
        let files: Files = [("a/b.rs", "fn secret() {}\n"), ("c", "ä"), ("d", "")]
            .into_iter()
            .map(|(path, text)| (path.to_owned(), text.to_owned()))
            .collect();
        let text = encode(&files);
        assert!(!text.contains("secret"));
        assert_eq!(decode(&text).unwrap(), files);
        assert!(decode("").is_err());
        assert!(decode(&text.replacen('\n', "\nzz", 4)).is_err());
    }
}
