//! Which frame a line of the log speaks of.
//!
//! A line with a header's fields speaks of the frame whose header has exactly
//! these values. The lines around it, by the same host at the same time, speak
//! of the same frame.

use anyhow::{Context, Result, ensure};

use crate::packet::Frame;
use crate::runs::Entry;

/// A line of the log, and what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment<'a> {
    /// The line.
    pub entry: &'a Entry,
    /// The number of the frame, from 0.
    pub frame: Option<usize>,
    /// The header that it is about, if it is one.
    pub layer: Option<&'static str>,
}

/// What a host does with a frame.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Down,
    Up,
}

const LAYERS: [&str; 6] = ["ethernet", "arp", "ip", "icmp", "udp", "tcp"];

/// The header that lines with this target show.
fn layer(target: &str) -> Option<&'static str> {
    let first = target.split("::").next()?;
    LAYERS.into_iter().find(|layer| *layer == first)
}

fn way(target: &str) -> Way {
    match target.ends_with("::input") {
        true => Way::Up,
        false => Way::Down,
    }
}

/// The hardware address of each host, from the lines in which it is told.
fn host_of<'a>(log: &'a [Entry], frame: &Frame) -> Option<&'a str> {
    let mac = format!("addr={}", frame.value("ethernet", "src"));
    let mut lines = log.iter().filter(|entry| entry.target == "ethernet::init");
    let found = lines.find(|entry| entry.message.ends_with(&mac))?;
    Some(&found.host)
}

/// `00:00:01.020` in milliseconds.
pub fn millis(time: &str) -> Option<u64> {
    let mut parts = time.split([':', '.']).map(|part| part.parse::<u64>().ok());
    let mut next = || parts.next().flatten();
    let (hours, minutes, seconds, millis) = (next()?, next()?, next()?, next()?);
    Some(((hours * 60 + minutes) * 60 + seconds) * 1000 + millis)
}

/// Which host sent each frame.
pub fn senders<'a>(log: &'a [Entry], frames: &[Frame]) -> Result<Vec<&'a str>> {
    let senders = frames.iter().map(|frame| host_of(log, frame));
    senders
        .collect::<Option<_>>()
        .context("a frame that nobody sent")
}

/// Finds the frame of each line from the line on in which all devices are open.
pub fn moments<'a>(log: &'a [Entry], frames: &[Frame]) -> Result<Vec<Moment<'a>>> {
    let senders = senders(log, frames)?;
    let opened = |entry: &Entry| entry.target == "net::run" && entry.message == "running...";
    let begin = log.iter().rposition(opened).map_or(0, |at| at + 1);
    let mut moments = Vec::new();
    for entry in &log[begin..] {
        let layer = layer(&entry.target);
        let frame = match layer {
            Some(layer) if !entry.fields.is_empty() => {
                let frame = find(entry, layer, frames, &senders);
                Some(frame.with_context(|| format!("no frame for: {}", entry.line()))?)
            }
            _ => None,
        };
        moments.push(Moment {
            entry,
            frame,
            layer,
        });
    }
    spread(&mut moments);
    for (index, frame) in frames.iter().enumerate() {
        let sees = |moment: &&Moment<'_>| moment.frame == Some(index);
        let count = moments.iter().filter(sees).count();
        ensure!(
            count > 0,
            "nobody speaks of the frame {index} of {} ms",
            frame.time
        );
    }
    Ok(moments)
}

/// The frame that has the fields of a line: of those that the host has sent
/// not before, or has got not later, the nearest.
fn find(entry: &Entry, layer: &str, frames: &[Frame], senders: &[&str]) -> Option<usize> {
    let now = millis(&entry.time)?;
    let fits = |frame: &Frame| {
        let fields = &frame.layer(layer)?.fields;
        let mut fields = fields.iter().map(|field| (&field.name, &field.value));
        let same = entry
            .fields
            .iter()
            .all(|(name, value)| fields.next() == Some((name, value)));
        (same && fields.next().is_none()).then_some(())
    };
    let numbered = || frames.iter().enumerate().zip(senders);
    match way(&entry.target) {
        Way::Down => numbered()
            .find(|((_, frame), sender)| {
                **sender == entry.host && frame.time >= now && fits(frame).is_some()
            })
            .map(|((index, _), _)| index),
        Way::Up => numbered()
            .filter(|((_, frame), sender)| {
                **sender != entry.host && frame.time <= now && fits(frame).is_some()
            })
            .map(|((index, _), _)| index)
            .next_back(),
    }
}

