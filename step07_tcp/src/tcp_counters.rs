//! What happened, in numbers: above all every segment that was dropped, with the reason.

crate::counters! {
    /// The counters of TCP.
    pub struct TcpCounters {
        /// segments received
        pub segments_received,
        /// segments sent
        pub segments_sent,
        /// segments sent again
        pub retransmitted,
        /// retransmission timeouts
        pub timeouts,
        /// retransmission timeouts that were too early
        pub spurious_timeouts,
        /// times that IP was advised of a way that may be dead
        pub negative_advice,
        /// fast retransmissions
        pub fast_retransmissions,
        /// tail loss probes sent
        pub tail_loss_probes,
        /// window probes sent
        pub window_probes,
        /// keep-alive probes sent
        pub keep_alive_probes,
        /// connections given up: no answer to keep-alive probes
        pub keep_alive_dead,
        /// resets sent
        pub resets_sent,
        /// connections opened actively
        pub active_opens,
        /// connections opened passively
        pub passive_opens,
        /// connections established
        pub established,
        /// connections reset by the peer
        pub resets_received,
        /// connections given up: no answer
        pub given_up,
        /// connections without a user that were reset: too many
        pub orphans_evicted,
        /// connections closed: their service has enough
        pub service_full,
        /// connections that left TIME-WAIT early: too many
        pub time_wait_evicted,
        /// out-of-order segments kept for reassembly
        pub out_of_order,
        /// urgent pointers that told something new
        pub urgent,
        /// challenge ACKs sent
        pub challenge_acks,
        /// challenge ACKs withheld: too many
        pub challenge_acks_limited,
        /// dropped: too short
        pub too_short,
        /// dropped: data offset
        pub bad_data_offset,
        /// dropped: checksum
        pub bad_checksum,
        /// dropped: not unicast
        pub not_unicast,
        /// dropped: nobody there (answered with a reset)
        pub no_connection,
        /// dropped: a reset for nobody
        pub reset_for_nobody,
        /// dropped: backlog is full
        pub backlog_full,
        /// SYNs answered with a cookie: too many half-open connections
        pub cookies_sent,
        /// connections made of a cookie that came back
        pub cookies_taken,
        /// acknowledgments that should have had a cookie, and had none
        pub cookies_wrong,
        /// half-open connections that made room for others
        pub half_open_evicted,
        /// dropped: for a listener, but neither SYN nor ACK
        pub not_syn,
        /// dropped: unacceptable acknowledgment
        pub bad_acknowledgment,
        /// dropped: outside the window
        pub outside_window,
        /// dropped: no timestamps, though agreed
        pub no_timestamps,
        /// dropped: an old timestamp
        pub old_timestamp,
        /// ignored: a SACK block that cannot be
        pub bad_sack,
        /// dropped: a reset not exactly at the window's edge
        pub inexact_reset,
        /// dropped: a reset in TIME-WAIT
        pub reset_in_time_wait,
        /// dropped: SYN on a synchronized connection
        pub unexpected_syn,
        /// dropped: no ACK
        pub no_acknowledgment,
        /// dropped: too many gaps in the text
        pub too_many_gaps,
        /// dropped: text for a connection with more than its share of a memory that is full
        pub no_memory,
        /// writes that had to wait or were cut short for the same reason
        pub writes_withheld,
        /// dropped: text after the user has closed
        pub text_after_close,
        /// path MTUs lowered
        pub path_mtu_lowered,
        /// path MTUs lowered because long segments vanish without a word
        pub black_holes,
        /// path MTUs forgotten: too many
        pub path_mtu_evicted,
        /// dropped: a report of "fragmentation needed" that cannot be true
        pub path_mtu_ignored,
        /// dropped: an ICMP error for a segment that is not in flight
        pub icmp_not_in_flight,
    }
}
