//! Ping, from our side: sends echoes and shows round-trip times.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use step07_tcp::cli::{self, Cli, usage};
use step07_tcp::env::Env;
use step07_tcp::host::Host;
use step07_tcp::icmp::Answer;
use step07_tcp::serve::{config, device_option, open_device, options};
use step07_tcp::signal::OnCtrlC;

/// The longest echo: what IP can carry, less both headers.
const MAX_SIZE: usize = 65_535 - 20 - 8;
/// How long answers to the last echo are waited for.
const LINGER: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    cli::main(run)
}

fn run() -> Result<ExitCode> {
    let env = Env::system();
    let cli = Cli::new(
        "ping",
        "Sends ICMP echoes to DST, and shows how long answers take.",
        "warn",
    );
    let cli = options(device_option(cli))
        .option(
            "--count",
            "N",
            None,
            "end after so many echoes (default: at Ctrl+C)",
        )
        .short("-c")
        .option(
            "--size",
            "OCTETS",
            Some("56"),
            "octets of data, up to 65507",
        )
        .short("-s")
        .option(
            "--interval",
            "SECONDS",
            Some("1"),
            "time between two echoes, at least 0.001",
        )
        .short("-i")
        .positional("DST", true, "whom to ping, such as 192.0.2.1");
    let Some(matches) = cli.start(&env, std::env::args_os().skip(1))? else {
        return Ok(ExitCode::SUCCESS);
    };
    let dst: Ipv4Addr = matches.required("DST")?;
    let count: u64 = matches.get("--count")?.unwrap_or(u64::MAX);
    let size: usize = matches.required("--size")?;
    if size > MAX_SIZE {
        return Err(usage(format!(
            "option --size: '{size}': at most {MAX_SIZE} fit into a datagram"
        )));
    }
    let seconds: f64 = matches.required("--interval")?;
    if !(0.001..=3600.0).contains(&seconds) {
        return Err(usage(format!(
            "option --interval: '{seconds}': not between 0.001 and 3600"
        )));
    }
    let config = config(&matches)?;
    let (host, mut net) = Host::new(&env, open_device(&env, &matches)?, &config)?;
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    net.add_source(OnCtrlC::new(move || {
        stopped.store(true, Ordering::Relaxed)
    })?);
    let running = net.spawn()?;
    println!("PING {dst}: {size} octets of data");
    let mut statistics = Statistics::default();
    let interval = Duration::from_secs_f64(seconds);
    statistics.run(&host, dst, (count, size, interval), &stop);
    println!("{}", statistics.summary());
    running.shutdown()?;
    // As the kernel's ping: success is an answer.
    Ok(ExitCode::from(u8::from(statistics.times.is_empty())))
}

#[derive(Default)]
struct Statistics {
    sent: u64,
    open: BTreeSet<u16>,
    times: Vec<Duration>,
}

impl Statistics {
    fn run(
        &mut self,
        host: &Host,
        dst: Ipv4Addr,
        (count, size, interval): (u64, usize, Duration),
        stop: &AtomicBool,
    ) {
        let data: Vec<u8> = (0u8..=255).cycle().take(size).collect();
        while self.sent < count && !stop.load(Ordering::Relaxed) {
            match host.ping.send(Ipv4Addr::UNSPECIFIED, dst, &data) {
                Ok(seq) => {
                    self.open.insert(seq);
                }
                Err(error) => println!("{dst}: {error}"),
            }
            self.sent += 1;
            let last = self.sent >= count;
            self.collect(host, if last { LINGER } else { interval }, last, stop);
        }
    }

    /// Shows answers for `time`, or until all are there, if none is to follow.
    fn collect(&mut self, host: &Host, time: Duration, last: bool, stop: &AtomicBool) {
        let end = Instant::now() + time;
        while !(stop.load(Ordering::Relaxed) || last && self.open.is_empty()) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            // In small steps, to notice Ctrl+C.
            match host.ping.wait(left.min(Duration::from_millis(100))) {
                Some(Answer::Reply(reply)) => {
                    self.open.remove(&reply.seq);
                    self.times.push(reply.round_trip);
                    let time = milliseconds(reply.round_trip);
                    println!(
                        "{} octets from {}: seq={} time={time} ms",
                        reply.len, reply.from, reply.seq
                    );
                }
                Some(Answer::Failed {
                    from,
                    seq,
                    icmp_type,
                    code,
                }) => {
                    self.open.remove(&seq);
                    println!("from {from}: seq={seq} {icmp_type}, code {}", code.0);
                }
                None => {}
            }
        }
    }

    fn summary(&self) -> String {
        let received = self.times.len();
        let mut text = format!("{} sent, {received} received", self.sent);
        if let (Some(min), Some(max)) = (self.times.iter().min(), self.times.iter().max()) {
            let sum: Duration = self.times.iter().sum();
            let mean = sum / u32::try_from(received).unwrap_or(u32::MAX);
            text += &format!(
                "\nround trip min/avg/max = {}/{}/{} ms",
                milliseconds(*min),
                milliseconds(mean),
                milliseconds(*max)
            );
        }
        text
    }
}

fn milliseconds(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64() * 1000.0)
}
