//! Reads a capture, and takes its frames apart: which octets are which field.
//!
//! Written apart from the floors' own parsers, so that one is checked by the
//! other: the fields have the names and values that the log has.

use anyhow::{Context, Result, ensure};

use crate::tcp_options::options;

/// A frame of a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// When it was sent, in milliseconds since midnight.
    pub time: u64,
    /// The frame, as it was on the wire.
    pub octets: Vec<u8>,
    /// Its headers, from the outside in.
    pub layers: Vec<Layer>,
}

/// A header of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// `ethernet`, `arp`, `ip`, `icmp`, `udp`, `tcp`, `data` or `padding`.
    pub name: &'static str,
    /// Its fields in the order of the log.
    pub fields: Vec<Field>,
}

/// A field of a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// What the log calls it.
    pub name: String,
    /// Its octets in the frame: from, and up to.
    pub octets: (usize, usize),
    /// Its value, as in the log.
    pub value: String,
}

impl Frame {
    /// The header `name`.
    pub fn layer(&self, name: &str) -> Option<&Layer> {
        self.layers.iter().find(|layer| layer.name == name)
    }

    /// The value of a field, or nothing.
    pub fn value(&self, layer: &str, field: &str) -> &str {
        let fields = self.layer(layer).map(|layer| layer.fields.as_slice());
        let mut fields = fields.unwrap_or_default().iter();
        let found = fields.find(|other| other.name == field);
        found.map_or("", |field| field.value.as_str())
    }
}

/// Reads a capture as the floors write it: nanoseconds, little-endian.
pub fn read_pcap(file: &[u8]) -> Result<Vec<Frame>> {
    let magic = file.get(..4).context("no header")?;
    ensure!(magic == [0x4d, 0x3c, 0xb2, 0xa1], "not such a capture");
    let mut rest = file.get(24..).context("the header is cut")?;
    let mut frames = Vec::new();
    while !rest.is_empty() {
        let number = |at: usize| -> Result<usize> {
            let octets = rest.get(at..at + 4).context("a frame's header is cut")?;
            Ok(u32::from_le_bytes(octets.try_into()?).try_into()?)
        };
        let (seconds, nanos, len) = (number(0)?, number(4)?, number(8)?);
        let octets = rest.get(16..16 + len).context("a frame is cut")?;
        let time = u64::try_from(seconds % 86_400 * 1000 + nanos / 1_000_000)?;
        frames.push(Frame {
            time,
            layers: layers(octets).context("a header is cut")?,
            octets: octets.to_vec(),
        });
        rest = &rest[16 + len..];
    }
    Ok(frames)
}

/// A header being taken apart.
struct Reader<'a> {
    octets: &'a [u8],
    base: usize,
    layer: Layer,
}

impl<'a> Reader<'a> {
    fn new(octets: &'a [u8], base: usize, name: &'static str) -> Self {
        let fields = Vec::new();
        Self {
            octets,
            base,
            layer: Layer { name, fields },
        }
    }

    fn number(&self, at: usize, len: usize) -> Option<u64> {
        let from = self.base + at;
        let octets = self.octets.get(from..from + len)?;
        Some(octets.iter().fold(0, |n, octet| n << 8 | u64::from(*octet)))
    }

    /// Notes the field `name`, `len` octets at `at`, with the value that `show` makes.
    fn field(
        &mut self,
        name: &str,
        at: usize,
        len: usize,
        show: impl Fn(u64) -> String,
    ) -> Option<u64> {
        let number = self.number(at, len)?;
        self.push(name, at, len, show(number));
        Some(number)
    }

    fn push(&mut self, name: &str, at: usize, len: usize, value: String) {
        let (name, from) = (name.to_owned(), self.base + at);
        let octets = (from, from + len);
        self.layer.fields.push(Field {
            name,
            octets,
            value,
        });
    }
}

fn decimal(n: u64) -> String {
    n.to_string()
}
fn hex8(n: u64) -> String {
    format!("0x{n:02x}")
}
fn hex16(n: u64) -> String {
    format!("0x{n:04x}")
}
fn hex32(n: u64) -> String {
    format!("0x{n:08x}")
}
fn mac(n: u64) -> String {
    let octets = n.to_be_bytes();
    let octets = octets[2..].iter().map(|octet| format!("{octet:02x}"));
    octets.collect::<Vec<_>>().join(":")
}
fn address(n: u64) -> String {
    let octets = n.to_be_bytes();
    format!("{}.{}.{}.{}", octets[4], octets[5], octets[6], octets[7])
}

