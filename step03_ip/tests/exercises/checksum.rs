//! The Internet checksum.

use step03_ip::checksum::{Checksum, checksum};
use step03_ip::testing::History;

#[test]
fn the_sum_of_words() {
    let history = History::new();
    for (data, sum, why) in [
        (&[0x12, 0x34][..], 0x1234_u16, "one word"),
        (&[0x12, 0x34, 0x00, 0x01], 0x1235, "two words"),
        (&[0x12, 0x34, 0x00, 0x01, 0x00, 0x02], 0x1237, "three words"),
        (
            &[0x12, 0x34, 0x56],
            0x6834,
            "an octet is left: it is the high half of a word",
        ),
        (&[], 0x0000, "nothing"),
    ] {
        history.did(format!("sum up {data:02x?}: {why}"));
        let got = checksum(data);
        history.expect_bytes(
            "the checksum",
            &got.to_be_bytes(),
            &(!sum).to_be_bytes(),
            &[("sum", 2)],
        );
    }
}

#[test]
fn a_carry_comes_back_at_the_right() {
    let history = History::new();
    // RFC 1071 §3: the words sum up to 2ddf0, and with the carry to ddf2.
    let data = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
    history.did("sum up the example of RFC 1071 §3: 0001 f203 f4f5 f6f7");
    history.expect_bytes(
        "the checksum",
        &checksum(&data).to_be_bytes(),
        &[0x22, 0x0d],
        &[("sum", 2)],
    );
    history.did("sum up ffff 0001: folding once gives a carry again");
    let twice = [0xff, 0xff, 0xff, 0xff, 0x00, 0x01, 0xff, 0xff];
    history.expect_bytes(
        "the checksum",
        &checksum(&twice).to_be_bytes(),
        &[0xff, 0xfe],
        &[("sum", 2)],
    );
}

#[test]
fn what_is_intact_sums_up_to_zero() {
    let history = History::new();
    let mut header =
        *b"\x45\x00\x00\x30\x00\x80\x00\x00\xff\x01\xbd\x4a\x7f\x00\x00\x01\x7f\x00\x00\x01";
    history.did("sum up a header with its checksum in it");
    history.expect("the checksum of an intact header", checksum(&header), 0);
    header[8] = 0xfe;
    history.did("change its time to live, as a router would, and sum up again");
    history.expect_that("damage is seen", checksum(&header) != 0);
}

#[test]
fn pieces_and_long_data() {
    let history = History::new();
    let data: Vec<u8> = (0..65_534_u32)
        .map(|n| (n % 253).to_le_bytes()[0])
        .collect();
    let mut sum = Checksum::new();
    history.did("add 65534 octets in two pieces, of 10 and 65524");
    sum.add(&data[..10]);
    sum.add(&data[10..]);
    let pieces = sum.finish();
    history.did("sum them up in one piece");
    history.expect("both sums are the same", pieces, checksum(&data));
    let full = vec![0xff; 65_534];
    history.did("sum up 65534 times ff");
    history.expect("the checksum", checksum(&full), 0);
}
