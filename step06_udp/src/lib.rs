pub use step05_arp::*;
