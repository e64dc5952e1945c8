//! A fuzzer makes up the octets that headers are read from.

#![no_main]

#[path = "../../../step07_tcp/tests/entry/mod.rs"]
#[allow(dead_code)] // each target has one door
mod entry;

libfuzzer_sys::fuzz_target!(|data: &[u8]| entry::headers::run(data));
