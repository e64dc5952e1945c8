//! A fuzzer makes up what the peer of a connection sends, and when.

#![no_main]

#[path = "../../../step07_tcp/tests/entry/mod.rs"]
#[allow(dead_code)] // each target has one door
mod entry;

libfuzzer_sys::fuzz_target!(|data: &[u8]| entry::conversation::run(data));
