//! How far a search is, how fast, and with how much memory.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use raft_model::search::{Control, Stop};

const MIB: usize = 1 << 20;

/// What looks after a search that may have so many MiB.
pub(super) fn tend(
    control: &Arc<Control>,
    max_memory: Option<usize>,
) -> impl FnMut(bool) -> Option<String> + Send + 'static {
    let control = Arc::clone(control);
    let mut line = Line { started: Instant::now(), shown: Instant::now(), states: 0 };
    move |is_interrupted| {
        if is_interrupted {
            control.stop(Stop::Interrupted);
        }
        let memory = memory();
        if max_memory.is_some_and(|max| memory.is_some_and(|memory| memory > max * MIB)) {
            control.stop(Stop::OutOfMemory);
        }
        line.show(&control, memory)
    }
}

/// A line on the terminal that says how far the search is.
struct Line {
    started: Instant,
    shown: Instant,
    states: usize,
}

impl Line {
    fn show(&mut self, control: &Control, memory: Option<usize>) -> Option<String> {
        let since = self.shown.elapsed();
        if since < Duration::from_millis(500) {
            return None;
        }
        let states = control.states.load(Ordering::Relaxed);
        let depth = control.depth.load(Ordering::Relaxed);
        let new = states.saturating_sub(self.states) as u128;
        let rate = new * 1000 / since.as_millis().max(1);
        (self.shown, self.states) = (Instant::now(), states);
        let seconds = self.started.elapsed().as_secs();
        let memory = memory.map_or_else(String::new, |bytes| format!(", {} MiB", bytes / MIB));
        Some(format!("{seconds} s: level {depth}, {states} states, {rate} states/s{memory}"))
    }
}

/// The memory that this process has, in bytes, where the system tells.
fn memory() -> Option<usize> {
    from_status("VmRSS:")
}

/// The most memory that this process ever had, in bytes, where the system tells.
pub(super) fn peak_memory() -> Option<usize> {
    from_status("VmHWM:")
}

fn from_status(name: &str) -> Option<usize> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: usize = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
