//! The packet that the guide's test programs send.

/// An IPv4 datagram from 127.0.0.1 to itself with an ICMP Echo in it: header
/// (20 octets), ICMP header (8), and 20 octets of text.
pub const PACKET: &[u8; 48] = b"\
    \x45\x00\x00\x30\x00\x80\x00\x00\xff\x01\xbd\x4a\x7f\x00\x00\x01\x7f\x00\x00\x01\
    \x08\x00\x35\x64\x00\x80\x00\x01\
    1234567890!@#$%^&*()";
