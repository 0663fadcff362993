//! All machines of a simulation, the network between them, and the one clock by which everything
//! happens: an event after the other, each drawn from the seed.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use raft_model::election::{Ballot, Rule};
use raft_model::types::{ServerId, ServerSet};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::fault::{Fault, Kind};
use super::judge::{Judge, Violation};
use super::machine::{Death, Machine};
use super::network::{Network, Parcel};
use super::rotation::Rotation;
use super::{Options, Outcome, configs};
use crate::clock::Moment;
use crate::config::Config;
use crate::engine::Output;

pub(super) const MILLISECOND: u64 = 1_000_000;

/// How long after the last fault somebody must lead.
pub(super) const RECOVERY: u64 = 30_000 * MILLISECOND;

/// What happens at a moment.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Event {
    /// A datagram reaches a machine.
    Arrives(Parcel),
    /// Something may be due.
    Wakes { server: ServerId },
    /// A save is finished, of the process that was started as the so-manieth.
    Saved { server: ServerId, starts: u64 },
    /// A machine that stood still goes on.
    GoesOn { server: ServerId },
    /// A server is started.
    Starts { server: ServerId },
    /// A server that has lost its disk asks again, if it is the process that was started as the
    /// so-manieth.
    Asks { server: ServerId, starts: u64 },
    /// A program asks whoever leads to give up.
    GivesUp { server: ServerId },
    /// What was planned to go wrong.
    Fault(usize),
    /// All faults are over.
    Calm,
    /// Somebody must lead now.
    End,
}

#[derive(Debug)]
pub(super) struct World {
    pub(super) options: Options,
    pub(super) random: StdRng,
    pub(super) now: u64,
    order: u64,
    events: BinaryHeap<Reverse<(u64, u64, Event)>>,
    pub(super) machines: BTreeMap<ServerId, Machine>,
    pub(super) network: Network,
    pub(super) rotation: Rotation,
    pub(super) judge: Judge,
    pub(super) outcome: Outcome,
    pub(super) calm: Option<u64>, // since when
    losers: ServerSet,            // who loses its disk, sooner or later
}

