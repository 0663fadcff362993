//! Witnesses: they vote and never campaign, wherever in the cluster they are.

use std::sync::Arc;

use raft_model::cluster::{Cluster, Protocol};
use raft_model::election::{Ballot, Event, Outgoing, Role, Rule, Server, State};
use raft_model::message::Message;
use raft_model::mutant::{Catch, MUTANTS};
use raft_model::reduce::{PackedModel, Reductions};
use raft_model::search::parallel::{self, Crew};
use raft_model::search::{Keys, Outcome};
use raft_model::types::{Attempt, Beats, Round, ServerId, ServerSet, Term};
use raft_model::world::Handlers;
use raft_model::world::bounds::{Bounds, Limits, Replies, Terms};
use raft_model::world::properties::Property;
use support::bounds;

fn id(number: u8) -> ServerId {
    ServerId::new(number).unwrap()
}

/// Three servers behind both guards, of which this one is a witness.
fn cluster(witness: u8) -> Cluster {
    let cluster = Cluster::with(3, Protocol::GUARDED).unwrap();
    cluster.with_witnesses(ServerSet::only(id(witness))).unwrap()
}

fn witness() -> Server {
    bounds::server(id(3), cluster(3))
}

/// A server in term 1 that has voted for S1.
fn state(role: Role) -> State {
    State { ballot: Ballot { current_term: Term::new(1), voted_for: Some(id(1)) }, role }
}

const TIMEOUT: Event = Event::Timeout { attempt: Attempt::FIRST };

fn order(term: u64) -> Event {
    Event::Receive { from: id(1), message: Message::HandOver { term: Term::new(term) } }
}

#[test]
fn its_timer_ends_contact_and_nothing_else() {
    let before = state(Role::Follower { contact: true });
    let lost = witness().step(before, TIMEOUT);
    assert_eq!((lost.rule, lost.state.role), (Rule::ContactLost, Role::FOLLOWER));
    let waits = witness().step(lost.state, TIMEOUT);
    assert_eq!((waits.rule, waits.state), (Rule::WitnessWaits, lost.state));
    assert_eq!((waits.persist, waits.outgoing), (false, Outgoing::Nothing));
    assert!(waits.restart_timer, "it goes on waiting");
}

#[test]
fn it_takes_over_from_nobody() {
    let before = state(Role::Follower { contact: true });
    for (term, now) in [(1, 1), (2, 2)] {
        let step = witness().step(before, order(term));
        assert_eq!((step.rule, step.outgoing), (Rule::HandOverIgnored, Outgoing::Nothing));
        assert_eq!(step.state.ballot.current_term, Term::new(now));
        assert_eq!(step.state.role, before.role);
    }
}

#[test]
fn nobody_hands_over_to_it() {
    let round = Round::FIRST;
    let answered = [id(1), id(2)].into_iter().collect();
    let leads = state(Role::Leader { round, answered, beats: Beats::ZERO });
    let leader = bounds::server(id(1), cluster(3));
    let step = leader.step(leads, Event::HandOver { to: id(3) });
    assert_eq!((step.rule, step.state), (Rule::HandOverIgnored, leads));
    let step = leader.step(leads, Event::HandOver { to: id(2) });
    assert_eq!(step.rule, Rule::HandedOver);
}

/// The catalogue says that this file notices them.
#[test]
fn who_does_not_know_that_it_is_a_witness_is_noticed() {
    let mut names = Vec::new();
    for mutant in MUTANTS.iter().filter(|mutant| mutant.caught_by == Catch::Test("witness")) {
        let Handlers { step, .. } = mutant.handlers;
        let noticed: Vec<_> = [
            (Role::FOLLOWER, TIMEOUT),
            (Role::FOLLOWER, order(1)),
            (Role::Follower { contact: true }, order(2)),
        ]
        .into_iter()
        .filter(|&(role, event)| {
            let taken = step(&witness(), state(role), event);
            matches!(taken.state.role, Role::Candidate { .. }) && taken.persist
        })
        .map(|(_, event)| matches!(event, TIMEOUT))
        .collect();
        names.push((mutant.name, noticed));
        // Nobody else does anything of the kind.
        let other = bounds::server(id(2), cluster(3));
        for (role, event) in [(Role::FOLLOWER, TIMEOUT), (Role::FOLLOWER, order(1))] {
            assert_eq!(step(&other, state(role), event), other.step(state(role), event));
        }
    }
    let expected = [("witness-campaigns", vec![true]), ("witness-takes-over", vec![false, false])];
    assert_eq!(names, expected);
}

/// States and edges of three servers in term 1, which may be told to hand over.
fn size(witness: u8, reductions: Reductions) -> (usize, usize) {
    let limits = Limits { hand_over: true, leases: true, ..Limits::SMALL };
    let terms = Terms::UpTo(Term::new(1));
    let bounds = Bounds { limits, ..Bounds::new(cluster(witness), terms, Replies::All) };
    let model = PackedModel::<4>::new(bounds, reductions).expect("it fits");
    let (properties, crew) =
        (Property::of(&bounds), Crew { workers: 1, peers: None, keys: Keys::Exact });
    let found = parallel::search(&Arc::new(model), &properties, &crew, &Arc::default());
    let Outcome { exhaustive, violated, coverage, .. } = found.expect("one process");
    assert!(exhaustive && !violated.contains(&true));
    (coverage.states, coverage.edges)
}

#[test]
fn its_place_in_the_cluster_does_not_matter() {
    for reductions in [Reductions::MESSAGES, Reductions::EXACT, Reductions::GUARDED] {
        let sizes = [1, 2, 3].map(|witness| size(witness, reductions));
        assert_eq!(sizes, [sizes[0]; 3], "{reductions:?}");
    }
    let [each, one] = [Reductions::MESSAGES, Reductions::EXACT].map(|on| size(3, on).0);
    assert!(
        one < each && each < 2 * one,
        "two servers can exchange names, not three: {one}, {each}"
    );
}
