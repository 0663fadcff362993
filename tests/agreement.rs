//! Two models of one specification: stateright's actors and the direct model have the same
//! reachable graph, state for state and labelled edge for labelled edge.

use graph::Graph;
use raft_model::actor::ActorElection;
use raft_model::mutant::Mutant;
use raft_model::search::{Coverage, search};
use raft_model::world::ElectionModel;
use raft_model::world::WorldModel;
use raft_model::world::bounds::Replies;
use raft_model::world::properties::{Property, SAFETY};
use stateright::Checker;
use support::bounds::up_to;
use support::{counts, graph};

#[test]
fn actors_and_worlds_have_the_same_graph() {
    for bounds in [
        up_to(2, 2, Replies::All),
        up_to(3, 1, Replies::All),
        up_to(2, 2, Replies::Useful),
        up_to(3, 1, Replies::Useful),
    ] {
        let actors = Graph::of("the actors", &ActorElection::new(bounds));
        let worlds = Graph::of("the worlds", &WorldModel::new(bounds));
        if let Some(difference) = actors.difference(&worlds) {
            panic!("{bounds:?}: {difference}");
        }
        assert_eq!(actors.coverage(), worlds.coverage());
    }
}

#[test]
fn a_difference_in_the_direct_model_is_reported() {
    let bounds = up_to(2, 2, Replies::All);
    let actors = Graph::of("the actors", &ActorElection::new(bounds));
    let mutant = Mutant::named("vote-given-twice").unwrap();
    let worlds = Graph::of("the worlds", &WorldModel { bounds, handlers: mutant.handlers });
    let difference = actors.difference(&worlds).expect("a server votes twice");
    assert!(difference.contains("only in the worlds: ReceiveRequestVote to"), "{difference}");
}

#[test]
fn a_difference_in_the_actor_model_is_reported() {
    // These actors leave out some replies.
    let actors = Graph::of("the actors", &ActorElection::new(up_to(3, 1, Replies::Useful)));
    let worlds = Graph::of("the worlds", &WorldModel::new(up_to(3, 1, Replies::All)));
    let difference = actors.difference(&worlds).expect("a refusal is missing");
    assert!(difference.contains("only in the worlds: Receive"), "{difference}");
}

#[test]
fn every_graph_has_its_expected_counts_and_is_safe() {
    let mut found = counts::Found::default();
    for counts in counts::all() {
        let bounds = counts.bounds();
        let findings = search(&WorldModel::new(bounds), &Property::of(&bounds), |_| ());
        assert!(findings.exhaustive && findings.hold(), "a property breaks: {bounds:?}");
        found.graph(&counts, findings.coverage);
    }
    found.settle();
}

#[test]
fn the_search_finds_on_actors_what_it_finds_on_worlds() {
    for bounds in [up_to(2, 2, Replies::All), up_to(3, 1, Replies::All)] {
        let findings = search(&ActorElection::new(bounds), &SAFETY, |_| ());
        assert_eq!(findings.coverage, counts::of(&bounds), "{bounds:?}");
        assert!(findings.exhaustive && findings.hold(), "{bounds:?}");
    }
}

/// Stateright's own breadth-first search, as a second opinion on ours. It counts every generated
/// edge, so that it says nothing of the distinct ones.
#[test]
fn stateright_itself_finds_the_same() {
    fn opinion<M>(model: M) -> (usize, usize)
    where
        M: ElectionModel + Send + Sync + 'static,
        M::State: Send + Sync,
    {
        let checker = model.checker().threads(1).spawn_bfs().join();
        assert!(checker.is_done());
        assert_eq!(checker.discoveries().len(), 0);
        (checker.unique_state_count(), checker.max_depth())
    }
    for bounds in [up_to(2, 2, Replies::All), up_to(3, 1, Replies::All)] {
        let Coverage { states, depth, .. } = counts::of(&bounds);
        assert_eq!(opinion(WorldModel::new(bounds)), (states, depth), "{bounds:?}, worlds");
        assert_eq!(opinion(ActorElection::new(bounds)), (states, depth), "{bounds:?}, actors");
    }
}
