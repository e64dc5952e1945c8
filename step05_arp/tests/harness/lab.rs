//! Programs of ours beside the Linux kernel: in the lab, and in a network
//! namespace with a device that was there before.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use step05_arp::testing::skip;

/// How long a scene may take before it counts as hanging, in seconds.
const PATIENCE: &str = "60";

/// True if all programs of the system that a test needs are there; otherwise
/// the test is skipped.
pub fn has(tools: &[&str]) -> bool {
    tools.iter().all(|tool| {
        let found = Command::new("sh")
            .args(["-c", "command -v \"$0\"", tool])
            .stdout(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        if !found {
            skip(&format!("{tool} is not installed"));
        }
        found
    })
}

/// What a program of the system has printed, and how it ended. Killed if it
/// takes too long.
fn run(program: &str, args: &[&str]) -> Output {
    Command::new("timeout")
        .args(["--signal=KILL", PATIENCE, program])
        .args(args)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Runs `script` in the lab of `program`; `None`, and skipped, where this
/// system allows no lab.
pub fn lab(program: &str, options: &[&str], script: &str) -> Option<Output> {
    lab_command(program, options, &["sh", "-c", script])
}

/// As [`lab`], but runs `command` without a shell.
pub fn lab_command(program: &str, options: &[&str], command: &[&str]) -> Option<Output> {
    let probe = run(program, &["lab", "--", "true"]);
    let reason = stderr(&probe);
    if reason.contains("no lab on this system") {
        skip(reason.trim());
        return None;
    }
    assert!(probe.status.success(), "{reason}");
    Some(run(
        program,
        &[&["lab"], options, &["--"], command].concat(),
    ))
}

/// For scripts: waits until our host answers, until a program beside it has a
/// UDP port, and until one has a TCP port and waits for connections.
const UNTIL: &str = r#"
until_up() {
    for n in 1 2 3 4 5 6 7 8 9 10; do
        ping -c 1 -W 1 192.0.2.2 >/dev/null 2>&1 && return
        sleep 0.1
    done
    echo '192.0.2.2 does not come up' >&2
    exit 99
}
until_bound() {
    port=$(printf ':%04X ' "$1")
    until grep -q "$port" /proc/net/udp; do sleep 0.05; done
}
until_listening() {
    listens=$(printf ':%04X 00000000:0000 0A ' "$1")
    until grep -q "$listens" /proc/net/tcp; do sleep 0.05; done
}
until_connected() {
    connected=$(printf ' 020200C0:%04X 01 ' "$1")
    until grep -q "$connected" /proc/net/tcp; do sleep 0.05; done
}
"#;

/// Runs `script` in a network namespace in which tap0 is Linux at 192.0.2.1,
/// and waits for a host of ours; `None`, and skipped, where the system allows
/// no such thing. `$1`, `$2` … are `args`; `until_up` waits until 192.0.2.2
/// answers, `until_bound PORT` until somebody has that UDP port,
/// `until_listening PORT` until somebody listens at that TCP port, and
/// `until_connected PORT` until somebody is connected to that port of 192.0.2.2.
///
/// The script is the first process of a process namespace, so that nothing
/// that it leaves behind outlives it.
pub fn with_tap(args: &[&str], script: &str) -> Option<Output> {
    let make = "ip tuntap add mode tap name tap0 && ip addr add 192.0.2.1/24 dev tap0 \
        && ip link set tap0 up && ip link set lo up";
    let unshare = [
        "--net",
        "--map-root-user",
        "--pid",
        "--fork",
        "--kill-child",
    ];
    let probe = run("unshare", &[&unshare[..], &["sh", "-c", make]].concat());
    if !probe.status.success() {
        skip(&format!("no TAP in a namespace: {}", stderr(&probe).trim()));
        return None;
    }
    let script = format!("{make}\n{UNTIL}{script}");
    let command = ["sh", "-c", &script, "sh"];
    Some(run("unshare", &[&unshare[..], &command, args].concat()))
}

/// What was printed to stdout.
pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What was printed to stderr.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Asserts that a script has ended with exit code 0, and returns what it has
/// printed.
pub fn success(output: &Output) -> String {
    let (stdout, stderr) = (stdout(output), stderr(output));
    let status = output.status;
    assert!(
        status.success(),
        "{status}\n--- stdout\n{stdout}\n--- stderr\n{stderr}"
    );
    stdout
}

/// User and system time, in seconds, of all that a script has waited for: its
/// last command was `times`.
pub fn seconds_of_work(text: &str) -> f32 {
    let times = text.lines().last().unwrap().split(' ');
    times
        .map(|time| {
            let (minutes, seconds) = time.strip_suffix('s').unwrap().split_once('m').unwrap();
            60.0 * minutes.parse::<f32>().unwrap() + seconds.parse::<f32>().unwrap()
        })
        .sum()
}

/// A file of a test's own; removed at the end.
pub struct TempFile(PathBuf);

impl TempFile {
    /// A file that is not there yet. `name` tells the tests apart.
    pub fn new(name: &str) -> Self {
        let name = format!("microps-{}-{name}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Where it is, as an argument.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        // A test that failed may not have come so far as to write it.
        let _ = fs::remove_file(&self.0);
    }
}

/// What tshark finds wrong with a capture, and how many frames it has read.
pub fn tshark(file: &TempFile) -> (String, usize) {
    let check = |filter: &[&str]| {
        let sums = ["ip", "udp", "tcp"].map(|layer| format!("{layer}.check_checksum:TRUE"));
        let mut args = vec!["-r", file.as_str()];
        args.extend(sums.iter().flat_map(|sum| ["-o", sum.as_str()]));
        args.extend(filter);
        success(&run("tshark", &args))
    };
    let wrong = "_ws.malformed || ip.checksum.status == \"Bad\" || udp.checksum.status == \"Bad\" \
        || tcp.checksum.status == \"Bad\" || icmp.checksum.status == \"Bad\"";
    (check(&["-Y", wrong]), check(&[]).lines().count())
}

/// Captures the scene of `program`, and asserts that tshark has nothing to
/// complain of in its so many frames; that nothing the scene prints has
/// changed; and that a second capture is the same.
pub fn assert_scene_is_captured(program: &str, frames: usize) {
    if !has(&["tshark"]) {
        return;
    }
    let [first, second] = ["first", "second"].map(|name| {
        let file = TempFile::new(&format!("scene-{frames}-{name}.pcap"));
        let captured = run(program, &["--pcap", file.as_str()]);
        let plain = run(program, &[]);
        assert_eq!(success(&captured), success(&plain));
        assert_eq!(stderr(&captured), stderr(&plain));
        file
    });
    assert_eq!(tshark(&first), (String::new(), frames));
    let octets = |file: &TempFile| fs::read(file.path()).unwrap();
    assert_eq!(octets(&first), octets(&second));
}
