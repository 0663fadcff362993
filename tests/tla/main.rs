//! The specification in TLA+ and the one in Rust: they have the same graphs, the same properties
//! hold of both, and what real servers recorded is a behaviour of both.
//!
//! TLC is run by `tla/tlc`; where it cannot run, tests are skipped, and say so. They read these
//! environment variables:
//!
//! | variable | meaning |
//! |---|---|
//! | `TLA2TOOLS_JAR` | the `tla2tools.jar` to use, not the one that `tla/tlc --fetch` downloads |
//! | `CI` | if it is set, no test is skipped: they fail where TLC cannot run |

mod calm;
mod graphs;
mod mistakes;
mod paths;
mod runs;
mod traces;
mod verdicts;
