//! Any bytes as the file with the keys of a cluster.

#![no_main]

#[path = "../../../tests/support/bytes.rs"]
#[expect(dead_code, reason = "each target tries one law")]
mod bytes;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bytes::keys(data));
