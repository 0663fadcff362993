//! The solvers, for tests that ask them.

use std::io::{self, Write};

use raft_model::proof::SOLVERS;

/// Whether both solvers are installed. Where `CI` is set they have to be; elsewhere a test that
/// needs them says that it is skipped.
pub fn are_there() -> bool {
    let missing: Vec<_> = SOLVERS.iter().filter_map(|solver| solver.version().err()).collect();
    for error in &missing {
        // Not by `eprintln`, which a test that passes keeps to itself.
        let _ = writeln!(io::stderr(), "skipped: {error}");
    }
    assert!(missing.is_empty() || std::env::var_os("CI").is_none(), "the tests need both solvers");
    missing.is_empty()
}
