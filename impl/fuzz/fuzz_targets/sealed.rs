//! Any bytes in place of a hello, an answer or a message of a server with a key.

#![no_main]

#[path = "../../../tests/support/bytes.rs"]
#[expect(dead_code, reason = "each target tries one law")]
mod bytes;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bytes::sealed(data));
