//! The packet time machine: its data, and its picture.

use anyhow::{Context, Result};

use crate::added::escape;
use crate::book::{Files, PAGES};
use crate::includes::is_markup;
use crate::moments::{Moment, moments, senders};
use crate::packet::{Frame, read_pcap};
use crate::runs::Run;
use crate::statements;

/// How many lines of the source are shown around a log statement.
const AROUND: usize = 4;

/// Data and picture: path and text.
pub fn files(files: &Files, run: &Run) -> Result<Vec<(String, String)>> {
    let frames = read_pcap(&run.pcap)?;
    let senders = senders(&run.log, &frames)?;
    let moments = moments(&run.log, &frames)?;
    let titles = titles(&frames);
    let data = data(files, &frames, &senders, &titles, &moments)?;
    Ok(vec![
        (format!("{PAGES}time_machine/data.js"), data),
        (
            format!("{PAGES}time_machine/ladder.svg"),
            ladder(&frames, &senders, &titles),
        ),
    ])
}

/// A few words for each frame.
fn titles(frames: &[Frame]) -> Vec<String> {
    // TCP's numbers are shown relative to the first of each end.
    let mut first: Vec<(String, u32)> = Vec::new();
    let mut relative = |end: String, number: &str, is_syn: bool| -> u32 {
        let number: u32 = number.parse().unwrap_or_default();
        if is_syn {
            first.push((end.clone(), number));
        }
        let known = first.iter().rev().find(|(known, _)| *known == end);
        number.wrapping_sub(known.map_or(0, |(_, first)| *first))
    };
    let mut titles = Vec::new();
    for frame in frames {
        let value = |layer, field| frame.value(layer, field);
        let name = |value: &str| value.split('(').next().unwrap_or_default().to_owned();
        let mut title = String::new();
        if frame.layer("arp").is_some() {
            title = format!("ARP {}", name(value("arp", "op")));
        } else if frame.layer("icmp").is_some() {
            title = format!(
                "ICMP {} seq={}",
                name(value("icmp", "type")),
                value("icmp", "seq")
            );
        } else if frame.layer("udp").is_some() {
            let ports = (value("udp", "src"), value("udp", "dst"));
            title = format!("UDP {} ► {} len={}", ports.0, ports.1, data_len(frame));
        } else if frame.layer("tcp").is_some() {
            let end = |address, port| format!("{}:{}", value("ip", address), value("tcp", port));
            let flags = value("tcp", "flg");
            let (is_syn, is_ack) = (flags.contains('S'), flags.contains('A'));
            let seq = relative(end("src", "src"), value("tcp", "seq"), is_syn);
            let names = [
                ('S', "SYN"),
                ('F', "FIN"),
                ('R', "RST"),
                ('P', "PSH"),
                ('A', "ACK"),
            ];
            let set = names.iter().filter(|(letter, _)| flags.contains(*letter));
            let set: Vec<&str> = set.map(|(_, name)| *name).collect();
            title = format!("TCP {} seq={seq}", set.join(","));
            if is_ack {
                let ack = relative(end("dst", "dst"), value("tcp", "ack"), false);
                title.push_str(&format!(" ack={ack}"));
            }
            title.push_str(&format!(" len={}", data_len(frame)));
        }
        titles.push(title);
    }
    titles
}

fn data_len(frame: &Frame) -> usize {
    let fields = frame.layer("data").map(|layer| layer.fields.as_slice());
    let octets = fields.unwrap_or_default().iter().map(|field| field.octets);
    octets.map(|(from, to)| to - from).sum()
}

/// `1.020`: seconds since the beginning.
fn seconds(millis: u64) -> String {
    format!("{}.{:03} s", millis / 1000, millis % 1000)
}

