pub use step03_ip::*;
