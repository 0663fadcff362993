//! What a server did.

use raft_model::election::{Role, Rule};
use raft_model::trace::Record;

/// One step of one server, as it has recorded it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The number of the server.
    pub server: usize,
    /// The step.
    pub record: Record,
}

impl Step {
    /// The term in which the server is afterwards.
    pub fn term(&self) -> u64 {
        self.record.step.state.ballot.current_term.number()
    }

    /// Whether it is a step by this rule.
    pub fn is(&self, rule: Rule) -> bool {
        self.record.step.rule == rule
    }

    /// Whether the server follows afterwards.
    pub fn is_follower(&self) -> bool {
        matches!(self.record.step.state.role, Role::Follower { .. })
    }

    /// Whether the server leads afterwards.
    pub fn is_leader(&self) -> bool {
        self.record.step.state.role.is_leader()
    }
}
