//! The appendix that says which paragraph of which RFC stands where in the
//! code: every `RFC 9293 §3.4.1` in a comment.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};

use crate::book::{Files, PAGES};

const HEAD: &str = "\
# Appendix: the RFCs in the code {#rfcs}

Made from the comments of the sources: which paragraph is followed, or knowingly not followed, in which file. \
The right column names the tests that speak of it. What stands in no row may still be done: \
a paragraph is named where somebody who reads the code would ask for the reason.

";

/// What the RFCs are about.
const TITLES: [(u32, &str); 66] = [
    (768, "UDP"),
    (791, "IP"),
    (792, "ICMP"),
    (793, "TCP, as it was in 1981"),
    (815, "reassembly of fragments"),
    (826, "ARP"),
    (862, "the echo service"),
    (863, "the discard service"),
    (864, "the character generator"),
    (867, "the daytime service"),
    (894, "IP over Ethernet"),
    (919, "broadcasts"),
    (1011, "the standards of 1987"),
    (1071, "the Internet checksum"),
    (1112, "multicast"),
    (1122, "what hosts must do"),
    (1191, "path MTU discovery"),
    (1337, "hazards of TIME-WAIT"),
    (1700, "assigned numbers, as of 1994"),
    (1812, "what routers must do"),
    (2018, "selective acknowledgments"),
    (2464, "IPv6 over Ethernet"),
    (2474, "the Diffserv field"),
    (2525, "errors that many TCPs have made"),
    (2883, "D-SACK: what has arrived twice"),
    (2923, "black holes, where long packets vanish"),
    (3021, "networks of two addresses"),
    (3042, "limited transmit"),
    (3168, "explicit congestion notification"),
    (3465, "slow start that counts octets"),
    (3522, "Eifel: noticing a timeout that was too early"),
    (3692, "numbers for experiments"),
    (4015, "Eifel: what to do about it"),
    (4291, "addresses of IPv6"),
    (4632, "prefixes of any length"),
    (4987, "floods of SYNs"),
    (5227, "conflicts of addresses"),
    (5681, "congestion control"),
    (5722, "fragments that overlap"),
    (5927, "forged ICMP errors"),
    (5961, "blind attacks on TCP"),
    (6056, "random ports"),
    (6093, "urgent data"),
    (6191, "timestamps that end TIME-WAIT early"),
    (6298, "the retransmission timeout"),
    (6335, "who assigns ports"),
    (6429, "peers that keep their window closed"),
    (6528, "initial sequence numbers"),
    (6582, "NewReno"),
    (6633, "the end of source quench"),
    (6675, "recovery with selective acknowledgments"),
    (6691, "options, and the length of a segment"),
    (6864, "what IP's identification is for"),
    (6918, "the end of some ICMP messages"),
    (6928, "an initial window of ten segments"),
    (6937, "proportional rate reduction, as it was in 2013"),
    (7323, "window scale and timestamps"),
    (7661, "a window that is not used"),
    (7739, "identifications that can be guessed"),
    (8201, "path MTU discovery for IPv6"),
    (8985, "RACK and the tail-loss probe"),
    (9112, "HTTP/1.1"),
    (9293, "TCP"),
    (9406, "when to end slow start"),
    (9438, "CUBIC"),
    (9937, "proportional rate reduction"),
];

/// Files that name a paragraph: in their code, in their tests.
#[derive(Debug, Default, PartialEq, Eq)]
struct Places {
    code: BTreeSet<String>,
    tests: BTreeSet<String>,
}

/// A paragraph; its numbers, so that §3.10 stands behind §3.9.
type Section = (Vec<u32>, String);

