//! What takes nothing away is done at once, and hides no step from a property.

use std::collections::HashSet;
use std::sync::Arc;

use raft_model::cluster::Protocol;
use raft_model::message::Message;
use raft_model::mutant::Mutant;
use raft_model::reduce::{PackedModel, Reduce, Reductions, SeenStep, seen_steps};
use raft_model::search::parallel::{self, Crew};
use raft_model::search::{Control, Keys, Verdict};
use raft_model::world::bounds::{Bounds, Limits, Replies};
use raft_model::world::properties::Property;
use support::bounds::guarded;

type Model = PackedModel<4>;

const ALL: Limits = Limits { leases: true, hand_over: true, ..Limits::SMALL };

fn bounds(protocol: Protocol, servers: u8, max_term: u64) -> Bounds {
    let limits = Limits { leases: protocol.check_quorum(), ..ALL };
    guarded(protocol, servers, max_term, Replies::All, limits)
}

/// Servers are told apart: so what is seen of two graphs can be compared as it is.
fn model(bounds: Bounds, reductions: Reductions) -> Model {
    Model::new(bounds, Reductions { symmetry: false, ..reductions }).unwrap()
}

/// What properties see in the plain graph, and what they see in the one with so reduced worlds, in
/// which things are done at once.
fn seen(bounds: Bounds, reduce: Reduce<4>) -> [HashSet<SeenStep>; 2] {
    let plain = model(bounds, Reductions::GUARDED);
    let at_once = model(bounds, Reductions::SAFETY).reducing_with(reduce);
    [seen_steps(&plain, &plain), seen_steps(&at_once, &plain)]
}

#[test]
fn properties_see_the_same_steps() {
    let steps = [
        bounds(Protocol::PRE_VOTE, 3, 1),
        bounds(Protocol::PRE_VOTE, 2, 2),
        bounds(Protocol::CHECK_QUORUM, 2, 2),
        bounds(Protocol::CHECK_QUORUM, 3, 1),
        bounds(Protocol::CHECK_QUORUM, 4, 1),
        bounds(Protocol::GUARDED, 2, 2),
        bounds(Protocol::GUARDED, 3, 1),
    ]
    .map(|bounds| {
        let [plain, at_once] = seen(bounds, Reductions::reduce);
        assert_eq!(plain.difference(&at_once).next(), None, "hidden: {bounds:?}");
        assert_eq!(at_once.difference(&plain).next(), None, "invented: {bounds:?}");
        plain.len()
    });
    assert_eq!(steps, [378, 182, 156, 414, 1508, 182, 561]);
}

// What follows is wrong on purpose, to see that the comparison notices.

#[test]
fn a_yes_that_is_forgotten_hides_elections() {
    let reduce: Reduce<4> = |reductions, bounds, layout, world| {
        let world = reductions.reduce(bounds, layout, world);
        layout.keeping(&world, |envelope| {
            !matches!(envelope.message, Message::PreVoteResponse { vote_granted: true, .. })
        })
    };
    let [plain, at_once] = seen(bounds(Protocol::GUARDED, 3, 1), reduce);
    assert!(plain.difference(&at_once).next().is_some(), "nobody is elected by one server");
}

#[test]
fn a_vote_that_is_taken_back_is_invented() {
    let reduce: Reduce<4> = |reductions, bounds, layout, world| {
        let mut reduced = reductions.reduce(bounds, layout, world);
        for id in bounds.cluster.servers() {
            let mut state = layout.state(&reduced, id);
            state.ballot.voted_for = None;
            layout.set_state(&mut reduced, id, state);
        }
        reduced
    };
    let [plain, at_once] = seen(bounds(Protocol::CHECK_QUORUM, 3, 1), reduce);
    assert!(at_once.difference(&plain).next().is_some(), "votes are given twice");
}

/// Elections that are wrong on purpose break what they break, and the shortest way there is told
/// step by step: what was done at once has steps of its own in it.
#[test]
fn what_breaks_still_breaks_and_is_told_in_as_few_steps() {
    for (name, steps) in [("votes-count-as-answers", 9), ("vote-granted-in-contact", 12)] {
        let mutant = Mutant::named(name).expect("it is in the catalogue");
        let bounds = bounds(mutant.protocol, 3, 2);
        let model = Model::new(bounds, Reductions::SAFETY).unwrap().driven_by(mutant.handlers);
        let model = Arc::new(model);
        let crew = Crew { workers: 1, peers: None, keys: Keys::Exact };
        let control = Arc::new(Control::default());
        let judged = [Property::LeaseSafety];
        let outcome = parallel::search(&model, &judged, &crew, &control).expect("one process");
        assert_eq!(outcome.violated, [true], "{name}");
        let findings = outcome.findings(&model, &judged, &control);
        let Verdict::Violated(run) = &findings.verdicts[0].1 else { panic!("{name}: untold") };
        assert_eq!(run.moves.len(), steps, "{name}: {run}");
    }
}
