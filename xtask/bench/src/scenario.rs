//! What is measured.

/// A measurement: a name, its unit, and which way is better.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// As on the command line.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// In what its figures are.
    pub unit: &'static str,
    /// True if more is better.
    pub more: bool,
}

/// The services that every peer offers, over TCP.
pub mod port {
    /// Sends back what it gets.
    pub const ECHO: u16 = 7;
    /// Reads, and closes when the client has.
    pub const SINK: u16 = 9;
    /// Sends until the client closes.
    pub const SOURCE: u16 = 19;
}

/// All of them, in the order in which they are shown.
pub const ALL: [Scenario; 8] = [
    of("in1", "one stream, kernel → stack", "Gbit/s", true),
    of("in8", "8 streams, kernel → stack", "Gbit/s", true),
    of("out1", "one stream, stack → kernel", "Gbit/s", true),
    of("out8", "8 streams, stack → kernel", "Gbit/s", true),
    of("echo1", "20 MB echoed", "Gbit/s", true),
    of("rtt", "1 octet echoed by TCP, median", "µs", false),
    of("ping", "flood ping, time per round", "µs", false),
    of("connect", "connect, echo 1 octet, close", "per s", true),
];

const fn of(name: &'static str, about: &'static str, unit: &'static str, more: bool) -> Scenario {
    Scenario {
        name,
        about,
        unit,
        more,
    }
}
