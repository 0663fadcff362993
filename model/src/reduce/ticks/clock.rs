//! The clock of a server, and what runs on it.

use crate::action::Trigger;
use crate::election::{Event, Rule, Server, State, Step, Timer};

/// How long things last, in ticks of the clock of the server that they are of; and whether clocks
/// differ.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticks {
    /// A contact: so long or longer, never less.
    pub(crate) contact: u8,
    /// A lease, counted from the opening of its round.
    pub(crate) lease: u8,
    /// Whether a clock may be a tick ahead of real time. Otherwise all of them show it.
    pub(crate) drift: bool,
}

/// A clock, and what is left on it of what it measures: none of a contact, a round or a lease that
/// there is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Clock {
    /// Whether it is a tick ahead of real time.
    is_ahead: bool,
    /// Of the contact of its server.
    contact: u8,
    /// Of the lease that the open round gives, should a quorum answer it now.
    open: u8,
    /// Of the lease that the server has handed out.
    valid: u8,
}

impl Clock {
    /// That of a server which has just come up.
    pub(super) fn started(state: &State, ticks: Ticks) -> Self {
        let in_contact = state.timer() == Timer::Contact;
        Self { contact: if in_contact { ticks.contact } else { 0 }, ..Self::default() }
    }

    /// After a tick of real time. A clock that gets ahead goes on by two, one that falls back does
    /// not go on at all.
    pub(super) fn ticked(self, is_ahead: bool) -> Self {
        let by = 1 + u8::from(is_ahead) - u8::from(self.is_ahead);
        Self {
            is_ahead,
            contact: self.contact.saturating_sub(by),
            open: self.open.saturating_sub(by),
            valid: self.valid.saturating_sub(by),
        }
    }

    /// After a step of its server; `None` if it is too early for that.
    ///
    /// A round that is sent again keeps what is left of it. A lease outlives the office and the
    /// process of its server: only time ends it, or that the server may hand over.
    pub(super) fn stepped(self, timing: Timing, ticks: Ticks) -> Option<Self> {
        if timing.ends_contact && self.contact > 0 {
            return None;
        }
        let mut clock = self;
        match timing.contact {
            Contact::None => clock.contact = 0,
            Contact::Anew => clock.contact = ticks.contact,
            Contact::GoesOn => {}
        }
        if timing.gives_up {
            clock.valid = 0;
        }
        if timing.opens {
            clock.open = ticks.lease;
        }
        if !timing.leads {
            clock.open = 0;
        }
        if timing.confirms {
            clock.valid = clock.valid.max(clock.open);
        }
        Some(clock)
    }

    /// Whether a lease of this server is valid now.
    pub(super) const fn has_lease(&self) -> bool {
        self.valid > 0
    }
}

/// What a step has to do with the clock of its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Timing {
    /// The timer that fires is that of the contact.
    ends_contact: bool,
    /// What becomes of the contact.
    contact: Contact,
    /// What was handed out is over, or given back: the server is told to hand over.
    gives_up: bool,
    /// The server leads after it.
    leads: bool,
    /// It opens a round.
    opens: bool,
    /// A quorum has answered the open round.
    confirms: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Contact {
    None,
    Anew,
    GoesOn,
}

impl Timing {
    pub(super) fn of(server: &Server, before: &State, trigger: Trigger, step: &Step) -> Self {
        let fires = matches!(trigger, Trigger::Event(Event::Timeout { .. }));
        let is_told = matches!(trigger, Trigger::Event(Event::HandOver { .. }));
        Self {
            ends_contact: fires && before.timer() == Timer::Contact,
            contact: match step.state.timer() {
                Timer::Contact if step.restart_timer => Contact::Anew,
                Timer::Contact => Contact::GoesOn,
                Timer::Election | Timer::Heartbeat => Contact::None,
            },
            gives_up: is_told && step.rule == Rule::HandedOver,
            leads: step.state.role.is_leader(),
            opens: step.opens_round(),
            confirms: server.confirms_round(step),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::election::{Ballot, Role};

    /// Whichever way it drifts.
    #[test]
    fn a_clock_measures_a_tick_more_or_less_than_has_passed() {
        let state = State { ballot: Ballot::INITIAL, role: Role::Follower { contact: true } };
        let ticks = Ticks { contact: 9, lease: 9, drift: true };
        let mut measured = HashSet::new();
        for ways in 0..1_u32 << 6 {
            let is_ahead = |tick: u32| ways >> tick & 1 == 1;
            let start = Clock::started(&state, ticks).ticked(is_ahead(0));
            let end = (1..6).fold(start, |clock, tick| clock.ticked(is_ahead(tick)));
            measured.insert(start.contact - end.contact);
        }
        assert_eq!(measured, HashSet::from([4, 5, 6]));
    }
}
