//! Path MTU discovery: reports by ICMP, black holes, larger ones tried again.

use step07_tcp::config::Config;
use step07_tcp::icmp_errors::IcmpError;
use step07_tcp::path_mtu::TooBig;
use step07_tcp::segment::Outgoing;

use crate::harness::{MTU, Talk, ms, peer, s, us};

/// Lets a router report that the segment with this number, of the given
/// length, was too long.
fn report(talk: &mut Talk, seq: u32, len: u16, mtu: u16) -> Vec<String> {
    let mut out = vec![];
    let error = IcmpError::FragmentationNeeded(TooBig { len, mtu });
    let seq = talk.iss + seq;
    talk.state
        .icmp_error(us(), peer(), seq, error, talk.now, &mut out);
    talk.show(out)
}

fn mss(talk: &Talk) -> u32 {
    talk.status().measures.unwrap().mss
}

/// Writes; gives the segments themselves.
fn sent(talk: &mut Talk, data: &[u8]) -> Vec<Outgoing> {
    let mut out = vec![];
    talk.state.send(talk.id, data, talk.now, &mut out).unwrap();
    out
}

#[test]
fn segments_are_not_to_be_cut() {
    let mut talk = Talk::established();
    assert!(sent(&mut talk, b"x")[0].service.dont_fragment);
    let mut talk = Talk::established_with(Config::simple());
    assert!(!sent(&mut talk, b"x")[0].service.dont_fragment);
}

#[test]
fn report_lowers_the_mss_and_repeats_at_once() {
    let mut talk = Talk::established();
    talk.write(&[1; 3000]);
    let cwnd = talk.status().measures.unwrap().cwnd;
    assert_eq!(
        report(&mut talk, 1, 1500, 1400),
        [
            "---A---- seq=1 ack=1 len=1360 wnd=65535",
            "---A---- seq=1361 ack=1 len=100 wnd=65535",
            "---A---- seq=1461 ack=1 len=1360 wnd=65535",
            "---A---- seq=2821 ack=1 len=100 wnd=65535",
        ]
    );
    assert_eq!(mss(&talk), 1360);
    // The 80 octets behind them may have passed: nothing is repeated twice.
    // The window is still ten segments.
    assert_eq!(talk.status().measures.unwrap().cwnd, cwnd * 1360 / 1460);
    assert_eq!(talk.state.counters().timeouts.get(), 0);
    assert_eq!(talk.state.counters().fast_retransmissions.get(), 0);
    // The second report of the same flight tells nothing new.
    assert!(report(&mut talk, 1461, 1500, 1400).is_empty());
    talk.inject(talk.ack(1, 3001));
    assert!(talk.status().flushed);
    assert_eq!(
        talk.write(&[1; 2000])[0].split(' ').nth(3),
        Some("len=1360")
    );
}

#[test]
fn fin_and_push_stay_at_the_end() {
    let mut talk = Talk::established();
    talk.write(&[1; 1460]);
    assert_eq!(
        report(&mut talk, 1, 1500, 1000),
        [
            "---A---- seq=1 ack=1 len=960 wnd=65535",
            "---AP--- seq=961 ack=1 len=500 wnd=65535",
        ]
    );
}

#[test]
fn router_that_tells_no_mtu_is_answered_with_the_next_plateau() {
    let mut talk = Talk::established();
    talk.write(&[1; 1460]);
    assert_eq!(report(&mut talk, 1, 1500, 0).len(), 2);
    assert_eq!(mss(&talk), 1492 - 40);
    assert_eq!(report(&mut talk, 1, 1492, 0).len(), 2);
    assert_eq!(mss(&talk), 1280 - 40);
}

#[test]
fn reports_that_cannot_be_true_are_ignored() {
    let mut talk = Talk::established();
    talk.write(&[1; 1460]);
    // Not in flight.
    assert!(report(&mut talk, 1461, 1500, 1400).is_empty());
    assert!(report(&mut talk, 0, 1500, 1400).is_empty());
    assert_eq!(talk.state.counters().icmp_not_in_flight.get(), 2);
    // It would have passed; nothing that long was sent; it is not less.
    assert!(report(&mut talk, 1, 1000, 1400).is_empty());
    assert!(report(&mut talk, 1, 9000, 1400).is_empty());
    assert!(report(&mut talk, 1, 1500, 1500).is_empty());
    assert_eq!(talk.state.counters().path_mtu_ignored.get(), 3);
    assert_eq!(mss(&talk), 1460);
}

#[test]
fn report_below_the_floor_lets_routers_cut() {
    let mut talk = Talk::established();
    talk.write(&[1; 1460]);
    assert_eq!(report(&mut talk, 1, 1500, 68).len(), 3);
    assert_eq!(mss(&talk), 512);
    assert!(!sent(&mut talk, b"x")[0].service.dont_fragment);
    // Nothing can be too long any more.
    assert!(report(&mut talk, 1, 552, 68).is_empty());
}

