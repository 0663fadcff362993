//! What commands have in common that prepare the directory of a server which does not run.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, lchown};
use std::path::{Path, PathBuf};

use raft_node::config::Config;
use raft_node::disk::{Store, StoreError};

use super::keys::Keys;
use super::{Failure, hint, init};

/// The keys, and a file with the others.
#[derive(clap::Args)]
pub(super) struct Given {
    /// A file with the keys that are not given here, as for `raft-node run`
    #[arg(long, value_name = "FILE", env = "RAFT_CONFIG", hide_env_values = true)]
    config: Option<PathBuf>,
    #[command(flatten)]
    keys: Keys,
}

impl Given {
    /// All of them.
    pub(super) fn all(self) -> Result<Keys, Failure> {
        self.keys.with_file(self.config.as_deref())
    }

    /// The ballot that this makes of what lies in the directory. Names need not stand for anything
    /// yet.
    pub(super) fn make(
        self,
        ballot: impl FnOnce(&Path, &Config) -> Result<Store, StoreError>,
    ) -> Result<(Config, Store), Failure> {
        let keys = self.all()?;
        let data = keys.data()?;
        let config = keys.config(|servers| Ok(init::guess(servers, &mut Vec::new())))?;
        let store = ballot(data, &config).map_err(hint::store)?;
        hand_to_the_owner_of(data).map_err(Failure::other)?;
        Ok((config, store))
    }
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

/// The same of a file that lies elsewhere.
pub(super) fn hand_file_to_the_owner_of(data: &Path, file: &Path) -> io::Result<()> {
    let owner = fs::metadata(data)?;
    if fs::metadata(file)?.uid() != owner.uid() {
        lchown(file, Some(owner.uid()), Some(owner.gid()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::chown;

    use super::*;

    #[test]
    fn what_root_creates_belongs_to_the_owner_of_the_directory() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        fs::create_dir(&data).unwrap();
        let [ballot, trace] = [data.join("ballot"), folder.path().join("trace")];
        for file in [&ballot, &trace] {
            fs::write(file, "").unwrap();
        }
        let _ = chown(&data, Some(7000), Some(7000)); // who is not root owns all of it anyway
        hand_to_the_owner_of(&data).unwrap();
        hand_file_to_the_owner_of(&data, &trace).unwrap();
        let owner = |path: &Path| fs::metadata(path).map(|it| (it.uid(), it.gid())).unwrap();
        assert_eq!([owner(&ballot), owner(&trace)], [owner(&data); 2]);
    }
}
