//! Just enough of HTTP/1.1 (RFC 9112) to show a page to a browser.
//!
//! One request per connection: it is answered, and the connection closed.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::time::{Duration, Instant};

use log::info;

use crate::host::Host;
use crate::status_page;
use crate::tcp_stream::TcpStream;

/// The port of the World Wide Web.
pub const PORT: u16 = 80;
/// How many octets a request may have.
const REQUEST_LIMIT: u64 = 8 * 1024;
/// How long a client may take to ask, and then to take the answer.
pub const TIMEOUT: Duration = Duration::from_secs(10);

// ANCHOR: patience
/// A connection that is read or written until some time, in however small
/// pieces. (A timeout of the stream alone begins again with each octet.)
struct Until<'a> {
    stream: &'a TcpStream,
    deadline: Instant,
}

impl<'a> Until<'a> {
    fn new(stream: &'a TcpStream, patience: Duration) -> Self {
        let deadline = Instant::now() + patience;
        Self { stream, deadline }
    }

    fn left(&self) -> io::Result<Duration> {
        let left = self.deadline.checked_duration_since(Instant::now());
        left.filter(|left| !left.is_zero())
            .ok_or_else(|| io::ErrorKind::TimedOut.into())
    }
}
// ANCHOR_END: patience

// ANCHOR: patient_read
impl Read for Until<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.left()?))?;
        self.stream.read(buffer)
    }
}
// ANCHOR_END: patient_read

impl Write for Until<'_> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.left()?))?;
        self.stream.write(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// What a client wants.
#[derive(Debug, PartialEq, Eq)]
struct Request {
    /// Only the head of the answer is wanted.
    head: bool,
    path: String,
}

/// A status line without its version.
type Status = &'static str;

/// Reads a request up to the empty line that ends it.
///
/// # Errors
/// How to refuse it.
fn read(stream: impl Read) -> io::Result<Result<Request, Status>> {
    // ANCHOR: read
    let mut lines = BufReader::new(stream.take(REQUEST_LIMIT)).lines();
    let Some(first) = lines.next().transpose()? else {
        return Ok(Err("400 Bad Request"));
    };
    let complete = loop {
        match lines.next().transpose()? {
            Some(line) if line.is_empty() => break true,
            Some(_) => {}
            None => break false,
        }
    };
    if !complete {
        return Ok(Err("400 Bad Request"));
    }
    // ANCHOR_END: read
    let mut words = first.split(' ');
    let (Some(method), Some(target), Some(version)) = (words.next(), words.next(), words.next())
    else {
        return Ok(Err("400 Bad Request"));
    };
    if !version.starts_with("HTTP/1.") || !target.starts_with('/') || words.next().is_some() {
        return Ok(Err("400 Bad Request"));
    }
    if !matches!(method, "GET" | "HEAD") {
        return Ok(Err("501 Not Implemented"));
    }
    let path = target.split('?').next().unwrap_or_default();
    Ok(Ok(Request {
        head: method == "HEAD",
        path: path.to_owned(),
    }))
}

/// Answers one request, within [`TIMEOUT`].
///
/// # Errors
/// What ended the connection.
pub fn serve(host: &Host, stream: &TcpStream) -> io::Result<()> {
    serve_within(host, stream, TIMEOUT)
}

/// As [`serve`]; the client has so long to ask, and again to take the answer.
///
/// # Errors
/// What ended the connection; `WouldBlock`, `TimedOut`: the time is over.
pub fn serve_within(host: &Host, stream: &TcpStream, patience: Duration) -> io::Result<()> {
    // ANCHOR: request
    let request = match read(Until::new(stream, patience)) {
        // Octets that are no text are no request either.
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err("400 Bad Request"),
        request => request?,
    };
    let peer = stream.peer_addr()?;
    let (status, body, head) = match &request {
        Ok(Request { path, head }) if path == "/" => ("200 OK", status_page::render(host), *head),
        Ok(Request { head, .. }) => ("404 Not Found", status_page::error("404 Not Found"), *head),
        Err(status) => (*status, status_page::error(status), false),
    };
    // ANCHOR_END: request
    info!(target: "http", "{peer}: {request:?}: {status}");
    // ANCHOR: answer
    let mut answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\n\
         Content-Length: {}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n",
        body.len()
    );
    if !head {
        answer += &body;
    }
    Until::new(stream, patience).write_all(answer.as_bytes())
    // ANCHOR_END: answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_of_browsers_are_read() {
        let bytes = b"GET /?x=1 HTTP/1.1\r\nHost: 192.0.2.2\r\nAccept: */*\r\n\r\n";
        let request = read(&bytes[..]).unwrap().unwrap();
        assert_eq!(
            request,
            Request {
                head: false,
                path: "/".to_owned()
            }
        );
        let bytes = b"HEAD /favicon.ico HTTP/1.0\n\n";
        let request = read(&bytes[..]).unwrap().unwrap();
        assert_eq!(
            request,
            Request {
                head: true,
                path: "/favicon.ico".to_owned()
            }
        );
    }

    #[test]
    fn others_are_refused() {
        for (bytes, status) in [
            ("", "400 Bad Request"),
            ("GET / HTTP/1.1\r\n", "400 Bad Request"),
            ("GET /\r\n\r\n", "400 Bad Request"),
            ("GET example.com HTTP/1.1\r\n\r\n", "400 Bad Request"),
            ("GET / HTTP/1.1 x\r\n\r\n", "400 Bad Request"),
            ("POST / HTTP/1.1\r\n\r\n", "501 Not Implemented"),
        ] {
            assert_eq!(read(bytes.as_bytes()).unwrap(), Err(status), "{bytes:?}");
        }
        let endless = "x".repeat(100_000);
        assert_eq!(read(endless.as_bytes()).unwrap(), Err("400 Bad Request"));
        assert!(read(&b"\xff\xfe\r\n\r\n"[..]).is_err());
    }
}
