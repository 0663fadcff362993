//! What is assumed of the calm phase, and what is owed to whom.

use super::class::{Class, Kind, Numbering};
use super::fair::Fairness;
use super::graph::Note;
use crate::cluster::{Cluster, Protocol};
use crate::types::ServerSet;
use crate::world::links::Links;

/// One thing that is assumed of the calm phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assumption {
    /// Election timeouts are long against the network.
    MessagesFirst,
    /// Heartbeats come more often than election timers fire.
    HeartbeatsHold,
    /// Crashes end.
    RestartsEnd,
    /// Old heartbeats end. Only behind guards it is one.
    RepeatsEnd,
    /// A quorum is up.
    MajorityLives,
    /// Timers fire.
    TimersFire,
    /// Messages arrive.
    MessagesArrive,
}

impl Assumption {
    /// Whether servers that elect so need it: what is only behind guards is none without them.
    pub fn is_of(self, protocol: Protocol) -> bool {
        self != Self::RepeatsEnd || protocol != Protocol::FIGURE2
    }
}

/// All assumptions.
pub const ASSUMPTIONS: [Assumption; 7] = [
    Assumption::MessagesFirst,
    Assumption::HeartbeatsHold,
    Assumption::RestartsEnd,
    Assumption::RepeatsEnd,
    Assumption::MajorityLives,
    Assumption::TimersFire,
    Assumption::MessagesArrive,
];

impl Assumption {
    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MessagesFirst => "messages-first",
            Self::HeartbeatsHold => "heartbeats-hold",
            Self::RestartsEnd => "restarts-end",
            Self::RepeatsEnd => "repeats-end",
            Self::MajorityLives => "majority-lives",
            Self::TimersFire => "timers-fire",
            Self::MessagesArrive => "messages-arrive",
        }
    }

    /// What it says, in a sentence.
    pub const fn says(self) -> &'static str {
        match self {
            Self::MessagesFirst => {
                "no election timer fires while a message is under way that can change something; with check-quorum no contact ends then, and no leader loses patience"
            }
            Self::HeartbeatsHold => "no election timer fires while a server leads the highest term",
            Self::RestartsEnd => "no server restarts any more",
            Self::RepeatsEnd => "what a leader has said that has left office arrives no more",
            Self::MajorityLives => "more than half of the servers are up",
            Self::TimersFire => "a timer that stays allowed to fire does fire",
            Self::MessagesArrive => "a message that stays able to change something does arrive",
        }
    }

    /// What happens without it.
    pub const fn without(self) -> &'static str {
        match self {
            Self::MessagesFirst => "split votes for ever: timers fire before votes arrive",
            Self::HeartbeatsHold => {
                "leaders are deposed for ever by timers that heartbeats do not hold"
            }
            Self::RestartsEnd => "candidates and leaders crash for ever",
            Self::RepeatsEnd => "one old heartbeat, again and again, keeps its receiver waiting",
            Self::MajorityLives => "candidates campaign for ever, and no quorum can answer",
            Self::TimersFire => "nobody ever campaigns",
            Self::MessagesArrive => "what a candidate sends never arrives",
        }
    }
}

/// What is owed to a class of moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Strength {
    /// Nothing: a run may pass them over for ever.
    None,
    /// Such a move is made at some time if from some time on one is always possible.
    Weak,
    /// Such a move is made at some time if again and again one is possible.
    Strong,
}

/// What is assumed of the calm phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assumptions {
    /// See [`Assumption::MessagesFirst`].
    pub messages_first: bool,
    /// See [`Assumption::HeartbeatsHold`].
    pub heartbeats_hold: bool,
    /// See [`Assumption::RestartsEnd`].
    pub restarts_end: bool,
    /// See [`Assumption::RepeatsEnd`].
    pub repeats_end: bool,
    /// Who hears whom. A server without links is as good as dead: nothing is asked of it.
    pub links: Links,
    /// What is owed to each server's timer.
    pub timers: Strength,
    /// What is owed to each link and kind of message.
    pub messages: Strength,
}

