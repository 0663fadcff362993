//! `raft-node completions` and `raft-node man`: what packages install.

use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::{Cli, Failure};

/// Print a script with which a shell completes commands and options.
///
/// For bash: raft-node completions bash > /etc/bash_completion.d/raft-node
#[derive(clap::Args)]
pub(super) struct Completions {
    /// bash, elvish, fish, powershell or zsh
    shell: Shell,
}

/// Write the manual pages, one a command, to a directory that exists.
///
/// For example: raft-node man /usr/local/share/man/man1
#[derive(clap::Args)]
pub(super) struct Man {
    /// The directory
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

pub(super) fn completions(args: &Completions) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "raft-node", &mut script);
    super::printed(io::stdout().write_all(&script))
}

pub(super) fn man(args: &Man) -> Result<(), Failure> {
    clap_mangen::generate_to(Cli::command(), &args.directory).map_err(|error| Failure::Output {
        what: format!("to {}", args.directory.display()),
        error,
    })
}
