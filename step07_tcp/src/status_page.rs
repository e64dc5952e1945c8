//! What the host is doing, as a page for a browser.

use std::fmt::{self, Write};

use crate::host::Host;
use crate::status::Status;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
    table{border-collapse:collapse;margin-bottom:2rem}td,th{padding:.2rem .8rem;text-align:left;\
    border-bottom:1px solid #8884}td{font-family:ui-monospace,monospace}\
    @media(prefers-color-scheme:dark){body{background:#111;color:#ddd}}";

// ANCHOR: escape
/// Text in which nothing is markup.
fn escape(text: &str) -> impl fmt::Display {
    fmt::from_fn(move |f| {
        for c in text.chars() {
            match c {
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '&' => f.write_str("&amp;")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    })
}
// ANCHOR_END: escape

fn page(title: &str, head: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">{head}\
         <title>{title}</title><style>{STYLE}</style></head><body><h1>{title}</h1>{body}</body></html>\n"
    )
}

/// A table: its caption, the names of its columns, its rows.
fn table(caption: &str, columns: &[&str], rows: &[Vec<String>]) -> String {
    let mut out = format!("<h2>{caption}</h2><table><tr>");
    for column in columns {
        let _ = write!(out, "<th>{column}</th>");
    }
    for row in rows {
        out += "</tr><tr>";
        for cell in row {
            let _ = write!(out, "<td>{}</td>", escape(cell));
        }
    }
    out + "</tr></table>"
}

// ANCHOR: connection
fn connection(status: &Status) -> Vec<String> {
    let mut row = vec![
        status.local.to_string(),
        status.remote.to_string(),
        status.state.to_string(),
    ];
    if let Some(measures) = &status.measures {
        row.extend([
            measures
                .srtt
                .map_or("–".to_owned(), |srtt| format!("{srtt:.1?}")),
            format!("{:.1?}", measures.rto),
            measures.cwnd.to_string(),
            measures.flight.to_string(),
        ]);
    }
    row
}
// ANCHOR_END: connection

/// The page: connections, sockets, neighbours, counters.
pub fn render(host: &Host) -> String {
    let connections: Vec<_> = host.tcp.all().iter().map(connection).collect();
    let sockets = host
        .udp
        .sockets()
        .into_iter()
        .map(|(local, remote, waiting)| {
            let remote = remote.map_or("–".to_owned(), |remote| remote.to_string());
            vec![local.to_string(), remote, waiting.to_string()]
        });
    let neighbors = host.arp.neighbors().into_iter();
    let neighbors = neighbors.map(|(device, pa, ha)| vec![device, pa.to_string(), ha.to_string()]);
    let columns = [
        "local",
        "remote",
        "state",
        "round trip",
        "RTO",
        "congestion window",
        "in flight",
    ];
    let body = [
        "<p>You are reading this over a TCP that you can read.</p>".to_owned(),
        table("TCP", &columns, &connections),
        table(
            "UDP",
            &["local", "remote", "octets waiting"],
            &sockets.collect::<Vec<_>>(),
        ),
        table(
            "Neighbours",
            &["device", "address", "hardware"],
            &neighbors.collect::<Vec<_>>(),
        ),
        format!("<h2>Counters</h2><pre>{}</pre>", escape(&host.counters())),
    ];
    let refresh = "<meta http-equiv=\"refresh\" content=\"2\">";
    page("microps in Rust", refresh, &body.concat())
}

/// The page that says what went wrong.
pub fn error(status: &str) -> String {
    page(status, "", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_cell_is_markup() {
        let out = table("t", &["a"], &[vec!["<b>&".to_owned()]]);
        assert!(out.contains("<td>&lt;b&gt;&amp;</td>"), "{out}");
    }
}
