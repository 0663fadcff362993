//! The names of what can happen: one list for models, graphs, stories and traces.

use std::fmt;

use crate::cluster::Cluster;
use crate::election::{Event, Outgoing, Rule, State, Step};
use crate::message::Message;
use crate::types::ServerId;

/// What a server does, by its name.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub enum Action {
    /// Its timer fires.
    Timeout,
    /// It crashes, and comes up again with its stored ballot.
    Restart,
    /// It comes up, and its disk is lost.
    LoseDisk,
    /// Another server tells it a term, after its disk was lost.
    HearTerm,
    /// It leads, and is told to hand over.
    HandOver,
    /// A candidate asks for its vote.
    ReceiveRequestVote,
    /// A vote or a refusal arrives that decides nothing.
    ReceiveRequestVoteResponse,
    /// The vote arrives that completes the quorum.
    BecomeLeader,
    /// A heartbeat arrives.
    ReceiveAppendEntries,
    /// The answer to a heartbeat arrives.
    ReceiveAppendEntriesResponse,
    /// A response arrives whose only use is its newer term.
    ReceiveNewerTerm,
    /// A server asks whether it would be elected.
    ReceivePreVote,
    /// The answer to that arrives.
    ReceivePreVoteResponse,
    /// It is asked to take over.
    ReceiveHandOver,
}

impl Action {
    /// The name of what `event` did to a server.
    pub fn of(before: &State, event: Event, after: &State) -> Self {
        let message = match event {
            Event::Timeout { .. } => return Self::Timeout,
            Event::HandOver { .. } => return Self::HandOver,
            Event::TermHeard { .. } => return Self::HearTerm,
            Event::Receive { message, .. } => message,
        };
        let is_newer = before.ballot.current_term < message.term();
        match message {
            Message::RequestVote { .. } => Self::ReceiveRequestVote,
            Message::AppendEntries { .. } => Self::ReceiveAppendEntries,
            Message::PreVote { .. } => Self::ReceivePreVote,
            Message::HandOver { .. } => Self::ReceiveHandOver,
            Message::RequestVoteResponse { .. }
            | Message::AppendEntriesResponse { .. }
            | Message::PreVoteResponse { vote_granted: false, .. }
                if is_newer =>
            {
                Self::ReceiveNewerTerm
            }
            Message::PreVoteResponse { .. } => Self::ReceivePreVoteResponse,
            Message::RequestVoteResponse { .. }
                if !before.role.is_leader() && after.role.is_leader() =>
            {
                Self::BecomeLeader
            }
            Message::RequestVoteResponse { .. } => Self::ReceiveRequestVoteResponse,
            Message::AppendEntriesResponse { .. } => Self::ReceiveAppendEntriesResponse,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Why a server moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// It crashes and comes up again.
    Restart,
    /// It crashes and comes up again, and its disk is lost.
    LoseDisk,
    /// Its timer fires, a message arrives, it is told to hand over, or it is told a term.
    Event(Event),
}

impl Trigger {
    /// What happens, if it does not come up anew.
    pub const fn event(self) -> Option<Event> {
        match self {
            Self::Restart | Self::LoseDisk => None,
            Self::Event(event) => Some(event),
        }
    }
}

/// One step of one server, as an edge of a graph is labelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Move {
    /// Who moves.
    pub server: ServerId,
    /// Why.
    pub trigger: Trigger,
    /// What that is called.
    pub action: Action,
    /// The rule by which it moved.
    pub rule: Rule,
}

impl Move {
    /// The move that a step of a server is.
    pub fn of(server: ServerId, before: &State, trigger: Trigger, step: &Step) -> Self {
        let action = match trigger {
            Trigger::Restart => Action::Restart,
            Trigger::LoseDisk => Action::LoseDisk,
            Trigger::Event(event) => Action::of(before, event, &step.state),
        };
        Self { server, trigger, action, rule: step.rule }
    }
}

/// A message that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Envelope {
    /// Who sent it.
    pub from: ServerId,
    /// To whom; `None` for a broadcast, which goes to every other server.
    pub to: Option<ServerId>,
    /// What it says.
    pub message: Message,
}

impl Envelope {
    /// What this server sends, if it sends something.
    pub fn of(from: ServerId, outgoing: Outgoing) -> Option<Self> {
        match outgoing {
            Outgoing::Nothing => None,
            Outgoing::Reply { to, message } | Outgoing::Order { to, message } => {
                Some(Self { from, to: Some(to), message })
            }
            Outgoing::Broadcast { message } => Some(Self { from, to: None, message }),
        }
    }

    /// Who may receive it, and what happens to them then.
    #[inline]
    pub fn deliveries(self, cluster: Cluster) -> impl Iterator<Item = (ServerId, Event)> {
        let Self { from, to, message } = self;
        cluster
            .others(from)
            .filter(move |&receiver| to.is_none_or(|to| to == receiver))
            .map(move |receiver| (receiver, Event::Receive { from, message }))
    }
}
