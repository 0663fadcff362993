//! Bounds in few words.

use raft_model::cluster::{Cluster, Protocol};
use raft_model::election::Server;
use raft_model::types::{ServerId, Term};
use raft_model::world::bounds::{Bounds, Limits, Replies, Terms};

fn bounds(servers: u8, terms: Terms, replies: Replies) -> Bounds {
    let cluster = Cluster::new(servers).expect("a cluster can have this size");
    Bounds::new(cluster, terms, replies)
}

/// A server of a cluster, as patient as [`Limits::SMALL`](raft_model::world::bounds::Limits) has
/// it.
pub fn server(id: ServerId, cluster: Cluster) -> Server {
    Bounds::new(cluster, Terms::UpTo(Term::new(1)), Replies::All).server(id)
}

/// So many servers, whose elections start in terms up to this one.
pub fn up_to(servers: u8, max_term: u64, replies: Replies) -> Bounds {
    bounds(servers, Terms::UpTo(Term::new(max_term)), replies)
}

/// Such servers, whose elections start in terms up to this one, with these limits.
pub fn guarded(
    protocol: Protocol,
    servers: u8,
    max_term: u64,
    replies: Replies,
    limits: Limits,
) -> Bounds {
    let cluster = Cluster::with(servers, protocol).expect("a cluster can have this size");
    Bounds { limits, ..Bounds::new(cluster, Terms::UpTo(Term::new(max_term)), replies) }
}

/// So many servers in a window of so many terms.
pub fn window(servers: u8, window: u64, replies: Replies) -> Bounds {
    bounds(servers, Terms::Window(Term::new(window)), replies)
}
