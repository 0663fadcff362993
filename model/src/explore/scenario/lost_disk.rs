//! What a script can tell of disks: of one that is there when its server comes up again, and of one
//! that is lost.

use super::stage::{Result, Stage};
use crate::action::Trigger;
use crate::election::Event;
use crate::types::{ServerId, ServerSet};

impl Stage {
    /// It crashes, and comes up again with what it had stored.
    pub(super) fn restart(&mut self, id: ServerId) -> Result<String> {
        if self.state(id).role.is_returning() {
            return Err(format!("{id} has no disk: it loses it again, or hears terms").into());
        }
        self.step(id, Trigger::Restart)
    }

    /// It crashes, and comes up without its disk. From now on it is one of those of whom less is
    /// promised.
    pub(super) fn lose_disk(&mut self, id: ServerId) -> Result<String> {
        let lost_disks = &mut self.model.bounds.lost_disks;
        *lost_disks = lost_disks.with(id);
        self.step(id, Trigger::LoseDisk)
    }

    /// Another server tells it its term.
    pub(super) fn hear_term(&mut self, id: ServerId, from: ServerId) -> Result<String> {
        if !self.state(id).role.is_returning() {
            return Err(format!("{id} has not lost its disk").into());
        }
        if from == id || self.state(from).role.is_returning() {
            return Err(format!("{from} has lost its disk, too, and has no term").into());
        }
        if self.cut.contains(&(from, id)) {
            return Err(format!("{id} is cut off from {from}").into());
        }
        let term = self.state(from).ballot.current_term;
        self.step(id, Trigger::Event(Event::TermHeard { from, term }))
    }

    /// Who has lost its disk so far.
    pub(super) const fn lost_disks(&self) -> ServerSet {
        self.model.bounds.lost_disks
    }
}
