//! What a model is bounded by. Each bound is a guard in the action that it bounds; none cuts off a
//! state that was reached, and none forbids concurrent candidates.

use std::fmt;

use crate::action::Trigger;
use crate::cluster::Cluster;
use crate::election::{Event, Role, State};
use crate::message::Message;
use crate::types::Term;

/// The bounds of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The servers.
    pub cluster: Cluster,
    /// The terms in which elections may start.
    pub terms: Terms,
    /// Which replies are part of the model.
    pub replies: Replies,
}

impl Bounds {
    /// Whether the bounds let a server's timer fire: an election timer only if an election may
    /// start in the next term. `terms` are the current terms of all servers.
    pub fn allow_timeout(&self, state: &State, terms: impl Iterator<Item = Term>) -> bool {
        state.role == Role::Leader || state.ballot.current_term < self.terms.last_given(terms)
    }
}

/// The terms in which elections may start. Servers begin in term 0, the first election is of term
/// 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terms {
    /// Those up to this one.
    UpTo(Term),
    /// So many, from the lowest term of a server on, or from 1 if that is less. So not the terms
    /// are bounded, but their spread.
    Window(Term),
}

impl Terms {
    /// The last one, if all servers are in term 0.
    pub const fn last(self) -> Term {
        match self {
            Self::UpTo(last) | Self::Window(last) => last,
        }
    }

    /// The last one, while the servers are in these terms.
    fn last_given(self, terms: impl Iterator<Item = Term>) -> Term {
        match self {
            Self::UpTo(last) => last,
            Self::Window(size) => {
                let lowest = terms.min().unwrap_or(Term::ZERO).number().max(1);
                Term::new(lowest - 1 + size.number())
            }
        }
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
            || message.is_request()
            || matches!(message, Message::RequestVoteResponse { vote_granted: true, .. })
            || request.term() < message.term()
    }
}

/// "up to 2", "window 2"
impl fmt::Display for Terms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UpTo(last) => write!(f, "up to {last}"),
            Self::Window(size) => write!(f, "window {size}"),
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
