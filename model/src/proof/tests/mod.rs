//! The proof is about what runs: its symbols take the paths that the code takes, its formulas mean
//! what its predicates say, and its axioms are true of the types of the specification.

mod allowed;
mod covers;
mod induction;
mod inputs;
mod laws;
mod meaning;
mod paths;
mod symbols;
mod words;
mod worlds;
