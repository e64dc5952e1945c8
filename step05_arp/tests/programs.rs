//! The log of every program of this step, line by line.

step05_arp::snapshots! {
    demo => bin(env!("CARGO_BIN_EXE_step05_arp")),
    guide12_ethernet => example,
    guide13_arp_reply => example,
    guide14_arp_cache => example,
    guide15_arp_request => example,
    guide16_timer => example,
}
