pub use step04_icmp::*;
