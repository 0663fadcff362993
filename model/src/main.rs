//! `raft-model`: checks the specification, and shows what it does.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
