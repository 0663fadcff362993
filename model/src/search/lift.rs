//! The story of a violation that was found in packed and reduced worlds, told of whole ones.
//!
//! A reduced world stands for many. By the bisimulation that every reduction is, whatever it can
//! do, each of those can do. So the way to a violation is first searched for among the reduced
//! worlds, and then walked in the full model, where at each step one is taken that leads to the
//! next. What was done at once has no such way: it is searched for step by step.

use std::collections::{HashMap, HashSet};

use super::{Control, Stop, Verdict};
use crate::packed::{Packed, PackedView};
use crate::reduce::PackedModel;
use crate::run::Run;
use crate::world::properties::Property;

/// What a search says of each property that it has seen violated or not.
pub(super) fn verdicts<const W: usize>(
    model: &PackedModel<W>,
    properties: &[Property],
    violated: &[bool],
    exhaustive: bool,
    counterexample: impl Fn(Property) -> Result<Option<Run>, Stop>,
) -> Vec<(Property, Verdict)> {
    let verdict = |(&property, &violated): (&Property, &bool)| {
        let verdict = match violated {
            // Who was told what nobody need have said is not told in the full model.
            true if model.reductions().free_news => Verdict::Undecided,
            true => match counterexample(property) {
                Ok(Some(counterexample)) => Verdict::Violated(counterexample),
                Ok(None) => Verdict::Unconfirmed,
                Err(why) => Verdict::ViolatedUntold(why),
            },
            false if exhaustive => Verdict::Holds,
            false => Verdict::Undecided,
        };
        (property, verdict)
    };
    properties.iter().zip(violated).map(verdict).collect()
}

/// So many whole worlds are followed that one reduced world stands for. By the specification any
/// one is enough.
const ALTERNATIVES: usize = 64;

/// This way to a violation, in the full model; `None` if no whole world goes the way that the
/// reduced ones do. Then a reduction is not exact: none is argued to be for a mutant.
pub(super) fn counterexample<const W: usize>(
    model: &PackedModel<W>,
    property: Property,
    way: &[Packed<W>],
) -> Option<Run> {
    let full = model.direct();
    let initial = full.initial();
    let mut runs = vec![Run { initial, moves: Vec::new() }];
    for next in way.iter().skip(1).map(Some).chain([None]) {
        let mut seen = HashSet::new();
        let longer = runs.iter().flat_map(|run| {
            let world = run.moves.last().map_or(&run.initial, |(_, world)| world);
            let mut steps = full.successors(world);
            steps.retain(|(a_move, after)| match next {
                Some(next) => model.reduce(after) == *next,
                None => !property.holds(world, a_move.server, after),
            });
            steps.into_iter().map(move |step| (run, step))
        });
        let new = longer.filter(|(_, (_, after))| seen.insert(after.clone()));
        runs = new
            .take(ALTERNATIVES)
            .map(|(run, step)| {
                let mut run = run.clone();
                run.moves.push(step);
                run
            })
            .collect();
    }
    runs.into_iter().next()
}

/// The worlds on a shortest way to one from which a step violates the property, if there is one.
///
/// # Errors
///
/// Why it was stopped: it keeps more of each world than the search that saw the violation.
pub(super) fn way_to<const W: usize>(
    model: &PackedModel<W>,
    property: Property,
    control: &Control,
) -> Result<Option<Vec<Packed<W>>>, Stop> {
    let initial = model.initial();
    let mut came_from = HashMap::from([(initial, None)]);
    let mut level = vec![initial];
    while !level.is_empty() {
        let mut next = Vec::new();
        for world in level {
            if let Some(why) = control.stopped() {
                return Err(why);
            }
            let mut is_violated = false;
            model.for_each_successor(&world, |a_move, unreduced, after| {
                let [before, unreduced] =
                    [&world, &unreduced].map(|world| PackedView(model.layout(), world));
                is_violated |= !property.holds(&before, a_move.server, &unreduced);
                came_from.entry(after).or_insert_with(|| {
                    next.push(after);
                    Some(world)
                });
            });
            if is_violated {
                let mut way = vec![world];
                while let Some(&Some(before)) = way.last().and_then(|world| came_from.get(world)) {
                    way.push(before);
                }
                way.reverse();
                return Ok(Some(way));
            }
        }
        level = next;
    }
    Ok(None)
}
