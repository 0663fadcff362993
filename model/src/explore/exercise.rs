//! Exercises: elections that are wrong, without their names. Whoever finds the run that breaks one
//! is told which it was.

use serde_json::{Value, json};

use super::setting::Setting;
use crate::cluster::Cluster;
use crate::mutant::{Catch, MUTANTS, Mutant, Pinned};
use crate::types::Term;

/// How a number is written in place of a mutant's name.
pub(super) const PREFIX: &str = "exercise-";

/// More steps than these are no exercise.
const LONGEST: usize = 9;

/// The mutants, short ones first; those of one length in an order that tells nothing.
fn exercises() -> Vec<&'static Mutant> {
    let length = |mutant: &Mutant| match (mutant.caught_by, mutant.pinned) {
        (Catch::Safety(_), Pinned::Steps { steps, .. }) if (2..=LONGEST).contains(&steps) => {
            Some(steps)
        }
        _ => None,
    };
    let mut all: Vec<_> = MUTANTS.iter().filter(|mutant| length(mutant).is_some()).collect();
    all.sort_by_key(|mutant| (length(mutant), crc32fast::hash(mutant.name.as_bytes())));
    all
}

/// The mutant that is this exercise, counted from 1.
pub(super) fn numbered(number: usize) -> Option<Mutant> {
    exercises().get(number.checked_sub(1)?).copied().copied()
}

/// Which exercise a mutant is.
pub(super) fn number_of(mutant: &Mutant) -> Option<usize> {
    exercises().iter().position(|one| one.name == mutant.name).map(|at| at + 1)
}

/// All of them: where each begins, and what is to be broken.
pub(super) fn told() -> Value {
    let exercises = (1..).zip(exercises()).filter_map(|(number, mutant)| {
        let Pinned::Steps { servers, max_term, steps } = mutant.pinned else { return None };
        let Catch::Safety(property) = mutant.caught_by else { return None };
        let cluster = Cluster::with(servers, mutant.protocol).ok()?;
        let begin = Setting::new(cluster, Term::new(max_term));
        Some(json!({
            "number": number,
            "property": property.to_string(),
            "steps": steps,
            "way": format!("{begin}&mutant={PREFIX}{number}"),
        }))
    });
    exercises.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exercises_have_numbers_and_no_names() {
        let text = told().to_string();
        for (number, mutant) in (1..).zip(exercises()) {
            assert_eq!(numbered(number).unwrap().name, mutant.name);
            assert_eq!(number_of(mutant), Some(number));
            assert!(!text.contains(mutant.name), "{}", mutant.name);
        }
        assert!(exercises().len() >= 10 && numbered(0).is_none() && numbered(1000).is_none());
    }
}
