//! `raft-node`: runs a server, or a cluster to look at.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
