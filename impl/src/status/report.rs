//! A status as it is written down: for JSON, and for whoever reads that back.

use std::collections::BTreeMap;

use raft_model::types::{ServerId, Term};
use serde::{Deserialize, Serialize, Serializer};

use super::Status;
use crate::clock::{Moment, microseconds};
use crate::leadership::Leadership;
use crate::wire::Rejection;

/// What a server knew at one moment. The names of the fields are those of the JSON, and stay.
///
/// Times are whole microseconds, and `_ago` counts back from that moment. Servers are their
/// numbers. Terms and tokens are strings in JSON, since JavaScript would round a large number; all
/// other numbers stay far below 2^53. What a node of the last version does not say has a default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The server.
    pub server: ServerId,
    /// How many servers the cluster has.
    pub servers: u8,
    /// How they elect: `figure2`, `pre-vote`, `check-quorum` or `guarded`.
    pub protocol: String,
    /// Those that vote and never lead.
    pub witnesses: Vec<ServerId>,
    /// `follower`, `pre-candidate`, `candidate` or `leader`.
    pub role: String,
    /// The latest term that it has seen.
    #[serde(with = "decimal")]
    pub term: Term,
    /// Who has its vote in this term.
    pub voted_for: Option<ServerId>,
    /// Who leads this term, as far as it has heard.
    pub leader: Option<ServerId>,
    /// Whether it has promised to help nobody to office, and the time is not over.
    pub in_contact: bool,
    /// What a program may act on as the leader; `null` if there is nothing.
    pub leadership: Option<Lease>,
    /// What it knows of the others, in the order of their numbers.
    pub peers: Vec<Peer>,
    /// How it knows who sent a datagram: `key`, `loopback` or `insecure`.
    #[serde(default)]
    pub authentication: String,
    /// The names of the keys that are accepted; the first one seals. Empty without a key.
    #[serde(default)]
    pub keys: Vec<String>,
    /// What became of datagrams.
    pub datagrams: Datagrams,
    /// Elections that it took part in, and those that it knows of.
    pub elections: Elections,
    /// What held it up.
    pub stalls: Stalls,
}

/// See [`Leadership`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The fencing token, which is the term.
    #[serde(with = "decimal")]
    pub fencing_token: Term,
    /// How long it is still valid, in microseconds.
    pub left_us: u64,
}

/// See [`super::Peer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    /// The other server.
    pub server: ServerId,
    /// When a message of it arrived last; `null` if none has since this server came up.
    pub heard_us_ago: Option<u64>,
    /// From the opening of a round to its answer to it; `null` if this server has not led.
    pub round_trip_us: Option<u64>,
    /// How many answers of it have arrived.
    pub answered: u64,
    /// How many datagrams from its address were rejected.
    pub rejected: u64,
    /// How many messages of an earlier run of it came after those of a later one: many mean that
    /// it runs on an old disk, or twice.
    #[serde(default)]
    pub went_back: u64,
    /// Whether there is a session with it; `null` without a key.
    #[serde(default)]
    pub session: Option<bool>,
}

/// See [`Counters`](crate::counters::Counters).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Datagrams {
    /// Handed to the network.
    pub sent: u64,
    /// Not sent: the network refused.
    pub not_sent: u64,
    /// Received and believed.
    pub received: u64,
    /// Hellos and answers that were believed: they are no messages.
    #[serde(default)]
    pub greetings: u64,
    /// Not received: the network reported an error instead.
    pub errors: u64,
    /// Rejected, for each reason for which there were some: see [`Rejection::name`].
    pub rejected: BTreeMap<String, u64>,
}

/// See [`super::Elections`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Elections {
    /// How often it campaigned.
    pub campaigns: u64,
    /// How often it was elected.
    pub won: u64,
    /// The last leaders that it knows of, the latest first.
    pub last: Vec<Election>,
}

/// See [`super::Election`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Election {
    /// The term.
    #[serde(with = "decimal")]
    pub term: Term,
    /// Who leads it.
    pub leader: ServerId,
    /// When this server was elected, or heard of the other one.
    pub known_us_ago: u64,
}

/// See [`super::Stalls`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stalls {
    /// How often a timer fired too late.
    pub late_timers: u64,
    /// How often a ballot took too long to reach the disk.
    pub slow_saves: u64,
    /// The longest of all.
    pub longest_us: u64,
}

impl Report {
    /// What this status comes to at this moment.
    pub fn new(status: &Status, now: Moment) -> Self {
        let leadership = status.leadership.filter(|leadership| leadership.is_valid_at(now));
        let peer = |(server, peer): (ServerId, &super::Peer)| Peer {
            server,
            heard_us_ago: peer.last_heard.map(|heard| microseconds(now.since(heard))),
            round_trip_us: peer.round_trip.map(microseconds),
            answered: peer.answered,
            rejected: status.datagrams.rejected_from(Some(server)).map(|(_, count)| count).sum(),
            went_back: peer.went_back,
            session: status.authentication.has_session(server),
        };
        Self {
            server: status.server,
            servers: status.cluster.size(),
            protocol: status.cluster.protocol().name().to_owned(),
            witnesses: status.cluster.witnesses().iter().collect(),
            role: status.state.role.name().to_owned(),
            term: status.term(),
            voted_for: status.voted_for(),
            leader: status.leader,
            in_contact: status.is_in_contact(),
            leadership: leadership.map(|leadership| Lease::new(leadership, now)),
            peers: status.peers().map(peer).collect(),
            authentication: status.authentication.name().to_owned(),
            keys: status.authentication.keys().map(|key| key.to_string()).collect(),
            datagrams: Datagrams::new(status),
            elections: Elections::new(status, now),
            stalls: Stalls {
                late_timers: status.stalls.late_timers,
                slow_saves: status.stalls.slow_saves,
                longest_us: microseconds(status.stalls.longest),
            },
        }
    }

    /// Whether the server is in the office of leader; what may be acted on is `leadership`.
    pub fn is_leader(&self) -> bool {
        self.role == "leader"
    }
}

impl Lease {
    /// What of this is left at a moment.
    pub(crate) fn new(leadership: Leadership, now: Moment) -> Self {
        let left_us = microseconds(leadership.until().since(now));
        Self { fencing_token: leadership.term(), left_us }
    }
}

impl Datagrams {
    fn new(Status { datagrams, .. }: &Status) -> Self {
        let rejected = Rejection::ALL
            .into_iter()
            .map(|reason| (reason.name().to_owned(), datagrams.rejected(reason)))
            .filter(|&(_, count)| count > 0);
        Self {
            sent: datagrams.sent,
            not_sent: datagrams.not_sent,
            received: datagrams.received,
            greetings: datagrams.greetings,
            errors: datagrams.errors,
            rejected: rejected.collect(),
        }
    }
}

impl Elections {
    fn new(Status { elections, .. }: &Status, now: Moment) -> Self {
        let last = elections.last().map(|super::Election { term, leader, known }| Election {
            term,
            leader,
            known_us_ago: microseconds(now.since(known)),
        });
        Self { campaigns: elections.campaigns, won: elections.won, last: last.collect() }
    }
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Report::new(self, Moment::now()).serialize(serializer)
    }
}

/// A term as a string.
pub(crate) mod decimal {
    use raft_model::types::Term;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
    pub(crate) fn serialize<S: Serializer>(term: &Term, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&term.number())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Term, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map(Term::new).map_err(D::Error::custom)
    }
}
