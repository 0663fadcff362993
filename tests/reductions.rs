//! Packed worlds are the worlds, and reductions keep what they can do.

use std::collections::{BTreeSet, HashSet, VecDeque};
use support::bounds::{up_to, window};
use support::counts;

use raft_model::action::{Action, Envelope};
use raft_model::message::Message;
use raft_model::packed::Packed;
use raft_model::reduce::{Difference, PackedModel, Reduce, Reductions, bisimulation};
use raft_model::types::Term;
use raft_model::world::WorldModel;
use raft_model::world::bounds::{Bounds, Replies};

type Model = PackedModel<4>;

/// Every packed world that a model can reach.
fn reachable(model: &Model) -> HashSet<Packed<4>> {
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

#[test]
fn a_packed_world_is_the_world_and_does_what_it_does() {
    for counts in counts::all() {
        let bounds = counts.bounds();
        let (model, worlds) =
            (Model::new(bounds, Reductions::NONE).unwrap(), WorldModel::new(bounds));
        let reached = reachable(&model);
        assert_eq!(reached.len(), counts.coverage().states, "{bounds:?}");
        let mut edges = 0;
        for packed in &reached {
            let world = model.layout().unpack(packed);
            assert_eq!(model.layout().pack::<4>(&world), *packed);
            let expected: BTreeSet<(Action, Packed<4>)> = worlds
                .successors(&world)
                .into_iter()
                .map(|(a_move, after)| (a_move.action, model.layout().pack(&after)))
                .collect();
            let mut found = BTreeSet::new();
            model.for_each_successor(packed, |a_move, after, _| {
                found.insert((a_move.action, after));
            });
            assert_eq!(found, expected, "{world}");
            edges += found.len();
        }
        assert_eq!(edges, counts.coverage().edges, "{bounds:?}");
    }
}

/// The bounds at which the raw graph is small enough to look at every world.
const SMALL: [(u8, u64, Replies); 4] =
    [(2, 3, Replies::All), (3, 1, Replies::All), (4, 1, Replies::All), (3, 2, Replies::Useful)];

/// Compares what worlds can do with what the worlds that stand for them can do.
fn compare(bounds: Bounds, reductions: Reductions, reduce: Reduce<4>) -> Option<Difference> {
    let last = bounds.terms.last();
    // A window goes on beyond its first terms, and so must the raw model.
    let raw = Model::with_room(bounds, Reductions::NONE, last.next().unwrap()).unwrap();
    let reduced = Model::new(bounds, reductions).unwrap().reducing_with(reduce);
    bisimulation(&raw, &reduced, last).1
}

fn check(bounds: impl Fn(u8, u64, Replies) -> Bounds, reductions: Reductions) {
    for (servers, terms, replies) in SMALL {
        let bounds = bounds(servers, terms, replies);
        if let Some(difference) = compare(bounds, reductions, Reductions::reduce) {
            panic!("{bounds:?}: {difference:#?}");
        }
    }
}

#[test]
fn dead_messages_do_not_matter() {
    check(up_to, Reductions::MESSAGES);
}

#[test]
fn names_do_not_matter() {
    check(up_to, Reductions { symmetry: true, ..Reductions::NONE });
}

#[test]
fn neither_messages_nor_names_matter() {
    check(up_to, Reductions::EXACT);
}

#[test]
fn the_lowest_term_does_not_matter() {
    check(window, Reductions::MESSAGES);
}

#[test]
fn all_reductions_together_are_exact() {
    check(window, Reductions::EXACT);
}

// What follows is wrong on purpose, to see that the comparison notices.

#[test]
fn a_message_that_is_dropped_too_early_is_noticed() {
    let reduce: Reduce<4> = |reductions, bounds, layout, world| {
        let world = reductions.reduce(bounds, layout, world);
        layout.keeping(&world, |Envelope { from, message, .. }| {
            // As if only those could follow a leader who are in its term already.
            let Message::AppendEntries { term, .. } = message else { return true };
            let mut others = bounds.cluster.others(from);
            others.all(|id| layout.state(&world, id).ballot.current_term >= term)
        })
    };
    let difference =
        compare(up_to(3, 1, Replies::All), Reductions::MESSAGES, reduce).expect("noticed");
    assert!(!difference.lost.is_empty(), "{difference:#?}");
}

/// A stale request seems to be dead, but can still draw a refusal of a newer term.
#[test]
fn a_stale_request_that_is_dropped_is_noticed() {
    let reduce: Reduce<4> = |reductions, bounds, layout, world| {
        let world = reductions.reduce(bounds, layout, world);
        layout.keeping(&world, |envelope| envelope.message.term() > Term::ZERO)
    };
    let difference =
        compare(up_to(2, 3, Replies::All), Reductions::MESSAGES, reduce).expect("noticed");
    assert!(!difference.lost.is_empty(), "{difference:#?}");
}

#[test]
fn a_shift_of_terms_that_forgets_the_servers_is_noticed() {
    let reduce: Reduce<4> = |reductions, bounds, layout, world| {
        let mut shifted = reductions.reduce(bounds, layout, world);
        for id in bounds.cluster.servers() {
            layout.set_state(&mut shifted, id, layout.state(world, id));
        }
        shifted
    };
    assert!(compare(window(2, 3, Replies::All), Reductions::MESSAGES, reduce).is_some());
}

#[test]
fn a_renaming_that_forgets_votes_is_noticed() {
    let reduce: Reduce<4> = |reductions, bounds, layout, world| {
        let mut renamed = reductions.reduce(bounds, layout, world);
        for id in bounds.cluster.servers() {
            let mut state = layout.state(&renamed, id);
            state.ballot.voted_for = layout.state(world, id).ballot.voted_for;
            layout.set_state(&mut renamed, id, state);
        }
        renamed
    };
    let reductions = Reductions { symmetry: true, ..Reductions::NONE };
    assert!(compare(up_to(3, 1, Replies::All), reductions, reduce).is_some());
}
