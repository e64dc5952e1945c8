//! The whole stack, and its applications, beside the Linux kernel: who is
//! client and who is server, who closes first, and what happens if one of both
//! goes away.
#![allow(clippy::unwrap_used)]

#[path = "../../step05_arp/tests/harness/lab.rs"]
#[allow(dead_code)] // the steps below need the rest
mod harness;

use harness::{
    TempFile, assert_scene_is_captured, has, lab, seconds_of_work, stderr, success, tshark,
    with_tap,
};

const STEP07: &str = env!("CARGO_BIN_EXE_step07_tcp");
const TCPS: &str = env!("CARGO_BIN_EXE_tcps");
const TCPC: &str = env!("CARGO_BIN_EXE_tcpc");
const STACKTEST: &str = env!("CARGO_BIN_EXE_stacktest");
const PING: &str = env!("CARGO_BIN_EXE_ping");

#[test]
fn the_scene_is_captured() {
    assert_scene_is_captured(STEP07, 19);
}

#[test]
fn the_kernel_pings_us() {
    if !has(&["ping"]) {
        return;
    }
    if let Some(output) = lab(STEP07, &[], "ping -c 3 -i 0.2 -W 5 192.0.2.2") {
        let text = success(&output);
        assert!(text.contains("3 received, 0% packet loss"), "{text}");
    }
}

#[test]
fn the_echo_service_sends_back_and_closes() {
    if !has(&["nc"]) {
        return;
    }
    if let Some(output) = lab(STEP07, &[], r"printf 'foo\nbar\n' | nc -N 192.0.2.2 7") {
        assert_eq!(success(&output), "foo\nbar\n");
    }
}

#[test]
fn many_clients_at_once_get_what_is_theirs() {
    if !has(&["nc", "cmp"]) {
        return;
    }
    let files = TempFile::new("clients");
    let script = format!(
        r#"
        mkdir {0}
        cd {0}
        for n in 1 2 3 4 5 6 7 8 9 10; do
            head -c 500000 /dev/urandom >sent$n
            nc -N 192.0.2.2 7 <sent$n >received$n &
        done
        wait
        for n in 1 2 3 4 5 6 7 8 9 10; do cmp sent$n received$n && echo same; done
        rm -r {0}"#,
        files.as_str()
    );
    if let Some(output) = lab(STEP07, &[], &script) {
        assert_eq!(success(&output), "same\n".repeat(10));
    }
}

#[test]
fn twenty_megabytes_come_back_unchanged() {
    if !has(&["nc", "sha256sum"]) {
        return;
    }
    let file = TempFile::new("20MB");
    let script = format!(
        "head -c 20000000 /dev/urandom >{0}
         sha256sum <{0}
         nc -N 192.0.2.2 7 <{0} | tee {0}.back | sha256sum
         wc -c <{0}.back
         rm {0}.back",
        file.as_str()
    );
    for options in [&[] as &[&str], &["--offload"]] {
        if let Some(output) = lab(STEP07, options, &script) {
            let text = success(&output);
            let lines: Vec<_> = text.lines().collect();
            assert_eq!(lines[0], lines[1]);
            assert_eq!(lines[2], "20000000");
        }
    }
}

/// UDP too comes without a checksum, and what is captured has one all the same.
#[test]
fn offloaded_frames_are_captured_as_if_they_were_finished() {
    if !has(&["nc", "socat", "tshark", "ping"]) {
        return;
    }
    let file = TempFile::new("offload.pcap");
    let script = "
        ping -c 1 -s 3000 -W 5 192.0.2.2 >/dev/null
        echo hello | nc -u -w 1 192.0.2.2 7
        head -c 300000 /dev/urandom | nc -N 192.0.2.2 7 | wc -c
        echo hello | socat -t 5 - UDP4:192.0.2.2:4444 2>/dev/null
        true";
    let options = ["--offload", "--pcap", file.as_str()];
    if let Some(output) = lab(STEP07, &options, script) {
        assert_eq!(success(&output), "hello\n300000\n");
        let (wrong, frames) = tshark(&file);
        assert_eq!(wrong, "");
        // Far fewer than the 205 full segments each way.
        assert!(frames < 205, "{frames} frames");
    }
}

