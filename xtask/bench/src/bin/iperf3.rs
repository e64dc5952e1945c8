//! `cargo run --release -p bench --bin iperf3 [-- [--offload] [IPERF3'S OPTIONS…]]`
//!
//! iperf3 as it is, with the kernel's TCP, as the client of our stack: for
//! those who believe no other tool's figures. `-P 8` for eight streams, `-R`
//! for the other way. It all happens in a network namespace of its own:
//!
//! ```text
//!   iperf3, kernel 192.0.2.1 ── tap0 ═══ our stack, and the server below 192.0.2.2
//! ```
//!
//! iperf3's protocol is described nowhere but in its source (libiperf). A
//! client opens a connection for control, and each test goes like this:
//!
//! ```text
//!   client                                                      server
//!   cookie, 37 octets                      ──►
//!                                          ◄──        PARAM_EXCHANGE
//!   length, parameters in JSON             ──►
//!                                          ◄──        CREATE_STREAMS
//!   a connection for each stream, which begins with the cookie
//!                                          ◄──  TEST_START, TEST_RUNNING
//!   text in all streams, of the client or (reverse) of the server
//!   TEST_END                               ──►
//!                                          ◄──  (reverse) the end of all streams
//!                                          ◄──      EXCHANGE_RESULTS
//!   length, results in JSON                ──►
//!                                          ◄──  length, results in JSON
//!                                          ◄──       DISPLAY_RESULTS
//!   IPERF_DONE                             ──►
//! ```

use std::io::{Read, Write};
use std::net::Shutdown;
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{env, io, thread};

use anyhow::{Context, Result, bail, ensure};
use bench::sandbox::{self, our_host, sh};
use step07_tcp::tcp_listener::TcpListener;
use step07_tcp::tcp_stream::TcpStream;

/// iperf3's port.
const PORT: u16 = 5201;
/// The octets that tell one test from another, with a zero at the end.
const COOKIE: usize = 37;
/// What a client may say in JSON, at most.
const JSON_LIMIT: usize = 64 * 1024;
/// What is written in one call, in octets, if the client says nothing about it.
const BLOCK: u64 = 128 * 1024;
/// iperf3's own limit.
const MAX_STREAMS: u64 = 128;

/// How long the text that is on its way at the end may take.
const PATIENCE: Duration = Duration::from_secs(5);

// What the ends tell each other about where they are.
const TEST_START: u8 = 1;
const TEST_RUNNING: u8 = 2;
const TEST_END: u8 = 4;
const PARAM_EXCHANGE: u8 = 9;
const CREATE_STREAMS: u8 = 10;
const EXCHANGE_RESULTS: u8 = 13;
const DISPLAY_RESULTS: u8 = 14;
const IPERF_DONE: u8 = 16;

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let result = match args.split_first() {
        Some((first, rest)) if first == "inside" => inside(rest),
        _ => outside(&args),
    };
    result.unwrap_or_else(|error| {
        eprintln!("iperf3: {error:#}");
        ExitCode::FAILURE
    })
}

/// Starts this program again in a namespace of its own.
fn outside(args: &[String]) -> Result<ExitCode> {
    let status = sandbox::again(args.iter().map(String::as_str))?;
    Ok(exit_code(status))
}

/// Serves, and runs iperf3.
fn inside(args: &[String]) -> Result<ExitCode> {
    let offload = args.iter().any(|arg| arg == "--offload");
    sh(
        "ip tuntap add mode tap name tap0; ip link set tap0 txqueuelen 10000 up
        ip addr add 192.0.2.1/24 dev tap0",
    )?;
    let (host, _running) = our_host(offload)?;
    let listener = TcpListener::bind(&host.tcp, ("0.0.0.0", PORT))?;
    // It ends with the process.
    thread::spawn(move || {
        loop {
            if let Err(error) = test(&listener) {
                eprintln!("server: {error:#}");
            }
        }
    });
    let status = Command::new("iperf3")
        .args(["-c", "192.0.2.2"])
        .args(args.iter().filter(|arg| *arg != "--offload"))
        .status()
        .context("iperf3 is needed")?;
    Ok(exit_code(status))
}

fn exit_code(status: std::process::ExitStatus) -> ExitCode {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    code.map_or(ExitCode::FAILURE, ExitCode::from)
}

