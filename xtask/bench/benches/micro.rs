//! The small pieces, each alone: time, and octets allocated.
//!
//! `cargo bench -p bench`

#![allow(clippy::unwrap_used)] // it is a measurement: what fails ends it

use std::hint::black_box;
use std::net::{Ipv4Addr, SocketAddrV4};

use divan::{AllocProfiler, Bencher, counter::BytesCount};
use step07_tcp::checksum::checksum;
use step07_tcp::config::Config;
use step07_tcp::diffserv::Service;
use step07_tcp::ethernet;
use step07_tcp::flags::Flags;
use step07_tcp::header::Header;
use step07_tcp::ip;
use step07_tcp::packet::Packet;
use step07_tcp::segment::{Outgoing, Segment};
use step07_tcp::seq::SeqNumber;
use step07_tcp::state::State;
use step07_tcp::time::Time;

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

const LOCAL: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 2), 7);

fn remote(number: usize) -> SocketAddrV4 {
    let [.., a, b] = (number / 50_000).to_be_bytes();
    let port = u16::try_from(1024 + number % 50_000).unwrap();
    SocketAddrV4::new(Ipv4Addr::new(198, 18, a, b), port)
}

fn segment(seq: SeqNumber, ack: SeqNumber, text: &[u8]) -> Segment {
    Segment {
        seq,
        ack,
        flags: Flags::ACK,
        window: 65_535,
        payload: Packet::new(text),
        ..Segment::default()
    }
}

#[divan::bench(args = [20, 64, 1460, 65_000])]
fn checksum_of(bencher: Bencher<'_, '_>, len: usize) {
    let data = vec![0x5a; len];
    bencher
        .counter(BytesCount::new(len))
        .bench(|| checksum(black_box(&data)));
}

fn packet() -> Packet {
    Outgoing {
        local: LOCAL,
        remote: remote(0),
        service: Service::default(),
        segment: segment(SeqNumber::new(1), SeqNumber::new(2), &[0x5a; 1460]),
    }
    .into_packet()
}

#[divan::bench]
fn parse_ethernet_header(bencher: Bencher<'_, '_>) {
    let frame = [0x5a; 1514];
    bencher.bench(|| ethernet::Header::parse(black_box(&frame)));
}

#[divan::bench]
fn parse_ip_header(bencher: Bencher<'_, '_>) {
    let datagram = *step07_tcp::sample::PACKET;
    bencher.bench(|| ip::Header::parse(black_box(&datagram)));
}

#[divan::bench]
fn parse_tcp_header(bencher: Bencher<'_, '_>) {
    let packet = packet();
    bencher.bench(|| Header::parse(black_box(&packet)).map(|(header, _)| header.seq));
}

#[divan::bench]
fn write_a_segment_of_1460_octets(bencher: Bencher<'_, '_>) {
    bencher
        .with_inputs(|| Outgoing {
            local: LOCAL,
            remote: remote(0),
            service: Service::default(),
            segment: segment(SeqNumber::new(1), SeqNumber::new(2), &[0x5a; 1460]),
        })
        .bench_values(Outgoing::into_packet);
}

/// A `State` with so many established connections to port 7.
fn established(count: usize) -> (State, Vec<(SeqNumber, SeqNumber)>) {
    let mut state = State::new(Config::default(), 1);
    state.listen(LOCAL, 128).unwrap();
    let mut numbers = Vec::new();
    let mut out = Vec::new();
    let listener = state.all().next().unwrap().id;
    for number in 0..count {
        let seq = SeqNumber::new(u32::try_from(number).unwrap());
        let syn = Segment {
            flags: Flags::SYN,
            ..segment(seq, SeqNumber::new(0), b"")
        };
        state.segment_arrives(LOCAL, remote(number), syn, 1500, Time::ZERO, &mut out);
        let ack = out.pop().unwrap().segment.seq + 1;
        let hello = segment(seq + 1, ack, b"");
        state.segment_arrives(LOCAL, remote(number), hello, 1500, Time::ZERO, &mut out);
        state.accept(listener).unwrap();
        state.take_changed();
        numbers.push((seq + 1, ack));
    }
    (state, numbers)
}

/// An old acknowledgment: found, looked at, and that is all.
#[divan::bench(args = [1, 100, 10_000])]
fn demultiplex(bencher: Bencher<'_, '_>, connections: usize) {
    let (mut state, numbers) = established(connections);
    let mut out = Vec::new();
    let mut next = 0;
    bencher.bench_local(|| {
        next = (next + 7919) % connections;
        let (seq, ack) = numbers[next];
        let segment = segment(seq, ack, b"");
        state.segment_arrives(LOCAL, remote(next), segment, 1500, Time::ZERO, &mut out);
    });
}

/// A full segment in order, read at once.
#[divan::bench]
fn segment_in(bencher: Bencher<'_, '_>) {
    let (mut state, mut numbers) = established(1);
    let id = state.all().last().unwrap().id;
    let (mut buffer, mut out) = (vec![0; 65_536], Vec::new());
    bencher.bench_local(|| {
        let (seq, ack) = numbers[0];
        let text = segment(seq, ack, &[0x5a; 1460]);
        numbers[0].0 = seq + 1460;
        state.segment_arrives(LOCAL, remote(0), text, 1500, Time::ZERO, &mut out);
        state
            .receive(id, &mut buffer, Time::ZERO, &mut out)
            .unwrap();
        state.take_changed();
        out.clear();
    });
}

/// A full segment out, acknowledged at once.
#[divan::bench]
fn segment_out(bencher: Bencher<'_, '_>) {
    let (mut state, mut numbers) = established(1);
    let id = state.all().last().unwrap().id;
    let mut out = Vec::new();
    bencher.bench_local(|| {
        state.send(id, &[0x5a; 1460], Time::ZERO, &mut out).unwrap();
        let (seq, ack) = numbers[0];
        let octets: usize = out.drain(..).map(|sent| sent.segment.payload.len()).sum();
        numbers[0].1 = ack + u32::try_from(octets).unwrap();
        let answer = segment(seq, numbers[0].1, b"");
        state.segment_arrives(LOCAL, remote(0), answer, 1500, Time::ZERO, &mut out);
        state.take_changed();
    });
}