/// Gives lines without fields the frame of their neighbours: of the line
/// behind if it only announces that one, else of the line before.
fn spread(moments: &mut [Moment<'_>]) {
    let announces = |target: &str| target == "interrupt" || target == "device::output";
    let together = |a: &Moment<'_>, b: &Moment<'_>| {
        a.entry.host == b.entry.host && a.entry.time == b.entry.time
    };
    for at in (0..moments.len().saturating_sub(1)).rev() {
        let (before, behind) = moments.split_at_mut(at + 1);
        if announces(&before[at].entry.target) && together(&before[at], &behind[0]) {
            before[at].frame = behind[0].frame;
        }
    }
    for at in 1..moments.len() {
        let (before, behind) = moments.split_at_mut(at);
        let (last, moment) = (&before[at - 1], &mut behind[0]);
        if moment.frame.is_none() && together(last, moment) {
            moment.frame = last.frame;
        }
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::packet;
    use crate::runs::parse;

    /// A world in which host a asks who has 192.0.2.1.
    pub const LOG: &str = "\
00:00:00.000 [I] a ethernet::init: ethernet device initialized, dev=net1, addr=00:00:5e:00:53:01 (x.rs:1)
00:00:00.000 [D] b net::run: running... (x.rs:2)
00:00:00.000 [D] a arp::resolve: cache not found, pa=192.0.2.1 (x.rs:3)
00:00:00.000 [D] a arp::request: dev=net1
        hrd: 0x0001
        pro: 0x0800
        hln: 6
        pln: 4
         op: Request(0x0001)
        sha: 00:00:5e:00:53:01
        spa: 192.0.2.2
        tha: 00:00:00:00:00:00
        tpa: 192.0.2.1 (x.rs:4)
00:00:00.000 [D] a device::output: dev=net1 (x.rs:5)
00:00:00.000 [D] a ethernet::transmit: dev=net1
        src: 00:00:5e:00:53:01
        dst: ff:ff:ff:ff:ff:ff
       type: ARP(0x0806) (x.rs:6)
00:00:00.001 [D] b interrupt: irq=1 (x.rs:7)
00:00:00.001 [D] b ethernet::input: dev=net1
        src: 00:00:5e:00:53:01
        dst: ff:ff:ff:ff:ff:ff
       type: ARP(0x0806) (x.rs:8)
00:00:00.001 [D] b protocol::input: queue pushed (x.rs:9)
00:00:00.002 [D] b arp::cache_delete: nothing to do with it (x.rs:10)
";

    /// The capture of that world.
    pub fn capture() -> Vec<u8> {
        let mut file =
            b"\x4d\x3c\xb2\xa1\x02\0\x04\0\0\0\0\0\0\0\0\0\xff\xff\0\0\x01\0\0\0".to_vec();
        let mut frame = b"\xff\xff\xff\xff\xff\xff\0\0\x5e\0\x53\x01\x08\x06".to_vec();
        frame.extend(b"\0\x01\x08\0\x06\x04\0\x01\0\0\x5e\0\x53\x01\xc0\0\x02\x02");
        frame.extend(b"\0\0\0\0\0\0\xc0\0\x02\x01");
        frame.resize(60, 0);
        file.extend([[0; 8], [60, 0, 0, 0, 60, 0, 0, 0]].concat());
        file.extend(frame);
        file
    }

    #[test]
    fn lines_and_the_frame_that_they_speak_of() {
        let (log, frames) = (parse(LOG).unwrap(), packet::read_pcap(&capture()).unwrap());
        let moments = moments(&log, &frames).unwrap();
        let found: Vec<_> = moments.iter().map(|moment| moment.frame).collect();
        let one = Some(0);
        assert_eq!(found, [None, one, one, one, one, one, one, None]);
        assert_eq!(moments[1].layer, Some("arp"));
        assert_eq!(moments[2].layer, None);
        assert_eq!(senders(&log, &frames).unwrap(), ["a"]);
    }

    #[test]
    fn a_line_that_says_something_else_than_the_frame() {
        let frames = packet::read_pcap(&capture()).unwrap();
        for (from, to) in [("tpa: 192.0.2.1", "tpa: 192.0.2.9"), ("hln: 6\n", "")] {
            let log = parse(&LOG.replace(
                &format!("        {from}"),
                &match to {
                    "" => String::new(),
                    to => format!("        {to}"),
                },
            ))
            .unwrap();
            let error = moments(&log, &frames).unwrap_err().to_string();
            assert_eq!(
                error,
                "no frame for: 00:00:00.000 [D] a arp::request: dev=net1"
            );
        }
    }

    #[test]
    fn frames_that_nobody_speaks_of() {
        let (log, frames) = (parse(LOG).unwrap(), packet::read_pcap(&capture()).unwrap());
        let thrice = [frames.clone(), frames.clone(), frames].concat();
        let error = moments(&log, &thrice).unwrap_err().to_string();
        assert!(error.starts_with("nobody speaks of the frame"), "{error}");
        assert!(senders(&log[1..], &thrice).is_err());
    }
}
