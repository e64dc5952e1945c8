//! The host of this step, and its applications, beside the Linux kernel.
#![allow(clippy::unwrap_used)]

#[path = "../../step05_arp/tests/harness/lab.rs"]
#[allow(dead_code)] // step05 needs the rest
mod harness;

use harness::{TempFile, assert_scene_is_captured, has, lab, stderr, success, tshark, with_tap};

const STEP06: &str = env!("CARGO_BIN_EXE_step06_udp");
const UDPS: &str = env!("CARGO_BIN_EXE_udps");
const UDPC: &str = env!("CARGO_BIN_EXE_udpc");

#[test]
fn the_scene_is_captured() {
    assert_scene_is_captured(STEP06, 6);
}

#[test]
fn the_echo_service_answers() {
    if !has(&["nc"]) {
        return;
    }
    let script = "printf 'foo\\nbar\\n' | nc -u -w 1 192.0.2.2 7";
    if let Some(output) = lab(STEP06, &[], script) {
        assert_eq!(success(&output), "foo\nbar\n");
    }
}

#[test]
fn many_clients_at_once_get_what_is_theirs() {
    if !has(&["nc"]) {
        return;
    }
    let script = "
        for n in 1 2 3 4 5 6 7 8 9 10 11 12; do
            echo \"client $n\" | nc -u -w 1 192.0.2.2 7 | sed \"s/^/$n: /\" &
        done
        wait";
    if let Some(output) = lab(STEP06, &[], script) {
        let text = success(&output);
        let mut lines: Vec<_> = text.lines().collect();
        lines.sort_by_key(|line| line.split(':').next().unwrap().parse::<u32>().unwrap());
        let expected: Vec<_> = (1..=12).map(|n| format!("{n}: client {n}")).collect();
        assert_eq!(lines, expected);
    }
}

#[test]
fn a_datagram_in_fragments_comes_back_whole() {
    if !has(&["socat", "cmp"]) {
        return;
    }
    let (sent, received) = (TempFile::new("sent"), TempFile::new("received"));
    let script = format!(
        "head -c 30000 /dev/urandom >{0} && \
         socat -b 65000 -t 2 - UDP4:192.0.2.2:7 <{0} >{1} && \
         cmp {0} {1} && wc -c <{1}",
        sent.as_str(),
        received.as_str()
    );
    if let Some(output) = lab(STEP06, &[], &script) {
        assert_eq!(success(&output).trim(), "30000");
    }
}

#[test]
fn the_other_services() {
    if !has(&["nc", "socat"]) {
        return;
    }
    // Chargen draws the length of its answers: some are short, and nc would
    // take an empty one for the end.
    let script = "
        echo | nc -u -w 3 192.0.2.2 13
        for n in 1 2 3 4 5 6 7 8; do echo; sleep 0.1; done | socat -t 3 - UDP4:192.0.2.2:19
        echo swallow this | nc -u -w 1 192.0.2.2 9";
    if let Some(output) = lab(STEP06, &[], script) {
        let text = success(&output);
        let (daytime, chargen) = text.split_once("-UTC\r\n").unwrap();
        assert!(daytime.ends_with(|c: char| c.is_ascii_digit()), "{text}");
        assert!(chargen.contains(" !\"#$%&'()*+,-./01"), "{text}");
        assert!(!text.contains("swallow"), "{text}");
    }
}

#[test]
fn who_sends_to_a_closed_port_is_told() {
    if !has(&["socat"]) {
        return;
    }
    let script = "echo hello | socat -t 2 - UDP4:192.0.2.2:4444";
    if let Some(output) = lab(STEP06, &[], script) {
        let log = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{log}");
        assert!(log.contains("Connection refused"), "{log}");
    }
}

#[test]
fn the_capture_opens_without_a_complaint() {
    if !has(&["nc", "socat", "tshark"]) {
        return;
    }
    let file = TempFile::new("step06.pcap");
    let script = "
        echo hello | nc -u -w 1 192.0.2.2 7
        head -c 5000 /dev/zero | socat -b 65000 -t 1 - UDP4:192.0.2.2:7 >/dev/null
        echo hello | socat -t 1 - UDP4:192.0.2.2:4444 2>/dev/null
        true";
    if let Some(output) = lab(STEP06, &["--pcap", file.as_str()], script) {
        assert_eq!(success(&output), "hello\n");
        let (wrong, frames) = tshark(&file);
        assert_eq!(wrong, "");
        // ARP; an echo; one of four fragments each way; a refusal.
        assert!(frames >= 2 + 2 + 8 + 2, "{frames} frames");
    }
}

