//! What a search of packed worlds found, before it is told of whole ones.

use super::lift;
use super::{Control, Coverage, Findings, Stop};
use crate::reduce::PackedModel;
use crate::world::properties::Property;

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
    /// The same as the findings of a model: with a shortest way to each violation, which is
    /// searched for once more, unless that is stopped, and told of whole worlds.
    pub fn findings<const W: usize>(
        &self,
        model: &PackedModel<W>,
        properties: &[Property],
        control: &Control,
    ) -> Findings {
        Findings {
            coverage: self.coverage,
            levels: self.levels.clone(),
            exhaustive: self.exhaustive,
            stopped: self.stopped,
            verdicts: lift::verdicts(model, properties, &self.violated, self.exhaustive, control),
        }
    }
}
