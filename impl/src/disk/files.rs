//! What the ballot asks of a file system. It is little, and it is a trait, so that a test can put
//! another one in its place: one that forgets whatever nobody waited for.
//!
//! Two things reach the disk in their own time, and each has its own wait: what stands in a file
//! ([`SlotFile::sync`]), and the names in a directory ([`Files::sync_dir`]).

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use crate::disk::slot::SLOT_SIZE;
use crate::disk::slots::Place;

/// The directory in which a path is.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Directories, and the names in them.
pub(crate) trait Files {
    /// What a name stands for.
    type File: SlotFile;

    /// Creates a directory.
    fn create_dir(&self, path: &Path) -> io::Result<()>;
    /// Whether there is anything of this name.
    fn has(&self, path: &Path) -> bool;
    /// Creates an empty file, in place of one that is there.
    fn create(&self, path: &Path) -> io::Result<Self::File>;
    /// Opens a file that is there, to read and write.
    fn open(&self, path: &Path) -> io::Result<Self::File>;
    /// Gives a file another name, which may be that of another file.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Waits until the names in a directory are durable.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
}

/// A file of two slots.
///
/// Writes of both with `O_DSYNC`, or that and `O_DIRECT`, are no faster than two writes and a wait:
/// 0.17, 0.16 and 0.18 ms at the median, 7 ms all three at the 99th percentile, and beside a writer
/// that syncs all the time 0.13 ms all three. `cargo bench --bench failover` measures it.
pub(crate) trait SlotFile {
    /// Its size in bytes.
    fn size(&self) -> io::Result<u64>;
    /// Reads a slot.
    fn read(&self, place: Place) -> io::Result<[u8; SLOT_SIZE]>;
    /// Writes a slot. It may be lost, whole or in part, until the next [`Self::sync`].
    fn write(&mut self, place: Place, block: &[u8; SLOT_SIZE]) -> io::Result<()>;
    /// Waits until what was written is durable.
    fn sync(&mut self) -> io::Result<()>;
}

/// The files of this machine.
pub(crate) struct System;

impl Files for System {
    type File = File;

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        fs::create_dir(path)
    }

    fn has(&self, path: &Path) -> bool {
        // A link that leads nowhere is something, too.
        path.symlink_metadata().is_ok()
    }

    fn create(&self, path: &Path) -> io::Result<File> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => File::create_new(path),
        }
    }

    fn open(&self, path: &Path) -> io::Result<File> {
        File::options().read(true).write(true).open(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }
}

impl SlotFile for File {
    fn size(&self) -> io::Result<u64> {
        self.metadata().map(|metadata| metadata.len())
    }

    fn read(&self, place: Place) -> io::Result<[u8; SLOT_SIZE]> {
        let mut block = [0; SLOT_SIZE];
        self.read_exact_at(&mut block, place.offset())?;
        Ok(block)
    }

    fn write(&mut self, place: Place, block: &[u8; SLOT_SIZE]) -> io::Result<()> {
        self.write_all_at(block, place.offset())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data() // and the size of the file, without which there is no data
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_in_its_folder_or_in_the_one_where_we_are() {
        let found = ["/a/b", "a/b", "b"].map(|path| folder_of(Path::new(path)));
        assert_eq!(found, ["/a", "a", "."].map(Path::new));
    }
}
