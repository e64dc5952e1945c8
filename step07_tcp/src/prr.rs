//! Proportional rate reduction (RFC 9937, before that RFC 6937).
//!
//! A loss says: less from now on, ssthresh instead of what was in flight.
//! Waiting until so much has drained would silence the sender for half a round
//! trip, and then let it burst. So during recovery each arrival allows its
//! share to be sent: ssthresh octets for each flight that was.

/// How much may be sent during one recovery.
#[derive(Clone, Copy, Debug)]
pub struct Prr {
    /// prr_delivered: octets that have arrived since recovery began.
    delivered: u64,
    /// prr_out: octets sent since then, repeated or new.
    out: u64,
    /// RecoverFS: octets in flight when it began.
    recover_fs: u64,
    ssthresh: u32,
    /// cwnd: what may be in the network until the next acknowledgment.
    window: u32,
}

impl Prr {
    /// Recovery begins with `outstanding` octets in flight, and should end
    /// with `ssthresh`. Until an acknowledgment comes, `window` is allowed.
    pub fn new(outstanding: u32, ssthresh: u32, window: u32) -> Self {
        Self {
            delivered: 0,
            out: 0,
            recover_fs: u64::from(outstanding.max(1)),
            ssthresh,
            window,
        }
    }

    /// cwnd
    pub fn window(&self) -> u32 {
        self.window
    }

    /// `len` octets are being sent.
    pub fn sent(&mut self, len: u32) {
        self.out += u64::from(len);
    }

    /// An acknowledgment tells that `delivered` octets have arrived; `pipe`
    /// are in the network. It is `safe` if it brings progress and no news of
    /// further losses: then twice as much as arrives may be sent, up to ssthresh.
    pub fn acknowledged(&mut self, delivered: u32, pipe: u32, mss: u32, safe: bool) {
        if delivered == 0 {
            return;
        }
        self.delivered += u64::from(delivered);
        // ANCHOR: acknowledged
        let mut count = if pipe > self.ssthresh {
            let share = (self.delivered * u64::from(self.ssthresh)).div_ceil(self.recover_fs);
            saturated(share.saturating_sub(self.out))
        } else {
            // Reduction bound: CRB, or SSRB after a safe ACK.
            let balance = saturated(self.delivered.saturating_sub(self.out));
            let bound = balance.max(delivered);
            let bound = bound.saturating_add(if safe { mss } else { 0 });
            bound.min(self.ssthresh - pipe)
        };
        if self.out == 0 {
            count = count.max(mss); // the first fast retransmit must go
        }
        self.window = pipe.saturating_add(count);
        // ANCHOR_END: acknowledged
    }
}

fn saturated(octets: u64) -> u32 {
    u32::try_from(octets).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MSS: u32 = 1000;

    #[test]
    fn sends_one_for_two_that_arrive() {
        // Twenty in flight, the first is lost: each report takes one out.
        let mut prr = Prr::new(20 * MSS, 10 * MSS, 0);
        let (mut pipe, mut sent) = (19 * MSS, 0);
        for _ in 0..19 {
            pipe -= MSS;
            prr.acknowledged(MSS, pipe, MSS, false);
            while prr.window() >= pipe + MSS {
                prr.sent(MSS);
                pipe += MSS;
                sent += 1;
            }
        }
        assert!((9..=10).contains(&sent), "{sent}");
        assert!((9 * MSS..=10 * MSS).contains(&pipe), "{pipe}");
    }

    #[test]
    fn first_retransmission_always_goes() {
        let mut prr = Prr::new(20 * MSS, 2 * MSS, 0);
        prr.acknowledged(1, 10 * MSS, MSS, false);
        assert_eq!(prr.window(), 11 * MSS);
        let mut prr = Prr::new(20 * MSS, 2 * MSS, 0);
        prr.acknowledged(1, 2 * MSS, MSS, false);
        assert_eq!(prr.window(), 3 * MSS);
    }

    #[test]
    fn after_heavy_losses_it_follows_what_arrives_and_grows_if_safe() {
        let mut prr = Prr::new(20 * MSS, 10 * MSS, 0);
        prr.acknowledged(MSS, 2 * MSS, MSS, false);
        assert_eq!(prr.window(), 3 * MSS);
        prr.sent(MSS);
        prr.acknowledged(MSS, 2 * MSS, MSS, true);
        assert_eq!(prr.window(), 4 * MSS);
        // But not beyond ssthresh.
        prr.acknowledged(9 * MSS, 9 * MSS, MSS, true);
        assert_eq!(prr.window(), 10 * MSS);
    }

    #[test]
    fn nothing_arrives_nothing_changes() {
        let mut prr = Prr::new(20 * MSS, 10 * MSS, 7);
        prr.acknowledged(0, 10 * MSS, MSS, true);
        assert_eq!(prr.window(), 7);
    }
}
