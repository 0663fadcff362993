//! Every situation in which a server can be when something happens to it, and every path that the
//! election takes from there.
//!
//! What is neither a server, nor a term, nor a set of servers is listed here: which event it is,
//! the role, whether there is a vote on the ballot. The lists are written by hand, so they could
//! lack something. `Occurrence::of` and `Standing::of` do not compile when a message or a role is
//! added; and [`not_considered`] asks of every path whether paths begin with what it leads to and
//! with what it sends. A role that nothing leads to, and a message that nobody sends, matter to
//! nobody.

use std::fmt;
use std::mem::discriminant;

use super::cluster::Cluster;
use super::effect;
use super::election::{Ballot, Event, Handlers, Role, Server, State, Step};
use super::message::Message;
use super::oracle::{Path, every_path};
use super::types::{Attempt, Beats, Round, ServerId, ServerSet, Term};

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occurrence {
    Timeout,
    HandOver,
    RequestVote,
    RequestVoteHandedOver,
    VoteGranted,
    VoteRefused,
    AppendEntries,
    AppendEntriesAnswered,
    AppendEntriesRefused,
    PreVote,
    PreVoteGranted,
    PreVoteRefused,
    ReceiveHandOver,
    Restart,
    LoseDisk,
    HearTerm,
}

const OCCURRENCES: [Occurrence; 16] = [
    Occurrence::Timeout,
    Occurrence::HandOver,
    Occurrence::RequestVote,
    Occurrence::RequestVoteHandedOver,
    Occurrence::VoteGranted,
    Occurrence::VoteRefused,
    Occurrence::AppendEntries,
    Occurrence::AppendEntriesAnswered,
    Occurrence::AppendEntriesRefused,
    Occurrence::PreVote,
    Occurrence::PreVoteGranted,
    Occurrence::PreVoteRefused,
    Occurrence::ReceiveHandOver,
    Occurrence::Restart,
    Occurrence::LoseDisk,
    Occurrence::HearTerm,
];

impl Occurrence {
    /// What it is that this message arrives.
    const fn of(message: &Message) -> Self {
        match message {
            Message::RequestVote { hand_over: false, .. } => Self::RequestVote,
            Message::RequestVote { hand_over: true, .. } => Self::RequestVoteHandedOver,
            Message::RequestVoteResponse { vote_granted: true, .. } => Self::VoteGranted,
            Message::RequestVoteResponse { vote_granted: false, .. } => Self::VoteRefused,
            Message::AppendEntries { .. } => Self::AppendEntries,
            Message::AppendEntriesResponse { round: Some(_), .. } => Self::AppendEntriesAnswered,
            Message::AppendEntriesResponse { round: None, .. } => Self::AppendEntriesRefused,
            Message::PreVote { .. } => Self::PreVote,
            Message::PreVoteResponse { vote_granted: true, .. } => Self::PreVoteGranted,
            Message::PreVoteResponse { vote_granted: false, .. } => Self::PreVoteRefused,
            Message::HandOver { .. } => Self::ReceiveHandOver,
        }
    }

    /// What the network, or the disk, promises: that a message which arrives was sent, by another
    /// server. Of other messages than requests for votes, granted votes and heartbeats not even
    /// that is needed: safety does not depend on the guards.
    pub(super) const fn guard(self) -> &'static str {
        match self {
            Self::Timeout | Self::HandOver => "true",
            Self::Restart => "(not (returning me))",
            Self::LoseDisk => "(loses_disk me)",
            Self::HearTerm => {
                "(and (not (= from me)) (not (returning from)) (= term (current_term from)))"
            }
            Self::RequestVote | Self::RequestVoteHandedOver => {
                "(and (request_vote from term) (not (= from me)))"
            }
            Self::VoteGranted => "(and (vote_granted from term me) (not (= from me)))",
            Self::AppendEntries => "(and (append_entries from term) (not (= from me)))",
            Self::VoteRefused
            | Self::AppendEntriesAnswered
            | Self::AppendEntriesRefused
            | Self::PreVote
            | Self::PreVoteGranted
            | Self::PreVoteRefused
            | Self::ReceiveHandOver => "(not (= from me))",
        }
    }

    /// Whether it is of another server, and of a term.
    pub(super) const fn is_told(self) -> bool {
        !matches!(self, Self::Timeout | Self::HandOver | Self::Restart | Self::LoseDisk)
    }

    const fn says(self) -> &'static str {
        match self {
            Self::Timeout => "The timer fires.",
            Self::HandOver => "It is told to hand over.",
            Self::RequestVote => "A candidate asks for its vote.",
            Self::RequestVoteHandedOver => {
                "A candidate to which leadership was handed over asks for its vote."
            }
            Self::VoteGranted => "A granted vote arrives.",
            Self::VoteRefused => "A refusal arrives, whether or not anybody sent it.",
            Self::AppendEntries => "A heartbeat arrives.",
            Self::AppendEntriesAnswered => {
                "The answer to a round arrives, whether or not anybody sent it."
            }
            Self::AppendEntriesRefused => {
                "The answer to a heartbeat, of no round, arrives, whether or not anybody sent it."
            }
            Self::PreVote => "A server asks for a pre-vote, whether or not anybody does.",
            Self::PreVoteGranted => "A pre-vote arrives, whether or not anybody sent it.",
            Self::PreVoteRefused => "A refused pre-vote arrives, whether or not anybody sent it.",
            Self::ReceiveHandOver => "It is asked to take over, whether or not anybody does.",
            Self::Restart => "It crashes, and comes up again with the ballot on its disk.",
            Self::LoseDisk => "It crashes, and comes up again without its disk.",
            Self::HearTerm => "Another server, that is not returning, tells it its current term.",
        }
    }
}

