//! TLA+ and Rust have the same reachable graph, state for state and labelled edge for labelled
//! edge. (`cargo bench --bench tla` compares larger ones.)

use raft_model::cluster::Protocol;
use raft_model::mutant::Mutant;
use raft_model::world::WorldModel;
use raft_model::world::bounds::{Bounds, Replies};

use support::bounds::up_to;
use support::counts;
use support::graph::Graph;
use support::tlc::{LARGE, Specification, config, is_ready};

fn in_tla(bounds: &Bounds) -> Specification {
    Specification::unchanged().within(bounds, config(bounds))
}

/// Each full graph of `counts.toml` with this protocol, but those that take minutes.
fn assert_same_graphs(protocol: Protocol) {
    if !is_ready() {
        return;
    }
    let mut found = counts::Found::default();
    for counts in counts::full() {
        let bounds = counts.bounds();
        if bounds.cluster.protocol() != protocol || counts.coverage().states > LARGE {
            continue;
        }
        let tla = in_tla(&bounds).graph(config(&bounds));
        let rust = Graph::of("Rust", &WorldModel::new(bounds));
        if let Some(difference) = tla.difference(&rust) {
            panic!("{bounds:?}: {difference}");
        }
        assert_eq!(tla.coverage(), rust.coverage(), "{bounds:?}");
        found.graph(&counts, rust.coverage());
    }
    found.settle();
}

#[test]
fn figure_2_has_one_graph() {
    assert_same_graphs(Protocol::FIGURE2);
}

#[test]
fn pre_vote_has_one_graph() {
    assert_same_graphs(Protocol::PRE_VOTE);
}

#[test]
fn check_quorum_has_one_graph() {
    assert_same_graphs(Protocol::CHECK_QUORUM);
}

#[test]
fn both_guards_have_one_graph() {
    assert_same_graphs(Protocol::GUARDED);
}

#[test]
fn a_guard_that_is_changed_in_tla_is_reported() {
    if !is_ready() {
        return;
    }
    let bounds = up_to(2, 2, Replies::All);
    let tla = in_tla(&bounds).change(
        "RaftElection.tla",
        1,
        "       /\\ ~IsLeader(i)\n",
        "       /\\ IsCandidate(i)\n",
    );
    let rust = Graph::of("Rust", &WorldModel::new(bounds));
    let difference =
        tla.graph(config(&bounds)).difference(&rust).expect("followers answer no heartbeat");
    assert!(difference.contains("only in Rust: ReceiveAppendEntries to"), "{difference}");
    assert!(!difference.contains("only in TLA+"), "{difference}");
}

#[test]
fn a_step_that_is_changed_in_rust_is_reported() {
    if !is_ready() {
        return;
    }
    let bounds = up_to(2, 1, Replies::All);
    let mutant = Mutant::named("vote-given-twice").unwrap();
    let rust = Graph::of("Rust", &WorldModel { bounds, handlers: mutant.handlers });
    let difference =
        in_tla(&bounds).graph(config(&bounds)).difference(&rust).expect("a server votes twice");
    assert!(difference.contains("only in Rust: ReceiveRequestVote to"), "{difference}");
    assert!(difference.contains("only in TLA+: ReceiveRequestVote to"), "{difference}");
}
