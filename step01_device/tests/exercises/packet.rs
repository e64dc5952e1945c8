//! The packet buffer: headers go on and come off.

use step01_device::packet::{HEADROOM, Packet};
use step01_device::testing::History;

#[test]
fn prepend_makes_room_in_front() {
    let history = History::new();
    let mut packet = Packet::new(b"data");
    history.did("a packet with the contents \"data\"");
    let room = packet.prepend(2);
    history.did("prepend(2)");
    history.expect("the length of the room", room.len(), 2);
    history.expect("fresh room holds zeros", room.to_vec(), [0, 0]);
    room.copy_from_slice(b"h:");
    history.did("write \"h:\" there");
    history.expect_bytes("the packet", &packet, b"h:data", &[("header", 2)]);
    packet.prepend(1)[0] = b'>';
    history.did("prepend(1), and write \">\" there");
    history.expect_bytes("the packet", &packet, b">h:data", &[("header", 3)]);
}

#[test]
fn prepend_grows_when_the_headroom_is_used_up() {
    let history = History::new();
    let mut packet = Packet::new(b"data");
    packet.prepend(HEADROOM).fill(1);
    history.did("prepend all of the headroom, and fill it with 1");
    let room = packet.prepend(3);
    history.did("prepend(3), for which there is no headroom left");
    history.expect("the length of the room", room.len(), 3);
    room.fill(2);
    history.expect("the length of the packet", packet.len(), HEADROOM + 7);
    history.expect_bytes(
        "the first octets",
        &packet[..4],
        &[2, 2, 2, 1],
        &[("header", 4)],
    );
    history.expect_bytes(
        "the last octets",
        &packet[HEADROOM + 3..],
        b"data",
        &[("data", 4)],
    );
    packet.prepend(HEADROOM - 3).fill(3);
    history.did("prepend what a grown packet has room for");
    history.expect("the length of the packet", packet.len(), 2 * HEADROOM + 4);
}

#[test]
fn prepend_grows_when_the_headroom_is_too_short() {
    let history = History::new();
    let mut packet = Packet::new(b"data");
    packet.prepend(HEADROOM - 2).fill(1);
    history.did("prepend all of the headroom but two octets, and fill it with 1");
    packet.prepend(3).fill(2);
    history.did("prepend(3), and fill it with 2");
    history.expect("the length of the packet", packet.len(), HEADROOM + 5);
    history.expect_bytes(
        "the first octets",
        &packet[..4],
        &[2, 2, 2, 1],
        &[("header", 4)],
    );
}

#[test]
fn pull_takes_from_the_front() {
    let history = History::new();
    let mut packet = Packet::new(b"h:data");
    history.did("a packet with the contents \"h:data\"");
    history.expect("what pull(2) says", packet.pull(2), true);
    history.expect_bytes("the packet", &packet, b"data", &[("data", 4)]);
    history.did("pull(5), but there are only 4 octets");
    history.expect("what pull(5) says", packet.pull(5), false);
    history.expect_bytes("the packet is unchanged", &packet, b"data", &[("data", 4)]);
    history.did("pull(4)");
    history.expect("what pull(4) says", packet.pull(4), true);
    history.expect("the length of what is left", packet.len(), 0);
    history.did("pull(0) of nothing, and pull(usize::MAX)");
    history.expect("what pull(0) says", packet.pull(0), true);
    history.expect("what pull(usize::MAX) says", packet.pull(usize::MAX), false);
    history.did("prepend(4): what was pulled is still there");
    history.expect_bytes("the room", packet.prepend(4), b"data", &[("data", 4)]);
}