/// The roles, without what belongs to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Follower,
    FollowerInContact,
    PreCandidate,
    Candidate,
    Leader,
    Returning,
}

const STANDINGS: [Standing; 6] = [
    Standing::Follower,
    Standing::FollowerInContact,
    Standing::PreCandidate,
    Standing::Candidate,
    Standing::Leader,
    Standing::Returning,
];

impl Standing {
    const fn of(role: &Role) -> Self {
        match role {
            Role::Follower { contact: false } => Self::Follower,
            Role::Follower { contact: true } => Self::FollowerInContact,
            Role::PreCandidate { .. } => Self::PreCandidate,
            Role::Candidate { .. } => Self::Candidate,
            Role::Leader { .. } => Self::Leader,
            Role::Returning { .. } => Self::Returning,
        }
    }
}

/// What happens to which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Situation {
    pub(super) occurrence: Occurrence,
    pub(super) standing: Standing,
    /// Whether there is a vote on its ballot; when it restarts, on the one on its disk.
    pub(super) has_voted: bool,
}

impl Situation {
    /// All of them.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        OCCURRENCES.into_iter().flat_map(|occurrence| {
            STANDINGS.into_iter().flat_map(move |standing| {
                [false, true].map(|has_voted| Self { occurrence, standing, has_voted })
            })
        })
    }

    /// What the situation is, as formulas, each with a sentence.
    pub(super) fn conditions(self) -> [(&'static str, &'static str); 5] {
        let is_candidate = match self.standing {
            Standing::Candidate => "(candidate me)",
            Standing::Follower
            | Standing::FollowerInContact
            | Standing::PreCandidate
            | Standing::Leader
            | Standing::Returning => "(not (candidate me))",
        };
        let is_leader = match self.standing {
            Standing::Leader => "(leader me)",
            Standing::Follower
            | Standing::FollowerInContact
            | Standing::PreCandidate
            | Standing::Candidate
            | Standing::Returning => "(not (leader me))",
        };
        let is_returning = match self.standing {
            Standing::Returning => "(returning me)",
            _ => "(not (returning me))",
        };
        let vote = match (self.occurrence, self.has_voted) {
            (Occurrence::Restart, true) => {
                "(forall ((c Server)) (= (stored_vote me c) (= c voted)))"
            }
            (Occurrence::Restart, false) => "(forall ((c Server)) (not (stored_vote me c)))",
            (_, true) => "(forall ((c Server)) (= (voted_for me c) (= c voted)))",
            (_, false) => "(forall ((c Server)) (not (voted_for me c)))",
        };
        [
            ("Its role.", is_candidate),
            ("", is_leader),
            ("", is_returning),
            ("Its ballot.", vote),
            (self.occurrence.says(), self.occurrence.guard()),
        ]
    }

    /// What more is known of it where leases are looked at.
    pub(super) const fn conditions_of_leases(self) -> [(&'static str, &'static str); 2] {
        let contact = match self.standing {
            Standing::FollowerInContact => "(contact me)",
            Standing::Follower
            | Standing::PreCandidate
            | Standing::Candidate
            | Standing::Leader
            | Standing::Returning => "(not (contact me))",
        };
        let (says, arrives) = match self.occurrence {
            Occurrence::RequestVoteHandedOver => ("Its request says so.", "(handed from term)"),
            Occurrence::AppendEntries => ("Its round.", "(heartbeat from term round)"),
            Occurrence::AppendEntriesAnswered => {
                ("Somebody sent it.", "(answer from me term round)")
            }
            Occurrence::ReceiveHandOver => ("Somebody does.", "(hand_over from term)"),
            _ => ("", "true"),
        };
        [("Whether it is in contact.", contact), (says, arrives)]
    }

    /// The server, as symbols.
    pub(super) fn before(self) -> State {
        let role = match self.standing {
            Standing::Follower => Role::Follower { contact: false },
            Standing::FollowerInContact => Role::Follower { contact: true },
            Standing::PreCandidate => Role::PreCandidate {
                attempt: Attempt::named("asked"),
                votes: ServerSet::named("counted"),
            },
            Standing::Candidate => Role::Candidate { votes: ServerSet::named("counted") },
            Standing::Leader => Role::Leader {
                round: Round::named("open"),
                answered: ServerSet::named("counted"),
                beats: Beats::named("beats"),
            },
            Standing::Returning => Role::Returning {
                heard: ServerSet::named("counted"),
                newest: Term::named("(newest me)"),
            },
        };
        State { ballot: self.ballot("(current_term me)"), role }
    }

    fn ballot(self, term: &str) -> Ballot {
        let voted_for = self.has_voted.then(|| ServerId::named("voted"));
        Ballot { current_term: Term::named(term), voted_for }
    }

    pub(super) fn event(self) -> Option<Event> {
        let (from, term) = (ServerId::named("from"), Term::named("term"));
        let attempt = Attempt::named("attempt");
        let round = Round::named("round");
        let message = match self.occurrence {
            Occurrence::Timeout => return Some(Event::Timeout { attempt }),
            Occurrence::HandOver => return Some(Event::HandOver { to: ServerId::named("to") }),
            Occurrence::Restart | Occurrence::LoseDisk => return None,
            Occurrence::HearTerm => return Some(Event::TermHeard { from, term }),
            Occurrence::RequestVote => Message::RequestVote { term, hand_over: false },
            Occurrence::RequestVoteHandedOver => Message::RequestVote { term, hand_over: true },
            Occurrence::VoteGranted => Message::RequestVoteResponse { term, vote_granted: true },
            Occurrence::VoteRefused => Message::RequestVoteResponse { term, vote_granted: false },
            Occurrence::AppendEntries => Message::AppendEntries { term, round },
            Occurrence::AppendEntriesAnswered => {
                Message::AppendEntriesResponse { term, round: Some(round) }
            }
            Occurrence::AppendEntriesRefused => {
                Message::AppendEntriesResponse { term, round: None }
            }
            Occurrence::PreVote => Message::PreVote { term, attempt },
            Occurrence::PreVoteGranted => {
                Message::PreVoteResponse { term, vote_granted: true, attempt }
            }
            Occurrence::PreVoteRefused => {
                Message::PreVoteResponse { term, vote_granted: false, attempt }
            }
            Occurrence::ReceiveHandOver => Message::HandOver { term },
        };
        Some(Event::Receive { from, message })
    }

    /// The step from here.
    pub(super) fn step(self, handlers: Handlers) -> Step {
        match self.event() {
            Some(event) => (handlers.step)(&me(), self.before(), event),
            None if self.occurrence == Occurrence::LoseDisk => (handlers.lose_disk)(&me()),
            None => (handlers.start)(&me(), Some(self.ballot("(stored_term me)"))),
        }
    }

    /// Every path from here, and the step at its end.
    pub(super) fn paths(self, handlers: Handlers) -> Vec<(Path, Step)> {
        every_path(|| self.step(handlers))
    }
}

