//! What a step means for leases: what its caller notes, starts and hands out. The specification
//! reads no clock, so it says only which of these happens.

use super::election::{Event, Rule, Server, Step, Timer};

/// What a step of a server means for leases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// What the server handed out is over: that is what [`Event::HandOver`] promises.
    pub gives_up: bool,
    /// The server does not lead: its open round gives no lease.
    pub closes: bool,
    /// Its contact ends.
    pub loses_contact: bool,
    /// Its contact begins anew, or it is in none; otherwise it goes on.
    pub contact: Option<bool>,
    /// It opens a round.
    pub opens: bool,
    /// A quorum has answered its open round: it hands out a lease.
    pub confirms: bool,
}

impl Effect {
    /// What the step by which this server answers an event means; or by which it starts, where
    /// there is none.
    pub fn of(server: &Server, event: Option<Event>, step: &Step) -> Self {
        let is_asked = matches!(event, Some(Event::HandOver { .. }));
        let in_contact = matches!(step.state.timer(), Timer::Contact);
        Self {
            gives_up: is_asked && matches!(step.rule, Rule::HandedOver),
            closes: !step.state.role.is_leader(),
            loses_contact: matches!(step.rule, Rule::ContactLost),
            contact: (!in_contact || step.restart_timer).then_some(in_contact),
            opens: step.opens_round(),
            confirms: server.confirms_round(step),
        }
    }
}
