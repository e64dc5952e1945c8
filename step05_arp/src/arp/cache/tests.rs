//! The life of an entry, and the limits of the cache, on virtual time.

use super::*;

const HA: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);

fn key(n: u8) -> Key {
    (1, Ipv4Addr::new(192, 0, 2, n))
}

fn ms(ms: u64) -> Time {
    Time::from_millis(ms)
}

#[test]
fn a_packet_waits_for_its_resolution() {
    let mut cache = Cache::default();
    let packet = |n| Packet::new(&[n]);
    assert_eq!(
        cache.resolve(key(1), packet(1), ms(0)).0,
        Resolution::Request
    );
    assert_eq!(cache.resolve(key(1), packet(2), ms(0)).0, Resolution::Wait);
    assert_eq!(cache.update(key(2), HA, ms(5)), None, "not asked for");
    let waited = cache.update(key(1), HA, ms(5)).unwrap();
    assert_eq!(waited, [packet(1), packet(2)]);
    assert_eq!(
        cache.resolve(key(1), packet(3), ms(6)).0,
        Resolution::Send(HA, packet(3))
    );
    // The same address on another device is another neighbour.
    let elsewhere = (2, key(1).1);
    assert_eq!(
        cache.resolve(elsewhere, packet(4), ms(6)).0,
        Resolution::Request
    );
}

#[test]
fn requests_are_repeated_and_then_given_up() {
    let mut cache = Cache::default();
    cache.resolve(key(1), Packet::new(b"x"), ms(0));
    assert_eq!(cache.expire(ms(999)), None);
    for n in 1..MAX_REQUESTS {
        let at = cache.deadline().unwrap();
        assert_eq!(at, ms(1000 * u64::from(n)));
        assert_eq!(cache.expire(at), Some(Expiry::Request(key(1))));
        assert_eq!(cache.expire(at), None);
    }
    let lost = VecDeque::from([Packet::new(b"x")]);
    assert_eq!(
        cache.expire(ms(3000)),
        Some(Expiry::Unresolved(key(1), lost))
    );
    assert_eq!(cache.deadline(), None);
    // For a moment it counts as unreachable; then the next packet asks again.
    for (at, resolution) in [
        (3000, Resolution::Unreachable),
        (3999, Resolution::Unreachable),
        (4000, Resolution::Request),
    ] {
        let resolved = cache.resolve(key(1), Packet::new(b"y"), ms(at));
        assert_eq!(resolved.0, resolution, "{at}");
    }
}

#[test]
fn addresses_expire_unless_they_are_heard_again_or_static() {
    let mut cache = Cache::default();
    cache.insert(key(1), HA, ms(0));
    cache.insert(key(2), HA, ms(0));
    cache.insert_static(key(3), HA);
    cache.update(key(2), HA, ms(10_000));
    assert_eq!(cache.expire(ms(30_000)), Some(Expiry::Expired(key(1))));
    assert_eq!(cache.expire(ms(30_000)), None);
    assert_eq!(cache.expire(ms(40_000)), Some(Expiry::Expired(key(2))));
    assert_eq!(cache.expire(ms(1_000_000)), None);
    // Static entries do not change either.
    cache.update(key(3), MacAddr::ANY, ms(2));
    assert_eq!(cache.iter().collect::<Vec<_>>(), [(key(3), HA)]);
}

#[test]
fn who_is_talked_to_is_asked_before_he_is_forgotten() {
    let mut cache = Cache::default();
    cache.insert(key(1), HA, ms(0));
    cache.insert(key(2), HA, ms(0));
    cache.resolve(key(1), Packet::new(b"x"), ms(20_000));
    assert_eq!(cache.expire(ms(24_999)), None);
    assert_eq!(cache.expire(ms(25_000)), Some(Expiry::Probe(key(1), HA)));
    assert_eq!(cache.expire(ms(25_000)), None, "once a second");
    assert_eq!(cache.expire(ms(26_000)), Some(Expiry::Probe(key(1), HA)));
    // It answers: another half minute. The other one was not asked.
    cache.update(key(1), HA, ms(26_001));
    assert_eq!(cache.expire(ms(30_000)), Some(Expiry::Expired(key(2))));
    assert_eq!(cache.expire(ms(50_000)), None);
    // Nothing was sent to it lately: it is forgotten in silence.
    assert_eq!(cache.expire(ms(56_001)), Some(Expiry::Expired(key(1))));
}

