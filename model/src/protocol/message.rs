//! What servers say to each other: the two remote procedure calls of the paper's Figure 2, without
//! the fields that concern the log.
//!
//! A message carries no addresses: who sent it, and to whom, is said beside it. A request is
//! broadcast, a response goes to the sender of the request.

use super::types::Term;

/// A message, with the paper's names (Figure 2).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub enum Message {
    /// A candidate asks for the receiver's vote in `term` (§5.2).
    RequestVote {
        /// The candidate's term.
        term: Term,
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
    },
    /// The answer to [`Message::AppendEntries`]. The paper's `success` is not needed without a log:
    /// a heartbeat is refused exactly if the term of the answer is newer than its own.
    AppendEntriesResponse {
        /// The term of the server that answers, after it has looked at the heartbeat.
        term: Term,
    },
}

impl Message {
    /// The term that every message carries.
    pub const fn term(self) -> Term {
        match self {
            Self::RequestVote { term }
            | Self::RequestVoteResponse { term, .. }
            | Self::AppendEntries { term }
            | Self::AppendEntriesResponse { term } => term,
        }
    }

    /// The same message of another term.
    #[must_use]
    pub const fn with_term(self, term: Term) -> Self {
        match self {
            Self::RequestVote { .. } => Self::RequestVote { term },
            Self::RequestVoteResponse { vote_granted, .. } => {
                Self::RequestVoteResponse { term, vote_granted }
            }
            Self::AppendEntries { .. } => Self::AppendEntries { term },
            Self::AppendEntriesResponse { .. } => Self::AppendEntriesResponse { term },
        }
    }

    /// Whether it asks, and so goes to every other server; if not, it answers one that did.
    pub const fn is_request(self) -> bool {
        match self {
            Self::RequestVote { .. } | Self::AppendEntries { .. } => true,
            Self::RequestVoteResponse { .. } | Self::AppendEntriesResponse { .. } => false,
        }
    }
}
