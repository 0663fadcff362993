//! What servers say to each other: the two remote procedure calls of the paper's Figure 2, without
//! the fields that concern the log; and what the guards add (Ongaro, "Consensus: Bridging Theory
//! and Practice", §6.4, §9.6, §3.10).
//!
//! A message carries no addresses: who sent it, and to whom, is said beside it. A request is
//! broadcast; everything else goes to one server.

use super::types::{Attempt, Round, Term};

/// A message, with the names of the paper and the thesis.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub enum Message {
    /// A candidate asks for the receiver's vote in `term` (§5.2).
    RequestVote {
        /// The candidate's term.
        term: Term,
        /// Whether the leader of an earlier term has asked it to take over. Such a request is heard
        /// by servers that are in contact, too.
        hand_over: bool,
    },
    /// The answer to [`Message::RequestVote`].
    RequestVoteResponse {
        /// The term of the server that answers, after it has looked at the request: the term in
        /// which it gave its vote, or one that tells an outdated candidate to step down.
        term: Term,
        /// Whether the candidate has received the vote.
        vote_granted: bool,
    },
    /// The leader of `term` is alive: a heartbeat, `AppendEntries` without entries (§5.2).
    AppendEntries {
        /// The leader's term.
        term: Term,
        /// Its round: the question that an answer answers. Always the first without check-quorum.
        round: Round,
    },
    /// The answer to [`Message::AppendEntries`]. The paper's `success` is not needed without a log:
    /// a heartbeat is refused exactly if the term of the answer is newer than its own.
    AppendEntriesResponse {
        /// The term of the server that answers, after it has looked at the heartbeat.
        term: Term,
        /// The round that it answers; none without check-quorum, and none if it refuses. A refusal
        /// is of a term that its receiver may yet come to lead. There, a round of the old term
        /// would be taken for the round of the same number.
        round: Option<Round>,
    },
    /// A server asks whether the receiver would vote for it in `term` (thesis, §9.6).
    PreVote {
        /// The term after the asker's own. Nobody is in it for being asked.
        term: Term,
        /// Which time it is that the server asks.
        attempt: Attempt,
    },
    /// The answer to [`Message::PreVote`].
    PreVoteResponse {
        /// If the vote would be granted, the term that was asked about; if not, the term of the
        /// server that answers.
        term: Term,
        /// Whether a vote would be granted.
        vote_granted: bool,
        /// The attempt that it answers. A yes is about the moment in which it was said, and counts
        /// for no later attempt.
        attempt: Attempt,
    },
    /// The leader of `term` has given up for good, and asks the receiver to take over (thesis,
    /// §3.10).
    HandOver {
        /// The term that it led.
        term: Term,
    },
}

impl Message {
    /// The term that every message carries.
    pub const fn term(self) -> Term {
        match self {
            Self::RequestVote { term, .. }
            | Self::RequestVoteResponse { term, .. }
            | Self::AppendEntries { term, .. }
            | Self::AppendEntriesResponse { term, .. }
            | Self::PreVote { term, .. }
            | Self::PreVoteResponse { term, .. }
            | Self::HandOver { term } => term,
        }
    }

    /// The same message of another term.
    #[must_use]
    pub const fn with_term(self, term: Term) -> Self {
        match self {
            Self::RequestVote { hand_over, .. } => Self::RequestVote { term, hand_over },
            Self::RequestVoteResponse { vote_granted, .. } => {
                Self::RequestVoteResponse { term, vote_granted }
            }
            Self::AppendEntries { round, .. } => Self::AppendEntries { term, round },
            Self::AppendEntriesResponse { round, .. } => {
                Self::AppendEntriesResponse { term, round }
            }
            Self::PreVote { attempt, .. } => Self::PreVote { term, attempt },
            Self::PreVoteResponse { vote_granted, attempt, .. } => {
                Self::PreVoteResponse { term, vote_granted, attempt }
            }
            Self::HandOver { .. } => Self::HandOver { term },
        }
    }

    /// Whether it asks, and so goes to every other server; if not, it is for one server.
    pub const fn is_request(self) -> bool {
        match self {
            Self::RequestVote { .. } | Self::AppendEntries { .. } | Self::PreVote { .. } => true,
            Self::RequestVoteResponse { .. }
            | Self::AppendEntriesResponse { .. }
            | Self::PreVoteResponse { .. }
            | Self::HandOver { .. } => false,
        }
    }

    /// Whether its term is one that its sender need not be in: it is asked about, no more.
    pub const fn is_tentative(self) -> bool {
        match self {
            Self::PreVote { .. } | Self::PreVoteResponse { vote_granted: true, .. } => true,
            Self::RequestVote { .. }
            | Self::RequestVoteResponse { .. }
            | Self::AppendEntries { .. }
            | Self::AppendEntriesResponse { .. }
            | Self::PreVoteResponse { vote_granted: false, .. }
            | Self::HandOver { .. } => false,
        }
    }
}
