//! Every check can fail: for each mistake of the catalogue there is one that sees it, and every
//! property is broken by a mistake.

use std::collections::HashSet;
use std::sync::Arc;

use raft_model::cluster::Cluster;
use raft_model::election::{Ballot, Event, Role, Rule, State};
use raft_model::liveness::Property::{LeaderElected, LeaderPossible, LeaderStable};
use raft_model::liveness::assumptions::Assumptions;
use raft_model::liveness::{Hostile, Verdict};
use raft_model::mutant::hunt::{Found, Hunt, Rung, rungs};
use raft_model::mutant::{Catch, FAULTS, MUTANTS, Mutant, Pinned};
use raft_model::reduce::PackedModel;
use raft_model::reduce::Reductions;
use raft_model::search::{Control, Coverage, Findings, search};
use raft_model::types::{Attempt, ServerId, Term};
use raft_model::world::WorldModel;
use raft_model::world::bounds::{Bounds, Replies};
use raft_model::world::properties::Property::{
    self, ElectionSafety, LeaderHasQuorum, LeaseSafety, TermNeverDecreases, VoteOncePerTerm,
};
use raft_model::world::properties::SAFETY;
use support::bounds::{self, up_to};
use support::counts;

fn find(mutant: &str, servers: u8, max_term: u64, properties: &[Property]) -> Findings {
    let bounds = up_to(servers, max_term, Replies::Useful);
    let mutant = Mutant::named(mutant).unwrap();
    search(&WorldModel { bounds, handlers: mutant.handlers }, properties, |_| ())
}

/// Rungs at which every graph is small: 2 servers up to term 2, 3 servers in term 1; with guards, 3
/// servers up to term 2, reduced. The command `raft-model mutants` goes on.
const SMALL: usize = 3;

/// What was found, as it is pinned.
fn pinned(found: &Found) -> Pinned {
    let size = |bounds: &Bounds| (bounds.cluster.size(), bounds.terms.last().number());
    match found {
        Found::Safety { bounds, counterexample, .. } => {
            let (servers, max_term) = size(bounds);
            Pinned::Steps { servers, max_term, steps: counterexample.moves.len() }
        }
        Found::Liveness { bounds, lasso, .. } => {
            let (servers, window) = size(bounds);
            assert_eq!(window, 2);
            let (stem, cycle) = lasso.lengths();
            Pinned::Run { servers, stem, cycle }
        }
        Found::Counts { bounds, coverage, .. } => {
            let (servers, max_term) = size(bounds);
            let Coverage { states, edges, .. } = *coverage;
            Pinned::Graph { servers, max_term, states, edges }
        }
        Found::Nothing => Pinned::Nothing,
    }
}

/// Hunts those that are caught in such a way, up to so many bounds, and compares the numbers. How
/// many there are.
fn hunt(rungs: usize, are: fn(Catch) -> bool, check: fn(&Mutant, &Found)) -> usize {
    let mut hunt = Hunt::default();
    let mutants: Vec<_> = MUTANTS.iter().filter(|mutant| are(mutant.caught_by)).collect();
    for mutant in &mutants {
        let found = hunt.find(mutant, rungs, &Arc::default()).unwrap();
        assert_eq!(pinned(&found), mutant.pinned, "{}: {found:?}", mutant.name);
        check(mutant, &found);
    }
    mutants.len()
}

#[test]
fn every_mutant_of_the_catalogue_has_its_name_and_says_what_it_is() {
    let names: HashSet<_> = MUTANTS.iter().map(|mutant| mutant.name).collect();
    assert_eq!(names.len(), MUTANTS.len());
    assert!(MUTANTS.iter().all(|mutant| !mutant.says.is_empty()));
}

#[test]
fn every_fault_is_in_the_catalogue_once() {
    for fault in FAULTS {
        let count = MUTANTS.iter().filter(|mutant| mutant.name == fault.name).count();
        assert_eq!(count, 1, "{}", fault.name);
    }
    // Four mistakes count votes or servers, or choose one, which symbols cannot say.
    assert_eq!(FAULTS.len() + 4, MUTANTS.len(), "a fault of the catalogue is not in the list");
}

#[test]
fn what_is_unsafe_breaks_a_named_property() {
    let are = |by| matches!(by, Catch::Safety(_));
    let number = hunt(usize::MAX, are, |mutant, found| {
        let Found::Safety { property, .. } = *found else { unreachable!("the numbers say so") };
        assert_eq!(mutant.caught_by, Catch::Safety(property), "{}", mutant.name);
    });
    assert_eq!(number, 41);
}

#[test]
fn what_is_not_live_breaks_a_named_property() {
    let are = |by| matches!(by, Catch::Liveness(_));
    let number = hunt(SMALL, are, |mutant, found| {
        let Found::Liveness { property, .. } = *found else { unreachable!("the numbers say so") };
        assert_eq!(mutant.caught_by, Catch::Liveness(property), "{}", mutant.name);
    });
    assert_eq!(number, 8);
}

