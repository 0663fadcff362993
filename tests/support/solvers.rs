//! The solvers, for tests that ask them.

use raft_model::proof::SOLVERS;

use crate::skipped::skip;

/// Whether both solvers are installed. A test that needs them is skipped otherwise.
pub fn are_there() -> bool {
    let missing: Vec<_> = SOLVERS.iter().filter_map(|solver| solver.version().err()).collect();
    if let Some(error) = missing.first() {
        skip(&error.to_string(), "`apt-get install z3 cvc5` brings both solvers");
    }
    missing.is_empty()
}
