//! The expected counts, from `tests/counts.toml`.

use raft_model::bounds::{Bounds, Replies};
use raft_model::search::Coverage;
use raft_model::types::{Cluster, Term};
use serde::Deserialize;

/// A graph, by its bounds, and what it has to be like.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Counts {
    pub(crate) servers: u8,
    pub(crate) max_term: u64,
    replies: RepliesName,
    states: usize,
    edges: usize,
    depth: usize,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RepliesName {
    Useful,
    All,
}

impl Counts {
    pub(crate) fn bounds(&self) -> Bounds {
        Bounds {
            cluster: Cluster::new(self.servers).expect("counts.toml: servers"),
            max_term: Term::new(self.max_term),
            replies: match self.replies {
                RepliesName::Useful => Replies::Useful,
                RepliesName::All => Replies::All,
            },
        }
    }

    pub(crate) fn coverage(&self) -> Coverage {
        Coverage { states: self.states, edges: self.edges, depth: self.depth }
    }
}

/// All graphs of the file.
pub(crate) fn all() -> Vec<Counts> {
    #[derive(Deserialize)]
    struct File {
        graph: Vec<Counts>,
    }
    toml::from_str::<File>(include_str!("../counts.toml")).expect("counts.toml").graph
}

/// The graph of these bounds.
#[allow(dead_code, reason = "not every test needs it")]
pub(crate) fn of(bounds: &Bounds) -> Coverage {
    let found = all().into_iter().find(|counts| counts.bounds() == *bounds);
    found.unwrap_or_else(|| panic!("counts.toml has no graph for {bounds:?}")).coverage()
}