#[test]
fn the_other_services() {
    if !has(&["nc"]) {
        return;
    }
    let script = "
        nc -d 192.0.2.2 13
        nc -d 192.0.2.2 19 | head -c 7030
        head -c 1000000 /dev/zero | nc -N 192.0.2.2 9 | wc -c";
    if let Some(output) = lab(STEP07, &[], script) {
        let text = success(&output);
        let (daytime, rest) = text.split_once("-UTC\r\n").unwrap();
        assert!(daytime.ends_with(|c: char| c.is_ascii_digit()), "{text}");
        let (chargen, swallowed) = rest.split_at(7030);
        // 72 characters and CR LF, each line one character further on.
        let lines: Vec<_> = chargen.split_terminator("\r\n").collect();
        assert_eq!(lines.len(), 95);
        for pair in lines.windows(2) {
            assert_eq!(pair[0].len(), 72);
            assert_eq!(pair[0][1..], pair[1][..71]);
        }
        assert_eq!(swallowed.trim(), "0");
    }
}

#[test]
fn curl_is_a_client_too() {
    if !has(&["curl"]) {
        return;
    }
    let script = "
        curl -s -m 20 telnet://192.0.2.2:13 </dev/null
        curl -s -m 20 -o /dev/null -w '%{http_code} %{content_type} %{size_download}\n' http://192.0.2.2/
        curl -s -m 20 -o /dev/null -w '%{http_code}\n' http://192.0.2.2/nowhere";
    if let Some(output) = lab(STEP07, &[], script) {
        let text = success(&output);
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[0].ends_with("-UTC"), "{text}");
        let size = lines[1]
            .strip_prefix("200 text/html; charset=utf-8 ")
            .unwrap();
        assert!(size.parse::<u32>().unwrap() > 1000, "{text}");
        assert_eq!(lines[2], "404");
    }
}

#[test]
fn who_connects_to_a_closed_port_is_refused_at_once() {
    if !has(&["nc", "socat"]) {
        return;
    }
    let script = "
        nc -v -w 20 192.0.2.2 4444
        echo \"exit code $?\"
        echo hello | socat -t 20 - UDP4:192.0.2.2:4444";
    if let Some(output) = lab(STEP07, &[], script) {
        let log = stderr(&output);
        assert!(
            log.contains("port 4444 (tcp) failed: Connection refused"),
            "{log}"
        );
        // By a RST, and by an ICMP message.
        assert_eq!(log.matches("Connection refused").count(), 2, "{log}");
        assert!(output.stdout.starts_with(b"exit code 1\n"));
    }
}

#[test]
fn the_capture_opens_without_a_complaint() {
    if !has(&["nc", "socat", "tshark", "ping"]) {
        return;
    }
    let file = TempFile::new("step07.pcap");
    let script = "
        ping -c 1 -s 3000 -W 5 192.0.2.2 >/dev/null
        echo hello | nc -u -w 1 192.0.2.2 7
        head -c 300000 /dev/urandom | nc -N 192.0.2.2 7 | wc -c
        nc -d 192.0.2.2 19 | head -c 100000 | wc -c
        nc -w 5 192.0.2.2 4444
        echo hello | socat -t 5 - UDP4:192.0.2.2:4444 2>/dev/null
        true";
    if let Some(output) = lab(STEP07, &["--pcap", file.as_str()], script) {
        assert_eq!(success(&output), "hello\n300000\n100000\n");
        let (wrong, frames) = tshark(&file);
        assert_eq!(wrong, "");
        // The text alone: 205 full segments each way, and 68 of chargen.
        assert!(frames > 2 * 205 + 68, "{frames} frames");
    }
}

#[test]
fn ctrl_c_ends_serve_and_its_clients_learn_of_it() {
    if !has(&["nc", "ping", "ip", "unshare"]) {
        return;
    }
    // An idle client, one that is sent more than it reads, one that sends. If
    // one of them did not learn of the end, the script would take too long.
    let script = r#"
        "$1" serve & pid=$!
        until_up
        nc -d 192.0.2.2 7 & idle=$!
        nc -d 192.0.2.2 19 | (head -c 1000; sleep 2; cat) >/dev/null & reader=$!
        nc -N 192.0.2.2 9 </dev/zero & sender=$!
        until_connected 7; until_connected 9; until_connected 19
        kill -INT $pid
        wait $pid; echo "exit code $?"
        wait $idle $reader $sender
        echo "all have ended""#;
    if let Some(output) = with_tap(&[STEP07], script) {
        let text = success(&output);
        let (counters, rest) = text.split_once("exit code ").unwrap();
        assert_eq!(rest, "0\nall have ended\n");
        assert!(counters.contains("resets sent"), "{counters}");
        assert!(
            counters.contains("3  connections established"),
            "{counters}"
        );
        let log = stderr(&output);
        assert!(log.contains("dev=net1, state=down"), "{log}");
    }
}

