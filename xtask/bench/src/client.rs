//! The kernel as client of 192.0.2.2: one measurement, one number on stdout.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::scenario::port;

const PEER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
const PATIENCE: Duration = Duration::from_secs(30);
/// What crosses the wire in a measurement of throughput, in all.
const OCTETS: usize = 400_000_000;
const ROUNDS: usize = 5_000;
const CONNECTIONS: u32 = 1_000;

/// Measures, and prints the figure.
pub fn measure(scenario: &str) -> Result<()> {
    let figure = match scenario {
        "in1" => throughput(1, send)?,
        "in8" => throughput(8, send)?,
        "out1" => throughput(1, receive)?,
        "out8" => throughput(8, receive)?,
        "echo1" => echo(20_000_000)?,
        "rtt" => round_trip()?,
        "ping" => flood_ping()?,
        "connect" => connections()?,
        _ => bail!("no scenario '{scenario}'"),
    };
    println!("{figure}");
    Ok(())
}

fn connect(port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&SocketAddr::from((PEER, port)), PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn gigabits(octets: usize, begin: Instant) -> f64 {
    octets as f64 * 8e-9 / begin.elapsed().as_secs_f64()
}

/// `OCTETS`, in so many streams at once.
fn throughput(streams: usize, one: fn(usize) -> Result<()>) -> Result<f64> {
    let begin = Instant::now();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..streams)
            .map(|_| scope.spawn(move || one(OCTETS / streams)))
            .collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().unwrap_or_else(|_| bail!("panicked")))
    })?;
    Ok(gigabits(OCTETS, begin))
}

/// To the sink. The clock runs until the peer has read all and closed.
fn send(octets: usize) -> Result<()> {
    let mut stream = connect(port::SINK)?;
    let piece = vec![0x5a; 256 * 1024];
    let mut left = octets;
    while left > 0 {
        let len = left.min(piece.len());
        stream.write_all(&piece[..len]).context("send")?;
        left -= len;
    }
    stream.shutdown(Shutdown::Write)?;
    let len = stream.read(&mut [0; 16]).context("waiting for the end")?;
    ensure!(len == 0, "the sink has sent {len} octets");
    Ok(())
}

/// From the source, until there is enough.
fn receive(octets: usize) -> Result<()> {
    let mut stream = connect(port::SOURCE)?;
    let mut piece = vec![0; 256 * 1024];
    let mut left = octets;
    while left > 0 {
        let len = stream.read(&mut piece).context("receive")?;
        ensure!(len > 0, "the source has closed");
        left = left.saturating_sub(len);
    }
    Ok(())
}

fn echo(octets: usize) -> Result<f64> {
    let text: Vec<u8> = (0..octets).map(|n| (n >> 7).to_le_bytes()[0]).collect();
    let mut back = Vec::with_capacity(octets);
    let begin = Instant::now();
    let stream = connect(port::ECHO)?;
    thread::scope(|scope| {
        let sender = scope.spawn(|| {
            (&stream).write_all(&text)?;
            stream.shutdown(Shutdown::Write)
        });
        (&stream).read_to_end(&mut back)?;
        sender.join().unwrap_or(Ok(()))
    })?;
    ensure!(back == text, "what came back is not what was sent");
    Ok(gigabits(octets, begin))
}

/// The median round trip of one octet, in µs.
fn round_trip() -> Result<f64> {
    let mut stream = connect(port::ECHO)?;
    let mut times = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        stream.write_all(b"x")?;
        stream.read_exact(&mut [0])?;
        times.push(begin.elapsed());
    }
    times.sort();
    Ok(times[ROUNDS / 2].as_secs_f64() * 1e6)
}

/// The time that one ping takes when the next follows the answer, in µs.
fn flood_ping() -> Result<f64> {
    let count = "20000";
    let output = Command::new("ping")
        .args(["-q", "-f", "-c", count, &PEER.to_string()])
        .output()
        .context("ping")?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(text.contains(" 0% packet loss"), "{text}");
    let time = text
        .split_once(", time ")
        .and_then(|(_, rest)| rest.split_once("ms"));
    let (time, _) = time.with_context(|| format!("ping says: {text}"))?;
    Ok(time.parse::<f64>()? * 1e3 / count.parse::<f64>()?)
}

/// Connections in a second, one after the other.
fn connections() -> Result<f64> {
    let begin = Instant::now();
    for _ in 0..CONNECTIONS {
        let mut stream = connect(port::ECHO)?;
        stream.write_all(b"x")?;
        stream.read_exact(&mut [0])?;
    }
    Ok(f64::from(CONNECTIONS) / begin.elapsed().as_secs_f64())
}
