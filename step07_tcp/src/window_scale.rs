//! Window scaling (RFC 7323 §2).
//!
//! Sixteen bits of window are 64 KiB in each round trip: over 50 ms that is
//! 1.3 MB/s, however fast the wire. Both SYNs may say by how many bits the
//! windows of their sender are shifted from then on.

/// The largest shift: windows stay below 2³⁰ octets, so that old and new
/// sequence numbers can be told apart (RFC 7323 §2.3).
pub const MAX_SHIFT: u8 = 14;

/// The two shifts. Without the option in both SYNs both are zero (RFC 7323 §2.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WindowScale {
    /// Snd.Wind.Shift: for the windows that the peer announces.
    pub send: u8,
    /// Rcv.Wind.Shift: for the windows that we announce.
    pub receive: u8,
}

impl WindowScale {
    /// What the option in the peer's SYN means for one that offers `ours`.
    // ANCHOR: agreed
    pub fn agreed(ours: Option<u8>, theirs: Option<u8>) -> Self {
        match (ours, theirs) {
            (Some(receive), Some(send)) => {
                if send > MAX_SHIFT {
                    // "… the TCP SHOULD log the error but MUST use 14."
                    log::debug!(target: "tcp::options", "window scale too large, shift={send}");
                }
                let send = send.min(MAX_SHIFT);
                Self { send, receive }
            }
            _ => Self::default(),
        }
    }
    // ANCHOR_END: agreed

    // ANCHOR: unscale
    /// SEG.WND of the peer as octets.
    pub fn unscale(self, window: u16) -> u32 {
        u32::from(window) << self.send
    }

    /// Our window of so many octets as SEG.WND. What does not fill a unit is
    /// not announced: rather too little than more than we have.
    pub fn scale(self, window: u32) -> u16 {
        u16::try_from(window >> self.receive).unwrap_or(u16::MAX)
    }
    // ANCHOR_END: unscale

    /// The largest window that we can announce.
    pub fn max_window(self) -> u32 {
        u32::from(u16::MAX) << self.receive
    }
}

/// The smallest shift with which a window of `limit` octets can be announced.
pub fn shift_for(limit: usize) -> u8 {
    (0..MAX_SHIFT)
        .find(|shift| limit >> shift <= usize::from(u16::MAX))
        .unwrap_or(MAX_SHIFT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_must_offer() {
        let none = WindowScale::default();
        assert_eq!(WindowScale::agreed(Some(7), None), none);
        assert_eq!(WindowScale::agreed(None, Some(7)), none);
        let scale = WindowScale::agreed(Some(3), Some(200));
        assert_eq!((scale.send, scale.receive), (14, 3));
        assert_eq!(scale.unscale(u16::MAX), 65_535 << 14);
    }

    #[test]
    fn the_shift_is_just_large_enough() {
        assert_eq!(shift_for(0), 0);
        assert_eq!(shift_for(65_535), 0);
        assert_eq!(shift_for(65_536), 1);
        assert_eq!(shift_for(4 << 20), 7);
        assert_eq!(shift_for(usize::MAX), MAX_SHIFT);
    }

    #[test]
    fn windows_are_cut_to_units() {
        let scale = WindowScale {
            send: 0,
            receive: 4,
        };
        assert_eq!(scale.scale(15), 0);
        assert_eq!(scale.scale(33), 2);
        assert_eq!(scale.scale(u32::MAX), u16::MAX);
        assert_eq!(scale.max_window(), 65_535 * 16);
    }
}
