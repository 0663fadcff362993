//! Two models of one specification: stateright's actors and the direct model have the same
//! reachable graph, state for state and labelled edge for labelled edge.

#[path = "support/counts.rs"]
mod counts;

use std::collections::{HashSet, VecDeque};

use raft_model::action::Action;
use raft_model::actor::ActorElection;
use raft_model::bounds::{Bounds, Replies};
use raft_model::mutant::Mutant;
use raft_model::properties::SAFETY;
use raft_model::search::{Coverage, ElectionModel, search};
use raft_model::types::{Cluster, ServerId, Term};
use raft_model::world::{World, WorldModel};
use stateright::Checker;

/// What can be reached, in terms of worlds.
struct Graph {
    initial: HashSet<World>,
    worlds: HashSet<World>,
    edges: HashSet<(World, ServerId, Action, World)>,
}

impl Graph {
    fn of<M: ElectionModel>(model: &M) -> Self {
        let world = |state: &M::State| model.world(state).into_owned();
        let mut todo: VecDeque<M::State> = model.init_states().into();
        let initial: HashSet<World> = todo.iter().map(world).collect();
        let (mut worlds, mut edges) = (initial.clone(), HashSet::new());
        while let Some(state) = todo.pop_front() {
            for (a_move, after) in model.next_steps(&state) {
                edges.insert((world(&state), a_move.server, a_move.action, world(&after)));
                if worlds.insert(world(&after)) {
                    todo.push_back(after);
                }
            }
        }
        Self { initial, worlds, edges }
    }

    /// The first difference to another graph, in words; `None` if there is none.
    fn difference(&self, other: &Self) -> Option<String> {
        let only = |side: &str, here: &Self, there: &Self| {
            if let Some(world) = here.initial.difference(&there.initial).next() {
                return Some(format!("only {side} starts in\n{world}"));
            }
            // Of all edges that only one side has, one from a world that both have says most.
            let mut edges = here.edges.difference(&there.edges);
            let (before, server, action, after) =
                edges.find(|(before, ..)| there.worlds.contains(before))?;
            Some(format!("in\n{before}only {side} has {server} {action} to\n{after}"))
        };
        only("the left", self, other).or_else(|| only("the right", other, self))
    }
}

fn bounds(servers: u8, max_term: u64, replies: Replies) -> Bounds {
    Bounds { cluster: Cluster::new(servers).unwrap(), max_term: Term::new(max_term), replies }
}

#[test]
fn actors_and_worlds_have_the_same_graph() {
    for bounds in [
        bounds(2, 2, Replies::All),
        bounds(3, 1, Replies::All),
        bounds(2, 2, Replies::Useful),
        bounds(3, 1, Replies::Useful),
    ] {
        let actors = Graph::of(&ActorElection::new(bounds));
        let worlds = Graph::of(&WorldModel::new(bounds));
        if let Some(difference) = actors.difference(&worlds) {
            panic!("{bounds:?}: {difference}");
        }
        assert_eq!(actors.worlds.len(), worlds.worlds.len());
        assert_eq!(actors.edges.len(), worlds.edges.len());
    }
}

#[test]
fn a_difference_in_the_direct_model_is_reported() {
    let bounds = bounds(2, 2, Replies::All);
    let actors = Graph::of(&ActorElection::new(bounds));
    let mutant = Mutant::named("vote-given-twice").unwrap();
    let worlds = Graph::of(&WorldModel { bounds, handlers: mutant.handlers });
    let difference = actors.difference(&worlds).expect("a server votes twice");
    assert!(difference.contains("ReceiveRequestVote to"), "{difference}");
}

#[test]
fn a_difference_in_the_actor_model_is_reported() {
    // These actors leave out some replies.
    let actors = Graph::of(&ActorElection::new(bounds(3, 1, Replies::Useful)));
    let worlds = Graph::of(&WorldModel::new(bounds(3, 1, Replies::All)));
    let difference = actors.difference(&worlds).expect("a refusal is missing");
    assert!(difference.contains("only the left has S"), "{difference}");
}

#[test]
fn every_graph_has_its_expected_counts_and_is_safe() {
    for counts in counts::all() {
        let bounds = counts.bounds();
        let findings = search(&WorldModel::new(bounds), &SAFETY, |_| ());
        assert_eq!(findings.coverage, counts.coverage(), "{bounds:?}");
        assert!(findings.exhaustive && findings.hold(), "{bounds:?}");
    }
}

#[test]
fn the_search_finds_on_actors_what_it_finds_on_worlds() {
    for bounds in [bounds(2, 2, Replies::All), bounds(3, 1, Replies::All)] {
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
    for bounds in [bounds(2, 2, Replies::All), bounds(3, 1, Replies::All)] {
        let Coverage { states, depth, .. } = counts::of(&bounds);
        assert_eq!(opinion(WorldModel::new(bounds)), (states, depth), "{bounds:?}, worlds");
        assert_eq!(opinion(ActorElection::new(bounds)), (states, depth), "{bounds:?}, actors");
    }
}
