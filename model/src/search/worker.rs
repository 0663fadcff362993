//! One worker of the [parallel search](super::parallel).
//!
//! All workers run the same loop. Each owns the worlds whose fingerprint leads to it: nobody else
//! keeps them, looks for them or takes their successors. So a worker, level by level,
//!
//! 1. takes the successors of its worlds of this level, in waves of bounded size. Those that it
//!    owns it adds to its own at once; the others go to their owners, in batches;
//! 2. waits until all workers have done so and everything sent has arrived (a *barrier*). Now the
//!    next level is complete;
//! 3. reports to all what it found, and waits until all reports are there: all workers know the
//!    same, and decide alike whether to go on.
//!
//! `link.rs` has how letters are carried. Its times are numbers, `level << 32 | wave` here: reports
//! of a level are sent at wave 0 of the next one, so that no world of a level can be sent before
//! every report was.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use timely::worker::Worker;

use super::control::{Control, Stop};
use super::link::{Content, Link, Outbox, owner};
use super::outcome::Level;
use super::seen::{Keys, Seen};
use super::successors::Successors;
use crate::packed::Packed;
use crate::reduce::PackedModel;
use crate::world::properties::Property;

/// How many worlds are expanded in a wave. At most the successors of two waves of each worker are
/// under way at once.
const WAVE: usize = 16 * 1024;
/// How many worlds are expanded between two looks at what has arrived.
const CHUNK: usize = 256;
/// How many successors are looked up together, at least.
const TOGETHER: usize = 256;

/// What all workers need to know, and have in common.
#[derive(Clone, Copy)]
pub(super) struct Task<'a, const W: usize> {
    pub(super) model: &'a PackedModel<W>,
    pub(super) properties: &'a [Property],
    pub(super) keys: Keys,
    pub(super) control: &'a Control,
    /// For how long other processes may be silent.
    pub(super) patience: Option<Duration>,
}

/// The worlds of a worker.
struct Mine<const W: usize> {
    seen: Seen<W>,
    /// The worlds of the next level, in pages of [`CHUNK`], each of which is freed once it was
    /// read.
    next: Vec<Vec<Packed<W>>>,
    /// What all workers found in the level before, as far as their reports are here.
    reports: Level,
    /// Those of one call that are new.
    new: Vec<Packed<W>>,
    stopped: Option<Stop>,
    /// What has arrived together, with fingerprints.
    arrived: Vec<(u64, Packed<W>)>,
}

impl<const W: usize> Mine<W> {
    fn add_all(&mut self, worlds: &[(u64, Packed<W>)]) {
        self.seen.insert_all(worlds, &mut self.new);
        let mut new = &self.new[..];
        while !new.is_empty() {
            match self.next.last_mut().filter(|page| page.len() < CHUNK) {
                Some(page) => {
                    let (some, rest) = new.split_at(new.len().min(CHUNK - page.len()));
                    page.extend_from_slice(some);
                    new = rest;
                }
                None => self.next.push(Vec::with_capacity(CHUNK)),
            }
        }
        self.new.clear();
    }

    fn receive(&mut self, content: &Content) {
        match content {
            Content::Worlds(words) => {
                let mut arrived = std::mem::take(&mut self.arrived);
                arrived.extend(words.chunks_exact(W).map(|words| {
                    let world = Packed(words.try_into().expect("as many words"));
                    (world.fingerprint(), world)
                }));
                self.add_all(&arrived);
                arrived.clear();
                self.arrived = arrived;
            }
            Content::Report(level) => self.reports.add(level),
            Content::Finished(_) => unreachable!("a search in memory begins with the first level"),
            Content::Stop(why) => self.stopped = self.stopped.or(Some(*why)),
        }
    }
}

