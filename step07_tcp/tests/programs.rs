//! The log of every program of this step, line by line.

step07_tcp::snapshots! {
    demo => bin(env!("CARGO_BIN_EXE_step07_tcp")),
    guide22_segment => example,
    guide23_refused => example,
    guide24_passive_open => example,
    guide25_data => example,
    guide26_retransmission => example,
    guide27_active_open => example,
    guide28_closing => example,
    guide29_sockets => example,
    windows => example,
    loss => example,
    attacks => example,
    browser => example,
}
