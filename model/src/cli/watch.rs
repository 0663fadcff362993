//! Who watches long work: says how far it is, heeds Ctrl-C, and keeps the memory of a search within
//! its limit.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, LazyLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use raft_model::growth::Guess;
use raft_model::search::{Control, Stop};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use super::amount::{as_f64, span};
use super::exit::Exit;
use super::memory::{self, Limit};
use super::paper;

/// How often it looks.
const PERIOD: Duration = Duration::from_millis(100);
/// How often it says how far the work is: to a terminal, and to a file, which keeps every line.
const ON_TERMINAL: Duration = Duration::from_millis(500);
const IN_FILE: Duration = Duration::from_secs(10);
/// Signals so close together are one: `timeout` sends its own twice, and a shell adds another.
const ONE_SIGNAL: Duration = Duration::from_secs(1);

/// What a search has cost.
#[derive(Clone, Copy)]
pub(super) struct Cost {
    /// How long it took.
    pub(super) seconds: f64,
    /// The most memory that this process ever had, in bytes, where the system tells.
    pub(super) memory: Option<usize>,
}

/// Searches, and is watched.
pub(super) fn watched<T>(limit: Limit, search: impl FnOnce(&Arc<Control>) -> T) -> (T, Cost) {
    let started = Instant::now();
    let control = Arc::new(Control::default());
    let watch = Watch::over(Search::of(&control, limit));
    let result = search(&control);
    watch.leave();
    (result, Cost { seconds: started.elapsed().as_secs_f64(), memory: memory::at_most() })
}

/// Work that takes long.
pub(super) trait Work: Send + 'static {
    /// Ten times a second it is told whether somebody has interrupted it.
    fn tend(&mut self, is_interrupted: bool);
    /// How far it is, in a line.
    fn progress(&mut self) -> String;
}

/// SIGINT and SIGTERM.
struct Signals {
    /// Whether one has come.
    came: Arc<AtomicBool>,
    /// Whether the next one ends the process at once, whatever it does.
    deadly: Arc<AtomicBool>,
}

static SIGNALS: LazyLock<Signals> = LazyLock::new(|| {
    let (came, deadly) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    for signal in [SIGINT, SIGTERM] {
        let status = Exit::Interrupted as i32;
        flag::register_conditional_shutdown(signal, status, Arc::clone(&deadly))
            .and_then(|_| flag::register(signal, Arc::clone(&came)))
            .expect("these signals can be handled");
    }
    Signals { came, deadly }
});

/// A thread that watches until it is told to leave.
pub(super) struct Watch {
    leave: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Watch {
    pub(super) fn over(work: impl Work) -> Self {
        SIGNALS.deadly.store(false, Relaxed);
        let leave = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&leave);
        let thread = thread::spawn(move || look_after(work, &told));
        Self { leave, thread }
    }

    /// The work is over, and nobody heeds a signal any more.
    pub(super) fn leave(self) {
        self.leave.store(true, Relaxed);
        self.thread.thread().unpark();
        let _ = self.thread.join();
        SIGNALS.deadly.store(true, Relaxed);
    }
}

fn look_after(mut work: impl Work, leave: &AtomicBool) {
    let on_terminal = io::stderr().is_terminal();
    let (period, before, after) =
        if on_terminal { (ON_TERMINAL, "\r\x1b[K", "") } else { (IN_FILE, "", "\n") };
    // A line that goes on below itself is not overwritten by the next one.
    let width = if on_terminal { paper::width() } else { usize::MAX };
    let mut said = Instant::now();
    let mut interrupted = None;
    while !leave.load(Relaxed) {
        if SIGNALS.came.load(Relaxed) {
            let since = interrupted.get_or_insert_with(Instant::now).elapsed();
            SIGNALS.deadly.store(since >= ONE_SIGNAL, Relaxed);
        }
        work.tend(interrupted.is_some());
        if said.elapsed() >= period {
            said = Instant::now();
            let line = work.progress();
            let _ = write!(io::stderr(), "{before}{}{after}", paper::shortened(&line, width));
        }
        thread::park_timeout(PERIOD);
    }
    if on_terminal {
        let _ = write!(io::stderr(), "\r\x1b[K");
    }
}