#[test]
fn report_against_experience_counts_only_if_nothing_is_heard() {
    let mut talk = Talk::established();
    talk.write(&[1; 1460]);
    talk.inject(talk.ack(1, 1461));
    // 1500 octets have passed. This one is acknowledged: a lie.
    talk.write(&[1; 1460]);
    assert!(report(&mut talk, 1461, 1500, 1000).is_empty());
    talk.inject(talk.ack(1, 2921));
    talk.write(&[1; 1460]);
    assert_eq!(
        talk.wait(ms(200)),
        ["---AP--- seq=2921 ack=1 len=1460 wnd=65535"]
    );
    talk.inject(talk.ack(1, 4381));
    // This one is not: the way has changed.
    talk.write(&[1; 1460]);
    assert!(report(&mut talk, 4381, 1500, 1000).is_empty());
    let repeated = talk.wait(ms(400));
    assert_eq!(repeated, ["---A---- seq=4381 ack=1 len=960 wnd=65535"]);
    assert_eq!(mss(&talk), 960);
}

#[test]
fn larger_mtu_is_tried_after_ten_minutes() {
    let mut talk = Talk::established();
    talk.write(&[1; 1460]);
    report(&mut talk, 1, 1500, 1300);
    talk.inject(talk.ack(1, 1461));
    talk.wait(s(599));
    assert_eq!(mss(&talk), 1260);
    talk.wait(s(1));
    assert_eq!(mss(&talk), 1492 - 40);
    talk.wait(s(120));
    assert_eq!(mss(&talk), 1460);
    assert_eq!(talk.state.deadline(), None);
}

#[test]
fn black_hole_is_found_by_timeouts() {
    let mut talk = Talk::established();
    talk.write(&[1; 1460]);
    let long = "---AP--- seq=1 ack=1 len=1460 wnd=65535";
    assert_eq!(talk.wait(ms(200)), [long]);
    assert_eq!(talk.wait(ms(400)), [long]);
    let shorter = "---A---- seq=1 ack=1 len=1240 wnd=65535";
    assert_eq!(talk.wait(ms(800)), [shorter]);
    let floor = "---A---- seq=1 ack=1 len=512 wnd=65535";
    assert_eq!(talk.wait(ms(1600)), [floor]);
    assert_eq!(talk.state.counters().black_holes.get(), 2);
    assert!(
        !sent(&mut talk, b"x")
            .iter()
            .any(|out| out.service.dont_fragment)
    );
    // That one passes. In the end a larger one is tried.
    talk.inject(talk.ack(1, 513));
    talk.inject(talk.ack(1, 1462));
    talk.wait(s(600));
    assert_eq!(mss(&talk), 1006 - 40);
    assert!(sent(&mut talk, b"x")[0].service.dont_fragment);
}

#[test]
fn bad_network_is_no_black_hole() {
    let mut talk = Talk::established();
    talk.write(&[1; 1460]);
    talk.inject(talk.ack(1, 1461));
    // As long a segment has arrived: it takes more to believe that none does.
    talk.write(&[1; 1460]);
    let long = "---AP--- seq=1461 ack=1 len=1460 wnd=65535";
    assert_eq!(talk.wait(ms(200 * 31)), [long; 5]);
    assert_eq!(
        talk.wait(ms(200 * 32)),
        ["---A---- seq=1461 ack=1 len=1240 wnd=65535"]
    );
}

#[test]
fn timeouts_of_short_segments_say_nothing_about_the_way() {
    let mut talk = Talk::established();
    talk.write(&[1; 100]);
    talk.wait(s(30));
    assert_eq!(talk.state.counters().black_holes.get(), 0);
    assert_eq!(mss(&talk), 1460);
}

#[test]
fn next_connection_to_the_same_host_knows() {
    let mut talk = Talk::established();
    talk.write(&[1; 1460]);
    report(&mut talk, 1, 1500, 1300);
    let connect = |talk: &mut Talk, remote: &str| {
        let (mut out, now) = (vec![], talk.now);
        let remote = remote.parse().unwrap();
        let id = talk
            .state
            .connect(us(), remote, MTU, now, &mut out)
            .unwrap();
        // What we tell is what we can receive: that has nothing to do with it.
        assert_eq!(out[0].segment.options.mss, Some(1460));
        let mut answer = talk.syn_ack();
        answer.ack = out[0].segment.seq + 1;
        talk.inject_from(remote, answer);
        talk.state.status(id).unwrap().measures.unwrap().mss
    };
    assert_eq!(connect(&mut talk, "192.0.2.1:80"), 1260);
    assert_eq!(connect(&mut talk, "192.0.2.3:80"), 1460);
    talk.inject(talk.ack(1, 1461));
    talk.wait(s(600));
    assert_eq!(connect(&mut talk, "192.0.2.1:81"), 1460);
}
