//! [`crate::cluster`] once more, for clusters of every size.

use super::oracle::Symbol;
use super::types::{ServerId, ServerSet};

/// How its servers elect: by any of the protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Protocol;

impl Protocol {
    /// Whether they ask before they campaign: perhaps.
    #[expect(clippy::unused_self, reason = "the protocol is any protocol")]
    pub(super) fn pre_vote(self) -> bool {
        Symbol::named("pre_vote").is_on()
    }

    /// Whether they stay in contact: perhaps.
    #[expect(clippy::unused_self, reason = "the protocol is any protocol")]
    pub(super) fn check_quorum(self) -> bool {
        Symbol::named("check_quorum").is_on()
    }
}

/// Some cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Cluster;

impl Cluster {
    /// How its servers elect.
    #[expect(clippy::unused_self, reason = "the cluster is any cluster")]
    pub(super) fn protocol(self) -> Protocol {
        Protocol
    }

    /// Whether this server never campaigns: perhaps.
    #[expect(clippy::unused_self, reason = "the cluster is any cluster")]
    pub(super) fn is_witness(self, server: ServerId) -> bool {
        Symbol::named(&format!("(is_witness {server:?})")).is_on()
    }

    /// Whether these are all servers. "Yes" means it; "no" means nothing.
    #[expect(clippy::unused_self, reason = "the cluster is any cluster")]
    pub(super) fn is_everybody(self, servers: ServerSet) -> bool {
        servers.is_everybody()
    }

    /// Whether these votes elect. "Yes" means that they contain a quorum, and any two quorums share
    /// a server; "no" means nothing.
    #[expect(clippy::unused_self, reason = "the cluster is any cluster")]
    pub(super) fn is_quorum(self, votes: ServerSet) -> bool {
        votes.is_quorum()
    }
}