#[test]
fn who_is_doubted_is_asked_at_once_and_forgotten_if_he_is_silent() {
    let mut cache = Cache::default();
    for n in 1..=2 {
        cache.insert(key(n), HA, ms(0));
    }
    cache.doubt(key(1), ms(1000));
    cache.doubt(key(9), ms(1000)); // nobody knows him
    assert_eq!(cache.deadline(), Some(ms(1000)));
    for second in 1..6 {
        let asked = Some(Expiry::Probe(key(1), HA));
        assert_eq!(cache.expire(ms(second * 1000)), asked);
        // To doubt again changes nothing.
        cache.doubt(key(1), ms(second * 1000));
        assert_eq!(cache.expire(ms(second * 1000)), None);
    }
    assert_eq!(cache.expire(ms(6000)), Some(Expiry::Expired(key(1))));
    // Who answers is believed.
    cache.doubt(key(2), ms(7000));
    assert_eq!(cache.expire(ms(7000)), Some(Expiry::Probe(key(2), HA)));
    cache.update(key(2), HA, ms(7001));
    assert_eq!(cache.deadline(), Some(ms(7001 + 25_000)));
}

#[test]
fn who_has_not_answered_may_still_speak() {
    let mut cache = Cache::default();
    cache.resolve(key(1), Packet::new(b"x"), ms(0));
    while let Some(at) = cache.deadline() {
        cache.expire(at);
    }
    assert_eq!(cache.update(key(1), HA, ms(3001)), Some(VecDeque::new()));
    let resolved = cache.resolve(key(1), Packet::new(b"y"), ms(3002)).0;
    assert_eq!(resolved, Resolution::Send(HA, Packet::new(b"y")));
}

#[test]
fn the_timeout_can_be_chosen() {
    let mut cache = Cache::new(Duration::from_secs(60));
    cache.insert(key(1), HA, ms(0));
    assert_eq!(cache.expire(ms(54_999)), None);
    cache.resolve(key(1), Packet::new(b"x"), ms(54_999));
    assert_eq!(cache.expire(ms(55_000)), Some(Expiry::Probe(key(1), HA)));
    assert_eq!(cache.expire(ms(60_000)), Some(Expiry::Expired(key(1))));
}

#[test]
fn an_address_is_defended_now_and_then() {
    let mut cache = Cache::default();
    let at = [0, 1, 9999, 10_000, 10_001, 20_000];
    let defended = at.map(|at| cache.defend(1, ms(at)));
    assert_eq!(defended, [true, false, false, true, false, true]);
    assert!(cache.defend(2, ms(20_001)), "each device for itself");
}

#[test]
fn cache_and_queue_are_bounded() {
    let mut cache = Cache::default();
    cache.insert_static(key(0), HA);
    for n in 0..1000u32 {
        let neighbour = (1, Ipv4Addr::from_bits(0x0a00_0000 + n));
        let evicted = cache.insert(neighbour, HA, ms(n.into()));
        assert_eq!(evicted.is_some(), n as usize + 1 >= CACHE_LIMIT, "{n}");
    }
    assert_eq!(cache.entries.len(), CACHE_LIMIT);
    assert!(cache.entries.contains_key(&key(0)), "static entries stay");
    for n in 0..WAITING_LIMIT + 3 {
        let (resolution, _) = cache.resolve(key(9), Packet::new(b"x"), ms(2000));
        assert_eq!(resolution == Resolution::QueueFull, n >= WAITING_LIMIT);
    }
}

#[test]
fn what_waits_for_all_addresses_together_is_bounded() {
    let mut cache = Cache::default();
    let long = || Packet::zeroed(60_000);
    // A neighbour for whom little waits, and before the others.
    cache.resolve(key(1), Packet::new(b"old"), ms(0));
    cache.resolve(key(1), Packet::new(b"new"), ms(0));
    for n in 2..10 {
        cache.resolve(key(n), long(), ms(0));
        assert_eq!(cache.limit_waiting(), 0, "{n}");
    }
    // A greedy one loses his own, the oldest first.
    for n in 1..=3 {
        cache.resolve(key(9), Packet::new(&[n; 60_000]), ms(0));
        assert_eq!(cache.limit_waiting(), 1, "{n}");
    }
    assert_eq!(cache.limit_waiting(), 0);
    let waited = |cache: &mut Cache, n| cache.update(key(n), HA, ms(1)).unwrap();
    assert_eq!(waited(&mut cache, 9), [Packet::new(&[3; 60_000])]);
    assert_eq!(waited(&mut cache, 1).len(), 2);
    assert_eq!(waited(&mut cache, 2), [long()]);
    // Now there is room again.
    cache.resolve(key(10), long(), ms(1));
    assert_eq!(cache.limit_waiting(), 0);
}

#[test]
fn a_full_frame_for_each_neighbour_may_wait() {
    let mut cache = Cache::default();
    for n in 0..CACHE_LIMIT {
        let neighbour = (n, key(1).1);
        cache.resolve(neighbour, Packet::zeroed(1500), ms(0));
        assert_eq!(cache.limit_waiting(), 0, "{n}");
    }
}
