//! Elections that are wrong on purpose: the mistakes that real systems had, or that people make
//! when they write an election.
//!
//! They show that the checks can fail. A mutant wraps the functions of the specification and
//! changes what goes in or what comes out; the specification knows nothing of it. [`MUTANTS`] is
//! the catalogue, [`hunt`] looks for what catches them.

mod catalogue;
mod counting;
mod faults;
mod guarded;
pub mod hunt;
#[cfg(test)]
mod ticks;

use crate::cluster::Protocol;
use crate::liveness;
use crate::world::Handlers;
use crate::world::properties::Property;
// What the faults are compiled against.
use crate::{election, message, types};

pub use catalogue::MUTANTS;
pub use faults::{FAULTS, Fault};

/// A mistake that people make: all that is known of it.
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
    /// By which protocol it is seen.
    pub protocol: Protocol,
    /// What catches it.
    pub caught_by: Catch,
    /// What the [`hunt`] finds, in numbers. A number that changes needs its reason in the commit
    /// that changes it.
    pub pinned: Pinned,
    /// Why nothing stronger does, or why that is not what it seems.
    pub remark: Option<&'static str>,
    /// A scenario that tells another story of it, the first one or one that is about it: a file of
    /// `tests/scenarios`.
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

/// Where a mutant is caught, and how it shows there. At no smaller bounds is it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pinned {
    /// A property of safety breaks in so many steps.
    Steps {
        /// How many servers there are.
        servers: u8,
        /// The last term.
        max_term: u64,
        /// The length of a shortest counterexample.
        steps: usize,
    },
    /// A property of liveness breaks in a window of two terms.
    Run {
        /// How many servers there are.
        servers: u8,
        /// How many steps lead to those that repeat.
        stem: usize,
        /// How many steps repeat.
        cycle: usize,
    },
    /// The graph is not that of the specification.
    Graph {
        /// How many servers there are.
        servers: u8,
        /// The last term.
        max_term: u64,
        /// How many states it has, as far as they are told apart there.
        states: usize,
        /// How many edges it has.
        edges: usize,
    },
    /// No model sees it.
    Nothing,
}

impl Mutant {
    /// A property of safety breaks first with so many servers, up to such a term, in so many steps.
    const fn breaks(
        fault: Fault,
        property: Property,
        (servers, max_term): (u8, u64),
        steps: usize,
    ) -> Self {
        let pinned = Pinned::Steps { servers, max_term, steps };
        Self::of(fault, Catch::Safety(property), pinned)
    }

    /// A property of liveness breaks first with so many servers: so many steps lead to so many that
    /// repeat.
    const fn stalls(
        fault: Fault,
        property: liveness::Property,
        servers: u8,
        (stem, cycle): (usize, usize),
    ) -> Self {
        Self::of(fault, Catch::Liveness(property), Pinned::Run { servers, stem, cycle })
    }

    /// The graph is first another one with so many servers, up to such a term: its states and
    /// edges.
    const fn resizes(
        fault: Fault,
        (servers, max_term): (u8, u64),
        (states, edges): (usize, usize),
    ) -> Self {
        Self::of(fault, Catch::Counts, Pinned::Graph { servers, max_term, states, edges })
    }

    /// Only this file of `tests` sees it.
    const fn tested(fault: Fault, file: &'static str) -> Self {
        Self::of(fault, Catch::Test(file), Pinned::Nothing)
    }

    const fn of(Fault { name, handlers }: Fault, caught_by: Catch, pinned: Pinned) -> Self {
        Self {
            name,
            says: "",
            source: None,
            handlers,
            protocol: Protocol::FIGURE2,
            caught_by,
            pinned,
            remark: None,
            scenario: None,
        }
    }

    const fn says(self, says: &'static str) -> Self {
        Self { says, ..self }
    }

    /// By this protocol, and not as in Figure 2.
    const fn by(self, protocol: Protocol) -> Self {
        Self { protocol, ..self }
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
        MUTANTS.iter().find(|mutant| mutant.name == name).copied()
    }
}
