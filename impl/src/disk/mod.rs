//! The directory of one server on its disk, and the ballot in it: what a server must never forget
//! (Figure 2, "Persistent state").
//!
//! A server that forgot its vote could vote twice in one term, and so elect two leaders. Whatever
//! is wrong with the ballot, it is never read as "has not voted":
//!
//! * **Damage** to one of its two copies is repaired, to both refused: see [`slots`].
//! * **A failed write** ends the server, since nobody knows what is on the disk then.
//! * **A missing file** means that the server is new, or that its disk is. Only a person knows
//!   which: the file is created by [`DataDir::bootstrap`] alone, never by [`DataDir::open`].
//! * **A copy** of the directory, or a backup of it, is refused until somebody says that it is the
//!   newest one: see [`DataDir::adopt`].
//! * **Two processes** on one directory could each vote: a lock on the file `lock` excludes it. The
//!   system releases it when the process ends, however it ends.

pub(crate) mod files;
#[cfg(feature = "daemon")] // for the simulator
pub(crate) mod memory;
mod original;
pub mod slot;
pub mod slots;

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use raft_model::election::Ballot;

use crate::config::Config;
use crate::disk::files::{Files, SlotFile as _, System, folder_of};
use crate::disk::slot::{Owner, Slot};
use crate::disk::slots::{Place, RESTORE, Refusal, Slots, Untrusted};
use crate::lock::Locked;

/// The name of the ballot in its directory.
const BALLOT: &str = "ballot";

/// The directory of one server, locked for this process.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: Locked,
}

impl DataDir {
    /// Creates the directory if it does not exist, and locks it. Its parent has to exist.
    ///
    /// # Errors
    ///
    /// [`StoreError::Locked`] if another process has it, [`StoreError::Io`] if the disk refuses.
    pub fn create(path: &Path) -> Result<Self, StoreError> {
        create_dir(&System, path)?;
        Self::locked(path)
    }

    /// Locks the directory of a server that has run before.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoBallot`] if there is no ballot in it, [`StoreError::Locked`] if another
    /// process has it, [`StoreError::Io`] if the disk refuses.
    pub fn lock(path: &Path) -> Result<Self, StoreError> {
        // Nothing is created in a directory that is the wrong one.
        let ballot = path.join(BALLOT);
        match ballot.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(StoreError::NoBallot { path: ballot })
            }
            _ => Self::locked(path),
        }
    }

    fn locked(path: &Path) -> Result<Self, StoreError> {
        let file = path.join("lock");
        // Read and write: a pipe of this name would make a mere writer wait for a reader.
        let options = File::options().create(true).truncate(false).read(true).write(true).clone();
        let lock = match options.open(&file) {
            Ok(lock) => lock,
            Err(error) => return Err(StoreError::io(&file, "open")(error)),
        };
        match Locked::new(lock) {
            Ok(lock) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(StoreError::Locked { path: path.to_owned() }),
            Err(TryLockError::Error(error)) => Err(StoreError::io(&file, "lock")(error)),
        }
    }

    /// Makes sure that there is no ballot.
    ///
    /// # Errors
    ///
    /// [`StoreError::AlreadyBootstrapped`] if there is one, whatever it holds.
    pub fn check_new(&self) -> Result<(), StoreError> {
        check_new(&System, &self.path)
    }

    /// Creates the ballot of a server that has never run: term 0, no vote.
    ///
    /// # Errors
    ///
    /// [`StoreError::AlreadyBootstrapped`] if there is a ballot, whatever it holds;
    /// [`StoreError::Io`] if the disk refuses.
    pub fn bootstrap(self, config: &Config) -> Result<Store, StoreError> {
        create(&System, &self.path, &Slot::first(Owner::of(config)))?;
        self.adopt(config)
    }

    /// Creates the ballot of a server that has lost its disk: the one that [`join`](crate::join)
    /// found, in the run of this number.
    ///
    /// # Errors
    ///
    /// As of [`DataDir::bootstrap`].
    pub fn join(self, config: &Config, boot: u64, ballot: Ballot) -> Result<Store, StoreError> {
        create(&System, &self.path, &Slot::after_loss(Owner::of(config), boot, ballot))?;
        self.adopt(config)
    }

    /// Opens the ballot of a server that has run before.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if there is no ballot, if it is not the one of this server, or if it cannot
    /// be trusted. Nothing was changed then, unless the reason is [`StoreError::Io`].
    pub fn open(self, config: &Config) -> Result<Store, StoreError> {
        let copied = original::is_copied(&self.path);
        if copied.map_err(StoreError::io(&self.path, "look at the ballot"))? {
            return Err(StoreError::Copied { path: self.path.join(BALLOT) });
        }
        self.adopt(config)
    }

    /// The same of a directory that may be a copy: from now on it is the one of this server. The
    /// server must have been stopped before it was copied, and never run on the other one again.
    ///
    /// # Errors
    ///
    /// As of [`DataDir::open`].
    pub fn adopt(self, config: &Config) -> Result<Store, StoreError> {
        let promise = *config.election_timeout().start();
        let slots = open(&System, &self.path, &Owner::of(config), promise)?;
        original::remember(&self.path).map_err(StoreError::io(&self.path, "write to"))?;
        let (boot, path) = (slots.generation(), self.path.join(BALLOT));
        Ok(Store { boot, slots, path, _dir: self })
    }
}

/// A number for the run of a server that has lost its disk. Nobody knows how many runs there were;
/// of fewer than one a nanosecond this is greater than all.
pub fn boot_after_loss() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or_default()
}

