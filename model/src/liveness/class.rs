//! Classes of moves, to which fairness is owed.
//!
//! Fairness towards a class says: if a move of the class stays possible (weak), or becomes possible
//! again and again (strong), then one is made. Which class a delivery belongs to depends on what
//! the receiver can still make of the message, as the reduction of messages does
//! (`reduce/messages.rs`): so a world and the world that stands for it offer the same classes.

use std::fmt;

use crate::action::Trigger;
use crate::election::{Event, State, Timer};
use crate::message::Message;
use crate::types::ServerId;

/// A class of moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// A server's election timer fires.
    ElectionTimer(ServerId),
    /// A leader's heartbeat timer fires.
    HeartbeatTimer(ServerId),
    /// A server hears a response of a newer term, from whomever: all that matters is the term.
    NewerTerm(ServerId),
    /// A message of one kind arrives over one link.
    Link {
        /// What it is.
        kind: Kind,
        /// Who sent it.
        from: ServerId,
        /// Who receives it.
        to: ServerId,
    },
    /// A server crashes and comes up again. Nobody owes it that.
    Restart,
}

/// Kinds of messages, by what they can still do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A `RequestVote` of the receiver's term or a newer one.
    RequestVote,
    /// An `AppendEntries` of the receiver's term or a newer one.
    AppendEntries,
    /// A request of an older term than the receiver's: it only draws a refusal.
    StaleRequest,
    /// A response of the receiver's own term or an older one: in effect, a vote.
    Vote,
}

const KINDS: [Kind; 4] = [Kind::RequestVote, Kind::AppendEntries, Kind::StaleRequest, Kind::Vote];

/// The most servers that a cluster has.
const SERVERS: usize = 7;

impl Class {
    /// The class of what happens to the server `to` in this state.
    pub fn of(to: ServerId, before: &State, trigger: Trigger) -> Self {
        let (from, message) = match trigger {
            Trigger::Restart => return Self::Restart,
            Trigger::Event(Event::Timeout) => {
                return match before.timer() {
                    Timer::Election => Self::ElectionTimer(to),
                    Timer::Heartbeat => Self::HeartbeatTimer(to),
                };
            }
            Trigger::Event(Event::Receive { from, message }) => (from, message),
        };
        let current_term = before.ballot.current_term;
        let kind = match message {
            Message::RequestVote { term } | Message::AppendEntries { term }
                if term < current_term =>
            {
                Kind::StaleRequest
            }
            Message::RequestVote { .. } => Kind::RequestVote,
            Message::AppendEntries { .. } => Kind::AppendEntries,
            Message::RequestVoteResponse { term, .. } | Message::AppendEntriesResponse { term }
                if current_term < term =>
            {
                return Self::NewerTerm(to);
            }
            Message::RequestVoteResponse { .. } | Message::AppendEntriesResponse { .. } => {
                Kind::Vote
            }
        };
        Self::Link { kind, from, to }
    }

    /// The classes are numbered from 0; this is how many there are.
    pub const COUNT: u8 = 218;

    /// Whether the class with this number is [`Class::Restart`].
    pub(super) const fn is_restart(code: u8) -> bool {
        code == 0
    }

    /// Whether the class with this number is one of [`Class::ElectionTimer`].
    pub(super) const fn is_election_timer(code: u8) -> bool {
        1 <= code && code as usize <= SERVERS
    }

    /// Whether something arrives.
    pub const fn is_delivery(self) -> bool {
        matches!(self, Self::NewerTerm(_) | Self::Link { .. })
    }

    /// The class as a number.
    pub fn code(self) -> u8 {
        let code = match self {
            Self::Restart => 0,
            Self::ElectionTimer(server) => 1 + server.index(),
            Self::HeartbeatTimer(server) => 1 + SERVERS + server.index(),
            Self::NewerTerm(server) => 1 + 2 * SERVERS + server.index(),
            Self::Link { kind, from, to } => {
                1 + (3 + kind as usize * SERVERS + from.index()) * SERVERS + to.index()
            }
        };
        u8::try_from(code).expect("218 classes")
    }

    /// The class with this number.
    pub fn from_code(code: u8) -> Self {
        let server = |index| ServerId::new(index + 1).expect("a class has this number");
        let servers = u8::try_from(SERVERS).expect("few servers");
        let Some(code) = code.checked_sub(1) else { return Self::Restart };
        let (rest, last) = (code / servers, server(code % servers));
        match rest {
            0 => Self::ElectionTimer(last),
            1 => Self::HeartbeatTimer(last),
            2 => Self::NewerTerm(last),
            link => Self::Link {
                kind: KINDS[usize::from((link - 3) / servers)],
                from: server((link - 3) % servers),
                to: last,
            },
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ElectionTimer(server) => write!(f, "{server}'s election timer"),
            Self::HeartbeatTimer(server) => write!(f, "{server}'s heartbeat timer"),
            Self::NewerTerm(server) => write!(f, "news of a later term to {server}"),
            Self::Link { kind, from, to } => write!(f, "{kind} {from} → {to}"),
            Self::Restart => f.write_str("restarts"),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RequestVote => "RequestVote",
            Self::AppendEntries => "AppendEntries",
            Self::StaleRequest => "stale request",
            Self::Vote => "vote",
        })
    }
}

/// A set of classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Classes([u64; 4]);

impl Classes {
    /// No class.
    pub const NONE: Self = Self([0; 4]);
    /// Every class.
    pub const ALL: Self = Self([u64::MAX; 4]);

    /// Adds the class with this number.
    pub fn insert(&mut self, code: u8) {
        self.0[usize::from(code / 64)] |= 1 << (code % 64);
    }

    /// Whether the class with this number is in it.
    pub fn contains(self, code: u8) -> bool {
        self.0[usize::from(code / 64)] >> (code % 64) & 1 == 1
    }

    /// What is in both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] & other.0[i]))
    }

    /// What is in either.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] | other.0[i]))
    }

    /// What is in this one, and not in the other.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] & !other.0[i]))
    }

    /// Whether nothing is in it.
    pub fn is_empty(self) -> bool {
        self == Self::NONE
    }

    /// The numbers of the classes in it.
    pub fn codes(self) -> impl Iterator<Item = u8> {
        (0..=u8::MAX).filter(move |&code| self.contains(code))
    }
}

impl FromIterator<u8> for Classes {
    fn from_iter<I: IntoIterator<Item = u8>>(codes: I) -> Self {
        let mut classes = Self::NONE;
        codes.into_iter().for_each(|code| classes.insert(code));
        classes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_has_a_number_of_its_own() {
        for code in 0..Class::COUNT {
            let class = Class::from_code(code);
            assert_eq!(class.code(), code, "{class}");
            assert_eq!(Class::is_restart(code), class == Class::Restart);
            assert_eq!(Class::is_election_timer(code), matches!(class, Class::ElectionTimer(_)));
        }
    }
}
