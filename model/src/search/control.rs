//! What a search and those who watch it tell each other.

use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use super::Coverage;

/// Why a search ended before everything was looked at, other than at a violation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[repr(u8)]
pub enum Stop {
    /// Somebody interrupted it.
    Interrupted = 1,
    /// It had as much memory as it was allowed to have.
    OutOfMemory = 2,
}

/// How far a search has come, and whether it is to stop; shared by all threads of a process.
#[derive(Debug, Default)]
pub struct Control {
    /// The level that is searched.
    pub depth: AtomicUsize,
    /// The states whose successors were looked at.
    pub states: AtomicUsize,
    /// How many of these were looked at before the search went on.
    pub resumed: AtomicUsize,
    /// How many that were when each level began, if all of them were told.
    begun: Mutex<Vec<usize>>,
    /// What is searched, where it is one of many things.
    subject: Mutex<String>,
    stop: AtomicU8,
}

impl Control {
    /// Notes how far the search has come.
    pub fn covers(&self, coverage: Coverage) {
        self.depth.store(coverage.depth, Relaxed);
        self.states.store(coverage.states, Relaxed);
    }

    /// Notes that a level begins, the first being 1: no state of it was looked at before.
    pub fn reaches(&self, depth: usize) {
        self.depth.fetch_max(depth, Relaxed);
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        if depth == begun.len() + 1 {
            begun.push(self.states.load(Relaxed));
        }
    }

    /// The states of each level that is finished, as far as they were looked at in this process.
    pub fn levels(&self) -> Vec<usize> {
        let begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        begun.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }

    /// Notes what is searched from now on, in words that a sentence can begin with.
    pub fn begins(&self, subject: String) {
        *self.subject.lock().unwrap_or_else(PoisonError::into_inner) = subject;
    }

    /// What is searched, if that was said.
    pub fn subject(&self) -> String {
        self.subject.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks the search to stop. It ends soon, and reports what it has covered.
    pub fn stop(&self, why: Stop) {
        // The first reason stands.
        let _ = self.stop.compare_exchange(0, why as u8, Relaxed, Relaxed);
    }

    /// Whether it was asked to stop, and why.
    pub fn stopped(&self) -> Option<Stop> {
        match self.stop.load(Relaxed) {
            0 => None,
            1 => Some(Stop::Interrupted),
            _ => Some(Stop::OutOfMemory),
        }
    }
}
