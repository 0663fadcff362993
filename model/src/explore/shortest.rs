//! A shortest path, found breadth first.

use std::collections::{HashSet, VecDeque};
use std::hash::Hash;

use super::codes::Code;

/// A shortest path whose last step is the one that is wanted: `is_it` is asked of the state before
/// a step, of the step, and of the state after it. Nothing, if there is none among `most` states,
/// or if it was stopped; `is_stopped` is told how many states were seen.
pub(super) fn shortest<S: Clone + Eq + Hash>(
    begin: S,
    most: usize,
    mut is_stopped: impl FnMut(usize) -> bool,
    next: impl Fn(&S) -> Vec<(Code, S)>,
    is_it: impl Fn(&S, Code, &S) -> bool,
) -> Option<Vec<Code>> {
    let mut seen = HashSet::from([begin.clone()]);
    // How each state was reached first: from which one, by which step.
    let mut arrivals: Vec<Option<(usize, Code)>> = vec![None];
    let mut queue = VecDeque::from([(0, begin)]);
    while let Some((number, state)) = queue.pop_front() {
        if seen.len() > most || is_stopped(seen.len()) {
            return None;
        }
        for (code, after) in next(&state) {
            if is_it(&state, code, &after) {
                let back = std::iter::successors(Some((number, code)), |&(at, _)| arrivals[at]);
                let mut path: Vec<_> = back.map(|(_, code)| code).collect();
                path.reverse();
                return Some(path);
            }
            if !seen.contains(&after) {
                seen.insert(after.clone());
                arrivals.push(Some((number, code)));
                queue.push_back((arrivals.len() - 1, after));
            }
        }
    }
    None
}
