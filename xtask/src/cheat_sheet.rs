//! The appendix with the headers of all protocols: the diagrams and the fields
//! that stand in the sources.

use anyhow::{Context, Result};

use crate::added::cell;
use crate::api::plain_links;
use crate::book::{Files, PAGES};

/// What it is called, and where it stands.
const HEADERS: [(&str, &str, &str); 8] = [
    ("Ethernet", "ethernet", "step05_arp/src/ethernet/header.rs"),
    ("ARP", "arp", "step05_arp/src/arp/message.rs"),
    ("IPv4", "ip", "step03_ip/src/ip/header.rs"),
    ("ICMP", "icmp", "step04_icmp/src/icmp/message.rs"),
    ("UDP", "udp", "step06_udp/src/udp/header.rs"),
    ("TCP", "tcp", "step07_tcp/src/header.rs"),
    ("TCP options", "tcp-options", "step07_tcp/src/options.rs"),
    ("A capture file", "pcap", "step05_arp/src/pcap.rs"),
];

const HEAD: &str = "\
# Appendix: all headers {#headers}

The diagrams of the sources, on one page. Bit 0 is the most significant, and the first on the wire; \
a row is four octets. Behind each stand the fields as our code has them.

";

/// The page: path and text.
pub fn page(files: &Files) -> Result<(String, String)> {
    let mut text = HEAD.to_owned();
    for (name, id, file) in HEADERS {
        let code = files.get(file).with_context(|| format!("no file {file}"))?;
        let diagram = diagram(code).with_context(|| format!("no diagram in {file}"))?;
        text.push_str(&format!(
            "## {name} {{#headers-{id}}}\n\nFrom `{file}`:\n\n```text\n{diagram}```\n\n"
        ));
        let fields = fields(code);
        if !fields.is_empty() {
            text.push_str("| field | meaning |\n|---|---|\n");
        }
        for (name, doc) in &fields {
            text.push_str(&format!("| `{name}` | {} |\n", cell(&plain_links(doc))));
        }
        let kinds = kinds(code);
        if fields.is_empty() && !kinds.is_empty() {
            text.push_str("| kind | meaning |\n|--:|---|\n");
            for (kind, doc) in &kinds {
                text.push_str(&format!("| {kind} | {} |\n", cell(&plain_links(doc))));
            }
            text.push('\n');
        } else if !fields.is_empty() {
            text.push('\n');
        }
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    Ok((format!("{PAGES}headers.md"), text))
}

/// The text of a line of documentation.
fn doc(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let text = line
        .strip_prefix("///")
        .or_else(|| line.strip_prefix("//!"))?;
    Some(text.strip_prefix(' ').unwrap_or(text))
}

/// The edge of a box: `+---+` or `+-+-+`.
fn is_edge(text: &str) -> bool {
    text.contains("+--") || text.contains("+-+-")
}

/// The first diagram of boxes in the documentation.
fn diagram(code: &str) -> Option<String> {
    let mut diagram: Option<String> = None;
    for line in code.lines() {
        let text = doc(line);
        match (&mut diagram, text) {
            (None, Some("```text")) => diagram = Some(String::new()),
            (Some(lines), Some("```")) if lines.lines().any(is_edge) => return diagram,
            (Some(_), Some("```") | None) => diagram = None,
            (Some(lines), Some(text)) => {
                lines.push_str(text.trim_end());
                lines.push('\n');
            }
            (None, _) => {}
        }
    }
    None
}

/// The public fields of the first struct behind the diagram, with what is said of them.
fn fields(code: &str) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    let mut docs: Vec<&str> = Vec::new();
    let mut lines = code
        .lines()
        .skip_while(|line| !doc(line).is_some_and(is_edge))
        .peekable();
    // A diagram of a whole file belongs to no struct.
    if lines.peek().is_none_or(|line| line.starts_with("//!")) {
        return fields;
    }
    let lines = lines.skip_while(|line| !line.starts_with("pub struct"));
    for line in lines.skip(1).take_while(|line| *line != "}") {
        if let Some(text) = doc(line) {
            docs.push(text);
            continue;
        }
        let field = line.trim_start().strip_prefix("pub ");
        if let Some((name, _)) = field.and_then(|field| field.split_once(':')) {
            fields.push((name.to_owned(), docs.join(" ").trim().to_owned()));
        }
        docs.clear();
    }
    fields
}

/// The numbers of one octet that a file names, with their documentation.
fn kinds(code: &str) -> Vec<(String, String)> {
    let (mut kinds, mut docs) = (Vec::new(), Vec::new());
    for line in code.lines().take_while(|line| *line != "#[cfg(test)]") {
        if let Some(text) = doc(line) {
            docs.push(text);
            continue;
        }
        let constant = line.strip_prefix("const ");
        let constant = constant.and_then(|constant| constant.split_once(": u8 = "));
        if let Some((_, value)) = constant {
            kinds.push((
                value.trim_end_matches(';').to_owned(),
                docs.join(" ").trim().to_owned(),
            ));
        }
        docs.clear();
    }
    kinds
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = "\
/// ```text
/// no boxes
/// ```
/// A header.
///
/// ```text
///  0   1
/// +---+
/// | a |
/// +---+
/// ```
#[derive(Debug)]
pub struct Header {
    /// Who
    /// sent it.
    pub src: u16,
    hidden: u8,
    pub dst: u16,
}
";

    #[test]
    fn a_header_of_the_sources() {
        assert_eq!(diagram(CODE).unwrap(), " 0   1\n+---+\n| a |\n+---+\n");
        let expected = [("src", "Who sent it."), ("dst", "")];
        let expected = expected.map(|(name, doc)| (name.to_owned(), doc.to_owned()));
        assert_eq!(fields(CODE), expected);
        assert!(fields(&CODE.replace("///", "//!")).is_empty());
        assert_eq!(diagram("/// ```text\n/// a\n/// ```\n"), None);
        assert_eq!(diagram(""), None);
    }

    #[test]
    fn a_header_without_its_diagram() {
        let mut files = Files::new();
        for (_, _, file) in HEADERS {
            files.insert(file.to_owned(), CODE.to_owned());
        }
        let (_, text) = page(&files).unwrap();
        assert_eq!(
            text.matches("| `src` | Who sent it. |").count(),
            HEADERS.len()
        );
        let options = CODE.replace("///", "//!");
        let options = options + "\n/// Two, see [`Header`].\nconst TWO: u8 = 2;\n";
        files.insert(HEADERS[6].2.to_owned(), options);
        let (_, text) = page(&files).unwrap();
        assert!(text.contains("| kind | meaning |\n|--:|---|\n| 2 | Two, see `Header`. |\n"));
        files.insert(HEADERS[2].2.to_owned(), CODE.replace("+--", "***"));
        let error = page(&files).unwrap_err().to_string();
        assert_eq!(error, "no diagram in step03_ip/src/ip/header.rs");
    }
}