/// `name(code)`, or `UNKNOWN(code)`.
fn named(names: &[(u64, &str)], n: u64, code: String) -> String {
    let found = names.iter().find(|(number, _)| *number == n);
    format!("{}({code})", found.map_or("UNKNOWN", |(_, name)| name))
}

fn layers(octets: &[u8]) -> Option<Vec<Layer>> {
    let mut ethernet = Reader::new(octets, 0, "ethernet");
    let types = [(0x0800, "IP"), (0x0806, "ARP")];
    // In the log the source stands first.
    ethernet.field("src", 6, 6, mac)?;
    ethernet.field("dst", 0, 6, mac)?;
    let kind = ethernet.field("type", 12, 2, |n| named(&types, n, hex16(n)))?;
    let mut layers = vec![ethernet.layer];
    let end = match kind {
        0x0806 => arp(octets, &mut layers)?,
        0x0800 => ip(octets, &mut layers)?,
        _ => 14,
    };
    if end < octets.len() {
        let mut padding = Reader::new(octets, end, "padding");
        padding.push("padding", 0, octets.len() - end, String::new());
        layers.push(padding.layer);
    }
    Some(layers)
}

fn arp(octets: &[u8], layers: &mut Vec<Layer>) -> Option<usize> {
    let mut arp = Reader::new(octets, 14, "arp");
    let opcodes = [(1, "Request"), (2, "Reply")];
    arp.field("hrd", 0, 2, hex16)?;
    arp.field("pro", 2, 2, hex16)?;
    arp.field("hln", 4, 1, decimal)?;
    arp.field("pln", 5, 1, decimal)?;
    arp.field("op", 6, 2, |n| named(&opcodes, n, hex16(n)))?;
    arp.field("sha", 8, 6, mac)?;
    arp.field("spa", 14, 4, address)?;
    arp.field("tha", 18, 6, mac)?;
    arp.field("tpa", 24, 4, address)?;
    layers.push(arp.layer);
    Some(14 + 28)
}

/// Returns where the datagram ends.
fn ip(octets: &[u8], layers: &mut Vec<Layer>) -> Option<usize> {
    let mut ip = Reader::new(octets, 14, "ip");
    let protocols = [(1, "ICMP"), (6, "TCP"), (17, "UDP")];
    let len = usize::try_from(ip.number(0, 1)? & 15).ok()? * 4;
    ip.field("vhl", 0, 1, |n| {
        format!("0x{n:02x} [v: {}, hl: {} ({len})]", n >> 4, n & 15)
    })?;
    ip.field("tos", 1, 1, hex8)?;
    let payload = |n: u64| format!("{n} (payload: {})", n.saturating_sub(len as u64));
    let total = ip.field("total", 2, 2, payload)?;
    ip.field("id", 4, 2, decimal)?;
    ip.field("offset", 6, 2, |n| {
        format!("0x{n:04x} [flags={:x}, offset={}]", n >> 13, n & 0x1fff)
    })?;
    ip.field("ttl", 8, 1, decimal)?;
    let protocol = ip.field("protocol", 9, 1, |n| named(&protocols, n, hex8(n)))?;
    ip.field("sum", 10, 2, hex16)?;
    ip.field("src", 12, 4, address)?;
    ip.field("dst", 16, 4, address)?;
    layers.push(ip.layer);
    let (from, end) = (14 + len, 14 + usize::try_from(total).ok()?);
    let data = match protocol {
        1 => icmp(octets, from, layers)?,
        6 => tcp(octets, from, layers)?,
        17 => udp(octets, from, layers)?,
        _ => from,
    };
    if data < end {
        let mut reader = Reader::new(octets, data, "data");
        let text = String::from_utf8_lossy(octets.get(data..end)?);
        reader.push("data", 0, end - data, format!("{text:?}"));
        layers.push(reader.layer);
    }
    Some(end)
}

fn icmp(octets: &[u8], from: usize, layers: &mut Vec<Layer>) -> Option<usize> {
    let mut icmp = Reader::new(octets, from, "icmp");
    let types = [(0, "EchoReply"), (3, "DestinationUnreachable"), (8, "Echo")];
    let kind = icmp.field("type", 0, 1, |n| named(&types, n, decimal(n)))?;
    icmp.field("code", 1, 1, decimal)?;
    icmp.field("sum", 2, 2, hex16)?;
    if kind == 0 || kind == 8 {
        icmp.field("id", 4, 2, decimal)?;
        icmp.field("seq", 6, 2, decimal)?;
    } else {
        icmp.field("values", 4, 4, hex32)?;
    }
    layers.push(icmp.layer);
    Some(from + 8)
}

