//! What a model is bounded by. Each bound is a guard in the action that it bounds; none cuts off a
//! state that was reached, and none forbids concurrent candidates.

use std::fmt;

use crate::action::Trigger;
use crate::election::{Event, Role, State};
use crate::message::Message;
use crate::types::{Cluster, Term};

/// The bounds of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The servers.
    pub cluster: Cluster,
    /// The last term in which an election may start. Terms begin at 0.
    pub max_term: Term,
    /// Which replies are part of the model.
    pub replies: Replies,
}

impl Bounds {
    /// Whether the bounds let a server's timer fire: an election timer only if the election that it
    /// starts is of a term up to `max_term`.
    pub fn allow_timeout(&self, state: &State) -> bool {
        state.role == Role::Leader || state.ballot.current_term < self.max_term
    }
}

/// Which replies a model keeps. This is a filter of the model, never of the specification: a server
/// always answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "check", derive(clap::ValueEnum))]
pub enum Replies {
    /// Replies that somebody can react to: votes, and replies of a newer term than the request.
    Useful,
    /// Also refusals and acknowledgements of the request's own term. Their receiver has been in
    /// that term already and does nothing when they arrive.
    All,
}

impl Replies {
    /// Whether the model keeps a message that was sent because of `trigger`.
    pub fn keep(self, trigger: Trigger, message: Message) -> bool {
        let Trigger::Event(Event::Receive { message: request, .. }) = trigger else {
            return true;
        };
        self == Self::All
            || match message {
                Message::RequestVote { .. }
                | Message::AppendEntries { .. }
                | Message::RequestVoteResponse { vote_granted: true, .. } => true,
                Message::RequestVoteResponse { vote_granted: false, term }
                | Message::AppendEntriesResponse { term } => request.term() < term,
            }
    }
}

impl fmt::Display for Replies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Useful => "useful",
            Self::All => "all",
        })
    }
}
