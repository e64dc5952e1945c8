//! The log of every program of this step, line by line.

step02_protocol::snapshots! {
    demo => bin(env!("CARGO_BIN_EXE_step02_protocol")),
    guide04_protocol => example,
    guide05_softirq => example,
}
