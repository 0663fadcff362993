//! What a search of packed worlds found, before it is told of whole ones.

use serde::{Deserialize, Serialize};

use super::lift;
use super::{Control, Coverage, Findings, Stop};
use crate::packed::Packed;
use crate::reduce::PackedModel;
use crate::world::properties::Property;

/// What a worker found in a level, or all of them together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Level {
    /// The worlds of the level.
    pub(super) states: usize,
    /// Distinct triples of such a world, the name of an action and a successor.
    pub(super) edges: usize,
    /// The steps from such a world that change it, distinct or not.
    pub(super) generated: usize,
    /// The worlds of the next level.
    pub(super) next: usize,
    /// The properties that a step from this level violates: a bit for each.
    pub(super) violated: u8,
    /// Why the level was not finished.
    pub(super) stopped: Option<Stop>,
}

impl Level {
    /// Whether it was finished, and there is no next one.
    pub(super) fn is_last(&self) -> bool {
        self.next == 0 && self.stopped.is_none()
    }

    /// Whether the search ends with it.
    pub(super) fn is_the_end(&self) -> bool {
        self.next == 0 || self.violated != 0 || self.stopped.is_some()
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.states += other.states;
        self.edges += other.edges;
        self.generated += other.generated;
        self.next += other.next;
        self.violated |= other.violated;
        self.stopped = self.stopped.or(other.stopped);
    }
}

/// What all workers of all processes found together. Every process knows it.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What was covered.
    pub coverage: Coverage,
    /// The states of each level.
    pub levels: Vec<usize>,
    /// The steps that change a state, distinct or not. (Stateright counts the initial state, too.)
    pub generated: usize,
    /// Whether everything that can be reached was looked at.
    pub exhaustive: bool,
    /// Why the search stopped early, if it did.
    pub stopped: Option<Stop>,
    /// For each property whether a step violates it. The search ended after the level in which one
    /// does, so that no violation is nearer.
    pub violated: Vec<bool>,
}

impl Outcome {
    /// What the workers found, level by level.
    pub(super) fn of(levels: &[Level], properties: usize) -> Self {
        let violated = levels.iter().fold(0, |violated, level| violated | level.violated);
        Self {
            coverage: Coverage {
                states: levels.iter().map(|level| level.states).sum(),
                edges: levels.iter().map(|level| level.edges).sum(),
                depth: levels.len(),
            },
            levels: levels.iter().map(|level| level.states).collect(),
            generated: levels.iter().map(|level| level.generated).sum(),
            exhaustive: levels.last().is_some_and(Level::is_last),
            stopped: levels.iter().find_map(|level| level.stopped),
            violated: (0..properties).map(|number| violated & (1 << number) != 0).collect(),
        }
    }

    /// The same as the findings of a model: with a shortest way to each violation, which is
    /// searched for once more, unless that is stopped, and told of whole worlds.
    pub fn findings<const W: usize>(
        &self,
        model: &PackedModel<W>,
        properties: &[Property],
        control: &Control,
    ) -> Findings {
        let model = model.clone().step_by_step();
        let way_to = |property| lift::way_to(&model, property, control);
        self.findings_along(&model, properties, way_to)
    }

    /// The same, where a shortest way of single steps to each violation can be asked for.
    pub fn findings_along<const W: usize>(
        &self,
        model: &PackedModel<W>,
        properties: &[Property],
        way_to: impl Fn(Property) -> Result<Option<Vec<Packed<W>>>, Stop>,
    ) -> Findings {
        let way = |property| {
            let way = way_to(property)?;
            Ok(way.and_then(|way| lift::counterexample(model, property, &way)))
        };
        Findings {
            coverage: self.coverage,
            levels: self.levels.clone(),
            exhaustive: self.exhaustive,
            stopped: self.stopped,
            verdicts: lift::verdicts(model, properties, &self.violated, self.exhaustive, way),
        }
    }
}
