//! The second opinion: stateright's own checker on packed worlds.

use std::thread;
use std::time::Duration;

use stateright::{Checker, Model, Property as StaterightProperty};

use super::control::{Control, Stop};
use super::lift;
use super::{Coverage, Findings};
use crate::packed::{Packed, PackedView};
use crate::reduce::PackedModel;
use crate::world::properties::{Property, SAFETY};

/// What stateright says.
#[derive(Clone, Debug)]
pub struct Opinion {
    /// Distinct states. Stateright keeps 64-bit fingerprints of them.
    pub states: usize,
    /// The states that it generated, distinct or not, the initial one included.
    pub generated: usize,
    /// Levels: exact if it searched with one thread.
    pub depth: usize,
    /// Why it stopped early, if it did.
    pub stopped: Option<Stop>,
    /// For each property of [`SAFETY`] whether a step violates it.
    pub violated: Vec<bool>,
}

impl Opinion {
    /// Whether everything that can be reached was looked at.
    pub fn exhaustive(&self) -> bool {
        self.stopped.is_none() && !self.violated.contains(&true)
    }

    /// The same as the findings of a model, but for the edges and the levels, which stateright does
    /// not count. The way to a violation is our own.
    pub fn findings<const W: usize>(&self, model: &PackedModel<W>, control: &Control) -> Findings {
        let Self { states, depth, stopped, .. } = *self;
        let exhaustive = self.exhaustive();
        Findings {
            coverage: Coverage { states, edges: 0, depth },
            levels: Vec::new(),
            exhaustive,
            stopped,
            verdicts: lift::verdicts(model, &SAFETY, &self.violated, exhaustive, control),
        }
    }
}

/// Asks stateright: breadth-first, with so many threads.
pub fn ask_stateright<const W: usize>(
    model: PackedModel<W>,
    threads: usize,
    control: &Control,
) -> Opinion {
    let checker = Judged(model).checker().threads(threads).spawn_bfs();
    let mut pause = Duration::from_millis(1);
    while !checker.is_done() && control.stopped().is_none() {
        control.states.store(checker.unique_state_count(), super::RELAXED);
        control.depth.store(checker.max_depth(), super::RELAXED);
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(100));
    }
    let stopped = control.stopped().filter(|_| !checker.is_done());
    let discoveries = if stopped.is_some() { Default::default() } else { checker.discoveries() };
    let violated = SAFETY.iter().map(|property| discoveries.contains_key(&*property.to_string()));
    Opinion {
        states: checker.unique_state_count(),
        generated: checker.state_count(),
        depth: checker.max_depth(),
        stopped,
        violated: violated.collect(),
    }
}

/// The packed model, as stateright sees it. It judges states, and we judge steps: so a state says
/// of the step that led to it what that violates, which is nothing as long as all is well.
struct Judged<const W: usize>(PackedModel<W>);

/// A packed world, and a bit for each property that the step to it violates.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct JudgedWorld<const W: usize> {
    world: Packed<W>,
    violated: u8,
}

impl<const W: usize> Model for Judged<W> {
    type State = JudgedWorld<W>;
    type Action = JudgedWorld<W>;

    fn init_states(&self) -> Vec<Self::State> {
        vec![JudgedWorld { world: self.0.initial(), violated: 0 }]
    }

    fn actions(&self, state: &Self::State, actions: &mut Vec<Self::Action>) {
        let before = PackedView(self.0.layout(), &state.world);
        self.0.for_each_successor(&state.world, |a_move, unreduced, world| {
            let unreduced = PackedView(self.0.layout(), &unreduced);
            let mut violated = 0;
            for (number, property) in SAFETY.iter().enumerate() {
                if !property.holds(&before, a_move.server, &unreduced) {
                    violated |= 1 << number;
                }
            }
            actions.push(JudgedWorld { world, violated });
        });
    }

    /// An action is the state that it leads to.
    fn next_state(&self, _: &Self::State, after: Self::Action) -> Option<Self::State> {
        Some(after)
    }

    fn properties(&self) -> Vec<StaterightProperty<Self>> {
        macro_rules! always {
            ($($name:ident),*) => {
                vec![$(StaterightProperty::always(stringify!($name), |_, state: &Self::State| {
                    let number = SAFETY.iter().position(|p| *p == Property::$name);
                    number.is_none_or(|number| state.violated & (1 << number) == 0)
                })),*]
            };
        }
        always!(ElectionSafety, VoteOncePerTerm, LeaderHasQuorum, TermNeverDecreases)
    }
}
