//! The namespaces, the peers in them, and who measures what when.

use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{env, thread};

use anyhow::{Context, Result, bail, ensure};
use bench::sandbox::{self, sh};

use crate::report::Report;
use crate::scenario::{self, Scenario};

/// Who is measured: a name, and the part of this program that serves.
const PEERS: [(&str, &str); 5] = [
    ("ours", "ours"),
    ("ours-offload", "ours-offload"),
    ("smoltcp", "smoltcp"),
    ("linux", "kernel"),
    ("linux-offload", "kernel"),
];

/// How long one measurement may take, in seconds.
const PATIENCE: &str = "60";

struct Plan {
    runs: usize,
    peers: Vec<(&'static str, &'static str)>,
    scenarios: Vec<Scenario>,
}

fn plan(args: &[&str]) -> Result<Plan> {
    let mut plan = Plan {
        runs: 5,
        peers: PEERS.to_vec(),
        scenarios: Vec::new(),
    };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match *arg {
            "--runs" => {
                let value = args.next().context("option --runs: needs a number")?;
                let runs = value.parse().ok().filter(|runs| *runs > 0);
                plan.runs = runs
                    .with_context(|| format!("option --runs: '{value}': not a number above 0"))?;
            }
            "--peers" => {
                let value = args.next().context("option --peers: needs names")?;
                let find = |name: &str| {
                    let found = PEERS.iter().find(|(peer, _)| *peer == name);
                    found
                        .copied()
                        .with_context(|| format!("option --peers: '{name}': no such peer"))
                };
                plan.peers = value.split(',').map(find).collect::<Result<_>>()?;
            }
            name => {
                let found = scenario::ALL.iter().find(|scenario| scenario.name == name);
                plan.scenarios
                    .push(*found.with_context(|| format!("'{name}': no such scenario"))?);
            }
        }
    }
    if plan.scenarios.is_empty() {
        plan.scenarios = scenario::ALL.to_vec();
    }
    Ok(plan)
}

/// Starts this program again in namespaces of its own.
pub fn outside(args: &[&str]) -> Result<()> {
    plan(args)?;
    let status = sandbox::again(args.iter().copied())?;
    ensure!(status.success(), "{status}");
    Ok(())
}

/// A peer that serves; killed in the end.
struct Peer {
    name: &'static str,
    process: Child,
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Makes the namespace `name`, with Linux at 192.0.2.1, and starts the peer
/// at 192.0.2.2.
fn start(name: &'static str, kind: &str) -> Result<Peer> {
    sh(&format!("ip netns add {name}; ip -n {name} link set lo up"))?;
    let serves = if kind == "kernel" {
        sh(&format!(
            "ip netns add {name}-peer
             ip -n {name} link add eth0 type veth peer name eth0 netns {name}-peer
             ip -n {name}-peer addr add 192.0.2.2/24 dev eth0
             ip -n {name}-peer link set eth0 up"
        ))?;
        if !name.ends_with("offload") {
            for end in [name, &format!("{name}-peer")] {
                sh(&format!("ip netns exec {end} ethtool -K eth0 tso off gso off gro off tx off rx off >/dev/null"))
                    .context("ethtool is needed to turn off what hardware would do")?;
            }
        }
        format!("{name}-peer")
    } else {
        // A burst of eight streams is longer than the queue of 1,000 frames that
        // a TAP begins with; a veth has none.
        sh(&format!(
            "ip -n {name} tuntap add mode tap name tap0
             ip -n {name} link set tap0 txqueuelen 10000"
        ))?;
        name.to_owned()
    };
    let device = if kind == "kernel" { "eth0" } else { "tap0" };
    sh(&format!(
        "ip -n {name} addr add 192.0.2.1/24 dev {device}; ip -n {name} link set {device} up"
    ))?;
    let process = Command::new("ip")
        .args(["netns", "exec", &serves])
        .arg(env::current_exe()?)
        .args(["peer", kind])
        .stdin(Stdio::null())
        .spawn()?;
    Ok(Peer { name, process })
}

/// One figure of one peer.
fn measure(peer: &Peer, scenario: &Scenario) -> Result<f64> {
    let output = Command::new("ip")
        .args(["netns", "exec", peer.name, "timeout", PATIENCE])
        .arg(env::current_exe()?)
        .args(["client", scenario.name])
        .stderr(Stdio::inherit())
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        bail!("{} {}: {}", peer.name, scenario.name, output.status);
    }
    Ok(text.trim().parse()?)
}

/// Makes the namespaces, measures, and shows the table.
pub fn inside(args: &[&str]) -> Result<()> {
    let plan = plan(args)?;
    sh("mount -t tmpfs none /run; ip link set lo up")?;
    let peers = plan.peers.iter().map(|(name, kind)| start(name, kind));
    let peers: Vec<Peer> = peers.collect::<Result<_>>()?;
    thread::sleep(Duration::from_secs(1));
    let names: Vec<&str> = peers.iter().map(|peer| peer.name).collect();
    let mut report = Report::new(&names);
    for run in 1..=plan.runs {
        eprintln!("run {run} of {}", plan.runs);
        for scenario in &plan.scenarios {
            for peer in &peers {
                match measure(peer, scenario) {
                    Ok(figure) => report.add(scenario, peer.name, figure),
                    Err(error) => eprintln!("{error:#}"),
                }
            }
        }
    }
    print!("{report}");
    Ok(())
}
