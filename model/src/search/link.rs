//! What workers of a search say to each other, be they threads or processes, and how it is carried.
//!
//! Timely dataflow carries letters, and knows when everything has arrived that was sent before a
//! *time*, by whomever: a barrier. Who waits at one panics when the others are silent for too long.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use timely::dataflow::operators::{Exchange, Input, Inspect, Probe};
use timely::dataflow::{InputHandle, ProbeHandle};
use timely::worker::Worker;

use super::control::Stop;
use super::outcome::Level;
use super::peers::Silent;
use crate::packed::Packed;

/// How many words travel together.
const BATCH: usize = 4096;

/// What workers send to each other.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Letter {
    to: usize,
    content: Content,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Content {
    /// Worlds that the receiver owns: their words.
    Worlds(Vec<u64>),
    /// What the sender found in the level that has just been finished.
    Report(Level),
    /// What the sender found in the levels that it has finished, before this search went on.
    Finished(Vec<Level>),
    /// The search is to stop.
    Stop(Stop),
}

/// Which worker owns the worlds with this fingerprint.
pub(super) fn owner(fingerprint: u64, workers: usize) -> usize {
    // Of the middle bits, since hash tables use those at both ends.
    let number = u128::from(fingerprint.rotate_left(20));
    usize::try_from((number * workers as u128) >> 64).expect("less than the workers")
}

/// What is to be sent to the others.
pub(super) struct Outbox {
    /// For each worker the words of its worlds.
    worlds: Vec<Vec<u64>>,
    letters: Vec<Letter>,
}

impl Outbox {
    pub(super) fn new(workers: usize) -> Self {
        Self { worlds: vec![Vec::new(); workers], letters: Vec::new() }
    }

    pub(super) fn add<const W: usize>(&mut self, to: usize, world: &Packed<W>) {
        let words = &mut self.worlds[to];
        words.extend(world.0);
        if words.len() + W > BATCH {
            self.close(to);
        }
    }

    /// How many workers there are.
    pub(super) fn workers(&self) -> usize {
        self.worlds.len()
    }

    /// Closes all batches.
    pub(super) fn close_all(&mut self) {
        (0..self.workers()).for_each(|to| self.close(to));
    }

    /// Closes a batch.
    fn close(&mut self, to: usize) {
        let words = std::mem::take(&mut self.worlds[to]);
        if !words.is_empty() {
            self.letters.push(Letter { to, content: Content::Worlds(words) });
        }
    }

    pub(super) fn tell_all(&mut self, content: &Content) {
        let letter = |to| Letter { to, content: content.clone() };
        self.letters.extend((0..self.worlds.len()).map(letter));
    }
}

/// The timely side of a worker: sends, receives, and waits at barriers.
pub(super) struct Link<'a> {
    worker: &'a mut Worker,
    input: InputHandle<u64, timely::container::CapacityContainerBuilder<Vec<Letter>>>,
    probe: ProbeHandle<u64>,
    patience: Option<Duration>,
    /// When the others were heard last, and what the frontier was then.
    heard: (Instant, Option<u64>),
}

impl<'a> Link<'a> {
    /// The one dataflow of the search: letters go to whom they are for, and are received.
    /// (`receive` is boxed so that this is compiled once, and not for every width of worlds.)
    pub(super) fn new(
        worker: &'a mut Worker,
        receive: Box<dyn Fn(&Content)>,
        patience: Option<Duration>,
    ) -> Self {
        let mut input = InputHandle::new();
        let probe = ProbeHandle::new();
        worker.dataflow(|scope| {
            scope
                .input_from(&mut input)
                .container::<Vec<Letter>>()
                .exchange(|letter| letter.to as u64)
                .inspect(move |letter| receive(&letter.content))
                .probe_with(&probe);
        });
        let heard = (Instant::now(), None);
        Self { worker, input, probe, patience, heard }
    }

    pub(super) fn send(&mut self, outbox: &mut Outbox) {
        for letter in outbox.letters.drain(..) {
            self.input.send(letter);
        }
    }

    /// Lets letters come and go.
    pub(super) fn step(&mut self) {
        self.worker.step();
    }

    /// Says that nothing more will be sent at times before this.
    pub(super) fn advance_to(&mut self, time: u64) {
        self.input.advance_to(time);
    }

    /// Waits until everything that was sent before this time, by whomever, has arrived.
    pub(super) fn wait_until(&mut self, time: u64) {
        self.listens_from_now_on();
        while !self.waits(time) {}
    }

    /// Waits for that a little; says whether it is so.
    pub(super) fn waits(&mut self, time: u64) -> bool {
        if !self.probe.less_than(&time) {
            return true;
        }
        self.worker.step_or_park(Some(Duration::from_millis(100)));
        let frontier = self.frontier();
        if frontier != self.heard.1 {
            self.heard = (Instant::now(), frontier);
        }
        if self.patience.is_some_and(|patience| self.heard.0.elapsed() > patience) {
            std::panic::panic_any(Silent { seconds: self.heard.0.elapsed().as_secs() });
        }
        !self.probe.less_than(&time)
    }

    /// Nobody is blamed for what was not heard so far.
    pub(super) fn listens_from_now_on(&mut self) {
        self.heard = (Instant::now(), self.frontier());
    }

    fn frontier(&self) -> Option<u64> {
        self.probe.with_frontier(|frontier| frontier.first().copied())
    }
}
