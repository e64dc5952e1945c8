//! The small services of old: echo, discard, daytime, chargen, over UDP.
//!
//! Each is a thread that sleeps in its socket until a datagram comes. What it
//! answers is a function, which TCP's services share one floor up.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result};
use log::{debug, info, warn};

use crate::env::Env;
use crate::logger;
use crate::udp::{Message, Udp, UdpSocket};

/// Echo (RFC 862).
pub const ECHO: u16 = 7;
/// Discard (RFC 863).
pub const DISCARD: u16 = 9;
/// Daytime (RFC 867).
pub const DAYTIME: u16 = 13;
/// Character generator (RFC 864).
pub const CHARGEN: u16 = 19;

/// The longest datagram that chargen answers with (RFC 864).
const CHARGEN_MAX: u64 = 512;

/// What `port` answers to `data` over UDP; `None`: nothing.
fn answer(env: &Env, port: u16, data: &[u8]) -> Option<Vec<u8>> {
    match port {
        ECHO => Some(data.to_vec()),
        DAYTIME => Some(daytime(env.unix_time()).into_bytes()),
        CHARGEN => {
            let len = usize::try_from(env.random() % (CHARGEN_MAX + 1)).unwrap_or(0);
            Some(chargen().take(len).collect())
        }
        _ => None,
    }
}

/// The pattern of RFC 864: lines of 72 printable characters, each line
/// beginning one character later, for ever.
pub fn chargen() -> impl Iterator<Item = u8> {
    (0u8..95).cycle().flat_map(|line| {
        let text = (0u8..72).map(move |column| b' ' + (line + column) % 95);
        text.chain(*b"\r\n")
    })
}

/// `Thursday, January 1, 2026 00:00:00-UTC`, as RFC 867 suggests.
pub fn daytime(unix_time: Duration) -> String {
    const DAYS: [&str; 7] = [
        "Thursday",
        "Friday",
        "Saturday",
        "Sunday",
        "Monday",
        "Tuesday",
        "Wednesday",
    ];
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let seconds = unix_time.as_secs();
    let (days, seconds) = (seconds / 86_400, seconds % 86_400);
    let weekday = DAYS
        .iter()
        .cycle()
        .nth(usize::try_from(days % 7).unwrap_or(0));
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let (mut year, mut day) = (1970, days);
    while day >= 365 + u64::from(is_leap(year)) {
        day -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    for length in lengths {
        if day < length {
            break;
        }
        day -= length;
        month += 1;
    }
    let month = MONTHS.get(month).unwrap_or(&"");
    format!(
        "{}, {month} {}, {year} {:02}:{:02}:{:02}-UTC\r\n",
        weekday.unwrap_or(&""),
        day + 1,
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// The threads of the services; joined when dropped, after [`Udp::close`].
pub struct Services {
    udp: Arc<Udp>,
    threads: Vec<JoinHandle<()>>,
}

impl Services {
    /// Starts all four.
    ///
    /// # Errors
    /// A port is taken, or no thread could be started.
    pub fn start(udp: &Arc<Udp>) -> Result<Self> {
        let mut services = Self {
            udp: Arc::clone(udp),
            threads: Vec::new(),
        };
        for port in [ECHO, DISCARD, DAYTIME, CHARGEN] {
            let socket = UdpSocket::bind(udp, (Ipv4Addr::UNSPECIFIED, port));
            let socket = socket.with_context(|| format!("UDP port {port}"))?;
            let env = Arc::clone(udp.ip().env());
            let thread = thread::Builder::new().name(format!("udp/{port}"));
            let thread = thread.spawn(move || serve(&env, port, &socket));
            services
                .threads
                .push(thread.context("cannot start a thread")?);
        }
        info!(target: "services", "echo (7), discard (9), daytime (13), chargen (19) over UDP");
        Ok(services)
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        self.udp.close();
        for thread in self.threads.drain(..) {
            // A panic has been reported by its own thread.
            let _ = thread.join();
        }
    }
}

// ANCHOR: serve
/// Answers on `socket` until the host shuts down.
fn serve(env: &Arc<Env>, port: u16, socket: &UdpSocket) {
    let _scope = logger::scope(env);
    let mut buffer = vec![0; 65_535];
    loop {
        let Message { len, from, to, .. } = match socket.recv_message(&mut buffer) {
            Ok(message) => message,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return,
            Err(error) => {
                warn!(target: "services", "udp/{port}: {error}");
                return;
            }
        };
        debug!(target: "services", "udp/{port}: {len} bytes data from {from}");
        // The services must not talk to each other for ever.
        if from.port() < 1024 {
            continue;
        }
        if let Some(data) = answer(env, port, buffer.get(..len).unwrap_or_default())
            && let Err(error) = socket.send_from(&data, to, from)
        {
            debug!(target: "services", "udp/{port}: {from}: {error}");
        }
    }
}
// ANCHOR_END: serve

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_of_the_calendar() {
        for (seconds, text) in [
            (0, "Thursday, January 1, 1970 00:00:00-UTC\r\n"),
            (951_782_399, "Monday, February 28, 2000 23:59:59-UTC\r\n"),
            (951_782_400, "Tuesday, February 29, 2000 00:00:00-UTC\r\n"),
            (
                1_767_225_599,
                "Wednesday, December 31, 2025 23:59:59-UTC\r\n",
            ),
            (1_795_421_531, "Monday, November 23, 2026 08:12:11-UTC\r\n"),
        ] {
            assert_eq!(daytime(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn the_pattern_of_rfc_864() {
        let text: Vec<u8> = chargen().take(74 * 96).collect();
        let lines: Vec<_> = text.chunks(74).collect();
        assert_eq!(
            lines[0],
            b" !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefg\r\n"
        );
        assert_eq!(lines[1][..3], *b"!\"#");
        assert_eq!(lines[94][..3], *b"~ !");
        assert_eq!(lines[95], lines[0]);
    }
}
