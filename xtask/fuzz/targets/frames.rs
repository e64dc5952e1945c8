//! A fuzzer makes up the frames that a host hears.

#![no_main]

#[path = "../../../step07_tcp/tests/entry/mod.rs"]
#[allow(dead_code)] // each target has one door
mod entry;

libfuzzer_sys::fuzz_target!(|data: &[u8]| entry::frames::run(data));
