//! What happens to a server, and what follows from it: the input and the output of
//! [`Server::step`](super::election::Server::step).

use super::election::{Rule, State};
use super::message::Message;
use super::types::{Attempt, ServerId, Term};

/// What happens to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Event {
    /// The timer that runs, [`State::timer`], fires.
    Timeout {
        /// A number for what the server may ask now. Its caller chooses one that the server has
        /// not used within an election timeout, whether or not it has restarted in between.
        attempt: Attempt,
    },
    /// Whoever acts on this server's leadership wants another one to lead. All that was handed out
    /// of its lease is over.
    HandOver {
        /// Who shall lead: another server of the cluster, one that campaigns.
        to: ServerId,
    },
    /// Another server was asked for its current term after this one had lost its disk, and has
    /// answered. The question is no message of the election: it changes nothing at whoever answers.
    TermHeard {
        /// Who has answered: another server of the cluster, that is not returning itself.
        from: ServerId,
        /// Its current term when it answered.
        term: Term,
    },
    /// A message arrives.
    Receive {
        /// Who sent it: another server of the cluster.
        from: ServerId,
        /// What it says.
        message: Message,
    },
}

/// What a step sends: one message at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Outgoing {
    /// Nothing.
    Nothing,
    /// A message to the server that sent the request.
    Reply {
        /// Who sent the request.
        to: ServerId,
        /// The answer.
        message: Message,
    },
    /// A message to one server that has sent no request.
    Order {
        /// Who shall do something.
        to: ServerId,
        /// What.
        message: Message,
    },
    /// A message to every other server.
    Broadcast {
        /// The request.
        message: Message,
    },
}

/// Everything that follows from one event. To be obeyed in the order persist, send, restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Step {
    /// The state after it.
    pub state: State,
    /// The rule that applied.
    pub rule: Rule,
    /// Whether the ballot must be durable before anything else happens.
    pub persist: bool,
    /// What to send then.
    pub outgoing: Outgoing,
    /// Whether [`State::timer`] starts again, with a new random time if it is the election timer.
    pub restart_timer: bool,
}

/// What a handler decides; [`Server::step`] adds what follows from it.
pub(super) struct Decision {
    pub(super) state: State,
    pub(super) rule: Rule,
    pub(super) outgoing: Outgoing,
}

impl Decision {
    pub(super) const fn quiet(state: State, rule: Rule) -> Self {
        Self { state, rule, outgoing: Outgoing::Nothing }
    }

    pub(super) const fn reply(self, to: ServerId, message: Message) -> Self {
        Self { outgoing: Outgoing::Reply { to, message }, ..self }
    }

    pub(super) const fn order(self, to: ServerId, message: Message) -> Self {
        Self { outgoing: Outgoing::Order { to, message }, ..self }
    }

    pub(super) const fn broadcast(self, message: Message) -> Self {
        Self { outgoing: Outgoing::Broadcast { message }, ..self }
    }
}
