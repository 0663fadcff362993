//! Sorted worlds from several places, as one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use super::DiskError;
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

/// Those worlds of one merge that another one lacks.
pub(super) struct Without<'a, const W: usize> {
    worlds: Merge<'a, W>,
    others: Merge<'a, W>,
    other: Option<Packed<W>>,
}

impl<'a, const W: usize> Without<'a, W> {
    pub(super) fn new(worlds: Merge<'a, W>, mut others: Merge<'a, W>) -> Result<Self, DiskError> {
        let other = others.pop()?;
        Ok(Self { worlds, others, other })
    }

    pub(super) fn pop(&mut self) -> Result<Option<Packed<W>>, DiskError> {
        while let Some(world) = self.worlds.pop()? {
            while self.other.is_some_and(|other| other < world) {
                self.other = self.others.pop()?;
            }
            if self.other != Some(world) {
                return Ok(Some(world));
            }
        }
        Ok(None)
    }
}
