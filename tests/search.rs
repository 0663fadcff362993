//! However a graph is searched, it is the same graph: by either engine, one worker or several, in
//! one process or in several, with exact keys or fingerprints, under each of the reductions.

use std::sync::Arc;
use support::bounds::up_to;
use support::counts;

use raft_model::actor::ActorElection;
use raft_model::mutant::Mutant;
use raft_model::reduce::PackedModel;
use raft_model::reduce::Reductions;
use raft_model::search::parallel::Crew;
use raft_model::search::{Control, Keys, Outcome, Stop, Verdict, parallel, search, second_opinion};
use raft_model::world::WorldModel;
use raft_model::world::bounds::Replies;
use raft_model::world::properties::{Property, SAFETY};

type Model = PackedModel<4>;

fn crew(workers: usize, keys: Keys) -> Crew {
    Crew { workers, peers: None, keys }
}

fn search_with(model: &Arc<Model>, crew: &Crew) -> Outcome {
    parallel::search(model, &SAFETY, crew, &Arc::default()).expect("one process")
}

#[test]
fn the_full_graph_is_the_one_that_worlds_have() {
    for bounds in [up_to(1, 2, Replies::All), up_to(2, 2, Replies::All), up_to(3, 1, Replies::All)]
    {
        let expected = search(&WorldModel::new(bounds), &SAFETY, |_| ());
        let model = Arc::new(Model::new(bounds, Reductions::NONE).unwrap());
        for workers in [1, 2, 3] {
            let found = search_with(&model, &crew(workers, Keys::Exact)).findings(
                &model,
                &SAFETY,
                &Control::default(),
            );
            assert_eq!(found.coverage, expected.coverage, "{bounds:?}, {workers} workers");
            assert_eq!(found.levels, expected.levels, "{bounds:?}, {workers} workers");
            assert!(found.exhaustive && found.hold(), "{bounds:?}, {workers} workers");
        }
    }
}

#[test]
fn engines_workers_and_keys_agree_under_every_reduction() {
    let mut found = counts::Found::default();
    for counts in counts::reduced() {
        let (bounds, reductions) = (counts.bounds(), counts.reductions());
        if counts.is_large() {
            continue;
        }
        let model = Arc::new(Model::new(bounds, reductions).unwrap());
        let one = search_with(&model, &crew(1, Keys::Exact));
        found.graph(&counts, one.coverage);
        assert_eq!(one.levels.iter().sum::<usize>(), one.coverage.states);
        assert!(one.exhaustive && !one.violated.contains(&true), "{bounds:?} {reductions:?}");
        let two = search_with(&model, &crew(2, Keys::Fingerprints));
        assert_eq!(two.coverage, one.coverage, "{bounds:?} {reductions:?}");
        assert_eq!(two.levels, one.levels, "{bounds:?} {reductions:?}");
        let opinion =
            second_opinion::ask_stateright(Model::clone(&model), &SAFETY, 1, &Control::default());
        assert!(opinion.exhaustive, "{bounds:?} {reductions:?}");
        assert_eq!(
            (opinion.coverage.states, opinion.coverage.depth),
            (one.coverage.states, one.coverage.depth),
            "{bounds:?} {reductions:?}"
        );
    }
    found.settle();
}

/// In packed worlds every ballot is on its disk: so a step that forgets to write it has no world.
#[test]
#[should_panic(expected = "forgot to persist")]
fn packed_worlds_refuse_a_step_that_forgets_its_ballot() {
    let model = Model::new(up_to(2, 1, Replies::All), Reductions::NONE).unwrap();
    let model = model.driven_by(Mutant::named("own-vote-not-persisted").unwrap().handlers);
    model.for_each_successor(&model.initial(), |_, _, _| ());
}

/// Nothing is packed there, and nothing reduced; stateright's actors even have another network.
#[test]
fn stateright_says_the_same_of_whole_worlds() {
    let ask = |bounds| {
        let control = Control::default();
        let worlds = second_opinion::ask_stateright_of_worlds(WorldModel::new(bounds), 1, &control);
        let actors =
            second_opinion::ask_stateright_of_worlds(ActorElection::new(bounds), 1, &control);
        [worlds, actors]
    };
    let is_small = |counts: &counts::Counts| counts.coverage().states < 10_000;
    // What stateright is asked about is of servers that keep their disks.
    let keeps_disks = |counts: &counts::Counts| counts.bounds().lost_disks.is_empty();
    for counts in counts::all().into_iter().filter(is_small).filter(keeps_disks) {
        let bounds = counts.bounds();
        // What an actor sends to everybody else leaves no trace where there is nobody else.
        let models = if bounds.cluster.size() == 1 { 1 } else { 2 };
        for opinion in ask(bounds).into_iter().take(models) {
            assert!(opinion.exhaustive, "{bounds:?}");
            assert_eq!(opinion.coverage.states, counts.coverage().states, "{bounds:?}");
            assert_eq!(opinion.coverage.depth, counts.coverage().depth, "{bounds:?}");
        }
    }
}

