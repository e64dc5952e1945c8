//! The cache of neighbours.

use std::net::Ipv4Addr;
use std::time::Duration;

use step05_arp::arp::cache::{CACHE_LIMIT, Cache, Evicted, Expiry, Key, Resolution, WAITING_LIMIT};
use step05_arp::ethernet::MacAddr;
use step05_arp::packet::Packet;
use step05_arp::testing::History;
use step05_arp::time::Time;

use crate::frames::PEER_MAC;

const OTHER_MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 0x77]);

fn neighbor(n: u16) -> Key {
    let [high, low] = n.to_be_bytes();
    (1, Ipv4Addr::new(10, 0, high, low))
}

fn at(ms: u64) -> Time {
    Time::from_millis(ms)
}

fn known(cache: &Cache) -> Vec<(Key, MacAddr)> {
    cache.iter().collect()
}

#[test]
fn insert_and_update() {
    let history = History::new();
    let mut cache = Cache::default();
    let key = neighbor(1);
    history.did("update 10.0.0.1, which is not in the cache");
    history.expect("what update says", cache.update(key, PEER_MAC, at(0)), None);
    history.expect("what is known", known(&cache), []);
    history.did("insert it");
    history.expect("what insert says", cache.insert(key, PEER_MAC, at(0)), None);
    history.expect("what is known", known(&cache), [(key, PEER_MAC)]);
    history.expect("when something is due", cache.deadline().is_some(), true);
    history.did("update it: it has another hardware address now");
    let waited = cache
        .update(key, OTHER_MAC, at(1000))
        .map(|packets| packets.len());
    history.expect("how many packets waited", waited, Some(0));
    history.expect("what is known", known(&cache), [(key, OTHER_MAC)]);
    history.expect_log(&[
        "arp::cache_insert: INSERT: pa=10.0.0.1, ha=02:00:00:00:00:99",
        "arp::cache_update: UPDATE: pa=10.0.0.1, ha=02:00:00:00:00:77",
    ]);
    // Heard at 1 s, so that 25 s later it is asked whether it is still there.
    history.expect("when something is due", cache.deadline(), Some(at(26_000)));
}

#[test]
fn static_entries_stay() {
    let history = History::new();
    let mut cache = Cache::default();
    let key = neighbor(1);
    cache.insert_static(key, PEER_MAC);
    history.did("enter 10.0.0.1 by hand, and update it");
    let waited = cache
        .update(key, OTHER_MAC, at(0))
        .map(|packets| packets.len());
    history.expect("how many packets waited", waited, Some(0));
    history.expect("what is known", known(&cache), [(key, PEER_MAC)]);
    history.expect("when something is due", cache.deadline(), None);
}

#[test]
fn a_full_cache_forgets_the_oldest() {
    let history = History::new();
    let mut cache = Cache::default();
    cache.insert_static(neighbor(9999), PEER_MAC);
    let limit = u16::try_from(CACHE_LIMIT).unwrap();
    for n in 1..limit {
        cache.insert(neighbor(n), PEER_MAC, at(u64::from(n)));
    }
    history.did("a cache with one entry by hand, and others up to its limit");
    cache.update(neighbor(1), PEER_MAC, at(5000));
    history.did("the first is heard again, after all others");
    let evicted = cache.insert(neighbor(1000), PEER_MAC, at(6000));
    history.did("insert one more");
    history.expect("what had to go", evicted, Some(Evicted(0)));
    let known = known(&cache);
    history.expect("how many are known", known.len(), CACHE_LIMIT);
    let has = |n| known.iter().any(|(key, _)| *key == neighbor(n));
    history.expect("is the one by hand there", has(9999), true);
    history.expect("is the first there", has(1), true);
    history.expect("is the second there, the oldest", has(2), false);
    history.expect("is the new one there", has(1000), true);
}

#[test]
fn resolve_known_asked_unknown() {
    let history = History::new();
    let mut cache = Cache::default();
    let key = neighbor(1);
    let packet = || Packet::new(b"x");
    history.did("a packet for 10.0.0.1, which is unknown");
    let first = cache.resolve(key, packet(), at(0)).0;
    history.expect("what is to be done", first, Resolution::Request);
    history.expect(
        "when the question is repeated",
        cache.deadline(),
        Some(at(1000)),
    );
    for n in 2..=WAITING_LIMIT {
        let more = cache.resolve(key, packet(), at(1)).0;
        history.expect(
            &format!("what is to be done with packet {n}"),
            more,
            Resolution::Wait,
        );
    }
    history.did("more packets, until 64 wait; and one more");
    let full = cache.resolve(key, Packet::new(b"latest"), at(2)).0;
    history.expect("what is to be done", full, Resolution::QueueFull);
    history.expect("is it known", known(&cache).len(), 0);
    history.did("its answer comes");
    let waited = cache
        .update(key, PEER_MAC, at(3))
        .map(|packets| packets.len());
    history.expect("how many packets waited", waited, Some(WAITING_LIMIT));
    history.did("a packet for 10.0.0.1");
    let known = cache.resolve(key, packet(), at(4)).0;
    history.expect(
        "what is to be done",
        known,
        Resolution::Send(PEER_MAC, packet()),
    );
    cache.insert_static(neighbor(2), OTHER_MAC);
    history.did("a packet for 10.0.0.2, which was entered by hand");
    let by_hand = cache.resolve(neighbor(2), packet(), at(4)).0;
    history.expect(
        "what is to be done",
        by_hand,
        Resolution::Send(OTHER_MAC, packet()),
    );
}

