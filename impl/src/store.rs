//! The ballot on disk: what a server must never forget (Figure 2, "Persistent state").
//!
//! A server that forgot its vote could vote twice in one term, and so elect two leaders. The file
//! `ballot` in the data directory therefore holds the ballot twice, in two **slots** of
//! [`SLOT_SIZE`] bytes, A and then B. Each slot has a checksum over all its bytes and a
//! *generation*, which every save increases by one. A save writes slot A, waits until the disk
//! confirms it, and does the same with slot B; only then does it return, and only then may the
//! server act on the ballot. Neither write touches the other slot or the size of the file.
//!
//! Why that is safe. When a server acts on a ballot, both slots hold it.
//!
//! * **A crash during a save** can tear the slot that is being written. The other one is whole: B
//!   still holds the ballot before, or A already the new one. The server has not acted on the new one
//!   yet, so both are right, and the higher generation is taken.
//! * **One damaged slot**, torn or decayed, may have held the latest ballot acted upon; so the other
//!   holds that ballot too, or, if the damage is that of a crash during a save, one that is newer.
//! * **Opening** the file acts on what it finds, so it makes the rule above true again first: the
//!   ballot found is written to the other slot, and then to its own. At every moment of this one
//!   slot is whole. The second write is for the case that the one found was never confirmed, since
//!   after a failed write the system may show bytes that are not on the disk.
//! * **Anything else** is refused, and nothing is ever read as "has not voted": two damaged slots,
//!   a file of another size, server, cluster or version, two different ballots of one generation,
//!   and generations more than one apart, which only a disk that loses confirmed writes leaves
//!   behind.
//! * **A failed write** ends the server, since nobody knows what is on the disk then.
//! * **A missing file** means that the server is new, or that its disk is. Only a person knows
//!   which: the file is created by [`DataDir::bootstrap`] alone, never by [`DataDir::open`].
//!
//! Two processes on one directory could each vote: a lock on the file `lock` excludes it. The system
//! releases it when the process ends, however it ends.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use raft_model::election::Ballot;

use crate::config::Config;
use crate::slot::{Damage, Owner, SLOT_SIZE, Slot};

/// The directory of one server, locked for this process.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Creates the directory if it does not exist, and locks it. Its parent has to exist.
    ///
    /// # Errors
    ///
    /// [`StoreError::Locked`] if another process has it, [`StoreError::Io`] if the disk refuses.
    pub fn create(path: &Path) -> Result<Self, StoreError> {
        match fs::create_dir(path) {
            Ok(()) => {
                let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
                sync_dir(parent.unwrap_or(Path::new(".")))?;
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(StoreError::io(path, "create the data directory")(error)),
        }
        Self::lock(path)
    }

    /// Locks the directory of a server that has run before.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoBallot`] if there is no such directory, [`StoreError::Locked`] if another
    /// process has it, [`StoreError::Io`] if the disk refuses.
    pub fn lock(path: &Path) -> Result<Self, StoreError> {
        let file = path.join("lock");
        let lock = match File::options().create(true).truncate(false).write(true).open(&file) {
            Ok(lock) => lock,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(StoreError::NoBallot { path: path.join("ballot") });
            }
            Err(error) => return Err(StoreError::io(&file, "open")(error)),
        };
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(StoreError::Locked { path: path.to_owned() }),
            Err(TryLockError::Error(error)) => Err(StoreError::io(&file, "lock")(error)),
        }
    }

    /// Creates the ballot of a server that has never run: term 0, no vote.
    ///
    /// # Errors
    ///
    /// [`StoreError::AlreadyBootstrapped`] if there is a ballot, whatever it holds;
    /// [`StoreError::Io`] if the disk refuses.
    pub fn bootstrap(self, config: &Config) -> Result<Store, StoreError> {
        let path = self.path.join("ballot");
        if path.symlink_metadata().is_ok() {
            return Err(StoreError::AlreadyBootstrapped { path });
        }
        let slot = Slot { owner: Owner::of(config), generation: 0, ballot: Ballot::INITIAL };
        // Only a complete file ever has the name.
        let new = self.path.join("ballot.new");
        let create = || {
            let mut file = File::create(&new)?;
            file.write_all(&slot.encode())?;
            file.write_all(&slot.encode())?;
            file.sync_all()?;
            fs::rename(&new, &path)
        };
        create().map_err(StoreError::io(&path, "create"))?;
        sync_dir(&self.path)?;
        self.open(config)
    }

    /// Opens the ballot of a server that has run before.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if there is no ballot, if it is not the one of this server, or if it cannot be
    /// trusted. Nothing was changed then, unless the reason is [`StoreError::Io`].
    pub fn open(self, config: &Config) -> Result<Store, StoreError> {
        let path = self.path.join("ballot");
        let file = match File::options().read(true).write(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(StoreError::NoBallot { path });
            }
            Err(error) => return Err(StoreError::io(&path, "open")(error)),
        };
        let (place, slot) = read(&file, &path, &Owner::of(config))?;
        let mut store = Store { file, path, slot, _dir: self };
        for place in [place.other(), place] {
            store.write(place).map_err(StoreError::io(&store.path, "write"))?;
        }
        Ok(store)
    }
}

/// The ballot of one server, on its disk.
#[derive(Debug)]
pub struct Store {
    file: File,
    path: PathBuf,
    slot: Slot,
    _dir: DataDir,
}

