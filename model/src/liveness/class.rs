//! Classes of moves, to which fairness is owed.
//!
//! Fairness towards a class says: if a move of the class stays possible (weak), or becomes possible
//! again and again (strong), then one is made. Which class a delivery belongs to depends on what
//! the receiver can still make of the message, as the reduction of messages does
//! (`reduce/messages.rs`): so a world and the world that stands for it offer the same classes.

use std::fmt;

use crate::action::Trigger;
use crate::cluster::{Cluster, Protocol};
use crate::election::{Event, State, Timer};
use crate::message::Message;
use crate::types::ServerId;

/// A class of moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// A server's election timer fires.
    ElectionTimer(ServerId),
    /// A follower's contact is over.
    ContactTimer(ServerId),
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
    /// A leader is told to hand over. Nobody owes it that, either.
    HandOver,
}

/// Kinds of messages, by what they can still do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A `RequestVote` of the receiver's term or a newer one.
    RequestVote,
    /// An `AppendEntries` of the receiver's term or a newer one.
    AppendEntries,
    /// An `AppendEntries` of who has left office since, of the receiver's term or a newer one.
    /// Without guards it is told from no other: what it does, it does once a term.
    OldHeartbeat,
    /// A request of an older term than the receiver's: it only draws a refusal.
    StaleRequest,
    /// A response of the receiver's own term or an older one: in effect, a vote.
    Vote,
    /// A `PreVote`.
    PreVote,
    /// A yes to a `PreVote`.
    PreVoteGranted,
    /// The answer to a round.
    Answer,
    /// An order to take over.
    HandOver,
}

impl Kind {
    const FIGURE2: [Self; 4] =
        [Self::RequestVote, Self::AppendEntries, Self::StaleRequest, Self::Vote];

    /// The kinds that there are by this protocol.
    fn of(protocol: Protocol) -> Vec<Self> {
        let mut kinds = Self::FIGURE2.to_vec();
        if protocol.pre_vote() {
            kinds.extend([Self::PreVote, Self::PreVoteGranted]);
        }
        if protocol.check_quorum() {
            kinds.push(Self::Answer);
        }
        if protocol != Protocol::FIGURE2 {
            kinds.push(Self::OldHeartbeat);
        }
        kinds.push(Self::HandOver);
        kinds
    }
}

impl Class {
    /// The class of what happens to the server `to` in this state.
    pub fn of(to: ServerId, before: &State, trigger: Trigger) -> Self {
        let (from, message) = match trigger {
            // (No graph that is looked at here has the loss of a disk.)
            Trigger::Restart | Trigger::LoseDisk | Trigger::Event(Event::TermHeard { .. }) => {
                return Self::Restart;
            }
            Trigger::Event(Event::HandOver { .. }) => return Self::HandOver,
            Trigger::Event(Event::Timeout { .. }) => {
                return match before.timer() {
                    Timer::Contact => Self::ContactTimer(to),
                    Timer::Election => Self::ElectionTimer(to),
                    Timer::Heartbeat => Self::HeartbeatTimer(to),
                };
            }
            Trigger::Event(Event::Receive { from, message }) => (from, message),
        };
        let current_term = before.ballot.current_term;
        let kind = match message {
            Message::PreVote { term, .. } if term < current_term => Kind::StaleRequest,
            Message::PreVote { .. } => Kind::PreVote,
            Message::PreVoteResponse { vote_granted: true, .. } => Kind::PreVoteGranted,
            Message::HandOver { .. } => Kind::HandOver,
            _ if message.is_request() && message.term() < current_term => Kind::StaleRequest,
            _ if !message.is_request() && current_term < message.term() => {
                return Self::NewerTerm(to);
            }
            Message::RequestVote { .. } => Kind::RequestVote,
            Message::AppendEntries { .. } => Kind::AppendEntries,
            Message::AppendEntriesResponse { round: Some(_), .. } => Kind::Answer,
            Message::RequestVoteResponse { .. }
            | Message::AppendEntriesResponse { round: None, .. }
            | Message::PreVoteResponse { .. } => Kind::Vote,
        };
        Self::Link { kind, from, to }
    }

