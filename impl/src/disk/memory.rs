//! A disk in memory that loses what nobody waited for.
//!
//! Whoever asks sees what was written last, as with any system. What is on the platter is another
//! matter: when the power fails, each of the writes and names since the last wait may be there, or
//! not, and one write may be there in part: the one that the disk was at.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::disk::files::{Files, SlotFile};
use crate::disk::slot::SLOT_SIZE;
use crate::disk::slots::Place;

type Block = [u8; SLOT_SIZE];

/// The disk of one machine.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    seen: Image,
    durable: Image,
    pending: Vec<Write>,
    files: usize,
    /// How many waits of this process are over.
    pub(crate) waits: usize,
    /// Whether one has failed, and something was lost with it.
    pub(crate) has_failed: bool,
    /// What goes wrong in this process.
    pub(crate) plan: Plan,
}

/// What goes wrong on a disk.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Plan {
    /// How many more operations succeed until the process dies; `None` if it lives.
    pub(crate) left: Option<usize>,
    /// Whether the wait in which it dies has failed: the system then forgets to write what was
    /// waited for, and goes on showing it.
    pub(crate) fails: bool,
    /// The number of a wait that is left out.
    pub(crate) left_out: Option<usize>,
}

/// What a disk holds.
#[derive(Clone, Debug, Default)]
struct Image {
    names: BTreeMap<PathBuf, Option<usize>>, // a file, or a directory
    blocks: BTreeMap<(usize, bool), Block>,  // of a file, the first or the second
}

/// A change that is on its way to the disk.
#[derive(Clone, Debug)]
struct Write {
    of: Part,
    change: Change,
}

/// What a process can wait for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Names(PathBuf),
    File(usize),
}

#[derive(Clone, Debug)]
enum Change {
    /// A name appears, and another one may disappear with that.
    Name {
        path: PathBuf,
        file: Option<usize>,
        instead_of: Option<PathBuf>,
    },
    Block {
        at: (usize, bool),
        bytes: Box<Block>,
    },
}

impl Image {
    fn apply(&mut self, change: &Change) {
        match change {
            Change::Name { path, file, instead_of } => {
                instead_of.as_ref().map(|old| self.names.remove(old));
                self.names.insert(path.clone(), *file);
            }
            Change::Block { at, bytes } => {
                self.blocks.insert(*at, **bytes);
            }
        }
    }

    fn with(mut self, change: &Change) -> Self {
        self.apply(change);
        self
    }

    /// The same with a change that the disk was at when the power failed.
    fn torn(&self, change: &Change) -> Option<Self> {
        let Change::Block { at, bytes } = change else { return None };
        let mut torn = Box::new(self.blocks.get(at).copied().unwrap_or([0; SLOT_SIZE]));
        torn[..60].copy_from_slice(&bytes[..60]);
        torn[60] ^= 0xff; // caught in the middle: neither the old byte nor the new one
        Some(self.clone().with(&Change::Block { at: *at, bytes: torn }))
    }

    /// The same without what no path leads to.
    fn reachable(mut self) -> Self {
        let names = self.names.clone();
        self.names.retain(|path, _| is_top(path) || names.contains_key(parent(path)));
        self
    }
}

impl Memory {
    /// The disk after the process is gone. The system still has all that it wrote.
    pub(crate) fn killed(&self) -> Self {
        Self { waits: 0, plan: Plan::default(), ..self.clone() }
    }

    /// The disk after the power is back: every disk that may be left.
    pub(crate) fn without_power(&self) -> Vec<Self> {
        let (mut images, mut torn) = (vec![self.durable.clone()], Vec::new());
        for Write { change, .. } in &self.pending {
            let or_not = |image: Image| [image.clone().with(change), image];
            torn = torn.into_iter().flat_map(or_not).collect();
            torn.extend(images.iter().filter_map(|image| image.torn(change)));
            images = images.into_iter().flat_map(or_not).collect();
        }
        images.extend(torn);
        let disk = |image: Image| {
            let image = image.reachable();
            Self { seen: image.clone(), durable: image, pending: Vec::new(), ..self.killed() }
        };
        images.into_iter().map(disk).collect()
    }

