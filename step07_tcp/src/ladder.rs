//! A ladder diagram: the segments of one connection, time running down.
//!
//! It is drawn from what crossed a [`Wire`](crate::wire::Wire), not from what
//! either end believes; so a lost segment can be seen as lost.

use std::fmt;
use std::net::SocketAddrV4;

use crate::ethernet;
use crate::ethertype::EtherType;
use crate::flags::Flags;
use crate::header::Header;
use crate::ip::{self, IpProtocol};
use crate::seq::SeqNumber;
use crate::time::Time;
use crate::wire::Crossing;

/// How wide the space between the two rails is at least, in characters.
const WIDTH: usize = 54;

/// A TCP segment that crossed the wire.
struct Rung {
    sent: Time,
    arrives: Option<Time>,
    src: SocketAddrV4,
    dst: SocketAddrV4,
    header: Header,
    len: usize,
}

/// The segments of a connection, in the order in which they were sent.
pub struct Ladder {
    client: SocketAddrV4,
    server: SocketAddrV4,
    rungs: Vec<Rung>,
}

/// The TCP segment in a frame.
fn segment(crossing: &Crossing) -> Option<Rung> {
    let frame = ethernet::Header::parse(&crossing.frame)?;
    if frame.ethertype != EtherType::IP {
        return None;
    }
    let datagram = crossing.frame.get(ethernet::header::LEN..)?;
    let ip = ip::Header::parse(datagram).ok()?;
    if ip.protocol != IpProtocol::TCP {
        return None;
    }
    let segment = datagram.get(ip.header_len.into()..ip.total_len.into())?;
    let (header, offset) = Header::parse(segment).ok()?;
    Some(Rung {
        sent: crossing.sent,
        arrives: crossing.arrives,
        src: SocketAddrV4::new(ip.src, header.src_port),
        dst: SocketAddrV4::new(ip.dst, header.dst_port),
        header,
        len: segment.len() - offset,
    })
}

impl Ladder {
    /// A ladder for each connection whose beginning is among `crossings`, in
    /// the order in which they began.
    pub fn all(crossings: &[Crossing]) -> Vec<Self> {
        let mut ladders: Vec<Self> = Vec::new();
        for rung in crossings.iter().filter_map(segment) {
            let ends = (rung.src, rung.dst);
            let of_it = |ladder: &&mut Self| {
                let (client, server) = (ladder.client, ladder.server);
                ends == (client, server) || ends == (server, client)
            };
            if let Some(ladder) = ladders.iter_mut().find(of_it) {
                ladder.rungs.push(rung);
            } else if rung.header.flags.syn() && !rung.header.flags.ack() {
                ladders.push(Self {
                    client: rung.src,
                    server: rung.dst,
                    rungs: vec![rung],
                });
            }
        }
        ladders
    }

    /// The initial sequence number of who sends from `src`.
    fn initial(&self, src: SocketAddrV4) -> SeqNumber {
        let mut rungs = self.rungs.iter();
        let syn = rungs.find(|rung| rung.src == src && rung.header.flags.syn());
        syn.map_or(SeqNumber::default(), |rung| rung.header.seq)
    }

    /// What is written on a rung.
    fn label(&self, rung: &Rung) -> String {
        let Header {
            flags,
            seq,
            ack,
            window,
            options,
            ..
        } = rung.header;
        let seq = seq.since(self.initial(rung.src));
        let mut label = format!("{} seq={seq}", names(flags));
        if flags.ack() {
            label += &format!(" ack={}", ack.since(self.initial(rung.dst)));
        }
        label += &format!(" len={} win={window}", rung.len);
        for block in options.sack.as_slice() {
            let theirs = self.initial(rung.dst);
            let (start, end) = (block.start.since(theirs), block.end.since(theirs));
            label += &format!(" sack={start}-{end}");
        }
        label
    }
}

/// `SYN,ACK`, as people write it.
fn names(flags: Flags) -> String {
    let all = [
        (Flags::SYN, "SYN"),
        (Flags::FIN, "FIN"),
        (Flags::RST, "RST"),
        (Flags::PSH, "PSH"),
        (Flags::URG, "URG"),
        (Flags::ACK, "ACK"),
    ];
    let set = all.iter().filter(|(flag, _)| flags.contains(*flag));
    let set: Vec<_> = set.map(|(_, name)| *name).collect();
    set.join(",")
}

impl fmt::Display for Ladder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labels: Vec<_> = self.rungs.iter().map(|rung| self.label(rung)).collect();
        let widest = labels.iter().map(String::len).max().unwrap_or(0);
        // Beside the label: two spaces, the line's end, its head and a dash.
        let width = WIDTH.max(widest + 5);
        let (client, server) = (self.client.to_string(), self.server.to_string());
        let gap = (width + 2).saturating_sub(client.len() + server.len());
        writeln!(f, "{:>12}  {client}{:gap$}{server}", "time", "")?;
        for (rung, label) in self.rungs.iter().zip(labels) {
            let lost = rung.arrives.is_none();
            let dashes = "─".repeat(width - label.len() - if lost { 5 } else { 4 });
            let line = match (rung.src == self.client, lost) {
                (true, false) => format!("─ {label} {dashes}►"),
                (true, true) => format!("─ {label} {dashes}✗ "),
                (false, false) => format!("◄{dashes} {label} ─"),
                (false, true) => format!(" ✗{dashes} {label} ─"),
            };
            writeln!(f, "{:>12}  │{line}│", rung.sent.to_string())?;
        }
        Ok(())
    }
}
