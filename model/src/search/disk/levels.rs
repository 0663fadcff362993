//! The search itself, level by level.

use std::thread;
use std::time::Instant;

use super::merge::{Merge, Source, Without};
use super::run::Run;
use super::store::Store;
use super::{CHUNK, DiskError, MANY, OFTEN, OnDisk, Way};
use crate::packed::{Packed, PackedView};
use crate::search::outcome::{Level, Outcome};
use crate::search::successors::Successors;
use crate::search::worker::Task;
use crate::search::{RELAXED, Stop};
use crate::world::properties::Property;

/// A search that is under way.
pub(super) struct Search<'a, const W: usize> {
    pub(super) task: Task<'a, W>,
    pub(super) store: Store,
    /// Of each worker the successors that are not on the disk.
    pub(super) pending: Vec<Vec<Packed<W>>>,
    /// When the search was last saved.
    pub(super) saved: Instant,
}

impl<const W: usize> Search<'_, W> {
    /// Goes on until all is looked at, a property is violated, or it is stopped.
    pub(super) fn run(mut self) -> Result<OnDisk<W>, DiskError> {
        self.knows_the_graph()?;
        let mut stopped = None;
        while stopped.is_none() && !self.is_over() {
            stopped = self.look_at_level()?;
            if stopped.is_none() {
                stopped = self.finish_level()?;
            }
            if stopped.is_some() {
                self.spill()?;
            }
        }
        let checkpoint = &self.store.checkpoint;
        let mut levels = checkpoint.finished.clone();
        if stopped.is_some() {
            levels.push(Level { stopped, ..checkpoint.found });
        }
        let Task { model, properties, .. } = self.task;
        let outcome = Outcome::of(&levels, properties.len());
        if model.reductions().at_once {
            return Ok(OnDisk { outcome, ways: None });
        }
        let violated = properties.iter().zip(&outcome.violated);
        let violated = violated.filter_map(|(property, violated)| violated.then_some(*property));
        let way = |property| Ok((property, self.way_to(property, levels.len())?));
        let ways = Some(violated.map(way).collect::<Result<_, _>>()?);
        Ok(OnDisk { outcome, ways })
    }

    fn is_over(&self) -> bool {
        self.store
            .checkpoint
            .finished
            .last()
            .is_some_and(|last| last.is_last() || last.violated != 0)
    }

    /// Looks at the worlds of the last level, from where the checkpoint was saved.
    fn look_at_level(&mut self) -> Result<Option<Stop>, DiskError> {
        let Self { task, store, pending, .. } = self;
        let (control, workers) = (task.control, pending.len());
        let checkpoint = &store.checkpoint;
        let earlier: usize = checkpoint.finished.iter().map(|level| level.states).sum();
        control.states.store(earlier + checkpoint.found.states, RELAXED);
        control.depth.store(checkpoint.levels.len(), RELAXED);
        let mut worlds = store.read::<W>(checkpoint.levels.last().expect("there is a level"))?;
        for _ in 0..checkpoint.found.states {
            worlds.next().transpose()?;
        }
        // So many that their successors do not need much more than the room.
        let chunk = CHUNK.min(self.pending[0].capacity() / 256 + 1);
        loop {
            if let Some(why) = self.task.control.stopped() {
                return Ok(Some(why));
            }
            let chunk = worlds.by_ref().take(chunk * workers).collect::<Result<Vec<_>, _>>()?;
            if chunk.is_empty() {
                return Ok(None);
            }
            let task = self.task;
            let found: Vec<Level> = thread::scope(|scope| {
                let parts = chunk.chunks(chunk.len().div_ceil(workers)).zip(&mut self.pending);
                let parts = parts
                    .map(|(worlds, pending)| scope.spawn(move || look_at(task, worlds, pending)));
                let parts: Vec<_> = parts.collect();
                parts.into_iter().map(|part| part.join().expect("no worker panics")).collect()
            });
            found.iter().for_each(|found| self.store.checkpoint.found.add(found));
            self.task.control.states.fetch_add(chunk.len(), RELAXED);
            let is_full = |pending: &Vec<_>| pending.len() > pending.capacity() / 4 * 3;
            let mut is_time = self.saved.elapsed() > OFTEN;
            if self.pending.iter().any(is_full) {
                // Many are found more than once.
                self.sort();
                is_time |=
                    self.pending.iter().any(|pending| pending.len() > pending.capacity() / 2);
            }
            if is_time {
                self.spill()?;
            }
        }
    }

    /// Sorts what is pending, each world once.
    fn sort(&mut self) {
        thread::scope(|scope| {
            for pending in &mut self.pending {
                scope.spawn(|| {
                    pending.sort_unstable();
                    pending.dedup();
                });
            }
        });
    }

    /// Writes all that is known, so that the search can go on from here.
    fn spill(&mut self) -> Result<(), DiskError> {
        self.sort();
        let Self { store, pending, .. } = self;
        let mut written = Vec::new();
        for worlds in pending.iter_mut().filter(|worlds| !worlds.is_empty()) {
            let mut writer = store.write::<W>("successors")?;
            worlds.iter().try_for_each(|world| writer.push(world))?;
            written.push(writer.finish()?);
            worlds.clear();
        }
        store.checkpoint.successors.extend(written);
        if store.checkpoint.successors.len() >= MANY {
            let mut all = Merge::new(sources(store, &store.checkpoint.successors)?)?;
            let mut writer = store.write::<W>("successors")?;
            while let Some(world) = all.pop()? {
                writer.push(&world)?;
            }
            store.checkpoint.successors = vec![writer.finish()?];
        }
        store.save()?;
        self.saved = Instant::now();
        Ok(())
    }

    /// Makes the next level of those successors that are in no level so far.
    fn finish_level(&mut self) -> Result<Option<Stop>, DiskError> {
        self.sort();
        let mut writer = self.store.write::<W>("level")?;
        let store = &self.store;
        let mut successors = sources(store, &store.checkpoint.successors)?;
        for pending in &self.pending {
            successors.push(Box::new(pending.iter().copied().map(Ok)));
        }
        let known = Merge::new(sources(store, &store.checkpoint.levels)?)?;
        let mut new = Without::new(Merge::new(successors)?, known)?;
        let mut worlds = 0_usize;
        while let Some(world) = new.pop()? {
            worlds += 1;
            if worlds.is_multiple_of(CHUNK)
                && let Some(why) = self.task.control.stopped()
            {
                return Ok(Some(why));
            }
            writer.push(&world)?;
        }
        drop(new);
        let next = writer.finish()?;
        let checkpoint = &mut self.store.checkpoint;
        let found = std::mem::take(&mut checkpoint.found);
        checkpoint.finished.push(Level { next: next.worlds, ..found });
        if next.worlds > 0 {
            checkpoint.levels.push(next);
        }
        checkpoint.successors.clear();
        self.pending.iter_mut().for_each(Vec::clear);
        self.store.save()?;
        self.saved = Instant::now();
        Ok(None)
    }

    /// Looks at the first levels once more: another version of this program may know another graph.
    fn knows_the_graph(&self) -> Result<(), DiskError> {
        let checkpoint = &self.store.checkpoint;
        let mut states = 0;
        for (number, (run, level)) in checkpoint.levels.iter().zip(&checkpoint.finished).enumerate()
        {
            states += level.states;
            if states > CHUNK {
                break;
            }
            let worlds = self.store.read(run)?.collect::<Result<Vec<_>, _>>()?;
            let found = look_at(self.task, &worlds, &mut Vec::new());
            let counts = |level: &Level| (level.states, level.edges, level.generated);
            if counts(&found) != counts(level) {
                let (was, is) = (level.edges, found.edges);
                let difference = format!(
                    "level {} had {was} edges there, and has {is} here: this program is another \
                     version",
                    number + 1
                );
                return Err(DiskError::Different {
                    folder: self.store.folder().into(),
                    difference,
                });
            }
        }
        Ok(())
    }

    /// The worlds on a shortest way to one of this level, from which a step violates the property.
    fn way_to(&self, property: Property, level: usize) -> Result<Way<W>, DiskError> {
        let model = self.task.model;
        let mut way: Vec<Packed<W>> = Vec::new();
        for run in self.store.checkpoint.levels[..level].iter().rev() {
            let leads_on = |world: &Packed<W>| {
                let mut leads_on = false;
                let before = PackedView(model.layout(), world);
                model.for_each_successor(world, |a_move, unreduced, after| {
                    leads_on |= match way.last() {
                        Some(next) => after == *next,
                        None => {
                            let unreduced = PackedView(model.layout(), &unreduced);
                            !property.holds(&before, a_move.server, &unreduced)
                        }
                    };
                });
                leads_on
            };
            let mut worlds = self.store.read::<W>(run)?;
            let found = loop {
                if let Some(why) = self.task.control.stopped() {
                    return Ok(Err(why));
                }
                let world = worlds.next().expect("a world of each level leads on")?;
                if leads_on(&world) {
                    break world;
                }
            };
            way.push(found);
        }
        way.reverse();
        Ok(Ok(way))
    }
}

/// The worlds of these runs.
fn sources<'a, const W: usize>(
    store: &Store,
    runs: &[Run],
) -> Result<Vec<Source<'a, W>>, DiskError> {
    runs.iter().map(|run| Ok(Box::new(store.read::<W>(run)?) as Source<'a, W>)).collect()
}

/// Adds the successors of these worlds, and says what was found.
fn look_at<const W: usize>(
    task: Task<'_, W>,
    worlds: &[Packed<W>],
    pending: &mut Vec<Packed<W>>,
) -> Level {
    let (mut found, mut successors) = (Level::default(), Successors::new());
    for world in worlds {
        successors.take(task, world, &mut found);
        pending.extend(successors.worlds.drain(..).map(|(_, world)| world));
    }
    found
}
