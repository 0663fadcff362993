//! Exhaustive breadth-first search: every reachable state, every edge, the depth. It ends early at
//! the first level at which a property is violated, with the shortest way there.
//!
//! [`search`] takes any model and is a page long: read it first. It keeps whole states.
//! [`parallel`] takes packed and reduced worlds, uses all cores and several machines, and is what
//! `raft-model check` runs. [`disk`] takes the same worlds, keeps them in files, and goes on from
//! there when it was stopped or killed. [`second_opinion`] asks stateright's own checker about the
//! same worlds.

mod bare;
pub mod control;
pub mod disk;
mod lift;
mod link;
mod outcome;
pub mod parallel;
pub mod peers;
pub mod second_opinion;
mod seen;
mod successors;
mod table;
#[cfg(test)]
mod tests;
mod worker;

pub use bare::Bare;
pub use control::{Control, Stop};
pub use outcome::Outcome;
pub use seen::Keys;

use std::collections::HashMap;
use std::mem;
use std::sync::atomic::Ordering;

use crate::action::{Action, Move};
use crate::run::Run;
use crate::world::ElectionModel;
use crate::world::properties::Property;

/// Counters that nothing is decided by.
const RELAXED: Ordering = Ordering::Relaxed;

/// How far a search has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Distinct states.
    pub states: usize,
    /// Distinct triples of a state, the name of an action and a successor.
    pub edges: usize,
    /// Levels: 1 for the initial state, 2 for its successors, and so on.
    pub depth: usize,
}

/// What a search found.
#[derive(Clone, Debug)]
pub struct Findings {
    /// What was covered.
    pub coverage: Coverage,
    /// The states of each level.
    pub levels: Vec<usize>,
    /// Whether that is everything that can be reached.
    pub exhaustive: bool,
    /// Why the search stopped early, if not at a violation.
    pub stopped: Option<Stop>,
    /// What was found of each property, in the order in which they were given.
    pub verdicts: Vec<(Property, Verdict)>,
}

/// What a search says of a property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It holds in everything that can be reached.
    Holds,
    /// It is violated; this is a shortest way.
    Violated(Run),
    /// It is violated, but the search for a shortest way was stopped.
    ViolatedUntold(Stop),
    /// A reduced state violates it, and none was found that it stands for and that does: a
    /// reduction is not exact. Of a mutant, for which none is argued, this says nothing.
    Unconfirmed,
    /// It was not violated before the search ended: at a violation of another property, or early.
    Undecided,
}

impl Findings {
    /// Whether every property holds, in everything that can be reached.
    pub fn hold(&self) -> bool {
        self.verdicts.iter().all(|(_, verdict)| *verdict == Verdict::Holds)
    }

    /// Whether a property is violated, be the way known or not.
    pub fn is_violated(&self) -> bool {
        let is_violated = |verdict: &Verdict| {
            matches!(verdict, Verdict::Violated(_) | Verdict::ViolatedUntold(_))
        };
        self.verdicts.iter().any(|(_, verdict)| is_violated(verdict))
    }

    /// The properties to whose violation a way is known, each with a shortest one.
    pub fn violations(&self) -> impl Iterator<Item = (&Property, &Run)> {
        self.verdicts.iter().filter_map(|(property, verdict)| match verdict {
            Verdict::Violated(counterexample) => Some((property, counterexample)),
            Verdict::ViolatedUntold(_)
            | Verdict::Unconfirmed
            | Verdict::Holds
            | Verdict::Undecided => None,
        })
    }
}

/// Searches the states of a model. `progress` is called now and then.
pub fn search<M: ElectionModel>(
    model: &M,
    properties: &[Property],
    mut progress: impl FnMut(Coverage),
) -> Findings {
    search_until(model, properties, |coverage| {
        progress(coverage);
        None
    })
}

