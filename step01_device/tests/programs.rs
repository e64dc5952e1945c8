//! The log of every program of this step, line by line.

step01_device::snapshots! {
    demo => bin(env!("CARGO_BIN_EXE_step01_device")),
    guide00_greeting => example,
    guide01_device => example,
    guide02_interrupt => example,
    guide03_loopback => example,
}