#[test]
fn resolve_does_not_insist() {
    let history = History::new();
    let mut cache = Cache::default();
    let key = neighbor(1);
    cache.resolve(key, Packet::new(b"x"), at(0));
    while cache.deadline().is_some_and(|due| due <= at(3000)) {
        cache.expire(cache.deadline().unwrap());
    }
    history.did("10.0.0.1 is asked for at 0 ms, and has not answered by 3000 ms");
    for (ms, expected) in [(3001, Resolution::Unreachable), (4001, Resolution::Request)] {
        history.did(format!("a packet for it at {ms} ms"));
        let resolution = cache.resolve(key, Packet::new(b"x"), at(ms)).0;
        history.expect(
            &format!("what is to be done at {ms} ms"),
            resolution,
            expected,
        );
    }
}

#[test]
fn resolve_tells_what_had_to_go() {
    let history = History::new();
    let mut cache = Cache::default();
    let limit = u16::try_from(CACHE_LIMIT).unwrap();
    for n in 0..limit {
        cache.resolve(neighbor(n), Packet::new(b"x"), at(u64::from(n)));
    }
    history.did("a packet for each of as many neighbours as the cache has room for");
    let (resolution, evicted) = cache.resolve(neighbor(1000), Packet::new(b"x"), at(9000));
    history.did("a packet for one more");
    history.expect("what is to be done", resolution, Resolution::Request);
    history.expect("how many packets are lost", evicted, Some(Evicted(1)));
}

/// Everything that is due at `ms`.
fn due(cache: &mut Cache, ms: u64) -> Vec<String> {
    let expiries = std::iter::from_fn(|| cache.expire(at(ms)));
    let shown = expiries.map(|expiry| match expiry {
        Expiry::Request((_, pa)) => format!("ask for {pa}"),
        Expiry::Probe((_, pa), _) => format!("is {pa} there"),
        Expiry::Unresolved((_, pa), packets) => format!("give up {pa}, {} lost", packets.len()),
        Expiry::Expired((_, pa)) => format!("forget {pa}"),
    });
    shown.take(9).collect()
}

#[test]
fn questions_are_repeated_and_given_up() {
    let history = History::new();
    let mut cache = Cache::default();
    for _ in 0..2 {
        cache.resolve(neighbor(1), Packet::new(b"x"), at(0));
    }
    history.did("two packets for 10.0.0.1 at 0 ms; it is asked for");
    for (ms, expected) in [
        (999, None),
        (1000, Some("ask for 10.0.0.1")),
        (1999, None),
        (2000, Some("ask for 10.0.0.1")),
        (3000, Some("give up 10.0.0.1, 2 lost")),
        (9000, None),
    ] {
        history.did(format!("look at the clock: {ms} ms"));
        let expected: Vec<_> = expected.into_iter().map(str::to_owned).collect();
        history.expect(
            &format!("what is due at {ms} ms"),
            due(&mut cache, ms),
            expected,
        );
    }
}

#[test]
fn addresses_expire() {
    let history = History::new();
    let mut cache = Cache::default();
    cache.insert(neighbor(1), PEER_MAC, at(0));
    cache.insert_static(neighbor(2), PEER_MAC);
    history.did("10.0.0.1 is heard at 0 ms; 10.0.0.2 is entered by hand");
    for ms in [24_999, 25_000, 29_999] {
        history.did(format!("look at the clock: {ms} ms"));
        history.expect(
            &format!("what is due at {ms} ms"),
            due(&mut cache, ms),
            [""; 0],
        );
    }
    history.did("look at the clock: 30000 ms");
    history.expect(
        "what is due at 30000 ms",
        due(&mut cache, 30_000),
        ["forget 10.0.0.1"],
    );
    history.expect("what is known", known(&cache), [(neighbor(2), PEER_MAC)]);
}

#[test]
fn who_is_in_use_is_asked_before() {
    let history = History::new();
    let mut cache = Cache::default();
    cache.insert(neighbor(1), PEER_MAC, at(0));
    cache.resolve(neighbor(1), Packet::new(b"x"), at(20_000));
    history.did("10.0.0.1 is heard at 0 ms, and a packet is sent to it at 20000 ms");
    for ms in [25_000, 26_000, 27_000] {
        history.did(format!("look at the clock: {ms} ms"));
        history.expect(
            &format!("what is due at {ms} ms"),
            due(&mut cache, ms),
            ["is 10.0.0.1 there"],
        );
        history.expect(
            &format!("what more is due at {ms} ms"),
            due(&mut cache, ms),
            [""; 0],
        );
    }
    cache.update(neighbor(1), PEER_MAC, at(27_500));
    history.did("it answers at 27500 ms");
    let next = at(27_500) + Duration::from_secs(25);
    history.expect("when something is due", cache.deadline(), Some(next));
}
