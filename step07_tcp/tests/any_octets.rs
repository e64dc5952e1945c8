//! The fuzzer's doors, on a stable compiler: the corpus that is kept, and
//! octets drawn at random. `MICROPS_ROUNDS` says how many of those.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)] // it is all test

use std::fs;
use std::path::Path;

mod entry;

fn rounds(default: u64) -> u64 {
    let wanted = std::env::var("MICROPS_ROUNDS");
    wanted.ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

/// xorshift64*
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 8
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % (end.max(1) as u64)) as usize
    }

    fn octets(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }
}

/// Each kept input, then damaged ones of them, and some out of nothing.
fn try_all(name: &str, run: fn(&[u8]), count: u64) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../xtask/fuzz/corpus");
    let mut corpus: Vec<Vec<u8>> = Vec::new();
    let mut paths: Vec<_> = fs::read_dir(folder.join(name))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    for path in paths {
        let input = fs::read(&path).unwrap();
        eprintln!("{}", path.display()); // the last one is the culprit
        run(&input);
        corpus.push(input);
    }
    assert!(!corpus.is_empty());
    for seed in 1..=count {
        let mut random = Random(seed);
        let mut input = match random.below(4) {
            0 => {
                let len = random.below(400);
                random.octets(len)
            }
            _ => corpus[random.below(corpus.len())].clone(),
        };
        for _ in 0..random.below(6) {
            let at = random.below(input.len());
            match random.below(4) {
                0 if at < input.len() => drop(input.remove(at)),
                1 => input.insert(at, random.next() as u8),
                2 => {
                    let other = &corpus[random.below(corpus.len())];
                    let start = random.below(other.len());
                    let end = start + random.below((other.len() - start).min(60) + 1);
                    let piece = other[start..end].to_vec();
                    input.splice(at..at, piece);
                }
                _ if at < input.len() => input[at] = random.next() as u8,
                _ => {}
            }
        }
        eprintln!("{name}: seed {seed}");
        run(&input);
    }
}

#[test]
fn headers() {
    try_all("headers", entry::headers::run, rounds(20_000));
}

#[test]
fn frames() {
    try_all("frames", entry::frames::run, rounds(500));
}

#[test]
fn conversation() {
    try_all("conversation", entry::conversation::run, rounds(3000));
}
