//! How long tests wait, and how often they do something again.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long to wait for what must happen, however slow the machine is.
const PATIENCE: Duration = Duration::from_secs(60);

/// Tries until there is something.
#[track_caller]
pub fn eventually<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = attempt() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        sleep(Duration::from_millis(5));
    }
}

/// How often something is done: `RAFT_ROUNDS`, or without it the usual number.
pub fn rounds(usual: u32) -> u32 {
    let parsed = |text: String| text.parse().expect("RAFT_ROUNDS is a number");
    std::env::var("RAFT_ROUNDS").map_or(usual, parsed)
}