/// Searches the worlds of one worker; returns what all of them found, level by level.
pub(super) fn run<const W: usize>(worker: &mut Worker, task: Task<'_, W>) -> Vec<Level> {
    let (me, workers) = (worker.index(), worker.peers());
    let mine = Rc::new(RefCell::new(Mine::<W> {
        seen: Seen::new(task.keys),
        next: Vec::new(),
        reports: Level::default(),
        new: Vec::new(),
        stopped: None,
        arrived: Vec::new(),
    }));
    let mut link = {
        let mine = Rc::clone(&mine);
        let receive = move |content: &Content| mine.borrow_mut().receive(content);
        Link::new(worker, Box::new(receive), task.patience)
    };
    let mut outbox = Outbox::new(workers);

    let initial = task.model.initial();
    if owner(initial.fingerprint(), workers) == me {
        mine.borrow_mut().add_all(&[(initial.fingerprint(), initial)]);
    }
    let mut levels = Vec::new();
    let mut todo = std::mem::take(&mut mine.borrow_mut().next);
    loop {
        let start = (levels.len() as u64) << 32;
        let mut found = expand(task, &mine, todo, &mut link, &mut outbox, start, me);
        let barrier = start + (1 << 32);
        link.advance_to(barrier);
        link.wait_until(barrier);

        // Set the next level apart before anybody can know that it has begun: once the others have
        // this report, worlds of the level after it may arrive.
        todo = std::mem::take(&mut mine.borrow_mut().next);
        found.next = todo.iter().map(Vec::len).sum();
        outbox.tell_all(&Content::Report(found));
        link.send(&mut outbox);
        link.advance_to(barrier + 1);
        link.wait_until(barrier + 1);

        let level = std::mem::take(&mut mine.borrow_mut().reports);
        levels.push(level);
        if level.is_the_end() {
            return levels;
        }
    }
}

/// Takes the successors of these worlds, a worker's share of a level, beginning at this time.
fn expand<const W: usize>(
    task: Task<'_, W>,
    mine: &RefCell<Mine<W>>,
    mut todo: Vec<Vec<Packed<W>>>,
    link: &mut Link<'_>,
    outbox: &mut Outbox,
    start: u64,
    me: usize,
) -> Level {
    let mut found = Level::default();
    task.control.reaches(usize::try_from(start >> 32).map_or(0, |n| n + 1));
    let mut successors = Successors::new(task);
    let mut time = start + 1;
    link.advance_to(time);
    while !todo.is_empty() {
        for chunk in 0..WAVE / CHUNK {
            let asked = task.control.stopped();
            if let Some(why) = asked.filter(|_| mine.borrow().stopped.is_none()) {
                outbox.tell_all(&Content::Stop(why));
                link.send(outbox);
            }
            if let Some(why) = mine.borrow().stopped.or(asked) {
                return Level { stopped: Some(why), ..found };
            }
            let Some(page) = todo.pop() else { break };
            {
                let mine = &mut *mine.borrow_mut();
                for world in &page {
                    successors.take(task, world, &mut found);
                    if successors.worlds.len() >= TOGETHER {
                        give_away(&mut successors.worlds, outbox, me);
                        mine.add_all(&successors.worlds);
                        successors.worlds.clear();
                    }
                }
                give_away(&mut successors.worlds, outbox, me);
                mine.add_all(&successors.worlds);
                successors.worlds.clear();
            }
            task.control.states.fetch_add(page.len(), super::RELAXED);
            link.send(outbox);
            if chunk % 4 == 3 {
                link.step();
            }
        }
        outbox.close_all();
        link.send(outbox);
        time += 1;
        link.advance_to(time);
        // One wave may be under way while the next is prepared.
        link.wait_until(time - 1);
    }
    found
}

/// Sends worlds to their owners, and leaves those that this worker owns.
fn give_away<const W: usize>(worlds: &mut Vec<(u64, Packed<W>)>, outbox: &mut Outbox, me: usize) {
    let workers = outbox.workers();
    if workers == 1 {
        return;
    }
    worlds.retain(|(fingerprint, after)| {
        let to = owner(*fingerprint, workers);
        if to != me {
            outbox.add(to, after);
        }
        to == me
    });
}
