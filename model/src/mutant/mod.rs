//! Elections that are wrong on purpose: the mistakes that real systems had, or that people make
//! when they write an election.
//!
//! They show that the checks can fail. A mutant wraps the functions of the specification and
//! changes what goes in or what comes out; the specification knows nothing of it. [`MUTANTS`] is
//! the catalogue, [`hunt`] looks for what catches them.

mod catalogue;
mod counting;
mod faults;
pub mod hunt;

use crate::election::{Event, Server, State, Step};
use crate::liveness;
use crate::world::Handlers;
use crate::world::properties::Property;
// What the faults are compiled against.
use crate::{election, message, types};

pub use catalogue::MUTANTS;
pub use faults::{FAULTS, Fault};

/// A mistake that people make.
#[derive(Clone, Copy, Debug)]
pub struct Mutant {
    /// Its name on the command line.
    pub name: &'static str,
    /// The mistake, in a sentence.
    pub says: &'static str,
    /// Where a real system had it, or something that comes to the same.
    pub source: Option<&'static str>,
    /// The election with the mistake in it.
    pub handlers: Handlers,
    /// What catches it.
    pub caught_by: Catch,
    /// Why nothing stronger does, or why that is not what it seems.
    pub remark: Option<&'static str>,
    /// The first scenario that tells another story of it: a file of `tests/scenarios`.
    pub scenario: Option<&'static str>,
}

/// What catches a mutant: the first of these that does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Catch {
    /// This property of safety breaks.
    Safety(Property),
    /// This property of liveness breaks.
    Liveness(liveness::Property),
    /// No property is seen to break, but the graph has another size than that of the specification,
    /// and expected sizes are pinned.
    Counts,
    /// Its graph is that of the specification, for the models know no time and no last term. This
    /// file of `tests` sees it.
    Test(&'static str),
}

impl Mutant {
    const fn of(name: &'static str, caught_by: Catch) -> Self {
        let Fault { start, step, .. } = fault(name);
        Self::driven_by(name, caught_by, Handlers { start, step })
    }

    const fn counting(
        name: &'static str,
        caught_by: Catch,
        step: fn(&Server, State, Event) -> Step,
    ) -> Self {
        Self::driven_by(name, caught_by, Handlers { step, ..Handlers::RAFT })
    }

    const fn driven_by(name: &'static str, caught_by: Catch, handlers: Handlers) -> Self {
        Self { name, says: "", source: None, handlers, caught_by, remark: None, scenario: None }
    }

    const fn says(self, says: &'static str) -> Self {
        Self { says, ..self }
    }

    const fn seen(self, source: &'static str) -> Self {
        Self { source: Some(source), ..self }
    }

    const fn remarked(self, remark: &'static str) -> Self {
        Self { remark: Some(remark), ..self }
    }

    const fn played(self, scenario: &'static str) -> Self {
        Self { scenario: Some(scenario), ..self }
    }

    /// The mutant of this name.
    pub fn named(name: &str) -> Option<Self> {
        MUTANTS.into_iter().find(|mutant| mutant.name == name)
    }
}

/// The fault of this name. That there is one is checked when this is compiled.
const fn fault(name: &str) -> Fault {
    let mut index = 0;
    while index < FAULTS.len() {
        if is_same(FAULTS[index].name, name) {
            return FAULTS[index];
        }
        index += 1;
    }
    panic!("there is no fault of this name")
}

const fn is_same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut index = 0;
    while index < a.len() && index < b.len() && a[index] == b[index] {
        index += 1;
    }
    index == a.len() && index == b.len()
}
