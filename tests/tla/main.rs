//! The specification in TLA+ and the one in Rust: they have the same graphs, the same properties
//! hold of both, and what real servers recorded is a behaviour of both.
//!
//! TLC is run by `tla/tlc`; where it cannot run, tests are skipped, and say so. They read these
//! environment variables:
//!
//! | variable | meaning |
//! |---|---|
//! | `TLA2TOOLS_JAR` | the `tla2tools.jar` to use, instead of the one that `tla/tlc --fetch` downloads |
//! | `CI` | if it is set, no test is skipped: they fail where TLC cannot run |

#[path = "../support"]
mod support {
    pub(crate) mod binary;
    #[allow(dead_code, reason = "other tests do more to a cluster")]
    pub(crate) mod cluster;
    pub(crate) mod counts;
    pub(crate) mod graph;
    #[allow(dead_code, reason = "networks do not fail here")]
    pub(crate) mod network;
    #[expect(dead_code, reason = "servers here have addresses that are theirs alone")]
    pub(crate) mod node;
    pub(crate) mod simulation;
    pub(crate) mod tlc;
    pub(crate) mod value;
}

mod graphs;
mod mistakes;
mod runs;
mod traces;
mod verdicts;
