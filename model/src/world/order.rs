//! Leases without clocks: what their safety needs to know of time is an order of events.
//!
//! A contact lasts one minimum election timeout by the clock of the server that keeps it. A lease
//! lasts a little less, by the clock of the leader, counted from the opening of its round: so much
//! less that it is the shorter one however the clocks' rates differ within their bound. So one fact
//! about time is all there is: **when a contact ends, every round that was opened before this
//! contact began gives no lease any more.** Nothing else ends a lease here, and nothing else bounds
//! a contact: whatever real clocks do, this order has it.
//!
//! A lease that was handed out stays valid whatever becomes of the server: it crashes, it is
//! deposed. Only who hands over waits until it is over; that is what [`Event::HandOver`] promises.

use crate::action::Trigger;
use crate::election::{Event, Rule, Server, Step, Timer};
use crate::run::Lease;
use crate::types::{ServerId, ServerSet};

/// What a step means for the leases of all servers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Effect {
    /// What the server handed out is over.
    gives_up: bool,
    /// The server does not lead: its open round gives no lease.
    closes: bool,
    /// Its contact ends.
    loses_contact: bool,
    /// Its contact begins anew, or it is in none; otherwise it goes on.
    contact: Option<bool>,
    /// It opens a round.
    opens: bool,
    /// A quorum has answered its open round.
    confirms: bool,
}

impl Effect {
    /// What a step of this server means, where leases are looked at.
    pub(crate) fn of(server: &Server, trigger: Trigger, step: &Step) -> Self {
        let is_asked = matches!(trigger, Trigger::Event(Event::HandOver { .. }));
        let in_contact = step.state.timer() == Timer::Contact;
        Self {
            gives_up: is_asked && step.rule == Rule::HandedOver,
            closes: !step.state.role.is_leader(),
            loses_contact: step.rule == Rule::ContactLost,
            contact: (!in_contact || step.restart_timer).then_some(in_contact),
            opens: step.opens_round(),
            confirms: server.confirms_round(step),
        }
    }

    /// Whether any leases could change by it.
    pub(crate) fn matters(self) -> bool {
        self != Self::default()
    }

    /// The leases after such a step of this server.
    pub(crate) fn apply(self, id: ServerId, leases: &mut [Lease]) {
        if self.loses_contact {
            let ended = |since: Option<ServerSet>| since.filter(|since| !since.contains(id));
            for lease in &mut *leases {
                *lease = Lease { open: ended(lease.open), valid: ended(lease.valid) };
            }
        }
        if let Some(begins) = self.contact {
            let changed =
                |since: ServerSet| if begins { since.with(id) } else { since.without(id) };
            for lease in &mut *leases {
                lease.open = lease.open.map(changed);
                lease.valid = lease.valid.map(changed);
            }
        }
        let own = &mut leases[id.index()];
        if self.gives_up {
            own.valid = None;
        }
        if self.closes {
            own.open = None;
        }
        if self.opens {
            own.open = Some(ServerSet::EMPTY);
        }
        if self.confirms {
            own.valid = own.open;
        }
    }
}
