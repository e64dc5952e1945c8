//! Recovery from loss, beside the kernel's: 5 MB are echoed through a bridge
//! that drops frames at random, both ways.
//!
//! ```text
//!   client (Linux, 192.0.2.1) ── bridge ─┬─ our stack    192.0.2.2
//!                      drops N % of all  └─ Linux        192.0.2.3
//! ```
//!
//! The bridge drops in its forward hook: whoever sends does not learn of it, as
//! on a real network. Segmentation offload is off, or one drop would be of
//! forty segments. `cargo bench -p step07_tcp --bench lossy_bridge [-- RUNS]`

#![allow(clippy::unwrap_used)] // a benchmark that cannot go on ends

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddrV4, TcpListener, TcpStream};
use std::process::{Command, ExitCode};
use std::thread;
use std::time::{Duration, Instant};

const STACK: &str = env!("CARGO_BIN_EXE_step07_tcp");
const OCTETS: usize = 5_000_000;
const PATIENCE: Duration = Duration::from_secs(120);

/// Three namespaces: this one with the bridge and our stack, and two with Linux.
/// `$1` is the benchmark, `$2` the stack, `$3` how often.
const SCRIPT: &str = r#"
set -e
mount -t tmpfs none /run
ip netns add client; ip netns add server
ip link add br0 type bridge; ip link set br0 up
ip tuntap add mode tap name tap0
ip link add c0 type veth peer name eth0 netns client
ip link add s0 type veth peer name eth0 netns server
for port in tap0 c0 s0; do
    ip link set $port master br0 gso_max_segs 1
    ip link set $port up
done
for host in client:192.0.2.1 server:192.0.2.3; do
    ip -n ${host%:*} link set eth0 gso_max_segs 1
    ip -n ${host%:*} addr add ${host#*:}/24 dev eth0
    ip -n ${host%:*} link set eth0 up
done
"$2" serve --log off >/dev/null & stack=$!
ip netns exec server "$1" server & server=$!
sleep 0.5
for percent in 0 1 3 10; do
    nft flush ruleset
    nft add table bridge lossy
    nft add chain bridge lossy forward '{ type filter hook forward priority 0; }'
    nft add rule bridge lossy forward ip protocol tcp numgen random mod 100 '<' $percent drop
    for run in $(seq "$3"); do
        for peer in linux:192.0.2.3 ours:192.0.2.2; do
            printf '%s %s ' $percent ${peer%:*}
            ip netns exec client "$1" client ${peer#*:}:7
        done
    done
done
kill -INT $stack
wait $stack
kill $server
"#;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["server"] => serve(),
        ["client", server] => match echo(server.parse().unwrap()) {
            Ok(took) => println!("{}", took.as_secs_f64()),
            Err(error) => println!("{error}"),
        },
        _ => {
            let runs = args.iter().find_map(|arg| arg.parse().ok()).unwrap_or(9);
            return compare(runs);
        }
    }
    ExitCode::SUCCESS
}

/// Linux as the echo server.
fn serve() {
    let listener = TcpListener::bind("0.0.0.0:7").unwrap();
    for stream in listener.incoming() {
        thread::spawn(move || {
            let stream = stream.unwrap();
            io::copy(&mut &stream, &mut &stream).unwrap_or_default();
        });
    }
}

/// Linux as the client: sends, reads what comes back, and compares.
fn echo(server: SocketAddrV4) -> io::Result<Duration> {
    let text: Vec<u8> = (0..OCTETS)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0])
        .collect();
    let begin = Instant::now();
    let stream = TcpStream::connect(server)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut back = Vec::with_capacity(OCTETS);
    thread::scope(|scope| {
        let sender = scope.spawn(|| {
            (&stream).write_all(&text)?;
            stream.shutdown(Shutdown::Write)
        });
        (&stream).read_to_end(&mut back)?;
        sender.join().unwrap()
    })?;
    if back != text {
        return Err(io::Error::other(format!("damaged, {} octets", back.len())));
    }
    Ok(begin.elapsed())
}

/// Runs the script and sums up what its clients have printed.
fn compare(runs: u32) -> ExitCode {
    let own = std::env::current_exe().unwrap();
    let output = Command::new("unshare")
        .args([
            "--map-root-user",
            "--net",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
        ])
        .args(["sh", "-c", SCRIPT, "sh"])
        .arg(own)
        .args([STACK, &runs.to_string()])
        .output();
    let output = match output {
        Ok(output) if output.status.success() => output,
        Ok(output) => {
            eprint!("not run: {}", String::from_utf8_lossy(&output.stderr));
            return ExitCode::FAILURE;
        }
        Err(error) => {
            eprintln!("not run: unshare: {error}");
            return ExitCode::FAILURE;
        }
    };
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Vec<&str>> = text
        .lines()
        .map(|line| line.splitn(3, ' ').collect())
        .collect();
    println!("5 MB echoed, {runs} runs each, interleaved; seconds");
    println!(
        "{:>6} {:>8} {:>8} {:>8}  {:>8} {:>8} {:>8}  ratio of medians",
        "loss", "linux", "fastest", "slowest", "ours", "fastest", "slowest"
    );
    let mut whole = true;
    for percent in ["0", "1", "3", "10"] {
        let mut times = |who| {
            let mut times = Vec::new();
            for line in lines.iter().filter(|line| line[..2] == [percent, who]) {
                match line[2].parse::<f64>() {
                    Ok(time) => times.push(time),
                    Err(_) => {
                        println!("{percent} % {who}: {}", line[2]);
                        whole = false;
                    }
                }
            }
            times.sort_by(f64::total_cmp);
            times
        };
        let (linux, ours) = (times("linux"), times("ours"));
        if linux.is_empty() || ours.is_empty() {
            continue;
        }
        let median = |times: &[f64]| times[times.len() / 2];
        println!(
            "{percent:>4} % {:8.3} {:8.3} {:8.3}  {:8.3} {:8.3} {:8.3}  {:.1}",
            median(&linux),
            linux[0],
            linux[linux.len() - 1],
            median(&ours),
            ours[0],
            ours[ours.len() - 1],
            median(&ours) / median(&linux)
        );
    }
    if whole {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