fn udp(octets: &[u8], from: usize, layers: &mut Vec<Layer>) -> Option<usize> {
    let mut udp = Reader::new(octets, from, "udp");
    udp.field("src", 0, 2, decimal)?;
    udp.field("dst", 2, 2, decimal)?;
    let payload = |n: u64| format!("{n} (payload: {})", n.saturating_sub(8));
    udp.field("len", 4, 2, payload)?;
    udp.field("sum", 6, 2, hex16)?;
    layers.push(udp.layer);
    Some(from + 8)
}

fn tcp(octets: &[u8], from: usize, layers: &mut Vec<Layer>) -> Option<usize> {
    let mut tcp = Reader::new(octets, from, "tcp");
    tcp.field("src", 0, 2, decimal)?;
    tcp.field("dst", 2, 2, decimal)?;
    tcp.field("seq", 4, 4, decimal)?;
    tcp.field("ack", 8, 4, decimal)?;
    let offset = |n: u64| format!("0x{n:02x} ({} bytes)", (n >> 4) * 4);
    let len = tcp.field("off", 12, 1, offset)?;
    tcp.field("flg", 13, 1, |n| format!("0x{n:02x} ({})", flags(n)))?;
    tcp.field("wnd", 14, 2, decimal)?;
    tcp.field("sum", 16, 2, hex16)?;
    tcp.field("up", 18, 2, decimal)?;
    let end = usize::try_from(len >> 4).ok()? * 4;
    let found = options(octets.get(from + 20..from + end.max(20))?)?;
    for (index, (at, len, value)) in found.into_iter().enumerate() {
        tcp.push(&format!("opt[{index}]"), 20 + at, len, value);
    }
    layers.push(tcp.layer);
    Some(from + end)
}

/// `---AP---`: CWR, ECE, URG, ACK, PSH, RST, SYN, FIN.
fn flags(n: u64) -> String {
    let names = "CEUAPRSF".chars().enumerate();
    let flag = |(index, name)| if n >> (7 - index) & 1 == 1 { name } else { '-' };
    names.map(flag).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Octets, as a hexdump has them.
    pub fn octets(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        let octets = digits.chunks(2).map(|pair| {
            let pair = std::str::from_utf8(pair).unwrap();
            u8::from_str_radix(pair, 16).unwrap()
        });
        octets.collect()
    }

    const SYN: &str = "00005e005302 00005e005301 0800 \
        4500 002c 0082 0000 4006 f646 c0000202 c0000201 \
        cb45 0007 dc1716f1 00000000 6002 ffff 568d 0000 020405b4 \
        0000";

    #[test]
    fn a_segment_is_taken_apart() {
        let frame = Frame {
            time: 0,
            octets: octets(SYN),
            layers: layers(&octets(SYN)).unwrap(),
        };
        let names: Vec<&str> = frame.layers.iter().map(|layer| layer.name).collect();
        assert_eq!(names, ["ethernet", "ip", "tcp", "padding"]);
        assert_eq!(frame.value("ip", "vhl"), "0x45 [v: 4, hl: 5 (20)]");
        assert_eq!(frame.value("ip", "protocol"), "TCP(0x06)");
        assert_eq!(frame.value("tcp", "flg"), "0x02 (------S-)");
        assert_eq!(
            frame.value("tcp", "opt[0]"),
            "kind=2 (MSS), len=4, mss=1460"
        );
        assert_eq!(frame.value("tcp", "nothing"), "");
        let tcp = frame.layer("tcp").unwrap();
        assert_eq!(tcp.fields[2].octets, (38, 42));
        assert_eq!(tcp.fields.last().unwrap().octets, (54, 58));
        assert_eq!(frame.layers[3].fields[0].octets, (58, 60));
    }

    #[test]
    fn what_is_cut_is_no_frame() {
        let syn = octets(SYN);
        for len in 0..58 {
            assert!(layers(&syn[..len]).is_none(), "{len}");
        }
        assert!(layers(&syn[..58]).is_some());
    }

    #[test]
    fn a_capture() {
        let mut file = octets("4d3cb2a1 02000400 00000000 00000000 ffff0000 01000000");
        assert_eq!(read_pcap(&file).unwrap(), []);
        file.extend(octets("01000000 80841e00 3c000000 3c000000"));
        assert!(read_pcap(&file).is_err());
        file.extend(octets(SYN));
        let frames = read_pcap(&file).unwrap();
        assert_eq!((frames.len(), frames[0].time), (1, 1002));
        assert!(read_pcap(&file[..30]).is_err());
        assert!(read_pcap(b"text").is_err());
    }
}
