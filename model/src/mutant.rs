//! Elections that are wrong on purpose, to see that the checks can fail.
//!
//! A mutant wraps the functions of the specification and changes what goes in or what comes out.
//! The specification knows nothing of it.

mod faults;

use crate::election::{Event, Server, State, Step};
use crate::types::Cluster;
use crate::world::Handlers;
// What the faults are compiled against.
use crate::{election, message};

pub use faults::{FAULTS, Fault};

/// A mistake that people make.
#[derive(Clone, Copy, Debug)]
pub struct Mutant {
    /// Its name on the command line.
    pub name: &'static str,
    /// The mistake, in a sentence.
    pub says: &'static str,
    /// The election with the mistake in it.
    pub handlers: Handlers,
}

/// All mutants.
pub const MUTANTS: [Mutant; 5] = [
    Mutant::of(
        FAULTS[0],
        "vote-forgotten-on-restart",
        "a server that restarts remembers its term, but not its vote",
    ),
    Mutant::of(
        FAULTS[1],
        "disk-forgotten-on-restart",
        "a server that restarts begins as if it had never run",
    ),
    // A fault may not count servers.
    Mutant {
        name: "half-is-a-quorum",
        says: "half of a cluster of even size elects",
        handlers: Handlers { step: step_with_half, ..Handlers::RAFT },
    },
    Mutant::of(
        FAULTS[2],
        "vote-given-twice",
        "a server grants its vote to whoever asks, however often in a term",
    ),
    Mutant::of(
        FAULTS[3],
        "no-step-down",
        "a server that sees a newer term adopts it, but stays what it was",
    ),
];

impl Mutant {
    const fn of(fault: Fault, name: &'static str, says: &'static str) -> Self {
        Self { name, says, handlers: Handlers { start: fault.start, step: fault.step } }
    }
}

fn step_with_half(server: &Server, before: State, event: Event) -> Step {
    let size = server.cluster.size();
    // Half of an even number of servers is more than half of one server less.
    match Cluster::new(size - 1) {
        Ok(cluster) if size.is_multiple_of(2) => Server { cluster, ..*server }.step(before, event),
        _ => server.step(before, event),
    }
}
