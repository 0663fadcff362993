//! [`crate::cluster`] once more, for clusters of every size.

use super::types::ServerSet;

/// Some cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Cluster;

impl Cluster {
    /// Whether these votes elect. "Yes" means that they contain a quorum, and any two quorums share
    /// a server; "no" means nothing.
    #[expect(clippy::unused_self, reason = "the cluster is any cluster")]
    pub(super) fn is_quorum(self, votes: ServerSet) -> bool {
        votes.is_quorum()
    }
}
