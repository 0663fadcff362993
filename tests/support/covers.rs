//! Whether check-quorum with free news covers both guards.

use std::collections::{HashSet, VecDeque};

use raft_model::cluster::{Cluster, Protocol};
use raft_model::election::{Role, State};
use raft_model::message::Message;
use raft_model::packed::Packed;
use raft_model::reduce::{PackedModel, Reductions};
use raft_model::world::World;
use raft_model::world::bounds::Bounds;

fn reachable<const W: usize>(model: &PackedModel<W>) -> HashSet<Packed<W>> {
    let mut reached = HashSet::from([model.initial()]);
    let mut todo = VecDeque::from([model.initial()]);
    while let Some(world) = todo.pop_front() {
        model.for_each_successor(&world, |_, _, after| {
            if reached.insert(after) {
                todo.push_back(after);
            }
        });
    }
    reached
}

/// The world without what only pre-vote has.
fn without_pre_votes(world: &World) -> World {
    let plain = |state: &State| match state.role {
        Role::PreCandidate { .. } => State { role: Role::FOLLOWER, ..*state },
        _ => *state,
    };
    let is_plain = |message: &Message| {
        !matches!(message, Message::PreVote { .. } | Message::PreVoteResponse { .. })
    };
    World {
        servers: world.servers.iter().map(plain).collect(),
        sent: world.sent.iter().filter(|sent| is_plain(&sent.message)).copied().collect(),
        ..world.clone()
    }
}

/// How many reduced worlds these bounds of both guards have, and one of them, if there is one, that
/// check-quorum with free news does not reach.
///
/// # Panics
///
/// If a world does not fit into `W` words.
pub fn not_covered<const W: usize>(bounds: Bounds) -> (usize, Option<World>) {
    let guarded = PackedModel::<W>::new(bounds, Reductions::GUARDED).expect("it fits");
    let cluster = Cluster::with(bounds.cluster.size(), Protocol::CHECK_QUORUM);
    let bounds = Bounds { cluster: cluster.expect("of that size"), ..bounds };
    let free = PackedModel::<W>::new(bounds, Reductions::FREE_NEWS).expect("it fits");
    let (worlds, covers) = (reachable(&guarded), reachable(&free));
    let missing = worlds.iter().map(|world| guarded.layout().unpack(world)).find(|world| {
        let plain = without_pre_votes(world);
        !covers.contains(&free.reduce(&plain))
    });
    (worlds.len(), missing)
}
