//! The file of a cluster key: read, created, and replaced so that it is there all the time.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::key::{KeyError, Keys};
use crate::disk::files::folder_of;

/// No file of keys is longer.
const LONGEST: u64 = 4096;

/// The keys in this file, which nobody but its owner may read.
///
/// # Errors
///
/// [`KeyFileError`] says what to do.
pub fn read(path: &Path) -> Result<Keys, KeyFileError> {
    let io = |error| KeyFileError::Read { path: path.to_owned(), error };
    let mode = fs::metadata(path).map_err(io)?.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::Mode { path: path.to_owned(), mode });
    }
    read_credential(path)
}

/// The keys in a file of `$CREDENTIALS_DIRECTORY`, which is the service's own, whatever the modes
/// of its files: access lists look like rights of the group.
///
/// # Errors
///
/// [`KeyFileError`] says what to do.
pub fn read_credential(path: &Path) -> Result<Keys, KeyFileError> {
    let io = |error| KeyFileError::Read { path: path.to_owned(), error };
    let mut text = String::new();
    File::open(path).map_err(io)?.take(LONGEST).read_to_string(&mut text).map_err(io)?;
    Keys::parse(&text).map_err(|error| KeyFileError::Content { path: path.to_owned(), error })
}

/// Writes keys to a file that is not there yet.
///
/// # Errors
///
/// [`KeyFileError`] if there is one, or it cannot be written.
pub fn create(path: &Path, keys: &Keys) -> Result<(), KeyFileError> {
    write(path, keys).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => KeyFileError::Exists { path: path.to_owned() },
        _ => KeyFileError::Write { path: path.to_owned(), error },
    })
}

/// Writes other keys to a file that is there: whoever reads it meanwhile reads the old ones or the
/// new ones. Its owner and group stay.
///
/// # Errors
///
/// [`KeyFileError`] if it cannot be written; it is as it was then.
pub fn replace(path: &Path, keys: &Keys) -> Result<(), KeyFileError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    let replaced = || {
        let old = fs::metadata(path)?;
        write(&new, keys)?;
        std::os::unix::fs::chown(&new, Some(old.uid()), Some(old.gid()))?;
        fs::rename(&new, path)?;
        File::open(folder_of(path))?.sync_all()
    };
    replaced().map_err(|error| {
        if error.kind() != io::ErrorKind::AlreadyExists {
            let _ = fs::remove_file(&new);
        }
        KeyFileError::Write { path: path.to_owned(), error }
    })
}

fn write(path: &Path, keys: &Keys) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(keys.to_text().as_bytes())?;
    file.sync_all()
}

/// What is wrong with the file of a key.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// It cannot be read.
    #[error("cannot read the key in {}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Others could read it.
    #[error(
        "the key in {} may be read or changed by others (mode {mode:03o}): chmod 600 {}, and \
         make a new one (`raft-node keygen`) if anybody could have read it",
        path.display(),
        path.display()
    )]
    Mode {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// It holds something else.
    #[error("{}: {error}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: KeyError,
    },
    /// It is there already.
    #[error(
        "{} is there already, and is not overwritten: a server without the key of the others is \
         alone. To replace a key: `raft-node key rotate`", path.display()
    )]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be written.
    #[error("cannot write the key to {}: {error}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::session::Key;

    fn keys(number: u8) -> Keys {
        Keys::one(Key::new([number; 32]))
    }

    #[test]
    fn a_key_is_for_its_owner_alone_and_is_not_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        create(&path, &keys(1)).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert!(matches!(create(&path, &keys(2)), Err(KeyFileError::Exists { .. })));
        assert_eq!(read(&path).unwrap(), keys(1));
    }

    #[test]
    fn what_others_may_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        create(&path, &keys(1)).unwrap();
        for mode in [0o640, 0o604, 0o620, 0o602] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = read(&path).unwrap_err().to_string();
            let chmod = format!("chmod 600 {}", path.display());
            assert!(error.contains(&chmod) && error.contains(&format!("{mode:o}")), "{error}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        assert_eq!(read(&path).unwrap(), keys(1));
    }

    #[test]
    fn a_replaced_key_has_the_mode_of_a_key_and_leaves_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        assert!(replace(&path, &keys(2)).is_err());
        create(&path, &keys(1)).unwrap();
        replace(&path, &keys(2)).unwrap();
        assert_eq!(read(&path).unwrap(), keys(2));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        let being_written = dir.path().join("key.new");
        create(&being_written, &keys(3)).unwrap();
        assert!(replace(&path, &keys(4)).is_err(), "somebody else replaces it");
        assert_eq!([&path, &being_written].map(|it| read(it).unwrap()), [2, 3].map(keys));
    }
}