#[test]
fn what_costs_time_only_has_a_graph_of_another_size() {
    let number = hunt(
        SMALL,
        |by| by == Catch::Counts,
        |mutant, found| {
            let Found::Counts { bounds, expected, .. } = found else {
                unreachable!("the numbers say so")
            };
            let is_it = |rung: &Rung| rung.bounds == *bounds;
            let Rung { reductions, .. } = rungs(mutant.protocol).into_iter().find(is_it).unwrap();
            let specified = counts::of_reduced(bounds, reductions);
            assert_eq!(*expected, specified, "the specification, {}", mutant.name);
        },
    );
    assert_eq!(number, 31);
}

#[test]
fn what_only_tests_see_has_the_graph_of_the_specification() {
    let number = hunt(SMALL, |by| matches!(by, Catch::Test(_)), |_, _| ());
    assert_eq!(number, 17);
}

#[test]
fn after_the_last_term_comes_no_other() {
    let [id, other] = [1, 2].map(|number| ServerId::new(number).unwrap());
    let server = bounds::server(id, Cluster::new(3).unwrap());
    let ballot = Ballot { current_term: Term::new(u64::MAX), voted_for: Some(other) };
    let last = State { ballot, role: Role::FOLLOWER };
    let step = server.step(last, Event::Timeout { attempt: Attempt::FIRST });
    assert_eq!((step.state, step.rule, step.persist), (last, Rule::TermsExhausted, false));

    let mutant = Mutant::named("terms-wrap-around").unwrap();
    let step = (mutant.handlers.step)(&server, last, Event::Timeout { attempt: Attempt::FIRST });
    assert_eq!(step.state.ballot, Ballot::INITIAL);
}

#[test]
fn every_property_is_broken_by_a_mutant() {
    // Who has a valid lease is looked at in reduced worlds: the hunt sees it broken.
    let is_unsafe = |mutant: &Mutant| mutant.caught_by == Catch::Safety(LeaseSafety);
    assert!(MUTANTS.iter().any(is_unsafe));
    for (property, mutant, servers, max_term, steps) in [
        (ElectionSafety, "vote-given-twice", 2, 1, 6),
        (VoteOncePerTerm, "vote-forgotten-on-restart", 2, 1, 4),
        (LeaderHasQuorum, "no-step-down", 2, 2, 5),
        (TermNeverDecreases, "disk-forgotten-on-restart", 2, 1, 2),
    ] {
        let findings = find(mutant, servers, max_term, &[property]);
        let found: Vec<_> = findings.violations().map(|(p, c)| (*p, c.moves.len())).collect();
        assert_eq!(found, [(property, steps)], "{mutant}");
    }
}

#[test]
fn every_property_of_liveness_is_broken_by_a_mutant() {
    for (expected, mutant, servers, lengths) in [
        (LeaderPossible, "vote-never-counted", 2, (0, 0)),
        (LeaderElected, "vote-kept-in-newer-term", 2, (3, 2)),
        (LeaderStable, "candidate-never-steps-down", 3, (4, 0)),
    ] {
        let bounds = bounds::window(servers, 2, Replies::All);
        let model = PackedModel::<2>::new(bounds, Reductions::MESSAGES).unwrap();
        let model = model.driven_by(Mutant::named(mutant).unwrap().handlers);
        let hostile = Hostile::explore(&model, &Control::default()).unwrap();
        let findings = hostile.judge(Assumptions::ALL, &Control::default()).unwrap();
        let (_, verdict) = findings.verdicts.into_iter().find(|(p, _)| *p == expected).unwrap();
        let Verdict::Fails(lasso) = verdict else { panic!("{expected} holds of {mutant}") };
        assert_eq!(lasso.lengths(), lengths, "{mutant}");
    }
}

#[test]
fn a_mutant_that_cannot_show_within_the_bounds_is_not_blamed() {
    // Half of three servers is no whole number of servers.
    let findings = find("half-is-a-quorum", 3, 1, &SAFETY);
    assert!(findings.hold() && findings.exhaustive);
}

#[test]
fn a_counterexample_is_told_as_a_story() {
    let findings = find("vote-forgotten-on-restart", 2, 1, &SAFETY);
    let (_, counterexample) = findings.violations().next().unwrap();
    let story = "  \
  0. Everybody starts.
       S1  term 0  follower       has not voted
       S2  term 0  follower       has not voted
  1. S1 hears no leader: it campaigns in term 1 and votes for itself.  [Timeout by Campaigned]
     > S1  term 1  candidate      voted for S1  has votes of {S1}
       S2  term 0  follower       has not voted
       sent S1 → all: RequestVote (term 1)
  2. S2 hears no leader: it campaigns in term 1 and votes for itself.  [Timeout by Campaigned]
       S1  term 1  candidate      voted for S1  has votes of {S1}
     > S2  term 1  candidate      voted for S2  has votes of {S2}
       sent S2 → all: RequestVote (term 1)
  3. S1 crashes and comes up again.  [Restart by Started]
     > S1  term 1  follower       has not voted  but has stored term 1 and a vote for S1
       S2  term 1  candidate      voted for S2  has votes of {S2}
  4. S1 grants S2 its vote in term 1.  [ReceiveRequestVote by VoteGranted]
     > S1  term 1  follower       voted for S2
       S2  term 1  candidate      voted for S2  has votes of {S2}
       sent S1 → S2: RequestVoteResponse (term 1, vote granted)
";
    assert_eq!(counterexample.to_string(), story);
}
