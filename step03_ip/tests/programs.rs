//! The log of every program of this step, line by line.

step03_ip::snapshots! {
    demo => bin(env!("CARGO_BIN_EXE_step03_ip")),
    guide06_input => example,
    guide07_interface => example,
    guide08_output => example,
    guide09_upper => example,
    fragments => example,
    options => example,
}
