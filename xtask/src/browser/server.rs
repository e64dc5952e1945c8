//! Just enough of an HTTP server to show a folder to a browser on this
//! machine, and to hear what the browser has to report.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

const PAGE: &str = include_str!("page.html");
const CHECKS: &str = include_str!("checks.js");
const INJECTED: &str = include_str!("inject.js");
/// The longest report, in octets.
const MAX_REPORT: u64 = 1 << 20;
/// How long a browser may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(10);

/// Serves until the program ends.
pub struct Server {
    addr: SocketAddr,
}

struct Shared {
    folder: PathBuf,
    plan: String,
    reports: Sender<String>,
}

impl Server {
    /// Shows `folder`, tells the page of the checks its `plan`, and passes on
    /// what it reports.
    pub fn start(folder: &Path, plan: String, reports: Sender<String>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").context("cannot listen on loopback")?;
        let addr = listener.local_addr()?;
        let folder = folder.to_owned();
        let shared = Arc::new(Shared {
            folder,
            plan,
            reports,
        });
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                // A browser that goes away is none of our errors.
                thread::spawn(move || shared.serve(stream).ok());
            }
        });
        Ok(Self { addr })
    }

    /// The address of a file of the folder.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.addr)
    }
}

impl Shared {
    fn serve(&self, stream: TcpStream) -> Result<()> {
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut reader = BufReader::new(&stream);
        let mut request = String::new();
        reader.read_line(&mut request)?;
        let mut len = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let (name, value) = line.split_once(':').unwrap_or_default();
            if name.eq_ignore_ascii_case("content-length") {
                len = value.trim().parse().unwrap_or(0);
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut words = request.split(' ');
        let (method, target) = (words.next(), words.next().unwrap_or_default());
        let (path, _) = target.split_once('?').unwrap_or((target, ""));
        let mut body = Vec::new();
        reader.take(len.min(MAX_REPORT)).read_to_end(&mut body)?;
        if method == Some("POST") && path == "/__check/result" {
            let report = String::from_utf8_lossy(&body).into_owned();
            // Who asked may have lost patience.
            let _ = self.reports.send(report);
        }
        let (status, kind, octets) = match self.find(path) {
            Some((kind, octets)) => ("200 OK", kind, octets),
            None => ("404 Not Found", "text/plain", b"no such file\n".to_vec()),
        };
        let len = octets.len();
        let mut out = &stream;
        write!(
            out,
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len}\r\n\
            Cache-Control: no-store\r\nConnection: close\r\n\r\n"
        )?;
        out.write_all(&octets)?;
        Ok(())
    }

    /// The kind and the octets of what is at `path`.
    fn find(&self, path: &str) -> Option<(&'static str, Vec<u8>)> {
        let made = |kind, text: &str| Some((kind, text.as_bytes().to_vec()));
        match path {
            "/__check/page.html" => return made("text/html", PAGE),
            "/__check/checks.js" => return made("text/javascript", CHECKS),
            "/__check/plan" => return made("application/json", &self.plan),
            "/__check/result" => return made("text/plain", ""),
            _ => {}
        }
        let path = path.strip_prefix('/')?;
        if path.split('/').any(|name| name == "..") {
            return None;
        }
        let mut octets = fs::read(self.folder.join(path)).ok()?;
        let extension = path.rsplit('.').next()?;
        let kind = match extension {
            "html" => "text/html",
            "js" => "text/javascript",
            "css" => "text/css",
            "svg" => "image/svg+xml",
            "png" => "image/png",
            "woff2" => "font/woff2",
            _ => "application/octet-stream",
        };
        if extension == "html" {
            let text = String::from_utf8_lossy(&octets);
            let head = format!("<head><script>{INJECTED}</script>");
            octets = text.replacen("<head>", &head, 1).into_bytes();
        }
        Some((kind, octets))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn ask(server: &Server, request: &str) -> String {
        let mut stream = TcpStream::connect(server.addr).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn files_and_reports() {
        let (reports, received) = mpsc::channel();
        let folder = crate::root().join("xtask/src");
        let server = Server::start(&folder, "{}".to_owned(), reports).unwrap();
        let get = |path: &str| ask(&server, &format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
        assert!(get("/skip.rs?a=b").starts_with("HTTP/1.1 200 OK\r\n"));
        assert!(get("/browser/page.html").contains("<html"));
        assert!(get("/__check/plan").ends_with("\r\n\r\n{}"));
        assert!(get("/no.rs").starts_with("HTTP/1.1 404 "));
        assert!(get("/../Cargo.toml").starts_with("HTTP/1.1 404 "));
        let post = "POST /__check/result HTTP/1.1\r\ncontent-length: 4\r\n\r\ndone";
        assert!(ask(&server, post).starts_with("HTTP/1.1 200 "));
        assert_eq!(received.recv().unwrap(), "done");
    }
}
