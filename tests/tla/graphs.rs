//! TLA+ and Rust have the same reachable graph, state for state and labelled edge for labelled
//! edge. (`cargo bench --bench tla` compares a larger one.)

use raft_model::mutant::Mutant;
use raft_model::world::WorldModel;
use raft_model::world::bounds::{Bounds, Replies};

use support::bounds::up_to;
use support::counts;
use support::graph::Graph;
use support::tlc::{Specification, is_ready};

fn in_tla(bounds: &Bounds) -> Specification {
    Specification::unchanged().within(bounds, "MCRaftElection.cfg")
}

fn assert_same_graph(bounds: Bounds) {
    if !is_ready() {
        return;
    }
    let tla = in_tla(&bounds).graph();
    let rust = Graph::of("Rust", &WorldModel::new(bounds));
    if let Some(difference) = tla.difference(&rust) {
        panic!("{bounds:?}: {difference}");
    }
    assert_eq!(tla.coverage(), counts::of(&bounds));
    assert_eq!(rust.coverage(), counts::of(&bounds));
}

#[test]
fn a_lone_server_has_one_graph() {
    assert_same_graph(up_to(1, 2, Replies::All));
}

#[test]
fn two_servers_up_to_term_2_have_one_graph() {
    assert_same_graph(up_to(2, 2, Replies::All));
}

#[test]
fn three_servers_in_term_1_have_one_graph() {
    assert_same_graph(up_to(3, 1, Replies::All));
}

#[test]
fn four_servers_in_term_1_have_one_graph() {
    assert_same_graph(up_to(4, 1, Replies::Useful));
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
        "       /\\ role[i] # \"Leader\"\n",
        "       /\\ role[i] = \"Candidate\"\n",
    );
    let rust = Graph::of("Rust", &WorldModel::new(bounds));
    let difference = tla.graph().difference(&rust).expect("followers answer no heartbeat");
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
    let difference = in_tla(&bounds).graph().difference(&rust).expect("a server votes twice");
    assert!(difference.contains("only in Rust: ReceiveRequestVote to"), "{difference}");
    assert!(difference.contains("only in TLA+: ReceiveRequestVote to"), "{difference}");
}