/// A search, as it is watched.
struct Search {
    control: Arc<Control>,
    /// How much memory it may have, in bytes.
    limit: Option<usize>,
    started: Instant,
    /// When it was last said how far it is, and how many states it had then.
    said: (Instant, usize),
}

impl Search {
    fn of(control: &Arc<Control>, limit: Limit) -> Self {
        let now = Instant::now();
        Self { control: Arc::clone(control), limit: limit.bytes(), started: now, said: (now, 0) }
    }
}

impl Work for Search {
    fn tend(&mut self, is_interrupted: bool) {
        if is_interrupted {
            self.control.stop(Stop::Interrupted);
        }
        if memory::now().zip(self.limit).is_some_and(|(now, limit)| now > limit) {
            self.control.stop(Stop::OutOfMemory);
        }
    }

    fn progress(&mut self) -> String {
        let (states, depth) = (self.control.states.load(Relaxed), self.control.depth.load(Relaxed));
        // Fewer than before are those of the next one of many searches.
        let new = states.checked_sub(self.said.1).unwrap_or(states) as u128;
        let rate = new * 1000 / self.said.0.elapsed().as_millis().max(1);
        self.said = (Instant::now(), states);
        let seconds = self.started.elapsed().as_secs();
        let subject = self.control.subject();
        let memory = memory::now().map_or_else(String::new, |now| format!(", {} MiB", now >> 20));
        // Of one of many searches it says little when that one ends.
        let levels = if subject.is_empty() { self.control.levels() } else { Vec::new() };
        let resumed = self.control.resumed.load(Relaxed);
        let outlook = outlook(&levels, resumed, states, self.started.elapsed().as_secs_f64());
        let outlook = outlook.unwrap_or_default();
        format!("{seconds} s: {subject}level {depth}{outlook}, {states} states, {rate}/s{memory}")
    }
}

/// An end that may be so many times further off is not worth a word.
const TOO_VAGUE: f64 = 4.0;

/// How many levels there will be and when the search may end, given the levels that are finished
/// and how long it took to look at so many states since it went on; nothing as long as that can
/// hardly be told.
fn outlook(levels: &[usize], resumed: usize, states: usize, seconds: f64) -> Option<String> {
    let estimate = Guess::BLIND.given(levels);
    if estimate.factor > TOO_VAGUE {
        return None;
    }
    let pace = seconds / as_f64(states.saturating_sub(resumed).max(1));
    let left = |all: f64| span((all - as_f64(states)).max(0.0) * pace);
    let (likely, perhaps) = (left(estimate.states), left(estimate.states * estimate.factor));
    Some(format!(" of about {:.0}, about {likely} left, perhaps {perhaps}", estimate.depth))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Figure 2, three servers, four terms: 56,059 states.
    const LEVELS: [usize; 21] = [
        1, 1, 4, 12, 41, 135, 434, 1193, 2736, 5149, 7943, 9952, 10021, 8186, 5469, 2943, 1262,
        437, 117, 21, 2,
    ];

    fn after(finished: usize) -> Option<String> {
        let levels = &LEVELS[..finished];
        let states = levels.iter().sum();
        outlook(levels, 0, states, as_f64(states) / 100.0) // a hundred a second
    }

    #[test]
    fn when_a_search_ends_is_said_once_its_levels_hardly_grow_any_more() {
        for finished in 0..9 {
            assert_eq!(after(finished), None, "after {finished} levels");
        }
        // In truth 185 seconds.
        let says = " of about 25, about 5 min left, perhaps 12 min";
        assert_eq!(after(13).as_deref(), Some(says));
    }
}
