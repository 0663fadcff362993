//! Sorted worlds from several places, as one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use super::DiskError;
use super::run::Reader;
use crate::packed::Packed;

/// Worlds in order, from wherever they come.
pub(super) type Source<'a, const W: usize> =
    Box<dyn Iterator<Item = Result<Packed<W>, DiskError>> + 'a>;

/// The worlds of all sources, in order, each once.
pub(super) struct Merge<'a, const W: usize> {
    sources: Vec<Source<'a, W>>,
    /// The next world of each source that has one.
    next: BinaryHeap<Reverse<(Packed<W>, usize)>>,
}

impl<'a, const W: usize> Merge<'a, W> {
    pub(super) fn new(mut sources: Vec<Source<'a, W>>) -> Result<Self, DiskError> {
        let mut next = BinaryHeap::new();
        for (number, source) in sources.iter_mut().enumerate() {
            if let Some(world) = source.next().transpose()? {
                next.push(Reverse((world, number)));
            }
        }
        Ok(Self { sources, next })
    }

    /// The next world.
    pub(super) fn pop(&mut self) -> Result<Option<Packed<W>>, DiskError> {
        let Some(&Reverse((least, _))) = self.next.peek() else { return Ok(None) };
        while let Some(mut top) = self.next.peek_mut() {
            let Reverse((world, number)) = &mut *top;
            if *world != least {
                break;
            }
            match self.sources[*number].next().transpose()? {
                Some(after) => *world = after,
                None => drop(PeekMut::pop(top)),
            }
        }
        Ok(Some(least))
    }
}

/// The worlds of runs that one asks for in order.
pub(super) struct Known<const W: usize> {
    /// Each run, and its next world. There are many levels, and far more worlds in them than are
    /// asked for: so it costs less to look at all levels for each that is asked for, than to merge.
    runs: Vec<(Packed<W>, Reader<W>)>,
}

impl<const W: usize> Known<W> {
    pub(super) fn new(readers: impl IntoIterator<Item = Reader<W>>) -> Result<Self, DiskError> {
        let mut runs = Vec::new();
        for mut reader in readers {
            if let Some(first) = reader.next().transpose()? {
                runs.push((first, reader));
            }
        }
        Ok(Self { runs })
    }

    /// Whether one of the runs has this world, which is greater than those that were asked for.
    pub(super) fn has(&mut self, world: &Packed<W>) -> Result<bool, DiskError> {
        let (mut has, mut has_ended) = (false, false);
        for (next, reader) in &mut self.runs {
            while *next < *world {
                match reader.next() {
                    Some(after) => *next = after?,
                    None => {
                        has_ended = true;
                        break;
                    }
                }
            }
            has |= *next == *world;
        }
        if has_ended {
            self.runs.retain(|(next, _)| *next >= *world);
        }
        Ok(has)
    }
}