    /// Whether something arrives that others may wait for.
    pub const fn is_awaited(self) -> bool {
        match self {
            Self::NewerTerm(_) => true,
            Self::Link { kind, .. } => !matches!(kind, Kind::OldHeartbeat),
            Self::ElectionTimer(_)
            | Self::ContactTimer(_)
            | Self::HeartbeatTimer(_)
            | Self::Restart
            | Self::HandOver => false,
        }
    }
}

/// The classes of a cluster, numbered from 0.
#[derive(Clone, Debug)]
pub struct Numbering {
    servers: usize,
    kinds: Vec<Kind>,
    classes: Vec<Class>,
}

impl Numbering {
    /// Numbers all classes that there are in a cluster.
    pub fn of(cluster: Cluster) -> Self {
        let servers = || cluster.servers();
        let mut classes = vec![Class::Restart];
        classes.extend(servers().map(Class::ElectionTimer));
        classes.extend(servers().map(Class::HeartbeatTimer));
        classes.extend(servers().map(Class::NewerTerm));
        let kinds = Kind::of(cluster.protocol());
        for &kind in &kinds {
            for from in servers() {
                classes.extend(cluster.others(from).map(|to| Class::Link { kind, from, to }));
            }
        }
        classes.push(Class::HandOver);
        classes.extend(servers().map(Class::ContactTimer));
        Self { servers: servers().count(), kinds, classes }
    }

    /// Every class.
    pub fn classes(&self) -> impl Iterator<Item = Class> {
        self.classes.iter().copied()
    }

    /// The class with this number.
    pub fn class(&self, code: u8) -> Class {
        self.classes[usize::from(code)]
    }

    /// The class of what happens to the server `to` in this state, while others are in these.
    pub fn class_of(
        &self,
        to: ServerId,
        before: &State,
        trigger: Trigger,
        state: impl Fn(ServerId) -> State,
    ) -> Class {
        let class = Class::of(to, before, trigger);
        match (class, trigger) {
            (
                Class::Link { kind: Kind::AppendEntries, from, to },
                Trigger::Event(Event::Receive { message, .. }),
            ) if self.kinds.contains(&Kind::OldHeartbeat) => {
                let State { ballot, role } = state(from);
                let leads = role.is_leader() && ballot.current_term == message.term();
                let kind = if leads { Kind::AppendEntries } else { Kind::OldHeartbeat };
                Class::Link { kind, from, to }
            }
            _ => class,
        }
    }

    /// The number of a class.
    pub fn code(&self, class: Class) -> u8 {
        let servers = self.servers;
        let code = match class {
            Class::Restart => 0,
            Class::ElectionTimer(server) => 1 + server.index(),
            Class::HeartbeatTimer(server) => 1 + servers + server.index(),
            Class::NewerTerm(server) => 1 + 2 * servers + server.index(),
            Class::Link { kind, from, to } => {
                let to = if from < to { to.index() - 1 } else { to.index() };
                let kind = self.kinds.iter().position(|&known| known == kind);
                let kind = kind.expect("a kind of this protocol");
                1 + 3 * servers + (kind * servers + from.index()) * (servers - 1) + to
            }
            Class::HandOver => self.classes.len() - servers - 1,
            Class::ContactTimer(server) => self.classes.len() - servers + server.index(),
        };
        u8::try_from(code).expect("few classes")
    }

