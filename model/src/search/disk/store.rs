//! The folder of a search: its runs, and the file that says which of them count.
//!
//! That file is replaced as a whole, once all runs that it names are on the disk. So a search that
//! is killed at any moment leaves a folder from which it goes on; what the file does not name is
//! left from work that was under way, and is done again.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::run::{Reader, Run, Writer};
use super::{Disk, DiskError};
use crate::packed::Packed;
use crate::search::outcome::Level;
use crate::search::peers::difference;

/// The name of that file.
pub const CHECKPOINT: &str = "checkpoint.json";
/// How the names of runs end.
const RUN: &str = ".run";

/// How far a search has come.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Checkpoint {
    /// What is searched: a name and a value a line.
    settings: String,
    /// What was found in the levels that are finished.
    pub(super) finished: Vec<Level>,
    /// The worlds of each level: those of the finished ones, and of the one that is not.
    pub(super) levels: Vec<Run>,
    /// How many worlds of the last level were looked at, and what was found there.
    pub(super) found: Level,
    /// The successors of these, known or not.
    pub(super) successors: Vec<Run>,
    /// How many runs were begun.
    runs: usize,
}

/// The folder of a search, which no other process uses.
pub(super) struct Store {
    folder: PathBuf,
    pub(super) checkpoint: Checkpoint,
    /// Locked until it is closed.
    _lock: File,
}

impl Store {
    /// Opens the folder of a new search, from this world on if it belongs there, or of one that
    /// goes on.
    pub(super) fn open<const W: usize>(
        disk: &Disk,
        settings: String,
        initial: Option<Packed<W>>,
    ) -> Result<Self, DiskError> {
        let folder = disk.folder.clone();
        fs::create_dir_all(&folder).map_err(|error| DiskError::of(&folder, error))?;
        let path = folder.join("lock");
        let lock = File::create(&path).map_err(|error| DiskError::of(&path, error))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => DiskError::InUse(folder.clone()),
            TryLockError::Error(error) => DiskError::of(&path, error),
        })?;
        let path = folder.join(CHECKPOINT);
        let text = match fs::read_to_string(&path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(DiskError::of(&path, error)),
        };
        let mut store = Self { folder, checkpoint: Checkpoint::default(), _lock: lock };
        match (disk.resume, text) {
            (true, None) => return Err(DiskError::Nothing(store.folder)),
            (false, Some(_)) => return Err(DiskError::Occupied(store.folder)),
            (true, Some(text)) => {
                store.checkpoint =
                    serde_json::from_str(&text).map_err(|_| DiskError::Damaged(path))?;
                if let Some(difference) = difference(&settings, &store.checkpoint.settings) {
                    return Err(DiskError::Different { folder: store.folder, difference });
                }
                store.drop_what_is_damaged(disk.says)?;
                store.tidy()?;
            }
            (false, None) => {
                store.checkpoint.settings = settings;
                let mut first = store.write::<W>("level")?;
                initial.iter().try_for_each(|world| first.push(world))?;
                store.checkpoint.levels.push(first.finish()?);
                store.save()?;
            }
        }
        Ok(store)
    }

    /// A new run; it counts once the checkpoint names it, and is saved.
    pub(super) fn write<const W: usize>(&mut self, kind: &str) -> Result<Writer<W>, DiskError> {
        self.checkpoint.runs += 1;
        Writer::new(&self.folder, &format!("{kind}-{}{RUN}", self.checkpoint.runs))
    }

    pub(super) fn read<const W: usize>(&self, run: &Run) -> Result<Reader<W>, DiskError> {
        Reader::new(&self.folder, run)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Goes back to before the first level of which a file is not what was written.
    fn drop_what_is_damaged(&mut self, says: fn(&str)) -> Result<(), DiskError> {
        let Checkpoint { levels, successors, .. } = &self.checkpoint;
        let (keep, path) = match (self.first_damaged(levels)?, self.first_damaged(successors)?) {
            (Some((0, path)), _) => return Err(DiskError::Damaged(path)),
            (Some((level, path)), _) => (level, path),
            (None, Some((_, path))) => (levels.len(), path),
            (None, None) => return Ok(()),
        };
        let path = path.display();
        says(&format!("{path} is damaged: the search goes on from the beginning of level {keep}"));
        self.go_back_to(keep - 1)
    }

    /// The first of these runs that is not what was written: its number and its file.
    fn first_damaged(&self, runs: &[Run]) -> Result<Option<(usize, PathBuf)>, DiskError> {
        for (number, run) in runs.iter().enumerate() {
            if !run.is_whole(&self.folder)? {
                return Ok(Some((number, self.folder.join(&run.name))));
            }
        }
        Ok(None)
    }

    /// Forgets all but so many levels that are finished, and the one after.
    pub(super) fn go_back_to(&mut self, finished: usize) -> Result<(), DiskError> {
        self.checkpoint.finished.truncate(finished);
        self.checkpoint.levels.truncate(finished + 1);
        self.checkpoint.found = Level::default();
        self.checkpoint.successors.clear();
        self.save()
    }

    /// Makes the checkpoint durable, and removes what it does not name.
    pub(super) fn save(&self) -> Result<(), DiskError> {
        let (path, new) = (self.folder.join(CHECKPOINT), self.folder.join("checkpoint.new"));
        let text = serde_json::to_string_pretty(&self.checkpoint).expect("it can be written");
        let write = || {
            let mut file = File::create(&new)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&new, &path)?;
            File::open(&self.folder)?.sync_all()
        };
        write().map_err(|error| DiskError::of(&path, error))?;
        self.tidy()
    }

    /// Removes the runs that do not count.
    fn tidy(&self) -> Result<(), DiskError> {
        let Checkpoint { levels, successors, .. } = &self.checkpoint;
        let remove = || {
            for entry in fs::read_dir(&self.folder)? {
                let name = entry?.file_name().to_string_lossy().into_owned();
                let is_named = levels.iter().chain(successors).any(|run| run.name == name);
                if name.ends_with(RUN) && !is_named {
                    fs::remove_file(self.folder.join(name))?;
                }
            }
            Ok(())
        };
        remove().map_err(|error| DiskError::of(&self.folder, error))
    }
}
