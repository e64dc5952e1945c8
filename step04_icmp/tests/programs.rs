//! The log of every program of this step, line by line.

step04_icmp::snapshots! {
    demo => bin(env!("CARGO_BIN_EXE_step04_icmp")),
    guide10_icmp_input => example,
    guide11_icmp_output => example,
}
