//! Liveness, judged in the simplest way, to compare with what TLC says.
//!
//! Here a run goes on as long as something can happen (`WF_vars(Next)`), and nothing can happen for
//! ever: no server returns to an older term or takes back what it said, and terms are bounded. So
//! no run comes back to where it was, and what counts is where runs end.

use std::collections::HashMap;
use std::hash::Hash;

/// All runs, as the graph of what may come next.
pub(crate) struct Runs<S> {
    states: Vec<S>,
    /// The first so many of them are where runs begin.
    beginnings: usize,
    next: Vec<Vec<usize>>,
}

impl<S: Clone + Eq + Hash> Runs<S> {
    /// The runs from these.
    ///
    /// # Panics
    ///
    /// If one comes back to where it was.
    pub(crate) fn from(
        beginnings: impl IntoIterator<Item = S>,
        successors: impl Fn(&S) -> Vec<S>,
    ) -> Self {
        let (mut states, mut next) = (Vec::from_iter(beginnings), Vec::new());
        let mut numbers: HashMap<_, _> = states.iter().cloned().zip(0..).collect();
        let beginnings = states.len();
        while let Some(state) = states.get(next.len()) {
            let after = successors(state).into_iter().map(|after| {
                *numbers.entry(after).or_insert_with_key(|after| {
                    states.push(after.clone());
                    states.len() - 1
                })
            });
            next.push(after.collect());
        }
        let runs = Self { states, beginnings, next };
        assert!(runs.all_end(), "a run comes back to where it was");
        runs
    }

    /// Whether no run goes round: taking away again and again what nothing leads to leaves nothing.
    fn all_end(&self) -> bool {
        let mut ways_in = vec![0; self.states.len()];
        self.next.iter().flatten().for_each(|&after| ways_in[after] += 1);
        let mut free: Vec<usize> = (0..ways_in.len()).filter(|&s| ways_in[s] == 0).collect();
        let mut taken = 0;
        while let Some(state) = free.pop() {
            taken += 1;
            for &after in &self.next[state] {
                ways_in[after] -= 1;
                if ways_in[after] == 0 {
                    free.push(after);
                }
            }
        }
        taken == self.states.len()
    }

    /// How many states there are.
    pub(crate) fn len(&self) -> usize {
        self.states.len()
    }

    /// `<>good`: every run comes to a good state.
    pub(crate) fn come_to(&self, good: impl Fn(&S) -> bool) -> bool {
        let mut seen = vec![false; self.states.len()];
        let mut todo = Vec::from_iter(0..self.beginnings);
        while let Some(state) = todo.pop() {
            if seen[state] || good(&self.states[state]) {
                continue;
            }
            seen[state] = true;
            if self.next[state].is_empty() {
                return false;
            }
            todo.extend(&self.next[state]);
        }
        true
    }

    /// `<>[]good`: every run is good from some time on.
    pub(crate) fn end_in(&self, good: impl Fn(&S) -> bool) -> bool {
        let ends = self.states.iter().zip(&self.next).filter(|(_, next)| next.is_empty());
        ends.map(|(state, _)| state).all(good)
    }
}