    /// The disk after one bit of each file has decayed in this slot.
    pub(crate) fn decayed(&self, place: Place) -> Self {
        let mut disk = self.killed();
        for image in [&mut disk.seen, &mut disk.durable] {
            let blocks =
                image.blocks.iter_mut().filter(|((_, second), _)| *second == (place == Place::B));
            blocks.for_each(|(_, block)| block[100] ^= 1);
        }
        disk
    }

    /// One operation, which may be a wait.
    fn operate(&mut self, wait: Option<&Part>) -> io::Result<()> {
        match &mut self.plan.left {
            Some(0) => {
                let pending = self.pending.len();
                self.pending.retain(|write| !self.plan.fails || Some(&write.of) != wait);
                self.has_failed |= self.pending.len() < pending;
                return Err(ErrorKind::Other.into());
            }
            Some(left) => *left -= 1,
            None => {}
        }
        Ok(())
    }

    fn write(&mut self, of: Part, change: Change) -> io::Result<()> {
        self.operate(None)?;
        self.seen.apply(&change);
        self.pending.push(Write { of, change });
        Ok(())
    }

    fn wait(&mut self, part: &Part) -> io::Result<()> {
        self.operate(Some(part))?;
        self.waits += 1;
        if self.plan.left_out == Some(self.waits) {
            return Ok(());
        }
        let (waited, pending): (Vec<_>, _) =
            std::mem::take(&mut self.pending).into_iter().partition(|write| write.of == *part);
        self.pending = pending;
        waited.iter().for_each(|write| self.durable.apply(&write.change));
        Ok(())
    }

    fn name(&mut self, path: &Path, file: Option<usize>, old: Option<&Path>) -> io::Result<()> {
        if !is_top(path) && !self.seen.names.contains_key(parent(path)) {
            return Err(ErrorKind::NotFound.into());
        }
        let (path, instead_of) = (path.to_owned(), old.map(Path::to_owned));
        let names = Part::Names(parent(&path).to_owned());
        self.write(names, Change::Name { path, file, instead_of })
    }

    fn file(&self, path: &Path) -> io::Result<usize> {
        self.seen.names.get(path).copied().flatten().ok_or(ErrorKind::NotFound.into())
    }
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

fn is_top(path: &Path) -> bool {
    parent(path) == Path::new("/")
}

/// The disk, as the program uses it.
pub(crate) type Disk = Rc<RefCell<Memory>>;

/// A file on it.
#[derive(Debug)]
pub(crate) struct MemoryFile {
    disk: Disk,
    number: usize,
}

impl Files for Disk {
    type File = MemoryFile;

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        if self.has(path) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        self.borrow_mut().name(path, None, None)
    }

    fn has(&self, path: &Path) -> bool {
        self.borrow().seen.names.contains_key(path)
    }

    fn create(&self, path: &Path) -> io::Result<MemoryFile> {
        let mut disk = self.borrow_mut();
        disk.files += 1;
        let number = disk.files;
        disk.name(path, Some(number), None)?;
        Ok(MemoryFile { disk: Rc::clone(self), number })
    }

    fn open(&self, path: &Path) -> io::Result<MemoryFile> {
        let number = self.borrow().file(path)?;
        Ok(MemoryFile { disk: Rc::clone(self), number })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut disk = self.borrow_mut();
        let file = disk.file(from)?;
        disk.name(to, Some(file), Some(from))
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.borrow_mut().wait(&Part::Names(path.to_owned()))
    }
}

impl MemoryFile {
    fn at(&self, place: Place) -> (usize, bool) {
        (self.number, place == Place::B)
    }
}

impl SlotFile for MemoryFile {
    fn size(&self) -> io::Result<u64> {
        let has = |place| self.disk.borrow().seen.blocks.contains_key(&self.at(place));
        let slots = if has(Place::B) { 2 } else { u64::from(has(Place::A)) };
        Ok(slots * SLOT_SIZE as u64)
    }

    fn read(&self, place: Place) -> io::Result<Block> {
        // Where nothing was written before something, there are zeros.
        Ok(self.disk.borrow().seen.blocks.get(&self.at(place)).copied().unwrap_or([0; SLOT_SIZE]))
    }

    fn write(&mut self, place: Place, block: &Block) -> io::Result<()> {
        let change = Change::Block { at: self.at(place), bytes: Box::new(*block) };
        self.disk.borrow_mut().write(Part::File(self.number), change)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.disk.borrow_mut().wait(&Part::File(self.number))
    }
}
