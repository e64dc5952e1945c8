//! The host of this step beside the Linux kernel.
#![allow(clippy::unwrap_used)]

#[path = "harness/lab.rs"]
#[allow(dead_code)] // step06 needs the rest
mod harness;

use harness::{
    TempFile, assert_scene_is_captured, has, lab, lab_command, seconds_of_work, stderr, stdout,
    success, tshark, with_tap,
};

const STEP05: &str = env!("CARGO_BIN_EXE_step05_arp");

#[test]
fn the_scene_is_captured() {
    assert_scene_is_captured(STEP05, 6);
}

#[test]
fn the_kernel_pings_us() {
    if !has(&["ping"]) {
        return;
    }
    if let Some(output) = lab(STEP05, &[], "ping -c 3 -i 0.2 -W 5 192.0.2.2") {
        let text = success(&output);
        assert!(text.contains("3 received, 0% packet loss"), "{text}");
    }
}

#[test]
fn a_ping_that_needs_fragments_comes_back_whole() {
    if !has(&["ping"]) {
        return;
    }
    if let Some(output) = lab(STEP05, &[], "ping -c 2 -i 0.2 -s 20000 -W 5 192.0.2.2") {
        let text = success(&output);
        assert!(text.contains("20008 bytes from 192.0.2.2"), "{text}");
        assert!(text.contains("2 received, 0% packet loss"), "{text}");
    }
}

#[test]
fn pings_of_all_sizes_are_answered() {
    if !has(&["ping"]) {
        return;
    }
    // Nothing, a full frame, one octet more, six fragments, all that IP can carry.
    let script = r#"
        for size in 0 1472 1473 8000 65507; do
            ping -c 2 -i 0.2 -W 5 -s $size 192.0.2.2 | grep -o '2 received, 0% packet loss'
        done"#;
    if let Some(output) = lab(STEP05, &[], script) {
        let text = success(&output);
        assert_eq!(text.lines().count(), 5, "{text}");
    }
}

#[test]
fn pings_to_all_and_with_options_are_answered() {
    if !has(&["ping"]) {
        return;
    }
    let script = "ping -c 2 -i 0.2 -W 5 -b 192.0.2.255; \
        ping -c 1 -W 5 -R 192.0.2.2; ping -c 1 -W 5 -T tsandaddr 192.0.2.2; true";
    if let Some(output) = lab(STEP05, &[], script) {
        let text = success(&output);
        assert!(text.contains("2 received, 0% packet loss"), "{text}");
        // Sent by 192.0.2.1, turned round by us, and back.
        let ways = text.split("RR:").nth(1).unwrap().split("TS:");
        for way in ways {
            let hosts = ["192.0.2.1", "192.0.2.2", "192.0.2.1"];
            let mut rest = way;
            for host in hosts {
                let (_, after) = rest.split_once(host).expect(way);
                rest = after;
            }
        }
    }
}

#[test]
fn an_original_time_to_live() {
    if !has(&["ping"]) {
        return;
    }
    let ping = "ping -c 1 -W 5 192.0.2.2";
    for (args, ttl) in [(&[][..], "ttl=64"), (&["--ttl", "255"], "ttl=255")] {
        if let Some(output) = lab(STEP05, args, ping) {
            let text = success(&output);
            // An echo reply is sent anew, and has our own time to live.
            assert!(text.contains(ttl), "{text}");
        }
    }
}

#[test]
fn another_hardware_address() {
    if !has(&["ping", "ip"]) {
        return;
    }
    let script = "ping -c 1 -W 5 192.0.2.2 && ip neigh show 192.0.2.2";
    if let Some(output) = lab(STEP05, &["--mac", "02:00:00:00:00:42"], script) {
        let text = success(&output);
        assert!(text.contains("lladdr 02:00:00:00:00:42"), "{text}");
    }
}

#[test]
fn another_address() {
    if !has(&["ping"]) {
        return;
    }
    let script = "ping -c 1 -W 5 192.0.2.77 && ! ping -c 1 -W 1 192.0.2.2";
    if let Some(output) = lab(STEP05, &["--addr", "192.0.2.77/24"], script) {
        let text = success(&output);
        assert!(text.contains("1 received"), "{text}");
    }
}

