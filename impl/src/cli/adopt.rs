//! `raft-node adopt`: a data directory that was copied is from now on the one of its server.

use std::io::{self, Write as _};
use std::path::Path;

use raft_node::config::Config;
use raft_node::disk::DataDir;

use super::Failure;
use super::prepare::Given;

/// Say that a copied data directory is the newest of its server, and end. Then start it.
///
/// A server refuses a copy, since it may be older than what it was made of: the server has
/// forgotten then whom it voted for, and could help a second leader to office. It is right if the
/// server has moved to another disk or machine, was stopped before it was copied, and will never
/// run on the old directory again. A backup is never right: see `raft-node join`.
///
/// Exit code: 0 if it is adopted, 1 if the disk refuses, 2 if it was told something wrong, 3 if
/// there is no ballot, or not that of this server.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    given: Given,
}

pub(super) fn run(args: Args) -> Result<(), Failure> {
    let adopt = |data: &Path, config: &Config| DataDir::lock(data)?.adopt(config);
    let (config, store) = args.given.make(adopt)?;
    super::printed(writeln!(
        io::stdout(),
        "{}: the ballot of {} of {}, in term {}. Never start it on the old directory again.",
        store.path().display(),
        config.server().id,
        config.cluster_name(),
        store.ballot().current_term,
    ))
}
