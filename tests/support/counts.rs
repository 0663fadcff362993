//! The expected counts, from `tests/counts.toml`.

use raft_model::cluster::Cluster;
use raft_model::reduce::Reductions;
use raft_model::search::Coverage;
use raft_model::types::Term;
use raft_model::world::bounds::{Bounds, Replies, Terms};
use serde::Deserialize;

/// A graph, by its bounds, and what it has to be like.
#[derive(Clone, Debug, Deserialize)]
pub struct Counts {
    pub servers: u8,
    pub max_term: u64,
    replies: RepliesName,
    /// The reductions that are on.
    #[serde(default)]
    reductions: Vec<ReductionName>,
    /// Whether it takes a release build, and patience.
    #[serde(default)]
    large: bool,
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ReductionName {
    Messages,
    Window,
    Symmetry,
}

impl Counts {
    pub fn bounds(&self) -> Bounds {
        Bounds {
            cluster: Cluster::new(self.servers).expect("counts.toml: servers"),
            terms: if self.reductions.contains(&ReductionName::Window) {
                Terms::Window(Term::new(self.max_term))
            } else {
                Terms::UpTo(Term::new(self.max_term))
            },
            replies: match self.replies {
                RepliesName::Useful => Replies::Useful,
                RepliesName::All => Replies::All,
            },
        }
    }

    pub fn reductions(&self) -> Reductions {
        Reductions {
            messages: self.reductions.contains(&ReductionName::Messages),
            symmetry: self.reductions.contains(&ReductionName::Symmetry),
        }
    }

    pub fn is_large(&self) -> bool {
        self.large
    }

    pub fn coverage(&self) -> Coverage {
        Coverage { states: self.states, edges: self.edges, depth: self.depth }
    }
}

/// The graph on which liveness is judged.
#[derive(Clone, Debug, Deserialize)]
pub struct LivenessCounts {
    pub servers: u8,
    pub window: u64,
    /// Whether it takes a release build, and patience.
    #[serde(default)]
    pub large: bool,
    pub states: usize,
    pub moves: usize,
}

#[derive(Deserialize)]
struct File {
    graph: Vec<Counts>,
    liveness: Vec<LivenessCounts>,
}

fn read() -> File {
    toml::from_str(include_str!("../counts.toml")).expect("counts.toml")
}

fn file() -> Vec<Counts> {
    read().graph
}

/// The graphs on which liveness is judged.
pub fn liveness() -> Vec<LivenessCounts> {
    read().liveness
}

/// The counts of the proof.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Proof {
    pub paths: usize,
    pub excluded: usize,
    pub obligations: usize,
    pub files: usize,
}

pub fn proof() -> Proof {
    #[derive(Deserialize)]
    struct File {
        proof: Proof,
    }
    toml::from_str::<File>(include_str!("../counts.toml")).expect("counts.toml").proof
}

/// All full graphs of the file.
pub fn all() -> Vec<Counts> {
    file().into_iter().filter(|counts| counts.reductions.is_empty()).collect()
}

/// All reduced graphs of the file.
pub fn reduced() -> Vec<Counts> {
    file().into_iter().filter(|counts| !counts.reductions.is_empty()).collect()
}

/// The full graph of these bounds.
pub fn of(bounds: &Bounds) -> Coverage {
    of_reduced(bounds, Reductions::NONE)
}

/// The graph of these bounds, so reduced.
pub fn of_reduced(bounds: &Bounds, reductions: Reductions) -> Coverage {
    let is_it = |counts: &Counts| counts.bounds() == *bounds && counts.reductions() == reductions;
    let found = file().into_iter().find(is_it);
    let found = found.unwrap_or_else(|| panic!("no graph for {bounds:?}, {reductions:?}"));
    found.coverage()
}
