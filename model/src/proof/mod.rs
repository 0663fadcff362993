//! The proof: safety for every number of servers and every term, from the code that runs.
//!
//! A model checker visits worlds, and there is no end of them. A proof by induction does not: it
//! names an [`INVARIANT`], shows that it holds at the beginning, that no step of a server leaves
//! it, whatever the world was, and that safety follows from it. A step is not described once more
//! for that. The source text of [`crate::election`] is compiled a second time, here, where its
//! words `ServerId`, `Term`, `ServerSet` and `Cluster` mean symbols: names of values of which
//! nothing is known. Run on them, it takes every path that it has, and each is written down as
//! formulas: under which conditions it is taken, and what it does. That it keeps each conjunct of
//! the invariant is an obligation, which an SMT solver discharges.
//!
//! | module | holds |
//! |---|---|
//! | `invariant` | **what is proved**: in words, as formulas, as predicates on worlds |
//! | `logic` | the language: servers, terms, quorums (any two meet), the state of everything |
//! | `types`, `cluster`, `oracle` | the symbols, and who answers what is asked about them |
//! | `lease` | the same for leases: a second invariant, which rests on this one |
//! | `situation` | every event, role and ballot that a server can meet, and all paths from there |
//! | `effect` | what a step does to the state of everything |
//! | `obligation`, `file` | what has to be proved, as files |
//! | `majority` | majorities of every number of servers meet |
//! | `prove`, `solver` | z3 and cvc5, and what they answer |
//! | `counterexample` | a step that leaves the invariant, as a table |
//! | `expression` | what a solver writes, read |
//! | `tests` | that symbols, formulas and paths mean what the code does, without solvers |
//!
//! What is trusted: that these modules say what they should (but for what the oracle answers
//! without asking, which is proved too); that the network and the disks behave as `situation` has
//! it; that [`crate::types`] obeys the axioms of `logic`, which tests check; the Rust compiler; and
//! the solvers, of which there are two.

#![allow(
    clippy::duplicate_mod,
    reason = "the specification is read a second time, with other types: that is the proof"
)]

mod cluster;
pub mod counterexample;
mod effect;
mod expression;
mod file;
mod invariant;
mod lease;
mod logic;
mod majority;
mod obligation;
mod oracle;
mod prove;
mod situation;
mod solver;
mod types;

#[allow(dead_code, unreachable_pub, reason = "it is public where it is read first")]
#[path = "../mutant/faults/mod.rs"]
mod faults;
#[allow(
    dead_code,
    unreachable_pub,
    clippy::unused_self,
    reason = "it is public, and used, where it is read first"
)]
#[path = "../protocol/mod.rs"]
mod protocol;

#[cfg(test)]
mod tests;

pub use file::{File, Obligation};
pub use invariant::{Conjunct, DEFINITIONS, INVARIANT, SAFETY, TERM_NEVER_DECREASES};
pub use lease::{CLOCKS, LEASE_SAFETY, LEASES, Statement};
pub use logic::Definition;
pub use majority::{MAJORITIES_MEET, QUORUM_IS_MAJORITY};
pub use obligation::{CONSIDERED, EXCLUDED, IMPLIED, POSSIBLE};
pub use prove::{Answers, Progress, prove};
pub use solver::{Answer, SOLVERS, Solver, SolverError};

use election::Handlers;
use faults::FAULTS;
use majority::lemma;
use obligation::files;
use protocol::{election, message};

/// What has to be proved of the specification.
pub fn obligations() -> Vec<File> {
    let mut files = files(Handlers::RAFT, true);
    files.extend(lease::files(Handlers::RAFT, true));
    files.push(majority::of_the_code());
    files
}

/// The mutant that takes half of a cluster for a quorum. What a quorum is, the step does not know;
/// so what fails is the lemma.
const HALF: (&str, &str) = ("half-is-a-quorum", "(>= (* 2 votes) servers)");

/// What would have to be proved of a mutant of the [catalogue](crate::mutant::MUTANTS). There is
/// nothing of one that counts votes: symbols cannot be counted.
pub fn obligations_of(mutant: &str) -> Option<Vec<File>> {
    if mutant == HALF.0 {
        return Some(vec![lemma(HALF.1)]);
    }
    let fault = FAULTS.iter().find(|fault| fault.name == mutant)?;
    let mut files = files(fault.handlers, false);
    files.extend(lease::files(fault.handlers, false));
    Some(files)
}