impl Assumptions {
    /// All of them, with every link there and weak fairness.
    pub const ALL: Self = Self {
        messages_first: true,
        heartbeats_hold: true,
        restarts_end: true,
        repeats_end: true,
        links: Links::ALL,
        timers: Strength::Weak,
        messages: Strength::Weak,
    };

    /// These without one.
    #[must_use]
    pub fn without(self, assumption: Assumption, cluster: Cluster) -> Self {
        match assumption {
            Assumption::MessagesFirst => Self { messages_first: false, ..self },
            Assumption::HeartbeatsHold => Self { heartbeats_hold: false, ..self },
            Assumption::RestartsEnd => Self { restarts_end: false, ..self },
            Assumption::RepeatsEnd => Self { repeats_end: false, ..self },
            Assumption::MajorityLives => self.with_dead(smallest_majority(cluster)),
            Assumption::TimersFire => Self { timers: Strength::None, ..self },
            Assumption::MessagesArrive => Self { messages: Strength::None, ..self },
        }
    }

    /// These, with servers that are cut off from all others for ever, or dead: which is the same.
    #[must_use]
    pub fn with_dead(self, dead: ServerSet) -> Self {
        Self { links: self.links.without(dead), ..self }
    }

    /// These, with strong fairness wherever something is owed.
    #[must_use]
    pub fn with_strong_fairness(self) -> Self {
        let strong = |strength| match strength {
            Strength::None => Strength::None,
            Strength::Weak | Strength::Strong => Strength::Strong,
        };
        Self { timers: strong(self.timers), messages: strong(self.messages), ..self }
    }

    /// Whether nobody can go on to one term after the other while others do not hear of it.
    pub(super) const fn keep_terms_together(&self) -> bool {
        self.messages_first && self.restarts_end
    }

    /// These, with nothing owed to anybody: what they allow is the same.
    pub(super) const fn unfair(self) -> Self {
        Self { timers: Strength::None, messages: Strength::None, ..self }
    }

    /// Whether the calm phase has moves of this class in a world of which this was noted.
    pub(super) const fn allow(&self, note: Note, class: Class) -> bool {
        let comes_first = self.messages_first && note.is_busy;
        match class {
            Class::ElectionTimer(id) | Class::ContactTimer(id) => {
                !(comes_first || self.heartbeats_hold && note.hear_a_leader.contains(id))
            }
            Class::HeartbeatTimer(id) => !(comes_first && note.await_answers.contains(id)),
            Class::Restart => !self.restarts_end,
            Class::Link { kind: Kind::OldHeartbeat, .. } => !self.repeats_end,
            Class::HandOver | Class::NewerTerm(_) | Class::Link { .. } => true,
        }
    }

    pub(super) fn fairness(&self, numbering: &Numbering) -> Fairness {
        let to_class = |class| match class {
            Class::ElectionTimer(_) | Class::ContactTimer(_) | Class::HeartbeatTimer(_) => {
                self.timers
            }
            Class::Restart | Class::HandOver | Class::Link { kind: Kind::OldHeartbeat, .. } => {
                Strength::None
            }
            Class::NewerTerm(_) | Class::Link { .. } => self.messages,
        };
        let owed = |strength| {
            let classes = numbering.classes().filter(|&class| to_class(class) == strength);
            classes.map(|class| numbering.code(class)).collect()
        };
        Fairness { weak: owed(Strength::Weak), strong: owed(Strength::Strong) }
    }
}

/// The last servers of a cluster, as few as it takes so that the others are no quorum.
fn smallest_majority(cluster: Cluster) -> ServerSet {
    let size = cluster.size();
    last_servers(cluster, size - size / 2)
}

/// So many servers, the last ones. Which ones makes no difference, since worlds that differ only
/// in the names of servers are all reached.
pub fn last_servers(cluster: Cluster, count: u8) -> ServerSet {
    cluster.servers().filter(|id| id.number() > cluster.size() - count).collect()
}
