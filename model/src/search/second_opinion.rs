//! The second opinion: stateright's own checker. It searches packed worlds, of which it reads the
//! same bits as our search; or whole ones, in which nothing is packed or reduced.

use std::fmt::Debug;
use std::hash::Hash;
use std::thread;
use std::time::Duration;

use stateright::{Checker, Model, Property as StaterightProperty};

use super::{Control, Coverage, Outcome};
use crate::packed::{Packed, PackedView};
use crate::reduce::PackedModel;
use crate::world::ElectionModel;
use crate::world::properties::{Property, SAFETY};

/// Asks stateright about properties of safety: breadth first, with so many threads, until each of
/// them is violated or every state was seen. It keeps 64-bit fingerprints of states, and counts
/// neither edges nor the states of levels; the depth is exact with one thread.
pub fn ask_stateright<const W: usize>(
    model: PackedModel<W>,
    properties: &[Property],
    threads: usize,
    control: &Control,
) -> Outcome {
    ask(Judged { model, properties: properties.to_vec() }, properties, threads, control)
}

/// The same about [`SAFETY`] of whole worlds, or about those of stateright's actors. It judges a
/// state by the steps that leave it, and so may say of one level less that it was looked at.
pub fn ask_stateright_of_worlds<M>(model: M, threads: usize, control: &Control) -> Outcome
where
    M: ElectionModel<State: Debug + Send + Sync> + Send + Sync + 'static,
{
    ask(model, &SAFETY, threads, control)
}

fn ask<M>(model: M, properties: &[Property], threads: usize, control: &Control) -> Outcome
where
    M: Model<State: Debug + Clone + Eq + Hash + Send + Sync, Action: Debug + Clone + PartialEq>
        + Send
        + Sync
        + 'static,
{
    let checker = model.checker().threads(threads).spawn_bfs();
    let mut pause = Duration::from_millis(1);
    while !checker.is_done() && control.stopped().is_none() {
        control.states.store(checker.unique_state_count(), super::RELAXED);
        control.depth.store(checker.max_depth(), super::RELAXED);
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(100));
    }
    let stopped = control.stopped().filter(|_| !checker.is_done());
    let discoveries = if stopped.is_some() { Default::default() } else { checker.discoveries() };
    let violated =
        properties.iter().map(|property| discoveries.contains_key(&*property.to_string()));
    let violated: Vec<bool> = violated.collect();
    Outcome {
        coverage: Coverage {
            states: checker.unique_state_count(),
            edges: 0,
            depth: checker.max_depth(),
        },
        levels: Vec::new(),
        generated: checker.state_count(),
        exhaustive: stopped.is_none() && !violated.contains(&true),
        stopped,
        violated,
    }
}

/// The packed model, as stateright sees it. It judges states, and we judge steps: so a state says
/// of the step that led to it what that violates, which is nothing as long as all is well.
struct Judged<const W: usize> {
    model: PackedModel<W>,
    properties: Vec<Property>,
}

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
        vec![JudgedWorld { world: self.model.initial(), violated: 0 }]
    }

    fn actions(&self, state: &Self::State, actions: &mut Vec<Self::Action>) {
        let before = PackedView(self.model.layout(), &state.world);
        self.model.for_each_successor(&state.world, |a_move, unreduced, world| {
            let unreduced = PackedView(self.model.layout(), &unreduced);
            let mut violated = 0;
            for (number, property) in self.properties.iter().enumerate() {
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
                vec![$(StaterightProperty::always(stringify!($name), |judged: &Self, state: &Self::State| {
                    let number = judged.properties.iter().position(|p| *p == Property::$name);
                    number.is_none_or(|number| state.violated & (1 << number) == 0)
                })),*]
            };
        }
        let all: Vec<StaterightProperty<Self>> =
            always!(ElectionSafety, VoteOncePerTerm, LeaderHasQuorum, TermNeverDecreases);
        let is_judged = |name| self.properties.iter().any(|property| property.to_string() == name);
        all.into_iter().filter(|property| is_judged(property.name)).collect()
    }
}