#[test]
fn ctrl_c_ends_tcps_and_its_client_learns_of_it() {
    if !has(&["nc", "ping", "ip", "unshare"]) {
        return;
    }
    let script = r#"
        "$1" 10007 & pid=$!
        until_up
        printf 'foo\n' | nc -N 192.0.2.2 10007
        nc -d 192.0.2.2 10007 & client=$!
        until_connected 10007
        kill -INT $pid
        wait $pid; echo "exit code $?"
        wait $client
        echo "the client has ended""#;
    if let Some(output) = with_tap(&[TCPS], script) {
        let text = success(&output);
        assert!(text.starts_with("foo\n"), "{text}");
        assert!(text.contains("2  connections established"), "{text}");
        assert!(
            text.ends_with("exit code 0\nthe client has ended\n"),
            "{text}"
        );
        let log = stderr(&output);
        assert!(log.contains("serving on 0.0.0.0:10007"), "{log}");
        assert!(
            log.contains("connection accepted, peer=192.0.2.1:"),
            "{log}"
        );
        assert!(log.contains("| 0000 | 66 6f 6f 0a"), "{log}");
    }
}

#[test]
fn tcps_serves_on_the_address_that_was_asked_for() {
    if !has(&["ping", "ip", "unshare"]) {
        return;
    }
    for (args, complaint) in [
        (
            "192.0.2.9 7",
            "error: cannot serve on 192.0.2.9:7: address not available\n",
        ),
        (
            "192.0.2.1 7",
            "error: cannot serve on 192.0.2.1:7: address not available\n",
        ),
    ] {
        let script = format!("exec \"$1\" --log off {args}");
        if let Some(output) = with_tap(&[TCPS], &script) {
            assert_eq!(stderr(&output), complaint);
            assert_eq!(output.status.code(), Some(2));
        }
    }
}

#[test]
fn tcpc_talks_to_a_server_of_the_kernel() {
    if !has(&["nc", "ip", "unshare"]) {
        return;
    }
    let script = r#"
        printf 'hello\n' | nc -N -l 10007 >"$2" & server=$!
        until_listening 10007
        printf 'foo\nbar\n' | "$1" --log off 192.0.2.1:10007
        echo "exit code $?"
        wait $server
        cat "$2""#;
    let received = TempFile::new("tcpc");
    if let Some(output) = with_tap(&[TCPC, received.as_str()], script) {
        assert_eq!(success(&output), "hello\nexit code 0\nfoo\nbar\n");
    }
}

#[test]
fn tcpc_sends_five_megabytes() {
    if !has(&["nc", "ip", "unshare", "cmp"]) {
        return;
    }
    let script = r#"
        head -c 5000000 /dev/urandom >"$2"
        nc -N -l 10007 </dev/null >"$3" & server=$!
        until_listening 10007
        "$1" --log off 192.0.2.1:10007 <"$2"
        echo "exit code $?"
        wait $server
        cmp "$2" "$3" && echo same"#;
    let (sent, received) = (TempFile::new("5MB"), TempFile::new("5MB.received"));
    if let Some(output) = with_tap(&[TCPC, sent.as_str(), received.as_str()], script) {
        assert_eq!(success(&output), "exit code 0\nsame\n");
    }
}

#[test]
fn tcpc_connects_from_the_address_and_port_that_were_asked_for() {
    if !has(&["socat", "ip", "unshare"]) {
        return;
    }
    let script = r#"
        socat TCP4-LISTEN:10007 SYSTEM:'echo from $SOCAT_PEERADDR $SOCAT_PEERPORT' &
        until_listening 10007
        "$1" --log off -s 192.0.2.2 -p 2000 192.0.2.1:10007 </dev/null"#;
    if let Some(output) = with_tap(&[TCPC], script) {
        assert_eq!(success(&output), "from 192.0.2.2 2000\n");
    }
}

#[test]
fn tcpc_gets_a_page_from_a_web_server() {
    if !has(&["python3", "ip", "unshare", "cmp"]) {
        return;
    }
    let script = r#"
        mkdir "$2"
        cd "$2"
        head -c 1000000 /dev/urandom >blob
        python3 -m http.server --bind 192.0.2.1 8000 2>/dev/null >&2 &
        until_listening 8000
        printf 'GET /blob HTTP/1.0\r\n\r\n' | "$1" --log off 192.0.2.1:8000 >answer
        head -n 1 answer
        tail -c 1000000 answer | cmp - blob && echo same
        rm -r "$2""#;
    let files = TempFile::new("web");
    if let Some(output) = with_tap(&[TCPC, files.as_str()], script) {
        assert_eq!(success(&output), "HTTP/1.0 200 OK\r\nsame\n");
    }
}