/// One line for each frame, so that the page can include it.
fn ladder(frames: &[Frame], senders: &[&str], titles: &[String]) -> String {
    let height = 64 + 34 * frames.len();
    let bottom = height - 12;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 520 {height}\" role=\"img\" aria-labelledby=\"ladder-title\" font-family=\"ui-monospace, monospace\" font-size=\"15\">\n\
        <title id=\"ladder-title\">{} frames between the hosts a and b, from top to bottom in the order of time</title>\n\
        <defs><marker id=\"ladder-down\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path d=\"M0,0 L10,5 L0,10 z\" fill=\"#1f5fa8\"/></marker>\
        <marker id=\"ladder-up\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path d=\"M0,0 L10,5 L0,10 z\" fill=\"#a8481c\"/></marker></defs>\n\
        <rect x=\"0.5\" y=\"0.5\" width=\"519\" height=\"{}\" rx=\"10\" fill=\"#fbfaf6\" stroke=\"#8a94a3\"/>\n\
        <g fill=\"#1d2430\" font-weight=\"600\"><text x=\"92\" y=\"32\" text-anchor=\"middle\">a</text><text x=\"500\" y=\"32\" text-anchor=\"middle\">b</text></g>\n",
        frames.len(),
        height - 1
    );
    for (index, ((frame, sender), title)) in frames.iter().zip(senders).zip(titles).enumerate() {
        let (number, y) = (index + 1, 74 + 34 * index);
        let (from, to, color, mark) = match *sender {
            "a" => (92, 500, "#1f5fa8", "ladder-down"),
            _ => (500, 92, "#a8481c", "ladder-up"),
        };
        svg.push_str(&format!(
            "<g id=\"frame-{number}\" class=\"tm-frame\"><rect x=\"6\" y=\"{}\" width=\"508\" height=\"32\" rx=\"5\" fill=\"#fbfaf6\"/>\
            <text x=\"82\" y=\"{y}\" fill=\"#5b6675\" text-anchor=\"end\">{}</text>\
            <path d=\"M{from},{} L{to},{}\" stroke=\"{color}\" stroke-width=\"2\" marker-end=\"url(#{mark})\"/>\
            <text x=\"296\" y=\"{}\" fill=\"#1d2430\" text-anchor=\"middle\">{}</text></g>\n",
            y - 22, seconds(frame.time), y - 2, y + 6, y - 6, escape(title)
        ));
    }
    // Above what lights up a frame.
    svg.push_str(&format!("<path d=\"M92,44 V{bottom} M500,44 V{bottom}\" stroke=\"#5b6675\" stroke-width=\"2\"/>\n</svg>\n"));
    svg
}

/// A string of JavaScript. `<` is escaped, so that no `</script>` can end it.
fn string(text: &str) -> String {
    let mut string = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => string.push_str("\\\""),
            '\\' => string.push_str("\\\\"),
            '\n' => string.push_str("\\n"),
            '<' => string.push_str("\\u003c"),
            c if c.is_control() || c == '\u{2028}' || c == '\u{2029}' => {
                string.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => string.push(c),
        }
    }
    string + "\""
}

fn list(items: impl IntoIterator<Item = String>) -> String {
    let items: Vec<String> = items.into_iter().collect();
    format!("[{}]", items.join(","))
}