impl Store {
    /// The ballot that is on the disk.
    pub fn ballot(&self) -> Ballot {
        self.slot.ballot
    }

    /// The file that holds the ballot.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes this ballot. When it returns without an error, the ballot is durable, in both slots.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if the disk refuses. What is on it then is not known: nothing may be sent
    /// any more, and the store is of no further use.
    pub fn save(&mut self, ballot: Ballot) -> Result<(), StoreError> {
        self.slot.ballot = ballot;
        self.slot.generation += 1;
        for place in [Place::A, Place::B] {
            self.write(place).map_err(StoreError::io(&self.path, "write"))?;
        }
        Ok(())
    }

    /// Another file in place of the ballot, to see what happens when the disk refuses.
    #[cfg(test)]
    pub(crate) fn replace_file(&mut self, file: File) {
        self.file = file;
    }

    /// Writes one slot, and waits until it is durable.
    fn write(&mut self, place: Place) -> io::Result<()> {
        self.file.write_all_at(&self.slot.encode(), place.offset())?;
        self.file.sync_data()
    }
}

/// Which of the two slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    A,
    B,
}

impl Place {
    const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    const fn offset(self) -> u64 {
        match self {
            Self::A => 0,
            Self::B => SLOT_SIZE as u64,
        }
    }
}

/// The slot that holds the ballot, and where it stands.
fn read(file: &File, path: &Path, owner: &Owner) -> Result<(Place, Slot), StoreError> {
    let untrusted = |reason| StoreError::Untrusted { path: path.to_owned(), reason };
    let size = file.metadata().map_err(StoreError::io(path, "read"))?.len();
    if size != 2 * SLOT_SIZE as u64 {
        return Err(untrusted(Untrusted::Size(size)));
    }
    let slot = |place: Place| -> Result<Result<Slot, Damage>, StoreError> {
        let mut block = [0; SLOT_SIZE];
        file.read_exact_at(&mut block, place.offset()).map_err(StoreError::io(path, "read"))?;
        let slot = Slot::decode(&block);
        match &slot {
            Ok(slot) if slot.owner != *owner => {
                Err(untrusted(Untrusted::Owner(slot.owner.clone(), owner.clone())))
            }
            Err(Damage::Version(version)) => Err(untrusted(Untrusted::Version(*version))),
            Ok(_) | Err(Damage::Checksum) => Ok(slot),
        }
    };
    match (slot(Place::A)?, slot(Place::B)?) {
        (Ok(a), Ok(b)) => match (a.generation, b.generation) {
            (x, y) if x == y && a != b => Err(untrusted(Untrusted::Different)),
            (x, y) if x.abs_diff(y) > 1 => Err(untrusted(Untrusted::LostWrites(x, y))),
            (x, y) if x < y => Ok((Place::B, b)),
            _ => Ok((Place::A, a)),
        },
        (Ok(a), Err(_)) => Ok((warned(Place::A, path), a)),
        (Err(_), Ok(b)) => Ok((warned(Place::B, path), b)),
        (Err(_), Err(_)) => Err(untrusted(Untrusted::BothDamaged)),
    }
}

fn warned(whole: Place, path: &Path) -> Place {
    tracing::warn!(
        file = %path.display(),
        "slot {:?} of the ballot is damaged; slot {whole:?} holds the ballot, and replaces it",
        whole.other(),
    );
    whole
}

/// Makes the names in a directory durable.
fn sync_dir(path: &Path) -> Result<(), StoreError> {
    File::open(path).and_then(|dir| dir.sync_all()).map_err(StoreError::io(path, "sync"))
}

/// Why there is no ballot to work with. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no ballot.
    #[error(
        "{}: there is no ballot. If this server has never run, start it once with --bootstrap. If \
         it has, its disk was lost, and with it the votes it gave: do not bootstrap it under the \
         same number, or it may vote twice in one term and elect a second leader", .path.display()
    )]
    NoBallot {
        /// Where it should be.
        path: PathBuf,
    },
    /// There is a ballot, so the server is not new.
    #[error(
        "{}: there is a ballot already, and --bootstrap would forget the votes in it. Start this \
         server without --bootstrap", .path.display()
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
    #[error("{}: cannot {action}: {source}", .path.display())]
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

/// Why a ballot cannot be acted on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    /// The file has another size than two slots.
    #[error(
        "the ballot has {0} bytes instead of {size}, so it is not whole. {LOST}",
        size = 2 * SLOT_SIZE
    )]
    Size(u64),
    /// It belongs to another server.
    #[error("the ballot is that of {0}, not of {1}. Correct --data, --id or --cluster")]
    Owner(Owner, Owner),
    /// It was written by a program that knows more.
    #[error(
        "the ballot has version {0} of the format, which this program cannot read. Run the program that wrote it"
    )]
    Version(u32),
    /// No slot is whole.
    #[error("both copies of the ballot are damaged. {LOST}")]
    BothDamaged,
    /// The slots cannot both be what this program wrote.
    #[error("the two copies of the ballot contradict each other. {LOST}")]
    Different,
    /// A confirmed write is missing.
    #[error(
        "the two copies of the ballot are of generations {0} and {1}: the disk has lost writes that \
         it had confirmed. {LOST}"
    )]
    LostWrites(u64, u64),
}

const LOST: &str = "The votes of this server are lost: keep it out of the cluster, since one that \
                    forgot its vote may vote twice in one term and elect a second leader";

#[cfg(test)]
mod tests;
