//! A plain search, breadth first, that remembers its ways.

use std::collections::HashSet;
use std::hash::Hash;

use crate::search::{Control, Coverage, Stop};

/// All states that can be reached from some, the nearest first.
#[derive(Clone, Debug)]
pub(super) struct Reached<S> {
    pub(super) states: Vec<S>,
    /// From which each was reached first, by number. The first states come from themselves.
    came_from: Vec<usize>,
    /// The first one, if any, from which a step violates what was looked for. There it ended.
    violation: Option<usize>,
}

impl<S: Copy + Eq + Hash> Reached<S> {
    /// Explores them. `steps` tells of each state what comes after it, and whether a step from
    /// there violates something.
    pub(super) fn explore(
        roots: Vec<S>,
        control: &Control,
        mut steps: impl FnMut(&S, &mut dyn FnMut(S)) -> bool,
    ) -> Result<Self, Stop> {
        let came_from = (0..roots.len()).collect();
        let mut seen: HashSet<S> = roots.iter().copied().collect();
        let mut reached = Self { states: roots, came_from, violation: None };
        let mut number = 0;
        while let Some(&state) = reached.states.get(number) {
            if number.is_multiple_of(1024) {
                control.covers(Coverage { states: number, ..Coverage::default() });
                if let Some(why) = control.stopped() {
                    return Err(why);
                }
            }
            let is_violated = steps(&state, &mut |after| {
                if seen.insert(after) {
                    reached.states.push(after);
                    reached.came_from.push(number);
                }
            });
            if is_violated {
                reached.violation = Some(number);
                break;
            }
            number += 1;
        }
        Ok(reached)
    }

    /// A shortest way to a state, by numbers.
    pub(super) fn way_to(&self, mut number: usize) -> Vec<usize> {
        let mut way = vec![number];
        while self.came_from[number] != number {
            number = self.came_from[number];
            way.push(number);
        }
        way.reverse();
        way
    }

    /// A shortest way to a violation, but for its last step.
    pub(super) fn way_to_violation(&self) -> Option<Vec<usize>> {
        self.violation.map(|number| self.way_to(number))
    }
}
