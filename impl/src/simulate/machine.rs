//! A simulated machine: clocks, a disk, and perhaps a server that runs.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use raft_model::election::Step;
use raft_model::trace::{Cause, Line, Record, StepId};

use super::clocks::Clocks;
use super::network::Parcel;
use crate::config::Config;
use crate::disk::memory::{Disk, Memory, MemoryFile, Plan};
use crate::disk::slot::{Owner, Slot};
use crate::disk::slots::Slots;
use crate::disk::{self, StoreError};
use crate::engine::Engine;
use crate::join::Returning;
use crate::recorder::header;
use crate::session::{Keys, RunId};

pub(super) const DIRECTORY: &str = "/data";

/// How many datagrams a socket holds that nobody reads.
const SOCKET: usize = 256;

#[derive(Debug)]
pub(super) struct Machine {
    pub(super) config: Config,
    pub(super) clocks: Clocks,
    pub(super) disk: Memory,
    pub(super) process: Option<Process>,
    /// Until when it stands still, if it does, and whether it sleeps.
    pub(super) held: Option<(u64, bool)>,
    /// What kills its process after so many more effects.
    pub(super) dies: Option<Death>,
    /// How long its next save takes.
    pub(super) stall: u64,
    /// Whether its disk is lost.
    pub(super) is_lost: bool,
    /// Its server, while it asks for terms.
    pub(super) returning: Option<Returning>,
    /// How often its server was started.
    pub(super) starts: u64,
    /// When it is looked whether something is due.
    pub(super) wakes: Option<u64>,
    /// What it has recorded.
    pub(super) trace: String,
    /// The keys in its file, if there are some.
    pub(super) keys: Option<Keys>,
    inbox: VecDeque<Parcel>,
}

/// How a process ends.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Death {
    pub(super) effects: u32,
    pub(super) down: u64,
    /// If the power fails: what becomes of the disk.
    pub(super) chance: Option<u64>,
}

/// A server that runs.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) engine: Engine,
    pub(super) slots: Slots<MemoryFile>,
    pub(super) disk: Disk,
}

impl Machine {
    pub(super) fn new(config: Config, keys: Option<Keys>) -> Self {
        Self {
            config,
            clocks: Clocks::start(0),
            disk: Memory::default(),
            process: None,
            held: None,
            dies: None,
            stall: 0,
            is_lost: false,
            returning: None,
            starts: 0,
            wakes: None,
            trace: String::new(),
            keys,
            inbox: VecDeque::new(),
        }
    }

    /// Whether a server on it can do something now.
    pub(super) fn is_free(&self) -> bool {
        let is_free = |process: &Process| !process.engine.is_saving();
        self.held.is_none() && self.process.as_ref().is_some_and(is_free)
    }

    /// Whether it may lead or follow, now or when it is free.
    pub(super) fn is_up(&self) -> bool {
        self.process.is_some()
    }

    /// Starts its server, for the first time or again.
    pub(super) fn start(&mut self, is_new: bool, now: u64) -> Result<(), StoreError> {
        let owner = Owner::of(&self.config);
        let shared: Disk = Rc::new(RefCell::new(std::mem::take(&mut self.disk)));
        let promise = *self.config.election_timeout().start();
        let opened = open(&shared, &owner, promise, is_new);
        self.starts += 1;
        match opened {
            Ok(slots) => {
                let (boot, ballot) = (slots.generation(), slots.ballot());
                let promised = slots.promise();
                self.trace += &Line::Header(header(&self.config, boot)).to_text();
                let moment = self.clocks.read(now);
                let engine = Engine::start(&self.config, boot, ballot, promised, moment);
                let engine = match &self.keys {
                    Some(keys) => engine.with_keys(keys, self.run(), moment),
                    None => engine,
                };
                self.process = Some(Process { engine, slots, disk: shared });
                Ok(())
            }
            Err(error) => {
                self.disk = shared.take();
                Err(error)
            }
        }
    }

    /// By what others know the run of its server: no two are alike.
    pub(super) fn run(&self) -> RunId {
        let number = u128::from(self.config.server().id.number()) << 64;
        RunId::of(number | u128::from(self.starts))
    }

    /// Its process is gone. What stands in the system of the machine stays.
    pub(super) fn kill(&mut self) {
        if let Some(Process { disk, .. }) = self.process.take() {
            self.disk = disk.borrow().killed();
        }
        self.returning = None;
        self.inbox.clear();
        self.dies = None;
        self.wakes = None;
        self.stall = 0;
        if self.held.is_some_and(|(_, sleeps)| !sleeps) {
            self.held = None;
        }
    }

    /// The power fails, and comes back: some of what was on its way to the disk is lost.
    pub(super) fn lose_power(&mut self, chance: u64, now: u64) {
        self.kill();
        let mut fates = self.disk.without_power();
        let fate = usize::try_from(chance).unwrap_or(0) % fates.len();
        self.disk = fates.swap_remove(fate);
        let wall_us = self.clocks.wall_us;
        self.clocks = Clocks::start(now);
        self.clocks.wall_us = wall_us;
        self.held = None;
    }

    /// From now on the disk of its process does what is planned.
    pub(super) fn plan(&self, plan: Plan) {
        if let Some(process) = &self.process {
            process.disk.borrow_mut().plan = plan;
        }
    }

    /// A datagram waits in its socket.
    pub(super) fn arrives(&mut self, parcel: Parcel) {
        if self.is_up() && self.inbox.len() < SOCKET {
            self.inbox.push_back(parcel);
        }
    }

    pub(super) fn takes(&mut self) -> Option<Parcel> {
        self.inbox.pop_front()
    }

    /// Adds a step to its trace.
    pub(super) fn record(&mut self, id: StepId, cause: Cause, step: Step, now: u64) {
        let StepId { boot, sequence } = id;
        let (wall_us, monotonic_us) = (now / 1000 + self.clocks.wall_us, now / 1000);
        let server = self.config.server().id;
        let record = Record { server, boot, sequence, wall_us, monotonic_us, cause, step };
        self.trace += &Line::Step(record).to_text();
    }
}

/// Opens its ballot, or creates it first.
pub(super) fn open(
    disk: &Disk,
    owner: &Owner,
    promise: Duration,
    is_new: bool,
) -> Result<Slots<MemoryFile>, StoreError> {
    let path = Path::new(DIRECTORY);
    if is_new {
        disk::create_dir(disk, path)?;
        disk::create(disk, path, &Slot::first(owner.clone()))?;
    }
    disk::open(disk, path, owner, promise)
}