impl World {
    pub(super) fn new(seed: u64, options: &Options) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let configs = configs(&mut random, seed, options);
        let addresses = configs.iter().map(Config::own_address).collect();
        let rotation = Rotation::new(options);
        let machine = |config: Config| (config.server().id, Machine::new(config, rotation.first()));
        let machines = configs.into_iter().map(machine).collect();
        Self {
            options: options.clone(),
            random,
            now: 0,
            order: 0,
            events: BinaryHeap::new(),
            machines,
            network: Network::new(addresses),
            rotation,
            judge: Judge::default(),
            outcome: Outcome::default(),
            calm: None,
            losers: ServerSet::EMPTY,
        }
    }

    pub(super) fn at(&mut self, time: u64, event: Event) {
        self.order += 1;
        self.events.push(Reverse((time.max(self.now), self.order, event)));
    }

    /// Runs until somebody leads after these faults, or a rule is broken.
    pub(super) fn run(mut self, faults: &[Fault]) -> (Outcome, Vec<String>) {
        for (index, fault) in faults.iter().enumerate() {
            self.at(fault.at, Event::Fault(index));
        }
        let is_lost = |fault: &&Fault| fault.what.loses_disk();
        self.losers = faults.iter().filter(is_lost).map(|fault| fault.server).collect();
        let last = faults.last().map_or(500 * MILLISECOND, |fault| fault.at);
        self.at(last + 1000 * MILLISECOND, Event::Calm);
        for server in self.machines.keys().copied().collect::<Vec<_>>() {
            self.at(u64::from(server.number()), Event::Starts { server });
            let give_up = self.random.random_range(1..=last);
            self.at(give_up, Event::GivesUp { server });
        }
        let broken = self.events_until_the_end(faults).err();
        self.outcome.violation = broken;
        self.outcome.handed_out = self.judge.handed_out;
        self.outcome.nanoseconds = self.now;
        let traces = self.machines.into_values().map(|machine| machine.trace).collect();
        (self.outcome, traces)
    }

    fn events_until_the_end(&mut self, faults: &[Fault]) -> Result<(), Violation> {
        while let Some(Reverse((time, _, event))) = self.events.pop() {
            self.now = time;
            if event == Event::End {
                return self.end();
            }
            self.happens(event, faults)?;
            if self.calm.is_some_and(|since| self.now > since + 2_000 * MILLISECOND)
                && self.machines.keys().any(|&server| self.judge.valid_until(server) > self.now)
            {
                return Ok(());
            }
        }
        Ok(())
    }

    fn happens(&mut self, event: Event, faults: &[Fault]) -> Result<(), Violation> {
        let now = self.now;
        match event {
            Event::Arrives(parcel) => self.arrives(parcel)?,
            Event::Wakes { server } => {
                let machine = self.machines.get_mut(&server);
                if machine.and_then(|it| it.wakes.take_if(|at| *at == now)).is_some() {
                    self.turn(server)?;
                }
            }
            Event::Saved { server, starts } => self.saved(server, starts)?,
            Event::GoesOn { server } => self.goes_on(server)?,
            Event::Starts { server } => self.start(server)?,
            Event::Asks { server, starts } => self.asks_for_terms(server, starts)?,
            Event::GivesUp { server } => self.gives_up(server)?,
            Event::Fault(index) => self.strike(&faults[index])?,
            Event::Calm => self.calm_down()?,
            Event::End => {}
        }
        Ok(())
    }

    /// Lets everything happen until this moment.
    pub(super) fn until(&mut self, time: u64) -> Result<(), Violation> {
        while self.events.peek().is_some_and(|Reverse((at, _, _))| *at <= time) {
            let Some(Reverse((at, _, event))) = self.events.pop() else { break };
            self.now = at;
            self.happens(event, &[])?;
        }
        self.now = time;
        Ok(())
    }

    fn end(&self) -> Result<(), Violation> {
        if self.options.protocol.check_quorum() {
            return Err(Violation::NobodyLeads { seconds: RECOVERY / 1000 / MILLISECOND });
        }
        Ok(())
    }

    /// A server takes what is there, and does what is due, as the thread of a node does.
    pub(super) fn turn(&mut self, server: ServerId) -> Result<(), Violation> {
        loop {
            let now = self.now;
            let Some(machine) = self.machines.get_mut(&server) else { return Ok(()) };
            if !machine.is_free() {
                return Ok(());
            }
            let taken = machine.takes();
            let moment = machine.clocks.read(now);
            let Some(process) = &mut machine.process else { return Ok(()) };
            match taken {
                Some(parcel) => {
                    let received = process.engine.receive(&parcel.datagram, parcel.source, moment);
                    if received.is_ok() {
                        self.judge.believes(machine.starts, &parcel)?;
                    }
                }
                None if process.engine.deadline() <= moment => process.engine.wake(moment),
                None => {
                    let at = machine.clocks.reads_at(process.engine.deadline(), now);
                    if machine.wakes.is_none_or(|wakes| at < wakes) {
                        machine.wakes = Some(at);
                        self.at(at, Event::Wakes { server });
                    }
                    return Ok(());
                }
            }
            self.obey(server)?;
        }
    }

    /// A server does what its engine wants, one effect after the other, and may be killed between
    /// any two.
    fn obey(&mut self, server: ServerId) -> Result<(), Violation> {
        let now = self.now;
        loop {
            let Some(machine) = self.machines.get_mut(&server) else { return Ok(()) };
            if let Some(death) = &mut machine.dies {
                if death.effects == 0 {
                    let death = *death;
                    self.dies(server, death);
                    return Ok(());
                }
                death.effects -= 1;
            }
            let Some(process) = &mut machine.process else { return Ok(()) };
            let Some(output) = process.engine.poll() else { break };
            match output {
                Output::Record { id, cause, step } => machine.record(id, cause, step, now),
                Output::Save(ballot) => return self.save(server, ballot),
                Output::Send { to, address, datagram } => {
                    self.send(server, to, address, datagram)?;
                }
                Output::Obeyed { rule, .. } => {
                    self.outcome.elections += u64::from(rule == Rule::Elected);
                }
            }
        }
        self.asks(server)
    }

    /// A ballot is written, which takes a while, and may be the end of the process or the machine.
    fn save(&mut self, server: ServerId, ballot: Ballot) -> Result<(), Violation> {
        self.asks(server)?; // before it is durable
        let Some(machine) = self.machines.get_mut(&server) else { return Ok(()) };
        let Some(process) = &mut machine.process else { return Ok(()) };
        let promise = process.engine.promise(machine.clocks.read(self.now));
        if process.slots.save(ballot, promise).is_err() {
            let death = machine.dies.unwrap_or_default(); // what was planned for its disk
            self.dies(server, death);
            return Ok(());
        }
        let (stall, starts) = (std::mem::take(&mut machine.stall), machine.starts);
        let time = self.random.random_range(MILLISECOND / 20..3 * MILLISECOND);
        self.at(self.now + stall + time, Event::Saved { server, starts });
        Ok(())
    }

    /// A program on the machine asks whether it may act, and remembers what it is told.
    fn asks(&mut self, server: ServerId) -> Result<(), Violation> {
        let now = self.now;
        let Some(machine) = self.machines.get(&server) else { return Ok(()) };
        let Some(process) = &machine.process else { return Ok(()) };
        let Some(leadership) = process.engine.status().leadership else { return Ok(()) };
        if !leadership.is_valid_at(machine.clocks.read(now)) {
            return Ok(()); // a value that is over is not handed out
        }
        let until = machine.clocks.reads_at(leadership.until(), now);
        let run = machine.starts;
        self.judge.hands_out((server, run), leadership, now, until)
    }

    fn saved(&mut self, server: ServerId, starts: u64) -> Result<(), Violation> {
        let now = self.now;
        let Some(machine) = self.machines.get_mut(&server) else { return Ok(()) };
        if machine.starts != starts || !machine.is_up() {
            return Ok(());
        }
        if let Some((until, _)) = machine.held {
            self.at(until, Event::Saved { server, starts });
            return Ok(());
        }
        let moment = machine.clocks.read(now);
        let Some(process) = &mut machine.process else { return Ok(()) };
        process.engine.saved(moment);
        self.obey(server)?;
        self.turn(server)
    }

    fn goes_on(&mut self, server: ServerId) -> Result<(), Violation> {
        let Some(machine) = self.machines.get_mut(&server) else { return Ok(()) };
        if machine.held.is_none_or(|(until, _)| until > self.now) {
            return Ok(());
        }
        machine.held = None;
        self.asks(server)?; // before the server has noticed anything
        self.turn(server)
    }

    fn gives_up(&mut self, server: ServerId) -> Result<(), Violation> {
        let now = self.now;
        let next = now + self.random.random_range(500..8_000) * MILLISECOND;
        if self.calm.is_none() {
            self.at(next, Event::GivesUp { server });
        }
        let until = self.judge.valid_until(server);
        let Some(machine) = self.machines.get_mut(&server).filter(|machine| machine.is_free())
        else {
            return Ok(());
        };
        let moment = machine.clocks.read(now);
        let left = Duration::from_nanos(until.saturating_sub(now));
        // As much of its own time as may be left, and a little, since its clock may gain.
        let over = moment.after(left + left / 50);
        let Some(process) = &mut machine.process else { return Ok(()) };
        if process.engine.give_up(None, moment).is_ok() {
            process.engine.released(over);
            self.outcome.given_up += 1;
        }
        self.turn(server)
    }

    /// Until when by its own clock something is valid that a server handed out.
    pub(super) fn valid_moment(&self, server: ServerId) -> Moment {
        let valid = self.judge.valid_until(server);
        self.machines.get(&server).map_or(Moment::default(), |it| it.clocks.read(valid))
    }

    /// The clock of a server goes at another rate, so what is valid until then ends at another
    /// true time.
    pub(super) fn reckon(&mut self, server: ServerId, valid: Moment) {
        if let Some(machine) = self.machines.get(&server)
            && self.judge.valid_until(server) > self.now
        {
            self.judge.reckon(server, machine.clocks.reads_at(valid, self.now));
        }
    }

    /// A server comes up, for the first time or again.
    pub(super) fn start(&mut self, server: ServerId) -> Result<(), Violation> {
        let now = self.now;
        let Some(machine) = self.machines.get_mut(&server) else { return Ok(()) };
        if machine.is_up() || machine.returning.is_some() {
            return Ok(());
        }
        if machine.is_lost {
            return self.returns(server);
        }
        let is_new = machine.starts == 0;
        let has_failed = machine.disk.has_failed;
        // Whoever has lost its disk has to keep its timeouts: it has forgotten what it promised.
        if !is_new && !self.losers.contains(server) && self.random.random_ratio(1, 2) {
            machine.config = machine.config.with_timeouts(super::timeouts(&mut self.random));
        }
        machine.config = machine.config.with_addresses(self.network.addresses.clone());
        match machine.start(is_new, now) {
            Ok(()) => {
                if !is_new {
                    self.outcome.count(Kind::Restart);
                }
                self.obey(server)?;
                self.turn(server)
            }
            // A disk that refused a write and then shows it cannot be seen through.
            Err(_) if has_failed => {
                machine.is_lost = true;
                self.outcome.count(Kind::LostDisk);
                self.returns(server)
            }
            Err(error) => Err(Violation::BallotRefused { server, reason: error.to_string() }),
        }
    }

    fn dies(&mut self, server: ServerId, death: Death) {
        let now = self.now;
        let Some(machine) = self.machines.get_mut(&server) else { return };
        match death.chance {
            None => machine.kill(),
            Some(chance) => {
                machine.lose_power(chance, now);
                self.judge.forget(server);
            }
        }
        self.at(now + death.down, Event::Starts { server });
    }
}