/// Creates the directory of a server if it does not exist.
pub(crate) fn create_dir(files: &impl Files, path: &Path) -> Result<(), StoreError> {
    match files.create_dir(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(StoreError::io(path, "create the data directory")(error));
        }
        _ => {}
    }
    // Even if it exists: whoever created it may have been killed before this.
    let parent = folder_of(path);
    files.sync_dir(parent).map_err(StoreError::io(parent, "sync"))
}

fn check_new(files: &impl Files, directory: &Path) -> Result<(), StoreError> {
    let path = directory.join(BALLOT);
    if files.has(&path) { Err(StoreError::AlreadyBootstrapped { path }) } else { Ok(()) }
}

/// Creates the first ballot of a server. Opening it makes its name durable.
pub(crate) fn create(files: &impl Files, directory: &Path, first: &Slot) -> Result<(), StoreError> {
    check_new(files, directory)?;
    let path = directory.join(BALLOT);
    let block = first.encode();
    // Only a complete file ever has the name.
    let new = directory.join("ballot.new");
    let create = || {
        let mut file = files.create(&new)?;
        file.write(Place::A, &block)?;
        file.write(Place::B, &block)?;
        file.sync()?;
        files.rename(&new, &path)
    };
    create().map_err(StoreError::io(&path, "create"))
}

/// Opens the ballot of a server, and makes it durable before anybody acts on it.
pub(crate) fn open<F: Files>(
    files: &F,
    directory: &Path,
    owner: &Owner,
    promise: Duration,
) -> Result<Slots<F::File>, StoreError> {
    let path = directory.join(BALLOT);
    let file = match files.open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(StoreError::NoBallot { path });
        }
        Err(error) => return Err(StoreError::io(&path, "open")(error)),
    };
    let slots = match Slots::open(file, owner, promise) {
        Ok(slots) => slots,
        Err(Refusal::Untrusted(reason)) => return Err(StoreError::Untrusted { path, reason }),
        Err(Refusal::Io(error)) => return Err(StoreError::io(&path, "read and rewrite")(error)),
    };
    // Its name is as new as the file, or as old as a bootstrap that was killed.
    files.sync_dir(directory).map_err(StoreError::io(directory, "sync"))?;
    Ok(slots)
}

/// The ballot of one server, on its disk.
#[derive(Debug)]
pub struct Store {
    boot: u64,
    slots: Slots<File>,
    path: PathBuf,
    _dir: DataDir,
}

impl Store {
    /// The ballot that is on the disk.
    pub fn ballot(&self) -> Ballot {
        self.slots.ballot()
    }

    /// The number of this run of the server: greater than that of every run before.
    pub fn boot(&self) -> u64 {
        self.boot
    }

    /// The file that holds the ballot.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The longest time for which this server may have promised contact, in this run or before.
    pub fn promise(&self) -> Duration {
        self.slots.promise()
    }

    /// Writes this ballot, and how long others may count on a promise of this server from now on.
    /// When it returns without an error, the ballot is durable, in both slots.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if the disk refuses. What is on it then is not known: nothing may be sent
    /// any more, and the store is of no further use.
    pub fn save(&mut self, ballot: Ballot, promise: Duration) -> Result<(), StoreError> {
        self.slots.save(ballot, promise).map_err(StoreError::io(&self.path, "write"))
    }

    /// Another file in place of the ballot, to see what happens when the disk refuses.
    #[cfg(test)]
    pub(crate) fn replace_file(&mut self, file: File) {
        self.slots.replace_file(file);
    }
}

/// Why there is no ballot to work with. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no ballot.
    #[error(
        "{}: there is no ballot. If this server has never run, bootstrap it. If it has, the votes \
         it gave are lost, and with a new ballot it may vote twice in one term and elect a second \
         leader: {RESTORE}", .path.display()
    )]
    NoBallot {
        /// Where it should be.
        path: PathBuf,
    },
    /// There is a ballot, so the server is not new.
    #[error(
        "{}: there is a ballot already, and a new one would forget the votes in it",
        .path.display()
    )]
    AlreadyBootstrapped {
        /// Where it is.
        path: PathBuf,
    },
    /// There is a ballot, but not one to act on.
    #[error("{}: {reason}", .path.display())]
    Untrusted {
        /// Where it is.
        path: PathBuf,
        /// What is wrong with it.
        reason: Untrusted,
    },
    /// There is a ballot, and it was copied there.
    #[error(
        "{}: this is a copy, and may be older than the directory that it was made of. The votes that \
         its server gave since then are lost in it, and with it a second leader can be elected",
        .path.display()
    )]
    Copied {
        /// Where it is.
        path: PathBuf,
    },
    /// Another process runs on this directory.
    #[error(
        "{}: another process has locked this data directory. Stop that one first, or give this \
         server a directory of its own", .path.display()
    )]
    Locked {
        /// The directory.
        path: PathBuf,
    },
    /// The disk refuses.
    #[error(
        "{}: cannot {action}: {source}. Remove the cause, then start this server again",
        .path.display()
    )]
    Io {
        /// What could not be used.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// Why it failed.
        source: io::Error,
    },
}

impl StoreError {
    fn io(path: &Path, action: &'static str) -> impl Fn(io::Error) -> Self {
        move |source| Self::Io { path: path.to_owned(), action, source }
    }
}

#[cfg(test)]
mod crashes;
#[cfg(test)]
mod tests;