#[test]
fn tcpc_says_why_it_cannot_connect() {
    if !has(&["ip", "unshare"]) {
        return;
    }
    for (server, reason) in [
        ("192.0.2.1:10008", "connection refused"),
        ("192.0.2.99:7", "host unreachable"),
        ("198.51.100.1:7", "network unreachable"),
    ] {
        let script = format!("exec \"$1\" --log off {server}");
        if let Some(output) = with_tap(&[TCPC], &script) {
            let complaint = format!("error: cannot connect to {server}: {reason}\n");
            assert_eq!(stderr(&output), complaint);
            assert_eq!(output.status.code(), Some(1));
        }
    }
}

#[test]
fn ctrl_c_ends_a_tcpc_that_waits_for_both_sides() {
    if !has(&["nc", "ip", "unshare"]) {
        return;
    }
    let script = r#"
        mkfifo "$2"
        sleep 1000 >"$2" &
        nc -d -l 10007 & server=$!
        until_listening 10007
        "$1" --log off 192.0.2.1:10007 <"$2" & client=$!
        until grep -q ':2717 020200C0:.... 01 ' /proc/net/tcp; do sleep 0.05; done
        kill -INT $client
        wait $client; echo "exit code $?"
        wait $server
        echo "the server has ended""#;
    let terminal = TempFile::new("tcpc.terminal");
    if let Some(output) = with_tap(&[TCPC, terminal.as_str()], script) {
        assert_eq!(success(&output), "exit code 0\nthe server has ended\n");
    }
}

#[test]
fn stacktest_pings_the_kernel_until_ctrl_c() {
    if !has(&["ip", "unshare"]) {
        return;
    }
    let script = r#"
        "$1" & pid=$!
        sleep 3.5
        kill -INT $pid
        wait $pid"#;
    if let Some(output) = with_tap(&[STACKTEST], script) {
        let text = success(&output);
        assert!(text.contains("echo replies received"), "{text}");
        let log = stderr(&output);
        assert!(log.contains("reply from 192.0.2.1: seq=1 "), "{log}");
        assert!(log.contains("reply from 192.0.2.1: seq=2 "), "{log}");
    }
}

#[test]
fn our_ping_counts_the_answers_of_the_kernel() {
    if !has(&["ip", "unshare"]) {
        return;
    }
    let script = r#"
        "$1" -c 3 -i 0.1 192.0.2.1
        echo "exit code $?"
        "$1" -c 1 192.0.2.99
        echo "exit code $?""#;
    if let Some(output) = with_tap(&[PING], script) {
        let text = success(&output);
        let (answered, silent) = text.split_once("exit code 0\n").unwrap();
        assert!(answered.contains("3 sent, 3 received\n"), "{text}");
        assert!(
            answered.contains("56 octets from 192.0.2.1: seq=3 "),
            "{text}"
        );
        assert!(silent.contains("1 sent, 0 received\n"), "{text}");
        assert!(silent.ends_with("exit code 1\n"), "{text}");
    }
}

#[test]
fn a_device_that_vanishes_is_reported_once_and_ctrl_c_still_works() {
    if !has(&["nc", "ping", "ip", "unshare"]) {
        return;
    }
    // With a transfer under way: TCP goes on trying to send, and must not spin.
    let script = r#"
        "$1" serve & pid=$!
        until_up
        nc -d 192.0.2.2 19 >/dev/null &
        until_connected 19
        ip link del tap0
        sleep 2
        kill -INT $pid
        wait $pid || exit
        times"#;
    if let Some(output) = with_tap(&[STEP07], script) {
        let text = success(&output);
        let log = stderr(&output);
        assert_eq!(log.matches("device failure, dev=net1").count(), 1, "{log}");
        assert!(log.lines().count() < 50, "{log}");
        let seconds = seconds_of_work(&text);
        assert!(seconds < 1.0, "{seconds} s of work in 2 s: {text}");
    }
}

#[test]
fn serve_shares_an_interface_with_the_kernel() {
    if !has(&["nc", "ping", "ip", "unshare", "cmp"]) {
        return;
    }
    // veth0 is the kernel's as well; ours by PF_PACKET. The kernel at its other
    // end leaves checksums and segmentation to a hardware that is not there.
    let script = r#"
        ip link del tap0
        ip link add veth0 type veth peer name veth1
        ip addr add 192.0.2.1/24 dev veth1
        ip link set veth0 up && ip link set veth1 up
        "$1" serve --device veth0 & pid=$!
        until_up
        head -c 1000000 /dev/urandom >"$2"
        nc -N 192.0.2.2 7 <"$2" | cmp - "$2" && echo same
        kill -INT $pid
        wait $pid"#;
    let file = TempFile::new("veth");
    if let Some(output) = with_tap(&[STEP07, file.as_str()], script) {
        let text = success(&output);
        assert!(text.starts_with("same\n"), "{text}");
        assert!(!text.contains("dropped: checksum"), "{text}");
    }
}
