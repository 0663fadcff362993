//! What a server knows, as one value. Whoever shows it (the log, the demonstration, a program that
//! asks) reads it here: nobody works out a second time who leads. To be read by people or programs
//! it becomes a [`Report`].

mod histogram;
pub mod report;
mod rounds;
mod show;

use std::time::Duration;

use raft_model::cluster::Cluster;
use raft_model::election::{Outgoing, Role, Rule, Server, State, Step};
use raft_model::message::Message;
use raft_model::trace::{Cause, StepId};
use raft_model::types::{Round, ServerId, ServerSet, Term};

pub use self::histogram::Histogram;
pub use self::report::Report;
use self::rounds::Rounds;
use crate::clock::Moment;
use crate::counters::Counters;
use crate::leadership::Leadership;
use crate::session::KeyId;

/// How many elections are remembered.
const ELECTIONS: usize = 8;

/// What a server knows after a step: a fold over its steps, and nothing else.
///
/// It is shown by `{}` in lines of at most 80 columns, and serialized as the [`Report`] of the
/// moment at which that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// The server.
    pub server: ServerId,
    /// The cluster that it belongs to: size, protocol and witnesses.
    pub cluster: Cluster,
    /// Its term, its vote and its role.
    pub state: State,
    /// Who leads its term, as far as it has heard. A leader that was deposed names itself until it
    /// hears of a later term: [`Node::leadership`](crate::Node::leadership) says what may be acted
    /// upon.
    pub leader: Option<ServerId>,
    /// How it knows who sent a datagram.
    pub authentication: Authentication,
    /// What became of datagrams.
    pub datagrams: Counters,
    /// What it did to be elected.
    pub elections: Elections,
    /// What held it up.
    pub stalls: Stalls,
    /// How long saves of its ballot took.
    pub saves: Histogram,
    /// How long after the time for which it was set its timer fired.
    pub delays: Histogram,
    pub(crate) leadership: Option<Leadership>,
    peers: [Peer; Cluster::MAX_SIZE as usize], // by `ServerId::index`
    rounds: Rounds,
}

/// How a server knows who has sent a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authentication {
    /// The cluster has a key, see [`crate::session`].
    Key {
        /// The key that seals.
        seals: KeyId,
        /// Another one that is accepted, while it is replaced.
        opens: Option<KeyId>,
        /// Those with which there is a session.
        with: ServerSet,
    },
    /// By the address alone, which is that of this machine.
    Loopback,
    /// By the address alone. Somebody has said that the network is to be trusted.
    Insecure,
}

impl Authentication {
    /// `key`, `loopback` or `insecure`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Key { .. } => "key",
            Self::Loopback => "loopback",
            Self::Insecure => "insecure",
        }
    }

    /// The keys that are accepted; the first one seals.
    pub fn keys(self) -> impl Iterator<Item = KeyId> {
        let (seals, opens) = match self {
            Self::Key { seals, opens, .. } => (Some(seals), opens),
            Self::Loopback | Self::Insecure => (None, None),
        };
        seals.into_iter().chain(opens)
    }

    /// Whether there is a session with that server; `None` if there is no key.
    pub const fn has_session(self, server: ServerId) -> Option<bool> {
        match self {
            Self::Key { with, .. } => Some(with.contains(server)),
            Self::Loopback | Self::Insecure => None,
        }
    }
}

/// What a server knows of another one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// When a message of it arrived last; `None` if none has.
    pub last_heard: Option<Moment>,
    /// The last of its round trips; `None` if this server has not led.
    pub round_trip: Option<Duration>,
    /// How long its first answer to each round took, from the opening of the round on, so that a
    /// heartbeat that was lost counts as one that took long; without check-quorum: its answers,
    /// from the last heartbeat on.
    pub round_trips: Histogram,
    /// How many answers of it have arrived, to heartbeats and to requests for its vote.
    pub answered: u64,
    /// When the last of them arrived.
    pub last_answered: Option<Moment>,
    /// How many messages of it arrived that an earlier run of it sent, or the same run long before,
    /// than one that had arrived already. A few are late; many come of two processes that both say
    /// that they are this server, or of one whose disk was put back from before.
    pub went_back: u64,
    latest: Option<StepId>, // in which it sent something that arrived
}

/// How many steps a message may be late, so that nobody is suspected.
const LATE: u64 = 1000;

/// Elections that a server took part in, and those that it knows of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Elections {
    /// How often it campaigned, since it came up: each time in a term of its own.
    pub campaigns: u64,
    /// How often it was elected, since it came up.
    pub won: u64,
    last: [Option<Election>; ELECTIONS],
}

impl Elections {
    /// The last leaders that it knows of, the latest first.
    pub fn last(&self) -> impl Iterator<Item = Election> + '_ {
        self.last.iter().flatten().copied()
    }
}

/// A leader, and when a server came to know of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Election {
    /// The term.
    pub term: Term,
    /// Who leads it.
    pub leader: ServerId,
    /// When this server was elected, or heard of the other one.
    pub known: Moment,
}

/// What held a server up for longer than half the shortest election timeout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stalls {
    /// How often a timer fired that late: the machine, or the process, did not get on.
    pub late_timers: u64,
    /// How often a ballot took that long to reach the disk.
    pub slow_saves: u64,
    /// The longest of all.
    pub longest: Duration,
}

impl Status {
    /// A server in this state that has heard of nobody.
    pub fn new(server: &Server, state: State) -> Self {
        Self {
            server: server.id,
            cluster: server.cluster,
            state,
            leader: None,
            authentication: Authentication::Loopback,
            datagrams: Counters::default(),
            elections: Elections::default(),
            stalls: Stalls::default(),
            saves: Histogram::default(),
            delays: Histogram::default(),
            leadership: None,
            peers: [Peer::default(); _],
            rounds: Rounds::default(),
        }
    }