    /// The names of some classes.
    pub fn names(&self, classes: Classes) -> Vec<String> {
        classes.codes().map(|code| self.class(code).to_string()).collect()
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
            Self::HandOver => f.write_str("hand-overs"),
            Self::ContactTimer(server) => write!(f, "{server}'s contact timer"),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RequestVote => "RequestVote",
            Self::AppendEntries => "AppendEntries",
            Self::OldHeartbeat => "old heartbeat",
            Self::StaleRequest => "stale request",
            Self::Vote => "vote",
            Self::PreVote => "PreVote",
            Self::PreVoteGranted => "pre-vote",
            Self::Answer => "answer",
            Self::HandOver => "order",
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
    use crate::election::{Ballot, Role};
    use crate::types::{Attempt, Round, Term};

    #[test]
    fn each_class_has_a_number_of_its_own() {
        for size in 1..=Cluster::MAX_SIZE {
            let numbering = Numbering::of(Cluster::new(size).unwrap());
            for (code, class) in (0..).zip(numbering.classes()) {
                assert_eq!(numbering.code(class), code, "{class}");
                assert_eq!(numbering.class(code), class);
            }
        }
    }

    /// What S1 can make of what happens to it in term 2.
    #[test]
    fn the_class_of_a_message_is_what_it_can_still_do() {
        let [to, from] = [1, 2].map(|number| ServerId::new(number).unwrap());
        let ballot = Ballot { current_term: Term::new(2), voted_for: None };
        let [follower, leader] = [Role::FOLLOWER, Role::LEADER].map(|role| State { ballot, role });
        let arrives = |message: Message, term| {
            let message = message.with_term(Term::new(term));
            Class::of(to, &follower, Trigger::Event(Event::Receive { from, message })).to_string()
        };
        let term = Term::ZERO;
        let vote = Message::RequestVoteResponse { term, vote_granted: true };
        for (message, older, same, newer) in [
            (
                Message::RequestVote { term, hand_over: false },
                "stale request",
                "RequestVote",
                "RequestVote S2 → S1",
            ),
            (
                Message::AppendEntries { term, round: Round::FIRST },
                "stale request",
                "AppendEntries",
                "AppendEntries S2 → S1",
            ),
            (vote, "vote", "vote", "news of a later term to S1"),
            (
                Message::AppendEntriesResponse { term, round: None },
                "vote",
                "vote",
                "news of a later term to S1",
            ),
        ] {
            let [older, same] = [older, same].map(|kind| format!("{kind} S2 → S1"));
            let classes = [1, 2, 3].map(|term| arrives(message, term));
            assert_eq!(classes, [older, same, newer.to_owned()]);
        }
        let timer = Trigger::Event(Event::Timeout { attempt: Attempt::FIRST });
        assert_eq!(Class::of(to, &follower, timer).to_string(), "S1's election timer");
        assert_eq!(Class::of(to, &leader, timer).to_string(), "S1's heartbeat timer");
        assert_eq!(Class::of(to, &leader, Trigger::Restart).to_string(), "restarts");
    }

    #[test]
    fn what_arrives_is_awaited_but_for_old_heartbeats() {
        let numbering = Numbering::of(Cluster::with(2, Protocol::GUARDED).unwrap());
        let (arrive, others): (Vec<_>, Vec<_>) =
            numbering.classes().partition(|class| class.is_awaited());
        // Eight kinds of messages over two links; old heartbeats, three timers, restarts,
        // hand-overs.
        assert_eq!((arrive.len(), others.len()), (2 + 8 * 2, 2 + 4 * 2));
        assert!(
            arrive.iter().all(|class| matches!(class, Class::NewerTerm(_) | Class::Link { .. }))
        );
    }

    #[test]
    fn a_set_has_the_classes_that_were_put_in() {
        let [small, large]: [Classes; 2] = [(0..150).collect(), (100..u8::MAX).collect()];
        for code in 0..=u8::MAX {
            let (is_small, is_large) = (code < 150, (100..u8::MAX).contains(&code));
            assert_eq!(small.contains(code), is_small, "{code}");
            assert_eq!(small.and(large).contains(code), is_small && is_large, "{code}");
            assert_eq!(small.or(large).contains(code), is_small || is_large, "{code}");
            assert_eq!(small.without(large).contains(code), is_small && !is_large, "{code}");
        }
        assert!(small.codes().eq(0..150));
        assert!(Classes::NONE.is_empty() && !small.is_empty());
    }
}
