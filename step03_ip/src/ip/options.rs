//! Options of the IPv4 header (RFC 791 §3.1).
//!
//! A host may ignore those that it does not know (RFC 1122 §3.2.1.8), and this
//! one knows none. It only makes sure that they are well-formed.

/// Ends the list.
const END: u8 = 0;
/// Fills a gap.
const NO_OPERATION: u8 = 1;

/// Walks through the options. All but two kinds carry their own length.
///
/// # Errors
/// Where in the *header* the first octet is that makes no sense: what a
/// Parameter Problem points at (RFC 792).
pub fn check(options: &[u8]) -> Result<(), u8> {
    let mut at = 0;
    while let Some(&kind) = options.get(at) {
        at += match kind {
            END => return Ok(()),
            NO_OPERATION => 1,
            _ => {
                let len = options.get(at + 1).copied().unwrap_or(0);
                if len < 2 || at + usize::from(len) > options.len() {
                    // 40 octets of options at most, behind 20 of header.
                    return Err(u8::try_from(20 + at + 1).unwrap_or(20));
                }
                len.into()
            }
        };
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_formed_options_pass() {
        assert_eq!(check(&[]), Ok(()));
        assert_eq!(check(&[0x94, 4, 0, 0]), Ok(())); // router alert
        assert_eq!(check(&[1, 1, 7, 3, 4, 0, 0xff, 0xff]), Ok(())); // an end, and then anything
    }

    #[test]
    fn malformed_options_are_pointed_at() {
        assert_eq!(check(&[7, 0, 0, 0]), Err(21));
        assert_eq!(check(&[1, 7, 1, 0]), Err(22));
        assert_eq!(check(&[1, 1, 1, 7]), Err(24));
        assert_eq!(check(&[7, 5, 4, 0]), Err(21));
    }
}
