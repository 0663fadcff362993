//! `raft-node bootstrap`: the first thing in the life of a server, once.

use std::io::{self, Write as _};
use std::path::Path;

use raft_node::config::Config;
use raft_node::disk::DataDir;

use super::Failure;
use super::prepare::Given;

/// Create the ballot of a server that has never run, and end. Then start it, without --bootstrap.
///
/// Only then: a server that forgot its votes can elect a second leader. A service manager starts a
/// server many times, so it should not be told to bootstrap it.
///
/// Exit code: 0 if the ballot is on the disk, 1 if the disk refuses, 2 if it was told something
/// wrong, 3 if there is a ballot.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    given: Given,
}

pub(super) fn run(args: Args) -> Result<(), Failure> {
    let bootstrap = |data: &Path, config: &Config| DataDir::create(data)?.bootstrap(config);
    let (config, store) = args.given.make(bootstrap)?;
    super::printed(writeln!(
        io::stdout(),
        "{}: the ballot of {} of {}. It has not voted, and must not be created again.",
        store.path().display(),
        config.server().id,
        config.cluster_name(),
    ))
}