#[test]
fn the_exit_status_is_passed_on() {
    for (script, code) in [
        ("exit 0", 0),
        ("exit 7", 7),
        ("exit 255", 255),
        // As a shell has it: 128 and the signal's number.
        ("kill -TERM $$", 128 + 15),
    ] {
        if let Some(output) = lab(STEP05, &[], script) {
            assert_eq!(output.status.code(), Some(code), "{script}");
            assert_eq!(stdout(&output), "");
        }
    }
}

#[test]
fn the_command_gets_the_signals_that_the_lab_keeps_from_itself() {
    // A program that blocks nothing itself shows what it has inherited.
    let command = ["grep", "SigBlk", "/proc/self/status"];
    if let Some(output) = lab_command(STEP05, &[], &command) {
        assert_eq!(success(&output), "SigBlk:\t0000000000000000\n");
    }
}

#[test]
fn after_ctrl_c_the_lab_ends_in_good_order() {
    // As from a terminal, the signal reaches both.
    let script = "kill -INT $PPID; kill -INT $$";
    if let Some(output) = lab(STEP05, &["--log", "info"], script) {
        let log = stderr(&output);
        assert_eq!(output.status.code(), Some(128 + 2), "{log}");
        assert!(log.contains("dev=net1, state=down"), "{log}");
        assert!(log.contains("lab: stopped"), "{log}");
    }
}

#[test]
fn the_capture_opens_without_a_complaint() {
    if !has(&["ping", "tshark"]) {
        return;
    }
    let file = TempFile::new("step05.pcap");
    let script = "ping -c 2 -i 0.2 -W 5 192.0.2.2 && ping -c 1 -s 3000 -W 5 192.0.2.2";
    if let Some(output) = lab(STEP05, &["--pcap", file.as_str()], script) {
        success(&output);
        let (wrong, frames) = tshark(&file);
        assert_eq!(wrong, "");
        // Two echoes, two replies, and one of three fragments each way; ARP.
        assert!(frames >= 4 + 6 + 2, "{frames} frames");
    }
}

#[test]
fn serve_on_a_device_that_exists_until_ctrl_c() {
    if !has(&["ping", "ip", "unshare"]) {
        return;
    }
    let script = r#"
        "$1" serve & pid=$!
        until_up
        ping -c 3 -i 0.2 -W 5 192.0.2.2
        kill -INT $pid
        wait $pid"#;
    if let Some(output) = with_tap(&[STEP05], script) {
        let text = success(&output);
        assert!(text.contains("3 received, 0% packet loss"), "{text}");
        assert!(text.contains("echoes answered"), "{text}");
        let log = stderr(&output);
        assert!(log.contains("serve: stopping"), "{log}");
        assert!(log.contains("dev=net1, state=down"), "{log}");
    }
}

#[test]
fn sigterm_ends_serve_as_well() {
    if !has(&["ping", "ip", "unshare"]) {
        return;
    }
    let script = r#"
        "$1" serve & pid=$!
        until_up
        kill -TERM $pid
        wait $pid"#;
    if let Some(output) = with_tap(&[STEP05], script) {
        let text = success(&output);
        assert!(text.contains("packets sent"), "the counters: {text}");
    }
}

#[test]
fn a_device_that_vanishes_is_reported_once_and_ctrl_c_still_works() {
    if !has(&["ping", "ip", "unshare"]) {
        return;
    }
    // The pause is long enough for a loop that spins on the dead device.
    let script = r#"
        "$1" serve & pid=$!
        until_up
        ip link del tap0
        sleep 1
        kill -INT $pid
        wait $pid || exit
        times"#;
    if let Some(output) = with_tap(&[STEP05], script) {
        let text = success(&output);
        let log = stderr(&output);
        assert_eq!(log.matches("device failure, dev=net1").count(), 1, "{log}");
        let seconds = seconds_of_work(&text);
        assert!(seconds < 0.5, "{seconds} s of work in a second: {text}");
    }
}
