//! Bounds in few words.

use raft_model::cluster::Cluster;
use raft_model::types::Term;
use raft_model::world::bounds::{Bounds, Replies, Terms};

fn bounds(servers: u8, terms: Terms, replies: Replies) -> Bounds {
    let cluster = Cluster::new(servers).expect("a cluster can have this size");
    Bounds { cluster, terms, replies }
}

/// So many servers, whose elections start in terms up to this one.
pub fn up_to(servers: u8, max_term: u64, replies: Replies) -> Bounds {
    bounds(servers, Terms::UpTo(Term::new(max_term)), replies)
}

/// So many servers in a window of so many terms.
pub fn window(servers: u8, window: u64, replies: Replies) -> Bounds {
    bounds(servers, Terms::Window(Term::new(window)), replies)
}