/// What a step leads to that none of these situations begins with, or what it sends that arrives in
/// none of them. The variants themselves are compared, not only the names that the lists have for
/// them: so a new role that is taken for an old one is noticed.
pub(super) fn not_considered(step: &Step, beginnings: &[Situation]) -> Option<String> {
    let role = step.state.role;
    let is_same = |begins: &Role| discriminant(begins) == discriminant(&role);
    let standing = Standing::of(&role);
    let has_voted = step.state.ballot.voted_for.is_some();
    if !beginnings.iter().any(|begins| {
        (begins.standing, begins.has_voted) == (standing, has_voted)
            && is_same(&begins.before().role)
    }) {
        return Some(format!("it becomes {role:?}, and no path begins there"));
    }
    let (_, message) = effect::sent(&step.outgoing)?;
    let occurrence = Occurrence::of(&message);
    let arrives = |begins: &Situation| match begins.event() {
        Some(Event::Receive { message: arrived, .. }) => {
            begins.occurrence == occurrence && discriminant(&arrived) == discriminant(&message)
        }
        Some(Event::Timeout { .. } | Event::HandOver { .. } | Event::TermHeard { .. }) | None => {
            false
        }
    };
    let is_missing = !beginnings.iter().any(arrives);
    is_missing.then(|| format!("it sends {message:?}, and no path begins with its arrival"))
}

/// The one path on which a server comes up that has never run.
pub(super) fn first_start(handlers: Handlers) -> Vec<(Path, Step)> {
    every_path(|| (handlers.start)(&me(), None))
}

pub(super) fn me() -> Server {
    Server { id: ServerId::named("me"), cluster: Cluster, patience: Beats::named("patience") }
}

/// Its name, as in the name of a file.
impl fmt::Display for Situation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { occurrence, standing, has_voted } = self;
        let ballot = if *has_voted { "voted" } else { "not_voted" };
        write!(f, "{occurrence:?}_{standing:?}_{ballot}")
    }
}