/// Searches the states of a model until `watch`, which is called now and then, has a reason to
/// stop.
pub fn search_until<M: ElectionModel>(
    model: &M,
    properties: &[Property],
    mut watch: impl FnMut(Coverage) -> Option<Stop>,
) -> Findings {
    let mut reached: HashMap<M::State, usize> = HashMap::new();
    // How each state was first reached, by number; and for each property the step that violated it
    // first. First is shortest, since states are taken in the order of their depth.
    let mut arrivals: Vec<Option<(usize, Move)>> = Vec::new();
    let mut violations: Vec<Option<Violation>> = vec![None; properties.len()];
    let mut coverage = Coverage::default();
    let mut levels = Vec::new();
    let mut stopped = None;
    let mut level: Vec<(usize, M::State)> = Vec::new();
    let mut next_level = Vec::new();

    for state in model.init_states() {
        if reached.insert(state.clone(), arrivals.len()).is_none() {
            next_level.push((arrivals.len(), state));
            arrivals.push(None);
        }
    }
    while !next_level.is_empty() && violations.iter().all(Option::is_none) && stopped.is_none() {
        mem::swap(&mut level, &mut next_level);
        coverage.depth += 1;
        let before = coverage.states;
        let mut states = level.drain(..);
        for (number, state) in states.by_ref() {
            coverage.states += 1;
            let world = model.world(&state);
            let mut edges: Vec<(Action, usize)> = Vec::new();
            for (a_move, after) in model.next_steps(&state) {
                let after_world = model.world(&after);
                for (property, violation) in properties.iter().zip(&mut violations) {
                    if violation.is_none() && !property.holds(&*world, a_move.server, &*after_world)
                    {
                        *violation = Some(Violation { before: number, last: a_move });
                    }
                }
                let after_number = *reached.entry(after).or_insert_with_key(|after| {
                    next_level.push((arrivals.len(), after.clone()));
                    arrivals.push(Some((number, a_move)));
                    arrivals.len() - 1
                });
                edges.push((a_move.action, after_number));
            }
            edges.sort_unstable();
            edges.dedup();
            coverage.edges += edges.len();
            if coverage.states.is_multiple_of(1024) {
                stopped = watch(coverage);
                if stopped.is_some() {
                    break;
                }
            }
        }
        levels.push(coverage.states - before);
        give_back(states, stopped);
    }

    let exhaustive = next_level.is_empty() && stopped.is_none();
    let verdict = |violation: Option<Violation>| match violation {
        Some(violation) => Verdict::Violated(violation.tell(model, &arrivals)),
        None if exhaustive => Verdict::Holds,
        None => Verdict::Undecided,
    };
    let verdicts = properties.iter().copied().zip(violations.into_iter().map(verdict)).collect();
    give_back((reached, next_level), stopped);
    Findings { coverage, levels, exhaustive, stopped, verdicts }
}

/// Gives memory back, unless the search was stopped: whoever did that wants it to end, and state by
/// state it takes seconds.
fn give_back<T>(memory: T, stopped: Option<Stop>) {
    if stopped.is_some() {
        mem::forget(memory);
    }
}

/// Where a violation was found.
#[derive(Clone, Copy)]
struct Violation {
    /// The state before the step that violates a property.
    before: usize,
    /// That step.
    last: Move,
}

impl Violation {
    /// Walks the way there once more, from the initial state.
    fn tell<M: ElectionModel>(self, model: &M, arrivals: &[Option<(usize, Move)>]) -> Run {
        let mut moves = vec![self.last];
        let mut number = self.before;
        while let Some((before, a_move)) = arrivals[number] {
            moves.push(a_move);
            number = before;
        }
        let mut state = model.init_states().swap_remove(number);
        let initial = model.world(&state).into_owned();
        let moves = moves.into_iter().rev().map(|a_move| {
            state = model.next_state(&state, a_move).expect("the move was made before");
            (a_move, model.world(&state).into_owned())
        });
        Run { initial, moves: moves.collect() }
    }
}