#[test]
fn serve_ends_in_the_middle_of_a_flood() {
    if !has(&["nc", "ping", "ip", "unshare"]) {
        return;
    }
    let script = r#"
        "$1" serve & pid=$!
        until_up
        nc -u 192.0.2.2 9 </dev/zero &
        nc -u 192.0.2.2 7 </dev/zero >/dev/null &
        sleep 0.5
        kill -INT $pid
        wait $pid"#;
    if let Some(output) = with_tap(&[STEP06], script) {
        let text = success(&output);
        assert!(text.contains("datagrams queued for a socket"), "{text}");
    }
}

#[test]
fn udps_sends_back_and_ctrl_c_ends_it() {
    if !has(&["nc", "ping", "ip", "unshare"]) {
        return;
    }
    let script = r#"
        "$1" --log info 10007 & pid=$!
        until_up
        printf 'foo\n' | nc -u -w 1 192.0.2.2 10007
        kill -INT $pid
        wait $pid"#;
    if let Some(output) = with_tap(&[UDPS], script) {
        let text = success(&output);
        assert!(text.starts_with("foo\n"), "{text}");
        assert!(
            text.contains("udp          1  datagrams received"),
            "{text}"
        );
        let log = stderr(&output);
        assert!(log.contains("serving on 0.0.0.0:10007"), "{log}");
        assert!(log.contains("4 bytes data from 192.0.2.1:"), "{log}");
        assert!(log.contains("| 0000 | 66 6f 6f 0a"), "{log}");
        assert!(log.contains("dev=net1, state=down"), "{log}");
    }
}

#[test]
fn udpc_talks_to_the_kernel_and_its_first_line_is_not_lost() {
    if !has(&["nc", "ip", "unshare"]) {
        return;
    }
    // The listener's own input is sent when it knows to whom.
    let script = r#"
        echo answer | nc -u -l 10007 >"$2" &
        until_bound 10007
        printf 'foo\nbar\n' | "$1" --log warn 192.0.2.1:10007
        echo "exit code $?"
        cat "$2""#;
    let received = TempFile::new("udpc");
    if let Some(output) = with_tap(&[UDPC, received.as_str()], script) {
        assert_eq!(success(&output), "answer\nexit code 0\nfoo\nbar\n");
    }
}

#[test]
fn udpc_sends_from_the_port_that_was_asked_for() {
    if !has(&["socat", "ip", "unshare"]) {
        return;
    }
    let script = r#"
        socat -u UDP4-RECVFROM:10007 SYSTEM:'read hello; echo $hello from $SOCAT_PEERADDR $SOCAT_PEERPORT' & pid=$!
        until_bound 10007
        echo hello | "$1" --log warn -s 192.0.2.2 -p 2000 192.0.2.1:10007
        wait $pid"#;
    if let Some(output) = with_tap(&[UDPC], script) {
        assert_eq!(success(&output), "hello from 192.0.2.2 2000\n");
    }
}

#[test]
fn ctrl_c_ends_a_udpc_that_waits_for_its_terminal() {
    if !has(&["ping", "ip", "unshare"]) {
        return;
    }
    let script = r#"
        mkfifo "$2"
        sleep 1000 >"$2" &
        "$1" --log warn 192.0.2.1:10007 <"$2" & pid=$!
        until_up
        kill -INT $pid
        wait $pid"#;
    let terminal = TempFile::new("terminal");
    if let Some(output) = with_tap(&[UDPC, terminal.as_str()], script) {
        success(&output);
    }
}

#[test]
fn files_and_addresses_that_are_not_ours_are_the_users_mistake() {
    if !has(&["ip", "unshare"]) {
        return;
    }
    let no_file =
        "error: option --pcap: '/nonexistent/x': No such file or directory (os error 2)\n";
    for (program, args, complaint) in [
        (UDPS, "--log off --pcap /nonexistent/x 7", no_file),
        (STEP06, "serve --log off --pcap /nonexistent/x", no_file),
        (
            STEP06,
            "lab --log off --pcap /nonexistent/x -- true",
            no_file,
        ),
        (
            UDPS,
            "--log off 192.0.2.9 7",
            "error: cannot serve on 192.0.2.9:7: address not available\n",
        ),
        (
            UDPC,
            "--log off -s 192.0.2.9 192.0.2.1:7",
            "error: cannot send from 192.0.2.9:0: address not available\n",
        ),
    ] {
        let script = format!("exec \"$1\" {args}");
        if let Some(output) = with_tap(&[program], &script) {
            assert_eq!(stderr(&output), complaint);
            assert_eq!(output.status.code(), Some(2));
        }
    }
}