    /// What it knows after one more step, which had this cause.
    #[must_use]
    pub fn after(mut self, cause: Cause, step: &Step, now: Moment) -> Self {
        let before = self;
        let is_same_term = step.state.ballot.current_term == self.term();
        self.state = step.state;
        self.leader = match (step.rule, cause) {
            (_, Cause::Start { .. } | Cause::LoseDisk) => None,
            (Rule::HeartbeatAccepted | Rule::SteppedDown, Cause::Receive { from, .. }) => {
                Some(from)
            }
            _ if step.state.role.is_leader() => Some(self.server),
            // A term has one leader at most: who was heard of stands until the term is over, or
            // this server itself has left office.
            _ => self.leader.filter(|&leader| is_same_term && leader != self.server),
        };
        if let Cause::Receive { from, message, sent_in, .. } = cause {
            self.hear(from, message, now);
            self.peers[from.index()].is_counted(sent_in);
        }
        if let Outgoing::Broadcast { message: Message::AppendEntries { round, .. } } = step.outgoing
        {
            match step.rule {
                Rule::RoundOpened => self.rounds.open(round, now),
                Rule::HeartbeatSent if self.has_rounds() => {} // the same question again
                _ => self.rounds.begin(round, now),
            }
        }
        // Whoever is alone campaigns and is elected in one step.
        let campaigned = match (step.rule, cause) {
            (Rule::Campaigned, _) | (Rule::Elected, Cause::Timeout { .. }) => 1,
            _ => 0,
        };
        self.elections.campaigns += campaigned;
        self.elections.won += u64::from(step.rule == Rule::Elected);
        if let Some(leader) = self.leader
            && (before.leader, before.term()) != (self.leader, self.term())
        {
            let term = self.term();
            self.elections.last.rotate_right(1);
            self.elections.last[0] = Some(Election { term, leader, known: now });
        }
        self
    }

    fn hear(&mut self, from: ServerId, message: Message, now: Moment) {
        let has_rounds = self.has_rounds();
        let peer = &mut self.peers[from.index()];
        peer.last_heard = Some(now);
        match message {
            Message::AppendEntriesResponse { term, round } => {
                peer.answered += 1;
                peer.last_answered = Some(now);
                // Another term has rounds of the same numbers.
                let round = if has_rounds { round } else { Some(Round::FIRST) };
                let round = round.filter(|_| term == self.state.ballot.current_term);
                if let Some(took) = round.and_then(|round| self.rounds.answer(from, round, now)) {
                    peer.round_trip = Some(took);
                    peer.round_trips.observe(took);
                }
            }
            Message::RequestVoteResponse { .. } | Message::PreVoteResponse { .. } => {
                peer.answered += 1;
                peer.last_answered = Some(now);
            }
            Message::RequestVote { .. }
            | Message::AppendEntries { .. }
            | Message::PreVote { .. }
            | Message::HandOver { .. } => {}
        }
    }

    /// Whether it knows something else than before. How a leader fares with its round does not
    /// count, and neither does how long its lease is: that changes with every heartbeat.
    pub fn is_news_after(&self, before: &Self) -> bool {
        let news = |status: &Self| {
            let Self { state, leader, leadership, .. } = *status;
            let role = if state.role.is_leader() { Role::LEADER } else { state.role };
            (State { role, ..state }, leader, leadership.is_some())
        };
        news(self) != news(before)
    }

    /// Whether answers say to which round they are.
    const fn has_rounds(&self) -> bool {
        self.cluster.protocol().check_quorum()
    }

    /// The latest term that it has seen.
    pub const fn term(&self) -> Term {
        self.state.ballot.current_term
    }

    /// Who has its vote in this term.
    pub const fn voted_for(&self) -> Option<ServerId> {
        self.state.ballot.voted_for
    }

    /// The leader that it follows: none while it stands for election, though it may still know who
    /// led this term before.
    pub fn follows(&self) -> Option<ServerId> {
        let follows = matches!(self.state.role, Role::Follower { .. });
        self.leader.filter(|&leader| follows && leader != self.server)
    }

    /// Whether it has promised to help nobody to office, and the time is not over. Of a leader that
    /// is not said: as long as it leads, it helps nobody either.
    pub const fn is_in_contact(&self) -> bool {
        matches!(self.state.role, Role::Follower { contact: true })
    }

    /// How long what it may hand out is valid; zero if it may hand out nothing. The clock is read
    /// in this call.
    pub fn lease_left(&self) -> Duration {
        self.leadership.map_or(Duration::ZERO, |leadership| leadership.remaining())
    }

    /// What it knows of another server; of itself, nothing.
    pub fn peer(&self, server: ServerId) -> &Peer {
        &self.peers[server.index()]
    }

    /// Every other server of the cluster, in the order of their numbers, and what it knows of it.
    pub fn peers(&self) -> impl Iterator<Item = (ServerId, &Peer)> {
        self.cluster.others(self.server).map(|server| (server, self.peer(server)))
    }
}

impl Peer {
    /// Runs and steps are counted upwards.
    fn is_counted(&mut self, sent_in: StepId) {
        let StepId { boot, sequence } = sent_in;
        let is_behind = |latest: StepId| {
            boot < latest.boot
                || (boot == latest.boot && sequence.saturating_add(LATE) < latest.sequence)
        };
        self.went_back += u64::from(self.latest.is_some_and(is_behind));
        self.latest = self.latest.max(Some(sent_in));
    }
}

#[cfg(test)]
mod tests;
