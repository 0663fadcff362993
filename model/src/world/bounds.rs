//! What a model is bounded by. Each bound is a guard in the action that it bounds; none cuts off a
//! state that was reached, and none forbids concurrent candidates.

use std::fmt;

use crate::action::Trigger;
use crate::cluster::Cluster;
use crate::election::{Event, Role, Server, State, Timer};
use crate::message::Message;
use crate::types::{Attempt, Beats, ServerId, ServerSet, Term};

/// The bounds of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The servers.
    pub cluster: Cluster,
    /// The terms in which elections may start.
    pub terms: Terms,
    /// Which replies are part of the model.
    pub replies: Replies,
    /// What bounds the guards.
    pub limits: Limits,
    /// Who may lose its disk, as often as it likes.
    pub lost_disks: ServerSet,
}

/// What bounds the guards; without guards, nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Whether leaders are told to hand over.
    pub hand_over: bool,
    /// How many rounds a leader opens in a term. In the last one its timer does not fire. Where
    /// messages are reduced this bounds nothing: rounds are counted from the open one there.
    pub rounds: u64,
    /// How many times a server asks whether it would be elected in one and the same term. Where
    /// messages are reduced this bounds nothing, either.
    pub attempts: u64,
    /// How many heartbeats a leader waits for its quorum.
    pub patience: Beats,
    /// Whether leases are looked at: what is known of them is part of a world then. Only with
    /// check-quorum, without which there are none.
    pub leases: bool,
}

impl Limits {
    /// Two rounds, one attempt, a patience of one heartbeat; nobody hands over, and nobody looks at
    /// leases.
    pub const SMALL: Self = Self {
        hand_over: false,
        rounds: 2,
        attempts: 1,
        patience: Beats::ZERO.next(),
        leases: false,
    };
}

impl Bounds {
    /// These terms of this cluster, and [`Limits::SMALL`]; nobody loses its disk.
    pub const fn new(cluster: Cluster, terms: Terms, replies: Replies) -> Self {
        Self { cluster, terms, replies, limits: Limits::SMALL, lost_disks: ServerSet::EMPTY }
    }

    /// Whether worlds of these bounds tell of leases.
    pub const fn has_leases(&self) -> bool {
        self.limits.leases && self.cluster.protocol().check_quorum()
    }

    /// A server of the cluster.
    pub const fn server(&self, id: ServerId) -> Server {
        Server { id, cluster: self.cluster, patience: self.limits.patience }
    }

    /// What may happen to a server by itself, if it is the turn of one of these attempts, and the
    /// bounds [allow](Self::allow) it.
    pub fn own_events(
        &self,
        id: ServerId,
        attempts: impl IntoIterator<Item = Attempt>,
    ) -> impl Iterator<Item = Event> {
        let receivers = self.limits.hand_over.then(|| self.cluster.others(id));
        let hand_overs = receivers.into_iter().flatten().map(|to| Event::HandOver { to });
        attempts.into_iter().map(|attempt| Event::Timeout { attempt }).chain(hand_overs)
    }

    /// How a server may come up anew: with its disk, or without. One that is returning has none.
    pub fn comes_up(&self, id: ServerId, state: &State) -> impl Iterator<Item = Trigger> + use<> {
        let restarts = (!state.role.is_returning()).then_some(Trigger::Restart);
        let loses = self.lost_disks.contains(id).then_some(Trigger::LoseDisk);
        restarts.into_iter().chain(loses)
    }

    /// Whether the bounds let this happen to a server: an election timer fires, and a leader hands
    /// over, only if an election may start in the next term. `terms` are the current terms of all
    /// servers.
    #[inline]
    pub fn allow(&self, state: &State, event: Event, terms: impl Iterator<Item = Term>) -> bool {
        let has_next = || state.ballot.current_term < self.terms.last_given(terms);
        match (event, state.timer()) {
            (Event::Timeout { attempt }, Timer::Election) => {
                has_next()
                    && (!self.cluster.protocol().pre_vote()
                        || attempt.number() <= self.limits.attempts)
            }
            (Event::Timeout { .. }, Timer::Heartbeat) => match state.role {
                Role::Leader { round, .. } if self.cluster.protocol().check_quorum() => {
                    round.number() < self.limits.rounds
                }
                _ => true,
            },
            (Event::HandOver { .. }, timer) => timer == Timer::Heartbeat && has_next(),
            (Event::Timeout { .. }, Timer::Contact)
            | (Event::Receive { .. } | Event::TermHeard { .. }, _) => true,
        }
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
    /// Replies that somebody can react to: votes, answers to a round, and replies of a newer term
    /// than that of whoever asked.
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
            || matches!(
                message,
                Message::RequestVoteResponse { vote_granted: true, .. }
                    | Message::PreVoteResponse { vote_granted: true, .. }
                    | Message::AppendEntriesResponse { round: Some(_), .. }
            )
            || request.term() < message.term()
            // Who asks for a pre-vote is in the term before.
            || (request.is_tentative() && request.term() == message.term())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Attempt, ServerId};

    #[test]
    fn a_refusal_is_of_use_if_it_tells_who_asked_a_newer_term_than_its_own() {
        let (from, attempt) = (ServerId::new(2).unwrap(), Attempt::FIRST);
        let keeps = |request: Message, refusal: Message| {
            let event = Event::Receive { from, message: request };
            Replies::Useful.keep(Trigger::Event(event), refusal)
        };
        for (refused_in, of_pre_vote, of_vote) in
            [(1, false, false), (2, true, false), (3, true, true)]
        {
            let (term, asked) = (Term::new(refused_in), Term::new(2));
            // Whoever asks for a pre-vote is in the term before.
            let refusal = Message::PreVoteResponse { term, vote_granted: false, attempt };
            let request = Message::PreVote { term: asked, attempt };
            assert_eq!(keeps(request, refusal), of_pre_vote, "term {term}");
            let refusal = Message::RequestVoteResponse { term, vote_granted: false };
            let request = Message::RequestVote { term: asked, hand_over: false };
            assert_eq!(keeps(request, refusal), of_vote, "term {term}");
        }
    }
}
