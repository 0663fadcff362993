//! Sorted worlds in a file.
//!
//! A world is much like the one before it. So of each word those bytes are written that differ, and
//! before them a byte that says which these are.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::DiskError;
use crate::packed::Packed;

/// A file of sorted worlds, and what there must be in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Run {
    /// In the folder of the search.
    pub(super) name: String,
    pub(super) worlds: usize,
    bytes: u64,
    crc32: u32,
}

impl Run {
    /// Whether the file in this folder is what was written.
    pub(super) fn is_whole(&self, folder: &Path) -> Result<bool, DiskError> {
        let path = folder.join(&self.name);
        let mut crc32 = Sum::default();
        match File::open(&path).and_then(|mut file| io::copy(&mut file, &mut crc32)) {
            Ok(bytes) => Ok(bytes == self.bytes && crc32.0.finalize() == self.crc32),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(DiskError::of(&path, error)),
        }
    }
}

/// The checksum of what is written to it.
#[derive(Default)]
struct Sum(crc32fast::Hasher);

impl Write for Sum {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How much is written and read at once.
const BLOCK: usize = 1 << 16;

/// Writes a run.
pub(super) struct Writer<const W: usize> {
    path: PathBuf,
    file: File,
    last: [u64; W],
    buffer: Vec<u8>,
    crc32: crc32fast::Hasher,
    worlds: usize,
    bytes: u64,
}

impl<const W: usize> Writer<W> {
    /// To a new file of this name; an older one of a search that was killed is forgotten.
    pub(super) fn new(folder: &Path, name: &str) -> Result<Self, DiskError> {
        let path = folder.join(name);
        let file = File::create(&path).map_err(|error| DiskError::of(&path, error))?;
        Ok(Self {
            path,
            file,
            last: [0; W],
            buffer: Vec::with_capacity(2 * BLOCK),
            crc32: crc32fast::Hasher::new(),
            worlds: 0,
            bytes: 0,
        })
    }

    /// Adds a world, which is greater than the one before it.
    pub(super) fn push(&mut self, world: &Packed<W>) -> Result<(), DiskError> {
        for (last, word) in self.last.iter_mut().zip(world.0) {
            let changed = (*last ^ word).to_le_bytes();
            let which = self.buffer.len();
            self.buffer.push(0);
            for (number, byte) in changed.into_iter().enumerate().filter(|(_, byte)| *byte != 0) {
                self.buffer[which] |= 1 << number;
                self.buffer.push(byte);
            }
            *last = word;
        }
        self.worlds += 1;
        if self.buffer.len() >= BLOCK { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<(), DiskError> {
        self.crc32.update(&self.buffer);
        self.bytes += self.buffer.len() as u64;
        let written = self.file.write_all(&self.buffer);
        self.buffer.clear();
        written.map_err(|error| DiskError::of(&self.path, error))
    }

    /// The run, once all of it is on the disk.
    pub(super) fn finish(mut self) -> Result<Run, DiskError> {
        self.write()?;
        self.file.sync_all().map_err(|error| DiskError::of(&self.path, error))?;
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Self { worlds, bytes, crc32, .. } = self;
        Ok(Run { name, worlds, bytes, crc32: crc32.finalize() })
    }
}

/// Reads a run that was checked.
pub(super) struct Reader<const W: usize> {
    path: PathBuf,
    file: File,
    /// How many worlds are still to come.
    left: usize,
    last: [u64; W],
    buffer: Vec<u8>,
    at: usize,
}

impl<const W: usize> Reader<W> {
    pub(super) fn new(folder: &Path, run: &Run) -> Result<Self, DiskError> {
        let path = folder.join(&run.name);
        let file = File::open(&path).map_err(|error| DiskError::of(&path, error))?;
        Ok(Self { path, file, left: run.worlds, last: [0; W], buffer: Vec::new(), at: 0 })
    }

    /// Reads on, if there is more.
    fn fill(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.at);
        self.at = 0;
        (&mut self.file).take(BLOCK as u64).read_to_end(&mut self.buffer)?;
        Ok(())
    }

    /// The next byte, if the file has one.
    #[inline]
    fn byte(&mut self) -> Option<u8> {
        let byte = self.buffer.get(self.at).copied()?;
        self.at += 1;
        Some(byte)
    }

    /// The next world; `None` if the file does not have all of it.
    fn world(&mut self) -> Option<Packed<W>> {
        for word in 0..W {
            let which = self.byte()?;
            let mut changed = [0; 8];
            for (number, byte) in changed.iter_mut().enumerate() {
                if which >> number & 1 == 1 {
                    *byte = self.byte()?;
                }
            }
            self.last[word] ^= u64::from_le_bytes(changed);
        }
        Some(Packed(self.last))
    }
}

impl<const W: usize> Iterator for Reader<W> {
    type Item = Result<Packed<W>, DiskError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        if self.buffer.len() - self.at < 9 * W
            && let Err(error) = self.fill()
        {
            return Some(Err(DiskError::of(&self.path, error)));
        }
        Some(self.world().ok_or_else(|| DiskError::Damaged(self.path.clone())))
    }
}
