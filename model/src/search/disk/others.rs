//! The other processes of a search on disk.
//!
//! Each process owns the worlds whose fingerprint leads to it, and has them in its own folder. The
//! successors that it finds of others it sends to them. All finish a level together: whoever has
//! written the next one says so, and waits until all have. So a folder is ahead of another by one
//! level at most, and a search that goes on begins with the last level that all have.
//!
//! A level has two barriers: everything has arrived; and everybody has written it.

use std::cell::RefCell;
use std::mem;
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use timely::worker::Worker;

use super::look::Share;
use crate::packed::Packed;
use crate::search::link::{Content, Link, Outbox};
use crate::search::outcome::Level;
use crate::search::{Control, Stop};

/// At which part of a level's time everything has arrived.
const ARRIVED: u64 = 1 << 31;
/// How much time a level has.
const WRITTEN: u64 = 1 << 32;
/// How often work is interrupted for letters.
const PERIOD: Duration = Duration::from_millis(100);

/// What has come.
struct Inbox<const W: usize> {
    worlds: Vec<Packed<W>>,
    /// What was found in the level that is finished, by those who have reported.
    reports: Level,
    /// The levels that have been finished by all who have said so.
    finished: Option<Vec<Level>>,
    stopped: Option<Stop>,
}

impl<const W: usize> Inbox<W> {
    fn receive(&mut self, content: &Content) {
        match content {
            Content::Worlds(words) => self.worlds.extend(
                words.chunks_exact(W).map(|words| Packed(words.try_into().expect("as many"))),
            ),
            Content::Report(level) => self.reports.add(level),
            Content::Finished(levels) => match &mut self.finished {
                None => self.finished = Some(levels.clone()),
                Some(finished) => {
                    finished.truncate(levels.len());
                    finished.iter_mut().zip(levels).for_each(|(all, level)| all.add(level));
                }
            },
            Content::Stop(why) => self.stopped = self.stopped.or(Some(*why)),
        }
    }
}

/// The others, as this process knows them.
pub(super) struct Others<'a, const W: usize> {
    link: Link<'a>,
    inbox: Rc<RefCell<Inbox<W>>>,
    outbox: Outbox,
    pub(super) share: Share,
    control: &'a Control,
    /// How often the others have to hear that this process is alive.
    often: Duration,
    /// When the level began, and what time it is.
    begun: u64,
    time: u64,
    /// When the others could hear that it goes on.
    said: Instant,
    /// Whether they were told to stop.
    has_stopped: bool,
}

impl<'a, const W: usize> Others<'a, W> {
    pub(super) fn new(worker: &'a mut Worker, patience: Duration, control: &'a Control) -> Self {
        let share = Share { me: worker.index(), of: worker.peers() };
        let inbox =
            Inbox { worlds: Vec::new(), reports: Level::default(), finished: None, stopped: None };
        let inbox = Rc::new(RefCell::new(inbox));
        let receive = {
            let inbox = Rc::clone(&inbox);
            move |content: &Content| inbox.borrow_mut().receive(content)
        };
        Self {
            link: Link::new(worker, Box::new(receive), Some(patience)),
            inbox,
            outbox: Outbox::new(share.of),
            share,
            control,
            often: patience / 4,
            begun: 0,
            time: 0,
            said: Instant::now(),
            has_stopped: false,
        }
    }

    /// The levels that all have finished, and what all found there.
    pub(super) fn finished(&mut self, own: &[Level]) -> Vec<Level> {
        self.outbox.tell_all(&Content::Finished(own.to_vec()));
        self.next_level();
        self.inbox.borrow_mut().finished.take().expect("this process has said it, too")
    }

    /// Sends these worlds, of each process those that it owns, and waits as long as others are
    /// behind.
    pub(super) fn send(&mut self, worlds: impl IntoIterator<Item = Vec<Vec<Packed<W>>>>) {
        for (to, world) in worlds.into_iter().flat_map(|all| all.into_iter().enumerate()) {
            world.iter().for_each(|world| self.outbox.add(to, world));
        }
        self.outbox.close_all();
        self.go_on();
        self.link.wait_until(self.time - 1);
    }

    /// The worlds that have come.
    pub(super) fn received(&mut self) -> Vec<Packed<W>> {
        mem::take(&mut self.inbox.borrow_mut().worlds)
    }

    /// Waits a little; says whether all worlds of the level have come, once none will be sent.
    pub(super) fn all_have_come(&mut self) -> bool {
        // Who has to stop says so before the barrier.
        self.heed();
        self.link.send(&mut self.outbox);
        self.time = self.time.max(self.begun + ARRIVED);
        self.link.advance_to(self.time);
        self.link.waits(self.begun + ARRIVED)
    }

    /// Tells all what this process found in the level, and waits until all have; what they found
    /// together.
    pub(super) fn report(&mut self, found: Level) -> Level {
        self.outbox.tell_all(&Content::Report(found));
        self.next_level();
        mem::take(&mut self.inbox.borrow_mut().reports)
    }

    /// Whether one of them has to stop, and why. All know it when all worlds have come.
    pub(super) fn stopped(&self) -> Option<Stop> {
        self.inbox.borrow().stopped
    }

    /// Works, and lets the others know that this process is alive.
    pub(super) fn while_at_work<T: Send>(&mut self, work: impl FnOnce() -> T + Send) -> T {
        let waiting = thread::current();
        let done = thread::scope(|scope| {
            let work = scope.spawn(move || {
                let done = work();
                waiting.unpark();
                done
            });
            while !work.is_finished() {
                if self.said.elapsed() > self.often {
                    self.go_on();
                }
                self.link.step();
                self.heed();
                thread::park_timeout(PERIOD);
            }
            work.join().expect("no worker panics")
        });
        self.link.listens_from_now_on();
        done
    }

    /// Stops when others do, and tells them when this process does.
    fn heed(&mut self) {
        match (self.stopped(), self.control.stopped()) {
            (Some(why), _) => self.control.stop(why),
            (None, Some(why)) if !self.has_stopped => {
                self.has_stopped = true;
                self.outbox.tell_all(&Content::Stop(why));
                self.link.send(&mut self.outbox);
            }
            _ => (),
        }
    }

    /// The others see that this process is alive.
    fn go_on(&mut self) {
        self.heed();
        self.link.send(&mut self.outbox);
        self.time += 1;
        self.link.advance_to(self.time);
        self.said = Instant::now();
    }

    fn next_level(&mut self) {
        self.link.send(&mut self.outbox);
        self.begun += WRITTEN;
        self.time = self.begun;
        self.link.advance_to(self.time);
        self.link.wait_until(self.time);
        self.said = Instant::now();
    }
}
