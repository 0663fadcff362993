//! Whether a directory is the one in which its server runs, or a copy of it.
//!
//! A copy is as old as the moment when it was made, and has forgotten whom its server voted for
//! since then. So has a backup that is put back. The file `original` says which file the ballot is:
//! its number in the file system, and when it was created. A copy of that file has another one. A
//! whole disk that is put back, or a snapshot of it, is not told from the original.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::UNIX_EPOCH;

use super::BALLOT;

/// The name of the file.
pub(super) const ORIGINAL: &str = "original";

/// Whether what lies in this directory was copied there. What does not say so is trusted.
pub(super) fn is_copied(directory: &Path) -> io::Result<bool> {
    let known = fs::read_to_string(directory.join(ORIGINAL)).unwrap_or_default();
    // A file that is cut off was being written in this directory, for the first time.
    let Some(known) = known.strip_suffix('\n') else { return Ok(false) };
    let ballot = directory.join(BALLOT);
    // What is no file is no copy of one: whoever reads it says what it is.
    Ok(ballot.is_file() && name(&ballot)? != known)
}

/// From now on what lies in this directory is the original.
pub(super) fn remember(directory: &Path) -> io::Result<()> {
    let text = name(&directory.join(BALLOT))? + "\n";
    let path = directory.join(ORIGINAL);
    if fs::read_to_string(&path).is_ok_and(|known| known == text) {
        return Ok(());
    }
    let new = directory.join("original.new");
    fs::write(&new, text)?;
    fs::rename(&new, path)
}

/// What no copy of a file has in common with it.
fn name(file: &Path) -> io::Result<String> {
    let metadata = fs::metadata(file)?;
    let created = metadata.created().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    Ok(format!("{} {}", metadata.ino(), created.map_or(0, |time| time.as_nanos())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Settings};
    use crate::disk::{DataDir, StoreError};

    fn config() -> Config {
        Config::new(Settings::new("test", 1, vec![(1, "127.0.0.1:7001".parse().unwrap())])).unwrap()
    }

    fn copy(from: &Path, to: &Path) {
        fs::create_dir(to).unwrap();
        for file in fs::read_dir(from).unwrap().map(Result::unwrap) {
            fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
    }

    #[test]
    fn a_copy_is_refused_until_somebody_says_that_it_is_the_newest() {
        let dir = tempfile::tempdir().unwrap();
        let [first, moved, second] = ["first", "moved", "second"].map(|name| dir.path().join(name));
        let open = |path: &Path| DataDir::lock(path).unwrap().open(&config());
        drop(DataDir::create(&first).unwrap().bootstrap(&config()).unwrap());
        fs::rename(&first, &moved).unwrap();
        open(&moved).expect("another name makes no copy");
        copy(&moved, &second);
        let before = fs::read(second.join(BALLOT)).unwrap();
        assert!(matches!(open(&second), Err(StoreError::Copied { .. })));
        assert!(fs::read(second.join(BALLOT)).unwrap() == before, "it is left alone");
        drop(DataDir::lock(&second).unwrap().adopt(&config()).unwrap());
        open(&second).expect("it is adopted");
    }

    #[test]
    fn a_backup_of_the_ballot_that_is_put_back_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let open = || DataDir::lock(dir.path()).unwrap().open(&config());
        drop(DataDir::create(dir.path()).unwrap().bootstrap(&config()).unwrap());
        let (ballot, backup) = (dir.path().join(BALLOT), dir.path().join("backup"));
        fs::copy(&ballot, &backup).unwrap();
        fs::rename(&backup, &ballot).unwrap();
        assert!(matches!(open(), Err(StoreError::Copied { .. })));
    }

    #[test]
    fn a_new_ballot_is_no_copy_whatever_lies_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let bootstrap = || DataDir::create(dir.path()).unwrap().bootstrap(&config());
        drop(bootstrap().unwrap());
        fs::remove_file(dir.path().join(BALLOT)).unwrap();
        drop(bootstrap().expect("it was created here"));
        DataDir::lock(dir.path()).unwrap().open(&config()).unwrap();
    }

    #[test]
    fn who_does_not_know_what_it_is_trusts_it() {
        let dir = tempfile::tempdir().unwrap();
        drop(DataDir::create(dir.path()).unwrap().bootstrap(&config()).unwrap());
        for cut in ["", "7"] {
            fs::write(dir.path().join(ORIGINAL), cut).unwrap();
            assert!(!is_copied(dir.path()).unwrap(), "{cut:?}");
        }
        fs::write(dir.path().join(ORIGINAL), "7 7\n").unwrap();
        assert!(is_copied(dir.path()).unwrap());
    }
}