/// Each property of its own, on whole worlds: by our search, and by stateright's.
#[test]
fn stateright_sees_each_property_break() {
    for (property, mutant, servers, max_term) in [
        (Property::ElectionSafety, "vote-given-twice", 2, 1),
        (Property::VoteOncePerTerm, "vote-forgotten-on-restart", 2, 1),
        (Property::LeaderHasQuorum, "no-step-down", 2, 2),
        (Property::TermNeverDecreases, "disk-forgotten-on-restart", 2, 1),
    ] {
        let handlers = Mutant::named(mutant).expect("it is in the catalogue").handlers;
        let model = WorldModel { bounds: up_to(servers, max_term, Replies::All), handlers };
        let ours = search(&model, &[property], |_| ());
        assert!(ours.is_violated(), "{property} holds of {mutant}");
        let opinion = second_opinion::ask_stateright_of_worlds(model, 1, &Control::default());
        let number = SAFETY.iter().position(|other| *other == property).unwrap();
        assert!(opinion.violated[number], "stateright says that {property} holds of {mutant}");
    }
}

/// A mistake that keeps the reductions exact: it does not look at names, and dead messages stay
/// dead.
fn mistaken(reductions: Reductions) -> Arc<Model> {
    let mutant = Mutant::named("half-is-a-quorum").unwrap();
    let model = Model::new(up_to(4, 1, Replies::All), reductions).unwrap();
    Arc::new(model.driven_by(mutant.handlers))
}

#[test]
fn a_violation_under_reductions_is_told_of_real_servers_and_messages() {
    let property = Property::LeaderHasQuorum;
    let (full, handlers) = (up_to(4, 1, Replies::All), mistaken(Reductions::NONE).handlers());
    let expected = search(&WorldModel { bounds: full, handlers }, &[property], |_| ());
    let (_, expected) = expected.violations().next().expect("half of four is no majority");
    for reductions in [
        Reductions::NONE,
        Reductions { messages: true, ..Reductions::NONE },
        Reductions { symmetry: true, ..Reductions::NONE },
        Reductions::EXACT,
    ] {
        let model = mistaken(reductions);
        for workers in [1, 2] {
            let crew = crew(workers, Keys::Exact);
            let outcome = parallel::search(&model, &[property], &crew, &Arc::default()).unwrap();
            assert!(!outcome.exhaustive, "it ends at the level of the violation");
            let findings = outcome.findings(&model, &[property], &Control::default());
            let (_, found) = findings.violations().next().expect("half of four is no majority");
            assert_eq!(found.moves.len(), expected.moves.len(), "{reductions:?}");

            // It is a way that the servers can really take, to a step that is really wrong.
            let worlds = WorldModel { bounds: full, handlers };
            let mut world = worlds.initial();
            for (number, (a_move, after)) in found.moves.iter().enumerate() {
                let (same_move, _, same_after) =
                    worlds.apply(&world, a_move.server, a_move.trigger);
                assert_eq!((&same_move, &same_after), (a_move, after), "{reductions:?}");
                let is_last = number + 1 == found.moves.len();
                assert_eq!(property.holds(&world, a_move.server, after), !is_last);
                world.clone_from(after);
            }
            assert!(found.to_string().contains("it leads term 1"), "{found}");
        }
        let opinion =
            second_opinion::ask_stateright(Model::clone(&model), &SAFETY, 1, &Control::default());
        assert!(!opinion.exhaustive, "stateright sees it too");
    }
}

#[test]
fn a_search_that_is_stopped_says_so_and_claims_nothing() {
    for workers in [1, 2] {
        let model = Arc::new(Model::new(up_to(3, 2, Replies::All), Reductions::NONE).unwrap());
        let control = Arc::new(Control::default());
        control.stop(Stop::OutOfMemory);
        control.stop(Stop::Interrupted);
        let outcome = parallel::search(&model, &SAFETY, &crew(workers, Keys::Exact), &control);
        let findings = outcome.unwrap().findings(&model, &SAFETY, &control);
        assert_eq!(findings.stopped, Some(Stop::OutOfMemory), "the first reason counts");
        assert!(!findings.exhaustive && !findings.hold());
        assert!(findings.violations().next().is_none());
    }
}

#[test]
fn a_violation_stands_when_the_search_for_the_way_is_stopped() {
    let property = Property::LeaderHasQuorum;
    let model = mistaken(Reductions::EXACT);
    let crew = crew(1, Keys::Exact);
    let outcome = parallel::search(&model, &[property], &crew, &Arc::default()).unwrap();
    let opinion =
        second_opinion::ask_stateright(Model::clone(&model), &SAFETY, 1, &Control::default());
    for why in [Stop::Interrupted, Stop::OutOfMemory] {
        let control = Control::default();
        control.stop(why);
        let findings = outcome.findings(&model, &[property], &control);
        assert_eq!(findings.verdicts, [(property, Verdict::ViolatedUntold(why))]);
        assert_eq!(findings.stopped, None, "the first search was not stopped");
        for findings in [findings, opinion.findings(&model, &SAFETY, &control)] {
            assert!(findings.is_violated() && !findings.hold() && !findings.exhaustive);
            assert!(findings.violations().next().is_none(), "no way is made up");
        }
    }
}
