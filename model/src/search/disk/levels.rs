//! The search itself, level by level.

use std::thread;
use std::time::Instant;

use super::look::{Share, look_at};
use super::merge::{Known, Merge, Source};
use super::others::Others;
use super::run::Run;
use super::store::Store;
use super::{CHUNK, Disk, DiskError, MANY, OFTEN};
use crate::packed::Packed;
use crate::search::outcome::Level;
use crate::search::successors::Successors;
use crate::search::worker::Task;
use crate::search::{Control, RELAXED, Stop};

/// A search that is under way.
pub(super) struct Search<'a, const W: usize> {
    task: Task<'a, W>,
    store: &'a mut Store,
    /// The other processes, if there are some.
    others: Option<Others<'a, W>>,
    /// Of each worker the successors that it takes.
    successors: Vec<Successors<W>>,
    /// Those that are not on the disk.
    pending: Vec<Vec<Packed<W>>>,
    /// How many they may be.
    room: usize,
    /// When the search was last saved.
    saved: Instant,
}

impl<'a, const W: usize> Search<'a, W> {
    pub(super) fn new(
        task: Task<'a, W>,
        disk: &Disk,
        store: &'a mut Store,
        others: Option<Others<'a, W>>,
    ) -> Self {
        let room = (disk.room / disk.workers / size_of::<Packed<W>>()).max(16);
        let pending = (0..disk.workers).map(|_| Vec::with_capacity(room)).collect();
        let successors = (0..disk.workers).map(|_| Successors::new(task)).collect();
        Self { task, store, others, successors, pending, room, saved: Instant::now() }
    }

    /// Goes on until all is looked at, a property is violated, or it is stopped; what all processes
    /// found, level by level.
    pub(super) fn run(mut self) -> Result<Vec<Level>, DiskError> {
        let mut levels = self.store.checkpoint.finished.clone();
        if let Some(others) = &mut self.others {
            levels = others.finished(&levels);
            self.store.go_back_to(levels.len())?;
        }
        self.tell_what_was_finished();
        while !levels.last().is_some_and(Level::is_the_end) {
            let own = self.level()?;
            levels.push(self.others.as_mut().map_or(own, |others| others.report(own)));
        }
        Ok(levels)
    }

    /// Whoever watches is told of the levels that are finished.
    fn tell_what_was_finished(&self) {
        let (control, checkpoint) = (self.task.control, &self.store.checkpoint);
        for (number, level) in checkpoint.finished.iter().enumerate() {
            control.reaches(number + 1);
            control.states.fetch_add(level.states, RELAXED);
        }
        control.resumed.store(control.states.load(RELAXED) + checkpoint.found.states, RELAXED);
    }

    /// Searches a level; what this process found there.
    fn level(&mut self) -> Result<Level, DiskError> {
        let mut stopped = self.look_at_level()?;
        if stopped.is_none() {
            stopped = self.finish_level()?;
        }
        let checkpoint = &self.store.checkpoint;
        if stopped.is_none() {
            return Ok(*checkpoint.finished.last().expect("it has been finished"));
        }
        let level = Level { stopped, ..checkpoint.found };
        if self.others.is_none() {
            self.spill()?;
            self.store.save()?;
        }
        Ok(level)
    }

    /// Looks at the worlds of the last level, from where the checkpoint was saved.
    fn look_at_level(&mut self) -> Result<Option<Stop>, DiskError> {
        let (task, workers) = (self.task, self.pending.len());
        let share = self.others.as_ref().map_or(Share::ALL, |others| others.share);
        let checkpoint = &self.store.checkpoint;
        task.control.reaches(checkpoint.levels.len());
        task.control.states.fetch_add(checkpoint.found.states, RELAXED);
        let last = checkpoint.levels.last().expect("there is a level");
        let mut worlds = self.store.read::<W>(last)?;
        for _ in 0..checkpoint.found.states {
            worlds.next().transpose()?;
        }
        // So many that their successors do not need much more than the room.
        let chunk = CHUNK.min(self.room / 256 + 1) * workers;
        let stopped = loop {
            if let Some(why) = task.control.stopped() {
                break Some(why);
            }
            let chunk = worlds.by_ref().take(chunk).collect::<Result<Vec<_>, _>>()?;
            if chunk.is_empty() {
                break None;
            }
            let found: Vec<_> = thread::scope(|scope| {
                let parts = chunk.chunks(chunk.len().div_ceil(workers));
                let parts = parts.zip(self.successors.iter_mut().zip(&mut self.pending));
                let parts = parts.map(|(worlds, (successors, pending))| {
                    scope.spawn(move || look_at(task, worlds, share, successors, pending))
                });
                let parts: Vec<_> = parts.collect();
                parts.into_iter().map(|part| part.join().expect("no worker panics")).collect()
            });
            found.iter().for_each(|(found, _)| self.store.checkpoint.found.add(found));
            task.control.states.fetch_add(chunk.len(), RELAXED);
            if let Some(others) = &mut self.others {
                others.send(found.into_iter().map(|(_, of_others)| of_others));
                self.take_in();
            }
            self.make_room()?;
        };
        let Some(mut others) = self.others.take() else { return Ok(stopped) };
        while !others.all_have_come() {
            self.others = Some(others);
            self.take_in();
            self.make_room()?;
            others = self.others.take().expect("it was there");
        }
        let stopped = others.stopped();
        self.others = Some(others);
        self.take_in();
        Ok(stopped)
    }

