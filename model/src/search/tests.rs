//! What is found of small graphs, by the search of whole worlds and by stateright, and how a
//! violation is told.

use super::outcome::Level;
use super::second_opinion::{ask_stateright, ask_stateright_of_worlds};
use super::{Control, Coverage, Findings, Keys, Outcome, Stop, Verdict, search, search_until};
use crate::cluster::Cluster;
use crate::reduce::{PackedModel, Reductions};
use crate::types::Term;
use crate::world::bounds::{Bounds, Replies, Terms};
use crate::world::properties::{Property, SAFETY};
use crate::world::{Handlers, WorldModel};

type Model = PackedModel<2>;

fn up_to(servers: u8, last_term: u64) -> Bounds {
    let cluster = Cluster::new(servers).unwrap();
    Bounds::new(cluster, Terms::UpTo(Term::new(last_term)), Replies::All)
}

/// A server that comes up again has forgotten its vote, also on its disk.
pub(super) const FORGETFUL: Handlers = Handlers {
    start: |server, stored| {
        let mut step = (Handlers::RAFT.start)(server, stored);
        step.state.ballot.voted_for = None;
        step.persist = true;
        step
    },
    ..Handlers::RAFT
};

fn forgetful() -> WorldModel {
    WorldModel { bounds: up_to(2, 1), handlers: FORGETFUL }
}

fn packed(reductions: Reductions) -> Model {
    Model::new(up_to(2, 1), reductions).unwrap()
}

/// The steps of a shortest way to each violation that was found.
fn steps(findings: &Findings) -> Vec<(Property, usize)> {
    findings.violations().map(|(property, run)| (*property, run.moves.len())).collect()
}

/// The way that was found is one of the forgetful servers, and only its last step is wrong.
#[track_caller]
fn leads_to_it(findings: &Findings) {
    let (property, run) = findings.violations().next().unwrap();
    let mut world = forgetful().initial();
    assert_eq!(run.initial, world);
    for (number, (a_move, after)) in run.moves.iter().enumerate() {
        assert_eq!(forgetful().apply(&world, a_move.server, a_move.trigger).2, *after);
        let holds = property.holds(&world, a_move.server, after);
        assert_eq!(holds, number + 1 < run.moves.len(), "step {number}");
        world.clone_from(after);
    }
}

#[test]
fn a_graph_is_searched_level_by_level_to_its_end() {
    let findings = search(&WorldModel::new(up_to(2, 1)), &SAFETY, |_| ());
    assert_eq!(findings.coverage, Coverage { states: 33, edges: 56, depth: 7 });
    assert_eq!(findings.levels, [1, 2, 5, 8, 10, 6, 1]);
    assert!(findings.exhaustive && findings.hold() && !findings.is_violated());
}

#[test]
fn a_search_tells_how_far_it_has_come() {
    let mut told = Vec::new();
    search(&WorldModel::new(up_to(3, 1)), &SAFETY, |coverage| told.push(coverage.states));
    assert_eq!(told, [1024]);
}

#[test]
fn a_search_that_is_stopped_decides_nothing() {
    let model = WorldModel::new(up_to(3, 1));
    let findings = search_until(&model, &SAFETY, |_| Some(Stop::Interrupted));
    assert_eq!((findings.stopped, findings.coverage.states), (Some(Stop::Interrupted), 1024));
    assert_eq!(findings.levels.iter().sum::<usize>(), 1024);
    assert!(!findings.exhaustive && !findings.hold() && !findings.is_violated());
    assert!(findings.verdicts.iter().all(|(_, verdict)| *verdict == Verdict::Undecided));
}

#[test]
fn a_violation_is_told_as_the_shortest_way_to_it() {
    let findings = search(&forgetful(), &SAFETY, |_| ());
    assert!(findings.is_violated() && !findings.hold() && !findings.exhaustive);
    assert_eq!(steps(&findings), [(Property::VoteOncePerTerm, 4)]);
    leads_to_it(&findings);
}

#[test]
fn stateright_sees_the_same_graph_in_packed_worlds_and_in_whole_ones() {
    let (control, worlds) = (Control::default(), WorldModel::new(up_to(2, 1)));
    let whole = ask_stateright_of_worlds(worlds, 1, &control);
    let packed = ask_stateright(packed(Reductions::NONE), &SAFETY, 1, &control);
    for Outcome { coverage, exhaustive, violated, .. } in [whole, packed] {
        assert_eq!((coverage.states, coverage.depth), (33, 7));
        assert!(exhaustive && violated == [false; 4]);
    }
}

