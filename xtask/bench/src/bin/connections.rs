//! `cargo run --release -p bench --bin connections [-- COUNT…]`
//!
//! With 1, 10, 100, 1,000 and 10,000 established connections, of which one or 64
//! are active: their goodput, the time and the allocations that a frame takes,
//! both hosts and the wire together, and the memory that an idle connection
//! takes at one end, its buffers included.

#![allow(clippy::unwrap_used, clippy::expect_used)] // it is a measurement: what fails ends it

use std::time::Instant;

use bench::memory::World;
use bench::sys::{self, Counting};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const OCTETS: usize = 64_000_000;

fn main() {
    let counts: Vec<usize> = std::env::args()
        .skip(1)
        .map(|arg| arg.parse().expect("a number of connections"))
        .collect();
    let counts = if counts.is_empty() {
        vec![1, 10, 100, 1_000, 10_000]
    } else {
        counts
    };
    println!("connections  active   Gbit/s   of one   ns/frame   allocations/frame   octets/idle");
    let mut of_one = None;
    for count in counts {
        let mut world = World::new().unwrap();
        world.connect().unwrap();
        let before = sys::live();
        for _ in 1..count {
            world.connect().unwrap();
        }
        let ends = 2 * (count - 1);
        let idle = (sys::live() - before).checked_div(ends);
        let idle = idle.map_or("–".to_owned(), |octets| octets.to_string());
        for active in [1, 64] {
            if active > count {
                continue;
            }
            // Warm up: windows and buffers get their sizes.
            world.transfer(OCTETS / 4, active).unwrap();
            let (frames, allocations) = (world.frames(), sys::allocations());
            let begin = Instant::now();
            world.transfer(OCTETS, active).unwrap();
            let seconds = begin.elapsed().as_secs_f64();
            let frames = (world.frames() - frames) as f64;
            let allocations = (sys::allocations() - allocations) as f64;
            let goodput = OCTETS as f64 * 8e-9 / seconds;
            let one = *of_one.get_or_insert(goodput);
            println!(
                "{count:>11}{active:>8}{goodput:>9.2}{:>9.2}{:>11.0}{:>20.2}{idle:>14}",
                goodput / one,
                seconds * 1e9 / frames,
                allocations / frames,
            );
        }
    }
}
