//! Who watches long work: shows how far it is, heeds Ctrl-C, and keeps the memory of a search
//! within its limit.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use raft_model::search::{Control, Stop};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

const PERIOD: Duration = Duration::from_millis(100);
const MIB: usize = 1 << 20;

/// What a search has cost.
#[derive(Clone, Copy)]
pub(super) struct Cost {
    /// How long it took.
    pub(super) seconds: f64,
    /// The most memory that this process ever had, in bytes, where the system tells.
    pub(super) memory: Option<usize>,
}

/// Searches, and is watched: it may have so many MiB.
pub(super) fn watched<T, E: From<io::Error>>(
    max_memory: Option<usize>,
    search: impl FnOnce(&Arc<Control>) -> Result<T, E>,
) -> Result<(T, Cost), E> {
    let started = Instant::now();
    let control = Arc::new(Control::default());
    let watch = Watch::start(&control, max_memory)?;
    let result = search(&control);
    watch.leave();
    let cost = Cost { seconds: started.elapsed().as_secs_f64(), memory: from_status("VmHWM:") };
    result.map(|found| (found, cost))
}

/// A thread that watches until it is told to leave.
pub(super) struct Watch {
    leave: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Watch {
    /// Watches a search that may have so many MiB.
    fn start(control: &Arc<Control>, max_memory: Option<usize>) -> io::Result<Self> {
        let control = Arc::clone(control);
        let mut line = Line { started: Instant::now(), shown: Instant::now(), states: 0 };
        Self::over(move |is_interrupted| {
            if is_interrupted {
                control.stop(Stop::Interrupted);
            }
            let memory = memory();
            if max_memory.is_some_and(|max| memory.is_some_and(|memory| memory > max * MIB)) {
                control.stop(Stop::OutOfMemory);
            }
            line.show(&control, memory)
        })
    }

    /// Watches over some work: ten times a second, `tend` is told whether somebody has interrupted
    /// it, and may return a line to show.
    pub(super) fn over(
        mut tend: impl FnMut(bool) -> Option<String> + Send + 'static,
    ) -> io::Result<Self> {
        let interrupted = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // The second one ends the process at once, whatever it does.
            flag::register_conditional_shutdown(signal, 130, Arc::clone(&interrupted))?;
            flag::register(signal, Arc::clone(&interrupted))?;
        }
        let leave = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&leave);
        let thread = thread::spawn(move || {
            let on_terminal = io::stderr().is_terminal();
            while !told.load(Ordering::Relaxed) {
                let line = tend(interrupted.load(Ordering::Relaxed));
                if on_terminal && let Some(line) = line {
                    let _ = write!(io::stderr(), "\r\x1b[K{line}");
                }
                thread::park_timeout(PERIOD);
            }
            if on_terminal {
                let _ = write!(io::stderr(), "\r\x1b[K");
            }
        });
        Ok(Self { leave, thread })
    }

    /// The work is over.
    pub(super) fn leave(self) {
        self.leave.store(true, Ordering::Relaxed);
        self.thread.thread().unpark();
        let _ = self.thread.join();
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

fn from_status(name: &str) -> Option<usize> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: usize = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