/// The page: path and text.
///
/// # Errors
/// The sources name an RFC that has no title here.
pub fn page(files: &Files) -> Result<(String, String)> {
    let mut rfcs: BTreeMap<u32, BTreeMap<Section, Places>> = BTreeMap::new();
    for (file, text) in files {
        let mut parts = file.splitn(3, '/');
        let (krate, folder) = (parts.next().unwrap_or_default(), parts.next());
        if !krate.starts_with("step") || !file.ends_with(".rs") {
            continue;
        }
        let (code, tests) = match (folder, text.split_once("\n#[cfg(test)]")) {
            (Some("src"), Some((code, tests))) => (code, tests),
            (Some("src"), None) => (text.as_str(), ""),
            _ => ("", text.as_str()),
        };
        for (rfc, section) in mentions(code) {
            let places = rfcs.entry(rfc).or_default().entry(section).or_default();
            places.code.insert(file.clone());
        }
        for (rfc, section) in mentions(tests) {
            let places = rfcs.entry(rfc).or_default().entry(section).or_default();
            places.tests.insert(file.clone());
        }
    }
    let mut text = HEAD.to_owned();
    for (rfc, sections) in rfcs {
        let title = TITLES.iter().find(|(number, _)| *number == rfc);
        let (_, title) =
            title.with_context(|| format!("RFC {rfc} has no title in xtask/src/rfcs.rs"))?;
        text.push_str(&format!(
            "## RFC {rfc}: {title} {{#rfc-{rfc}}}\n\n| § | code | tests |\n|---|---|---|\n"
        ));
        for ((_, section), places) in sections {
            let (code, tests) = (list(&places.code), list(&places.tests));
            text.push_str(&format!("| {section} | {code} | {tests} |\n"));
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    Ok((format!("{PAGES}rfcs.md"), text))
}

fn list(files: &BTreeSet<String>) -> String {
    let files: Vec<String> = files.iter().map(|file| format!("`{file}`")).collect();
    files.join(", ")
}

/// The paragraphs that the comments of a text name.
fn mentions(text: &str) -> Vec<(u32, Section)> {
    // A comment of several lines is one text.
    let lines = text.lines().filter_map(|line| {
        let (_, comment) = line.split_once("//")?;
        Some(comment.trim_start_matches(['/', '!']).trim())
    });
    let text = lines.collect::<Vec<_>>().join(" ");
    let mut mentions = Vec::new();
    for piece in text.split("RFC ").skip(1) {
        let end = piece
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(piece.len());
        let Ok(rfc) = piece[..end].parse() else {
            continue;
        };
        let mut rest = &piece[end..];
        let before = mentions.len();
        while let Some(behind) = rest.trim_start_matches([' ', ',']).strip_prefix('§') {
            let end = behind
                .find(|c: char| !(c.is_ascii_alphanumeric() || c == '.'))
                .unwrap_or(behind.len());
            let section = behind[..end].trim_end_matches('.');
            if !section.is_empty() {
                mentions.push((rfc, key(section)));
            }
            rest = &behind[end..];
        }
        if mentions.len() == before {
            mentions.push((rfc, (Vec::new(), String::new())));
        }
    }
    mentions
}

fn key(section: &str) -> Section {
    let numbers = section
        .split('.')
        .map(|part| part.parse().unwrap_or(u32::MAX));
    (numbers.collect(), section.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::files;

    #[test]
    fn paragraphs_are_found() {
        let text = "//! RFC 791, and (RFC 9293\n//! §3.10, §3.9; RFC 1122 §4.2.2.13).\nlet a = \"RFC 1\";\n";
        let found: Vec<(u32, String)> = mentions(text)
            .into_iter()
            .map(|(rfc, (_, section))| (rfc, section))
            .collect();
        let expected = [(791, ""), (9293, "3.10"), (9293, "3.9"), (1122, "4.2.2.13")];
        assert_eq!(
            found,
            expected.map(|(rfc, section)| (rfc, section.to_owned()))
        );
        assert!(key("3.9") < key("3.10"));
    }

    #[test]
    fn a_page_of_all() {
        let code = "// RFC 768 §2\nfn a() {}\n\n#[cfg(test)]\nmod tests {\n    // RFC 768\n}\n";
        let files = files([
            ("step06_udp/src/a.rs", code),
            ("step06_udp/tests/b.rs", "// RFC 768 §2"),
            ("xtask/src/c.rs", "// RFC 1"),
        ]);
        let (_, text) = page(&files).unwrap();
        let expected = "## RFC 768: UDP {#rfc-768}\n\n| § | code | tests |\n|---|---|---|\n\
            |  |  | `step06_udp/src/a.rs` |\n| 2 | `step06_udp/src/a.rs` | `step06_udp/tests/b.rs` |\n";
        assert!(text.ends_with(expected), "{text}");
        let strange = [("step06_udp/src/a.rs", "// RFC 99999\n")];
        let error = page(&crate::book::files(strange)).unwrap_err().to_string();
        assert_eq!(error, "RFC 99999 has no title in xtask/src/rfcs.rs");
    }
}
