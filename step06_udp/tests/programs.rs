//! The log of every program of this step, line by line.

step06_udp::snapshots! {
    demo => bin(env!("CARGO_BIN_EXE_step06_udp")),
    guide17_routing => example,
    guide18_udp => example,
    guide19_pcb => example,
    guide20_1_echo_server => example,
    guide20_2_client => example,
    guide21_interrupt => example,
}
