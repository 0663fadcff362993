//! The proof: safety for every number of servers and every term, from the code that runs.
//!
//! A model checker visits worlds, and there is no end of them. A proof by induction does not: it
//! names an [`INVARIANT`], shows that it holds at the beginning, that no step of a server leaves it,
//! whatever the world was, and that safety follows from it. A step is not described once more for
//! that. The source text of [`crate::election`] is compiled a second time, here, where its words
//! `ServerId`, `Term`, `ServerSet` and `Cluster` mean symbols: names of values of which nothing is
//! known. Run on them, it takes every path that it has, and each is written down as formulas: under
//! which conditions it is taken, and what it does. That each keeps each conjunct of the invariant is
//! an obligation, which an SMT solver discharges.
//!
//! | module | holds |
//! |---|---|
//! | `invariant` | **what is proved**: the conjuncts, in words, as formulas and as predicates |
//! | `logic` | the language: servers, terms, quorums, the state of everything |
//! | `types`, `oracle` | the symbols, and who answers what is asked about them |
//! | `situation` | every event, role and ballot that a server can meet, and all paths from there |
//! | `effect` | what a step does to the state of everything |
//! | `obligation` | what has to be proved, as files |
//! | `majority` | majorities of every number of servers meet |
//! | [`solver`] | z3 and cvc5, and what they answer |
//! | [`counterexample`] | a step that leaves the invariant, as a table |
//! | [`formula`] | formulas read back, and their value in a world |
//!
//! What is trusted: these modules but for the oracle's shortcuts, which are proved too; that the
//! types of [`crate::types`] obey the axioms of `logic`, which tests check; the Rust compiler; and the
//! solvers, of which there are two.

#![allow(
    clippy::duplicate_mod,
    reason = "the specification is read a second time, with other types: that is the proof"
)]

//pub mod counterexample;
mod effect;
//pub mod formula;
mod invariant;
mod logic;
mod majority;
mod obligation;
mod oracle;
mod situation;
//pub mod solver;
mod types;

#[allow(dead_code, unreachable_pub, reason = "of the specification the proof needs the step")]
#[path = "../election.rs"]
mod election;
#[allow(unreachable_pub, reason = "it is public where it is read first")]
#[path = "../message.rs"]
mod message;

//#[cfg(test)]
//mod tests;

pub use invariant::{Conjunct, DEFINITIONS, INVARIANT, SAFETY};
pub use logic::Definition;
pub use obligation::{File, Obligation};
pub fn write_all(dir: &str) {
    for f in obligation::files(situation::Handlers::RAFT) {
        std::fs::write(format!("{dir}/{}.smt2", f.name), f.text).unwrap();
    }
}