fn data(
    files: &Files,
    frames: &[Frame],
    senders: &[&str],
    titles: &[String],
    moments: &[Moment<'_>],
) -> Result<String> {
    let mut text = String::from(
        "// Made by `cargo xtask book --write` from a run of step07_tcp.\nwindow.timeMachine = {\nframes: [\n",
    );
    for ((frame, sender), title) in frames.iter().zip(senders).zip(titles) {
        let octets: String = frame
            .octets
            .iter()
            .map(|octet| format!("{octet:02x}"))
            .collect();
        let layers = frame.layers.iter().map(|layer| {
            let fields = layer.fields.iter().map(|field| {
                let (from, to) = field.octets;
                let (name, value) = (string(&field.name), string(&field.value));
                format!("[{name},{from},{to},{value}]")
            });
            format!("{{name:{},fields:{}}}", string(layer.name), list(fields))
        });
        let (time, sender, title) = (string(&seconds(frame.time)), string(sender), string(title));
        text.push_str(&format!(
            "{{time:{time},from:{sender},title:{title},octets:\"{octets}\",layers:{}}},\n",
            list(layers)
        ));
    }
    text.push_str("],\nlines: [\n");
    let mut locations: Vec<&(String, usize)> = Vec::new();
    for moment in moments {
        let location = &moment.entry.location;
        let known = locations.iter().position(|other| *other == location);
        let source = known.unwrap_or_else(|| {
            locations.push(location);
            locations.len() - 1
        });
        let line = string(&moment.entry.line());
        let frame = moment
            .frame
            .map_or("null".to_owned(), |frame| frame.to_string());
        let layer = moment.layer.map_or("null".to_owned(), string);
        let host = string(&moment.entry.host);
        text.push_str(&format!("[{line},{host},{frame},{layer},{source}],\n"));
    }
    text.push_str("],\nsources: [\n");
    for (file, line) in locations {
        text.push_str(&source(files, file, *line)?);
    }
    text.push_str("]};\n");
    Ok(text)
}

/// A log statement, with the lines around it.
fn source(files: &Files, file: &str, line: usize) -> Result<String> {
    let statement = statements::at(files, file, line)
        .with_context(|| format!("no log statement at {file}:{line}"))?;
    let code = files.get(file).map(String::as_str).unwrap_or_default();
    let begin = line.saturating_sub(1 + AROUND);
    let end = line - 1 + statement.code.len();
    let mut shown: Vec<(&str, bool)> = Vec::new();
    for (index, text) in code.lines().enumerate().take(end + AROUND).skip(begin) {
        let is_statement = (line - 1..end).contains(&index);
        if !is_markup(text) {
            shown.push((text, is_statement));
        }
    }
    let filled = shown.iter().filter(|(text, _)| !text.trim().is_empty());
    let indent = filled
        .map(|(text, _)| text.len() - text.trim_start().len())
        .min();
    let lines = shown.iter().map(|(text, is_statement)| {
        let text = string(text.get(indent.unwrap_or(0)..).unwrap_or_default());
        format!("[{text},{}]", u8::from(*is_statement))
    });
    let (file, function) = (string(file), string(&statement.function));
    Ok(format!(
        "{{file:{file},function:{function},lines:{}}},\n",
        list(lines)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moments::tests::{LOG, capture};
    use crate::runs::parse;

    fn world() -> (Files, Run) {
        let code = "// ANCHOR: a\n// END 1.2\n".to_owned() + &"info!(\"a\");\n".repeat(10);
        let run = Run {
            step: "step07_tcp".to_owned(),
            log: parse(LOG).unwrap(),
            pcap: capture(),
            trace: String::new(),
        };
        (crate::book::files([("x.rs", &code)]), run)
    }

    #[test]
    fn data_and_picture() {
        let (world, run) = world();
        let made = files(&world, &run).unwrap();
        let data = &made[0].1;
        assert!(data.contains("{time:\"0.000 s\",from:\"a\",title:\"ARP Request\",octets:\"ffff"));
        assert!(data.contains("[\"tpa\",38,42,\"192.0.2.1\"]"));
        assert!(
            data.contains("\n[\"00:00:00.000 [D] a arp::request: dev=net1\",\"a\",0,\"arp\",1],\n")
        );
        assert!(!data.contains("ANCHOR") && !data.contains("END"));
        assert!(data.contains("{file:\"x.rs\",function:\"\",lines:[[\"info!(\\\"a\\\");\",0],"));
        let svg = &made[1].1;
        assert!(svg.contains("<g id=\"frame-1\""));
        assert!(svg.lines().all(|line| !line.is_empty()));
    }

    #[test]
    fn a_line_without_its_statement() {
        let (_, run) = world();
        let error = files(&Files::new(), &run).unwrap_err().to_string();
        assert_eq!(error, "no log statement at x.rs:3");
    }

    #[test]
    fn strings_of_javascript() {
        assert_eq!(
            string("a\"\\\n</script>\u{7}"),
            "\"a\\\"\\\\\\n\\u003c/script>\\u0007\""
        );
    }
}
