//! A ladder diagram: the segments of one connection, time running down.
//!
//! It is drawn from what crossed a [`Wire`](crate::wire::Wire), not from what
//! either end believes; so a lost segment can be seen as lost.

use std::collections::VecDeque;
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

/// How wide the space between the two rails is, in characters.
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
    rungs: VecDeque<Rung>,
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
    /// The first connection whose beginning is among `crossings`; `None` if
    /// there is none.
    pub fn new(crossings: &[Crossing]) -> Option<Self> {
        let mut rungs = crossings.iter().filter_map(segment);
        let first = rungs.find(|rung| rung.header.flags.syn() && !rung.header.flags.ack())?;
        let (client, server) = (first.src, first.dst);
        let of_it = |rung: &Rung| {
            (rung.src, rung.dst) == (client, server) || (rung.src, rung.dst) == (server, client)
        };
        let mut rungs: VecDeque<_> = rungs.filter(of_it).collect();
        rungs.push_front(first);
        Some(Self {
            client,
            server,
            rungs,
        })
    }

    /// The initial sequence number of who sends from `src`.
    fn initial(&self, src: SocketAddrV4) -> SeqNumber {
        let mut rungs = self.rungs.iter();
        let syn = rungs.find(|rung| rung.src == src && rung.header.flags.syn());
        syn.map_or(SeqNumber::default(), |rung| rung.header.seq)
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
        let (client, server) = (self.client.to_string(), self.server.to_string());
        let gap = (WIDTH + 4).saturating_sub(client.len() + server.len());
        writeln!(f, "{:>12}  {client}{:gap$}{server}", "time", "")?;
        for rung in &self.rungs {
            let header = &rung.header;
            let mut label = format!(
                "{} seq={}",
                names(header.flags),
                header.seq.since(self.initial(rung.src))
            );
            if header.flags.ack() {
                label += &format!(" ack={}", header.ack.since(self.initial(rung.dst)));
            }
            label += &format!(" len={} win={}", rung.len, header.window);
            let down = rung.src == self.client;
            let line = match (down, rung.arrives) {
                (true, Some(_)) => format!(
                    "─ {label} {:─<1$}►",
                    "",
                    WIDTH.saturating_sub(label.chars().count() + 4)
                ),
                (true, None) => format!(
                    "─ {label} {:─<1$}✗ ",
                    "",
                    WIDTH.saturating_sub(label.chars().count() + 5)
                ),
                (false, Some(_)) => format!(
                    "◄{:─<1$} {label} ─",
                    "",
                    WIDTH.saturating_sub(label.chars().count() + 4)
                ),
                (false, None) => format!(
                    " ✗{:─<1$} {label} ─",
                    "",
                    WIDTH.saturating_sub(label.chars().count() + 5)
                ),
            };
            writeln!(f, "{:>12}  │{line}│", rung.sent.to_string())?;
        }
        Ok(())
    }
}