/// One test, from the control connection to its end.
fn test(listener: &TcpListener) -> Result<()> {
    let (mut control, _) = listener.accept()?;
    // Each word is waited for.
    control.set_nodelay(true)?;
    let cookie = read_cookie(&mut control)?;
    control.write_all(&[PARAM_EXCHANGE])?;
    let parameters = read_json(&mut control)?;
    for other in ["\"udp\":true", "\"sctp\":true", "\"bidirectional\":true"] {
        ensure!(!parameters.contains(other), "cannot do {other}");
    }
    let reverse = parameters.contains("\"reverse\":true");
    let count = number(&parameters, "parallel").unwrap_or(1);
    ensure!((1..=MAX_STREAMS).contains(&count), "{count} streams");
    let block = number(&parameters, "len").unwrap_or(BLOCK);
    ensure!((1..=8 * BLOCK).contains(&block), "blocks of {block} octets");
    let block = usize::try_from(block)?;

    control.write_all(&[CREATE_STREAMS])?;
    let mut streams = Vec::new();
    for _ in 0..count {
        let (mut stream, peer) = listener.accept()?;
        ensure!(read_cookie(&mut stream)? == cookie, "{peer}: wrong cookie");
        streams.push((stream, AtomicU64::new(0)));
    }
    control.write_all(&[TEST_START, TEST_RUNNING])?;
    let begin = Instant::now();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for (stream, octets) in &streams {
            let stop = &stop;
            scope.spawn(move || match reverse {
                true => write(stream, block, octets, stop),
                false => read(stream, block, octets),
            });
        }
        let result = expect(&mut control, TEST_END);
        stop.store(true, Ordering::Relaxed);
        let result = result.and_then(|()| finish(&mut control, &streams, reverse, begin));
        // Whoever waits to read or to write waits in vain now.
        streams.iter().for_each(|(stream, _)| stream.abort());
        result
    })
}

/// Writes until the client has enough. Then the text has to end: the client
/// reads on, and looks at the control connection only when it has a whole block
/// or nothing can come any more.
fn write(mut stream: &TcpStream, block: usize, octets: &AtomicU64, stop: &AtomicBool) {
    let buffer = vec![0x5a; block];
    while !stop.load(Ordering::Relaxed) && stream.write_all(&buffer).is_ok() {
        octets.fetch_add(block as u64, Ordering::Relaxed);
    }
    // It may be gone already.
    let _ = stream.shutdown(Shutdown::Write);
}

/// Reads until we abort, or the client closes.
fn read(mut stream: &TcpStream, block: usize, octets: &AtomicU64) {
    let mut buffer = vec![0; block];
    while let Ok(len @ 1..) = stream.read(&mut buffer) {
        octets.fetch_add(len as u64, Ordering::Relaxed);
    }
}

/// Exchanges the results.
fn finish(
    control: &mut TcpStream,
    streams: &[(TcpStream, AtomicU64)],
    reverse: bool,
    begin: Instant,
) -> Result<()> {
    control.write_all(&[EXCHANGE_RESULTS])?;
    let theirs = read_json(control)?;
    let moved = || -> u64 {
        let octets = streams.iter().map(|(_, octets)| octets);
        octets.map(|octets| octets.load(Ordering::Relaxed)).sum()
    };
    // What the client has sent may still be on its way.
    let sent = theirs.split("\"bytes\":").skip(1).filter_map(leading);
    let sent: u64 = sent.sum();
    let patience = Instant::now() + PATIENCE;
    while !reverse && moved() < sent && Instant::now() < patience {
        thread::sleep(Duration::from_millis(1));
    }
    let seconds = begin.elapsed().as_secs_f64();
    // The numbers of streams: 1, 3, 4, 5 …
    let numbers = [1].into_iter().chain(3..);
    let results = numbers.zip(streams).map(|(id, (_, octets))| {
        let octets = octets.load(Ordering::Relaxed);
        format!(
            "{{\"id\":{id},\"bytes\":{octets},\"retransmits\":0,\"jitter\":0,\"errors\":0,\
             \"packets\":0,\"start_time\":0,\"end_time\":{seconds}}}"
        )
    });
    let results: Vec<String> = results.collect();
    // How often we have retransmitted, and what the processor had to do, is not told.
    let json = format!(
        "{{\"cpu_util_total\":0,\"cpu_util_user\":0,\"cpu_util_system\":0,\
         \"sender_has_retransmits\":0,\"streams\":[{}]}}",
        results.join(",")
    );
    let mut message = u32::try_from(json.len())?.to_be_bytes().to_vec();
    message.extend_from_slice(json.as_bytes());
    message.push(DISPLAY_RESULTS);
    control.write_all(&message)?;
    expect(control, IPERF_DONE)
}

/// Reads one octet, which should be `state`.
fn expect(control: &mut TcpStream, state: u8) -> Result<()> {
    let mut got = [0];
    control.read_exact(&mut got)?;
    match got {
        [got] if got == state => Ok(()),
        [got] => bail!("the client says {got}, not {state}"),
    }
}

fn read_cookie(stream: &mut TcpStream) -> io::Result<[u8; COOKIE]> {
    let mut cookie = [0; COOKIE];
    stream.read_exact(&mut cookie)?;
    Ok(cookie)
}

/// Reads a length and as much JSON.
fn read_json(control: &mut TcpStream) -> Result<String> {
    let mut len = [0; 4];
    control.read_exact(&mut len)?;
    let len = usize::try_from(u32::from_be_bytes(len))?;
    ensure!(len <= JSON_LIMIT, "{len} octets of JSON");
    let mut json = vec![0; len];
    control.read_exact(&mut json)?;
    Ok(String::from_utf8(json)?)
}

/// A number in JSON by its name; no nesting is looked at.
fn number(json: &str, name: &str) -> Option<u64> {
    let (_, rest) = json.split_once(&format!("\"{name}\":"))?;
    leading(rest)
}

/// The number that a text begins with.
fn leading(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit());
    text[..end.unwrap_or(text.len())].parse().ok()
}
