//! A server whose disk is lost comes back: it asks all others for their terms, as `raft-node join
//! --after-lost-disk` does.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use raft_model::election::Ballot;
use raft_model::trace::{Line, StepId};
use raft_model::types::ServerId;

use super::judge::Violation;
use super::machine::{DIRECTORY, Machine};
use super::network::Parcel;
use super::world::{Event, MILLISECOND, World};
use crate::disk::memory::{Disk, Memory};
use crate::disk::slot::{Owner, Slot};
use crate::disk::{self, StoreError};
use crate::join::{AGAIN, Returning};
use crate::recorder::header;

impl World {
    /// A server comes up without its disk.
    pub(super) fn returns(&mut self, server: ServerId) -> Result<(), Violation> {
        let Some(machine) = self.machines.get_mut(&server) else { return Ok(()) };
        machine.config = machine.config.with_addresses(self.network.addresses.clone());
        machine.starts += 1;
        let moment = machine.clocks.read(self.now);
        let keys = machine.keys.as_ref().map(|keys| (keys, machine.run()));
        let returning = Returning::start(&machine.config, keys, &mut self.random, moment);
        machine.returning = Some(returning);
        let starts = machine.starts;
        self.asks_for_terms(server, starts)
    }

    /// It asks whoever has not answered.
    pub(super) fn asks_for_terms(
        &mut self,
        server: ServerId,
        starts: u64,
    ) -> Result<(), Violation> {
        let Some(machine) = self.machines.get_mut(&server) else { return Ok(()) };
        let moment = machine.clocks.read(self.now);
        let Some(returning) = machine.returning.as_mut().filter(|_| machine.starts == starts)
        else {
            return Ok(());
        };
        returning.ask(moment);
        let again = u64::try_from(AGAIN.as_nanos()).unwrap_or(u64::MAX);
        self.at(self.now + again, Event::Asks { server, starts });
        self.speaks(server)
    }

    fn speaks(&mut self, server: ServerId) -> Result<(), Violation> {
        let returning = self.machines.get_mut(&server).and_then(|it| it.returning.as_mut());
        let said: Vec<_> = returning.map_or(Vec::new(), |it| it.outbox().collect());
        said.into_iter().try_for_each(|it| self.send(server, it.to, it.address, it.bytes))
    }

    /// A datagram reaches it. Once all have told their terms it has a ballot, and starts with that.
    pub(super) fn is_told(&mut self, parcel: &Parcel) -> Result<(), Violation> {
        let (now, server) = (self.now, parcel.to);
        let Some(machine) = self.machines.get_mut(&server) else { return Ok(()) };
        let moment = machine.clocks.read(now);
        let Some(returning) = &mut machine.returning else { return Ok(()) };
        if returning.hear(&parcel.datagram, parcel.source, moment).is_ok() {
            self.judge.believes(machine.starts, parcel)?;
        }
        if let Some(ballot) = returning.ballot() {
            let reason = |error: StoreError| error.to_string();
            machine
                .is_back(ballot, now)
                .map_err(|error| Violation::BallotRefused { server, reason: reason(error) })?;
            self.at(now + MILLISECOND, Event::Starts { server });
            return Ok(());
        }
        self.speaks(server)
    }
}

impl Machine {
    /// Its server is back with this ballot, which is on a new disk.
    fn is_back(&mut self, ballot: Ballot, now: u64) -> Result<(), StoreError> {
        let boot = now; // of fewer runs than one a nanosecond it is the last
        if let Some(returning) = self.returning.take() {
            self.trace += &Line::Header(header(&self.config, boot)).to_text();
            for (sequence, &(cause, step)) in (0..).zip(returning.steps()) {
                self.record(StepId { boot, sequence }, cause, step, now);
            }
        }
        let disk: Disk = Rc::new(RefCell::new(Memory::default()));
        let path = Path::new(DIRECTORY);
        disk::create_dir(&disk, path)?;
        let slot = Slot::after_loss(Owner::of(&self.config), boot, ballot);
        disk::create(&disk, path, &slot)?;
        let promise = *self.config.election_timeout().start();
        disk::open(&disk, path, &slot.owner, promise)?;
        self.disk = disk.take();
        self.is_lost = false;
        Ok(())
    }
}
