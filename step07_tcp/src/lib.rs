pub use step06_udp::*;