#[test]
fn a_violation_in_packed_worlds_is_told_of_whole_ones() {
    for reductions in [Reductions::NONE, Reductions { symmetry: true, ..Reductions::NONE }] {
        let (model, control) = (packed(reductions).driven_by(FORGETFUL), Control::default());
        let outcome = ask_stateright(model.clone(), &SAFETY, 1, &control);
        let findings = outcome.findings(&model, &SAFETY, &control);
        assert!(!findings.exhaustive);
        assert_eq!(steps(&findings), steps(&search(&forgetful(), &SAFETY, |_| ())));
        leads_to_it(&findings);
        control.stop(Stop::OutOfMemory);
        let findings = outcome.findings(&model, &SAFETY, &control);
        let untold = Verdict::ViolatedUntold(Stop::OutOfMemory);
        assert!(findings.verdicts.contains(&(Property::VoteOncePerTerm, untold)));
        assert!(findings.is_violated() && steps(&findings).is_empty(), "no way is made up");
    }
}

#[test]
fn what_is_not_violated_holds_only_if_everything_was_seen() {
    let (model, control) = (packed(Reductions::NONE), Control::default());
    let seen = ask_stateright(model.clone(), &SAFETY, 1, &control);
    assert!(seen.findings(&model, &SAFETY, &control).hold());
    let findings = Outcome { exhaustive: false, ..seen }.findings(&model, &SAFETY, &control);
    assert_eq!(findings.verdicts, SAFETY.map(|property| (property, Verdict::Undecided)));
}

#[test]
fn what_breaks_where_more_can_happen_than_in_truth_is_undecided() {
    let (model, control) = (packed(Reductions::FREE_NEWS), Control::default());
    let judged = [Property::VoteOncePerTerm];
    let seen = ask_stateright(model.clone(), &judged, 1, &control);
    let outcome = Outcome { violated: vec![true], ..seen };
    let findings = outcome.findings(&model, &judged, &control);
    assert_eq!(findings.verdicts, [(Property::VoteOncePerTerm, Verdict::Undecided)]);
}

#[test]
fn levels_are_summed_up() {
    let first = Level { states: 1, edges: 2, generated: 3, next: 4, violated: 0b01, stopped: None };
    let last = Level { states: 4, edges: 6, generated: 8, next: 0, violated: 0b01, stopped: None };
    let outcome = Outcome::of(&[first, last], 2);
    assert_eq!(outcome.coverage, Coverage { states: 5, edges: 8, depth: 2 });
    assert_eq!((outcome.levels, outcome.generated), (vec![1, 4], 11));
    assert_eq!(outcome.violated, [true, false]);
    assert!(outcome.exhaustive && outcome.stopped.is_none());
    let stopped = Level { stopped: Some(Stop::Interrupted), ..last };
    for levels in [&[first][..], &[first, stopped]] {
        let outcome = Outcome::of(levels, 2);
        assert_eq!(outcome.stopped, levels.last().unwrap().stopped);
        assert!(!outcome.exhaustive, "more is to come: {levels:?}");
    }
}

#[test]
fn only_what_is_asked_for_is_judged() {
    let model = packed(Reductions::NONE).driven_by(FORGETFUL);
    let asked = [Property::TermNeverDecreases, Property::VoteOncePerTerm];
    let outcome = ask_stateright(model.clone(), &asked, 1, &Control::default());
    assert_eq!(outcome.violated, [false, true]);
    let [harmless, wrong] = asked.map(|property| {
        ask_stateright(model.clone(), &[property], 1, &Control::default()).violated
    });
    assert_eq!((harmless, wrong), (vec![false], vec![true]));
}

#[test]
fn stateright_that_is_stopped_claims_nothing() {
    let bounds = Bounds { replies: Replies::Useful, ..up_to(3, 2) };
    let control = Control::default();
    control.stop(Stop::Interrupted);
    let model = Model::new(bounds, Reductions::NONE).unwrap();
    let outcome = ask_stateright(model, &SAFETY, 1, &control);
    assert_eq!((outcome.stopped, outcome.exhaustive), (Some(Stop::Interrupted), false));
}

#[test]
fn who_watches_a_search_is_told_and_can_stop_it() {
    let control = Control::default();
    assert_eq!((control.subject(), control.stopped()), (String::new(), None));
    control.begins("Two servers".to_owned());
    control.covers(Coverage { states: 3, edges: 2, depth: 1 });
    let told = [&control.states, &control.depth].map(|count| count.load(super::RELAXED));
    assert_eq!((&*control.subject(), told), ("Two servers", [3, 1]));
    control.stop(Stop::Interrupted);
    control.stop(Stop::OutOfMemory);
    assert_eq!(control.stopped(), Some(Stop::Interrupted), "the first reason stands");
}

#[test]
fn a_fingerprint_is_one_word() {
    assert_eq!([Keys::Exact, Keys::Fingerprints].map(Keys::bits::<3>), [192, 64]);
}

/// Workers say it at different times, and more than one of them of the same level.
#[test]
fn a_level_is_counted_when_the_next_begins() {
    let control = Control::default();
    assert!(control.levels().is_empty());
    for (level, states) in [(1, 0), (2, 1), (2, 3), (4, 5), (3, 8), (3, 9), (4, 20)] {
        control.covers(Coverage { states, edges: 0, depth: 0 });
        control.reaches(level);
    }
    assert_eq!(control.levels(), [1, 7, 12]);
}