    /// Takes the worlds that others have sent.
    fn take_in(&mut self) {
        let Some(others) = &mut self.others else { return };
        let worlds = others.received();
        let part = worlds.len().div_ceil(self.pending.len()).max(1);
        for (worlds, pending) in worlds.chunks(part).zip(&mut self.pending) {
            pending.extend(worlds);
        }
    }

    /// Writes what is pending if there is not much room left, or if it is time.
    fn make_room(&mut self) -> Result<(), DiskError> {
        let room = self.room;
        let is_full = |pending: &Vec<_>| pending.len() > room / 4 * 3;
        let is_time = self.others.is_none() && self.saved.elapsed() > OFTEN;
        let mut is_needed = is_time;
        if self.pending.iter().any(is_full) {
            // Many are found more than once.
            self.sort();
            is_needed |= self.pending.iter().any(|pending| pending.len() > room / 2);
        }
        if is_needed {
            self.spill()?;
            // What others have sent of a level is not known to be all of it.
            if self.others.is_none() {
                self.store.save()?;
            }
            self.saved = Instant::now();
        }
        Ok(())
    }

    /// Sorts what is pending, each world once.
    fn sort(&mut self) {
        let Self { others, pending, .. } = self;
        at_work(others, || {
            thread::scope(|scope| {
                for pending in pending {
                    scope.spawn(|| {
                        pending.sort_unstable();
                        pending.dedup();
                    });
                }
            });
        });
    }

    /// Writes what is pending.
    fn spill(&mut self) -> Result<(), DiskError> {
        self.sort();
        let Self { store, others, pending, .. } = self;
        at_work(others, || {
            for worlds in pending.iter_mut().filter(|worlds| !worlds.is_empty()) {
                let mut writer = store.write::<W>("successors")?;
                worlds.iter().try_for_each(|world| writer.push(world))?;
                store.checkpoint.successors.push(writer.finish()?);
                worlds.clear();
            }
            if store.checkpoint.successors.len() >= MANY {
                let mut all = Merge::new(sources(store, &store.checkpoint.successors)?)?;
                let mut writer = store.write::<W>("successors")?;
                while let Some(world) = all.pop()? {
                    writer.push(&world)?;
                }
                store.checkpoint.successors = vec![writer.finish()?];
            }
            Ok(())
        })
    }

    /// Makes the next level of those successors that are in no level so far.
    fn finish_level(&mut self) -> Result<Option<Stop>, DiskError> {
        self.sort();
        let Self { task, store, others, pending, .. } = self;
        let next = match at_work(others, || next_level(store, pending, task.control))? {
            Ok(next) => next,
            Err(why) => return Ok(Some(why)),
        };
        let checkpoint = &mut store.checkpoint;
        let found = std::mem::take(&mut checkpoint.found);
        checkpoint.finished.push(Level { next: next.worlds, ..found });
        checkpoint.levels.push(next);
        checkpoint.successors.clear();
        pending.iter_mut().for_each(Vec::clear);
        store.save()?;
        self.saved = Instant::now();
        Ok(None)
    }
}

/// Works; other processes hear that this one is alive.
fn at_work<T: Send, const W: usize>(
    others: &mut Option<Others<'_, W>>,
    work: impl FnOnce() -> T + Send,
) -> T {
    match others {
        Some(others) => others.while_at_work(work),
        None => work(),
    }
}

/// Writes the worlds of the next level.
fn next_level<const W: usize>(
    store: &mut Store,
    pending: &[Vec<Packed<W>>],
    control: &Control,
) -> Result<Result<Run, Stop>, DiskError> {
    let mut writer = store.write::<W>("level")?;
    let mut successors = sources(store, &store.checkpoint.successors)?;
    for pending in pending {
        successors.push(Box::new(pending.iter().copied().map(Ok)));
    }
    let levels = &store.checkpoint.levels;
    let levels: Result<Vec<_>, _> = levels.iter().map(|level| store.read::<W>(level)).collect();
    let (mut successors, mut known) = (Merge::new(successors)?, Known::new(levels?)?);
    let mut worlds = 0_usize;
    while let Some(world) = successors.pop()? {
        worlds += 1;
        if worlds.is_multiple_of(CHUNK)
            && let Some(why) = control.stopped()
        {
            return Ok(Err(why));
        }
        if !known.has(&world)? {
            writer.push(&world)?;
        }
    }
    writer.finish().map(Ok)
}

/// The worlds of these runs.
fn sources<'a, const W: usize>(
    store: &Store,
    runs: &[Run],
) -> Result<Vec<Source<'a, W>>, DiskError> {
    runs.iter().map(|run| Ok(Box::new(store.read::<W>(run)?) as Source<'a, W>)).collect()
}
