//! `raft-node bootstrap`: the first thing in the life of a server, once.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, lchown};
use std::path::{Path, PathBuf};

use raft_node::disk::DataDir;

use super::Failure;
use super::keys::Keys;

/// Create the ballot of a server that has never run, and end. Then start it, without --bootstrap.
///
/// Only then: a server that forgot its votes can elect a second leader. A service manager starts a
/// server many times, so it should not be told to bootstrap it.
///
/// Exit code: 0 if the ballot is on the disk, 1 if the disk refuses, 2 if it was told something
/// wrong, 3 if there is a ballot.
#[derive(clap::Args)]
pub(super) struct Args {
    /// A file with the keys that are not given here, as for `raft-node run`
    #[arg(long, value_name = "FILE", env = "RAFT_CONFIG", hide_env_values = true)]
    config: Option<PathBuf>,
    #[command(flatten)]
    keys: Keys,
}

pub(super) fn run(args: Args) -> Result<(), Failure> {
    let keys = args.keys.with_file(args.config.as_deref())?;
    let data = keys.data()?.to_owned();
    // Names need not stand for anything yet.
    let config = keys.config(|servers| Ok(super::init::guess(servers, &mut Vec::new())))?;
    let created = DataDir::create(&data).and_then(|dir| dir.bootstrap(&config));
    let store = created.map_err(super::hint::store)?;
    hand_to_the_owner_of(&data).map_err(Failure::other)?;
    super::printed(writeln!(
        io::stdout(),
        "{}: the ballot of {} of {}. It has not voted, and must not be created again.",
        store.path().display(),
        config.server().id,
        config.cluster_name(),
    ))
}

/// What root creates in the directory of somebody else is his, so that his server can open it.
pub(super) fn hand_to_the_owner_of(data: &Path) -> io::Result<()> {
    let owner = fs::metadata(data)?;
    for file in fs::read_dir(data)? {
        let file = file?;
        if file.metadata()?.uid() != owner.uid() {
            lchown(file.path(), Some(owner.uid()), Some(owner.gid()))?;
        }
    }
    Ok(())
}
