//! Every check can fail: for each mistake of the catalogue there is one that sees it, and every
//! property is broken by a mistake.

use raft_model::election::{Ballot, Event, Role, Rule, Server, State};
use raft_model::liveness::Property::{
    self as Liveness, LeaderElected, LeaderPossible, LeaderStable,
};
use raft_model::liveness::assumptions::Assumptions;
use raft_model::liveness::{Hostile, Verdict};
use raft_model::mutant::hunt::{BOUNDS, Found, Hunt};
use raft_model::mutant::{Catch, FAULTS, MUTANTS, Mutant};
use raft_model::reduce::PackedModel;
use raft_model::reduce::Reductions;
use raft_model::search::{Control, Findings, search};
use raft_model::types::{Cluster, ServerId, Term};
use raft_model::world::WorldModel;
use raft_model::world::bounds::{Bounds, Replies};
use raft_model::world::properties::Property::{
    self, ElectionSafety, LeaderHasQuorum, TermNeverDecreases, VoteOncePerTerm,
};
use raft_model::world::properties::SAFETY;
use support::counts;

fn find(mutant: &str, servers: u8, max_term: u64, properties: &[Property]) -> Findings {
    let bounds = Bounds {
        cluster: Cluster::new(servers).unwrap(),
        max_term: Term::new(max_term),
        replies: Replies::Useful,
    };
    let mutant = Mutant::named(mutant).unwrap();
    search(&WorldModel { bounds, handlers: mutant.handlers }, properties, |_| ())
}

/// Mutants that break a property of safety: which first, the servers and the last term with which
/// it does, and in how many steps.
const UNSAFE: [(&str, Property, u8, u64, usize); 27] = [
    ("vote-given-twice", VoteOncePerTerm, 2, 1, 3),
    ("vote-not-recorded", VoteOncePerTerm, 3, 1, 4),
    ("own-vote-not-recorded", VoteOncePerTerm, 2, 1, 3),
    ("vote-cleared-on-step-down", VoteOncePerTerm, 3, 1, 6),
    ("vote-cleared-by-heartbeat", VoteOncePerTerm, 3, 1, 6),
    ("leader-votes-in-its-term", VoteOncePerTerm, 3, 1, 5),
    ("equal-term-resets", VoteOncePerTerm, 2, 1, 3),
    ("campaign-in-current-term", VoteOncePerTerm, 2, 1, 3),
    ("older-request-granted", VoteOncePerTerm, 2, 2, 4),
    ("vote-answered-in-older-term", VoteOncePerTerm, 2, 2, 4),
    ("stale-vote-counted", LeaderHasQuorum, 2, 2, 4),
    ("duplicate-vote-counted", LeaderHasQuorum, 4, 1, 4),
    ("refusal-counted", LeaderHasQuorum, 2, 1, 4),
    ("half-is-a-quorum", LeaderHasQuorum, 2, 1, 1),
    ("quorum-of-one", LeaderHasQuorum, 2, 1, 1),
    ("quorum-of-two", LeaderHasQuorum, 4, 1, 3),
    ("quorum-of-those-alive", LeaderHasQuorum, 2, 2, 2),
    ("no-step-down", LeaderHasQuorum, 2, 2, 5),
    ("heartbeat-of-deposed-leader", ElectionSafety, 2, 2, 8),
    ("term-set-back", VoteOncePerTerm, 2, 2, 4),
    ("vote-forgotten-on-restart", VoteOncePerTerm, 2, 1, 4),
    ("disk-forgotten-on-restart", TermNeverDecreases, 2, 1, 2),
    ("leads-again-after-restart", LeaderHasQuorum, 2, 1, 2),
    ("vote-not-persisted", VoteOncePerTerm, 3, 2, 10),
    ("own-vote-not-persisted", TermNeverDecreases, 2, 1, 2),
    ("term-not-persisted", TermNeverDecreases, 2, 2, 6),
    ("persisted-after-sending", TermNeverDecreases, 2, 1, 2),
];

/// Mutants that break a property of liveness: which first, the servers with which it does, in a
/// window of two terms, and on what run: so many steps lead to so many that repeat.
const NOT_LIVE: [(&str, Liveness, u8, (usize, usize)); 8] = [
    ("vote-refused-to-everybody", LeaderElected, 2, (4, 2)),
    ("vote-never-counted", LeaderElected, 2, (2, 2)),
    ("vote-kept-in-newer-term", LeaderElected, 2, (3, 2)),
    ("voter-never-campaigns", LeaderElected, 2, (3, 0)),
    ("candidate-waits-for-ever", LeaderElected, 2, (2, 0)),
    ("candidate-retries-in-its-term", LeaderElected, 2, (2, 0)),
    ("candidate-never-steps-down", LeaderStable, 3, (4, 0)),
    ("leader-ignores-newer-term", LeaderStable, 3, (7, 0)),
];

/// Mutants whose graphs have another size: the servers and the last term with which they first
/// have, the states and the edges.
const OF_ANOTHER_SIZE: [(&str, u8, u64, usize, usize); 10] = [
    ("vote-refused-when-asked-again", 2, 1, 45, 80),
    ("candidate-gives-up-when-refused", 2, 1, 33, 64),
    ("leader-gives-up-when-refusing", 3, 1, 1425, 5532),
    ("leader-gives-up-when-answered", 2, 1, 33, 58),
    ("newer-term-in-answer-ignored", 2, 2, 841, 2012),
    ("stale-request-dropped", 2, 2, 397, 792),
    ("stale-request-told-its-own-term", 2, 2, 601, 1596),
    ("older-heartbeat-accepted", 2, 2, 821, 1982),
    ("no-first-heartbeat", 2, 1, 35, 60),
    ("term-skipped", 2, 2, 33, 56),
];

/// Mutants whose graphs are the specification's, and the file of tests that sees them.
const UNSEEN: [(&str, &str); 9] = [
    ("no-heartbeats", "time"),
    ("timer-runs-on-after-vote", "time"),
    ("timer-runs-on-after-heartbeat", "time"),
    ("timer-stops-after-campaign", "time"),
    ("timer-runs-on-after-step-down", "time"),
    ("timer-restarted-by-refused-request", "time"),
    ("timer-restarted-by-stale-request", "time"),
    ("timer-restarted-by-newer-term", "time"),
    ("terms-wrap-around", "mutants"),
];

/// Bounds at which every graph is small: 2 servers up to term 2, 3 servers in term 1. The command
/// `raft-model mutants` goes on.
const SMALL: usize = 3;

fn size(bounds: Bounds) -> (u8, u64) {
    (bounds.cluster.size(), bounds.max_term.number())
}

#[test]
fn every_mutant_of_the_catalogue_has_its_row() {
    let rows = UNSAFE.iter().map(|row| row.0);
    let rows = rows.chain(NOT_LIVE.iter().map(|row| row.0));
    let rows = rows.chain(OF_ANOTHER_SIZE.iter().map(|row| row.0));
    let rows = rows.chain(UNSEEN.iter().map(|row| row.0));
    assert!(rows.eq(MUTANTS.iter().map(|mutant| mutant.name)));
    assert!(MUTANTS.iter().all(|mutant| !mutant.says.is_empty()));
}

#[test]
fn every_fault_is_in_the_catalogue_once() {
    for fault in FAULTS {
        let count = MUTANTS.iter().filter(|mutant| mutant.name == fault.name).count();
        assert_eq!(count, 1, "{}", fault.name);
    }
}

#[test]
fn what_is_unsafe_breaks_a_named_property() {
    let mut hunt = Hunt::default();
    for (name, expected, servers, max_term, steps) in UNSAFE {
        let mutant = Mutant::named(name).unwrap();
        assert_eq!(mutant.caught_by, Catch::Safety(expected), "{name}");
        let found = hunt.find(&mutant, BOUNDS.len(), &Control::default()).unwrap();
        let Found::Safety { property, bounds, counterexample } = found else {
            panic!("{name} is not caught: {found:?}");
        };
        assert_eq!((property, size(bounds)), (expected, (servers, max_term)), "{name}");
        assert_eq!(counterexample.moves.len(), steps, "{name}");
    }
}

#[test]
fn what_is_not_live_breaks_a_named_property() {
    let mut hunt = Hunt::default();
    for (name, expected, servers, lengths) in NOT_LIVE {
        let mutant = Mutant::named(name).unwrap();
        assert_eq!(mutant.caught_by, Catch::Liveness(expected), "{name}");
        let found = hunt.find(&mutant, SMALL, &Control::default()).unwrap();
        let Found::Liveness { property, bounds, lasso } = found else {
            panic!("{name} is live, or not safe: {found:?}");
        };
        assert_eq!((property, size(bounds)), (expected, (servers, 2)), "{name}");
        assert_eq!(lasso.lengths(), lengths, "{name}");
    }
}

#[test]
fn what_costs_time_only_has_a_graph_of_another_size() {
    let mut hunt = Hunt::default();
    for (name, servers, max_term, states, edges) in OF_ANOTHER_SIZE {
        let mutant = Mutant::named(name).unwrap();
        assert_eq!(mutant.caught_by, Catch::Counts, "{name}");
        let found = hunt.find(&mutant, SMALL, &Control::default()).unwrap();
        let Found::Counts { bounds, coverage, expected } = found else {
            panic!("{name} has the specification's graph, or is unsafe: {found:?}");
        };
        assert_eq!(size(bounds), (servers, max_term), "{name}");
        assert_eq!((coverage.states, coverage.edges), (states, edges), "{name}");
        assert_eq!(expected, counts::of(&bounds), "the specification, {name}");
    }
}

#[test]
fn what_only_tests_see_has_the_graph_of_the_specification() {
    let mut hunt = Hunt::default();
    for (name, file) in UNSEEN {
        let mutant = Mutant::named(name).unwrap();
        assert_eq!(mutant.caught_by, Catch::Test(file), "{name}");
        assert_eq!(hunt.find(&mutant, SMALL, &Control::default()), Ok(Found::Nothing), "{name}");
    }
}

#[test]
fn after_the_last_term_comes_no_other() {
    let [id, other] = [1, 2].map(|number| ServerId::new(number).unwrap());
    let server = Server { id, cluster: Cluster::new(3).unwrap() };
    let ballot = Ballot { current_term: Term::new(u64::MAX), voted_for: Some(other) };
    let last = State { ballot, role: Role::Follower };
    let step = server.step(last, Event::Timeout);
    assert_eq!((step.state, step.rule, step.persist), (last, Rule::TermsExhausted, false));

    let mutant = Mutant::named("terms-wrap-around").unwrap();
    let step = (mutant.handlers.step)(&server, last, Event::Timeout);
    assert_eq!(step.state.ballot, Ballot::INITIAL);
}

#[test]
fn every_property_is_broken_by_a_mutant() {
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
    let reductions = Reductions { messages: true, window: true, symmetry: false };
    for (expected, mutant, servers, lengths) in [
        (LeaderPossible, "vote-never-counted", 2, (0, 0)),
        (LeaderElected, "vote-kept-in-newer-term", 2, (3, 2)),
        (LeaderStable, "candidate-never-steps-down", 3, (4, 0)),
    ] {
        let cluster = Cluster::new(servers).unwrap();
        let bounds = Bounds { cluster, max_term: Term::new(2), replies: Replies::All };
        let model = PackedModel::<2>::new(bounds, reductions).unwrap();
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
       S1  term 0  follower   has not voted
       S2  term 0  follower   has not voted
  1. S1 hears no leader: it campaigns in term 1 and votes for itself.  [Timeout by Campaigned]
     > S1  term 1  candidate  voted for S1  has votes of {S1}
       S2  term 0  follower   has not voted
       sent S1 → all: RequestVote (term 1)
  2. S2 hears no leader: it campaigns in term 1 and votes for itself.  [Timeout by Campaigned]
       S1  term 1  candidate  voted for S1  has votes of {S1}
     > S2  term 1  candidate  voted for S2  has votes of {S2}
       sent S2 → all: RequestVote (term 1)
  3. S1 crashes and comes up again.  [Restart by Started]
     > S1  term 1  follower   has not voted  but has stored term 1 and a vote for S1
       S2  term 1  candidate  voted for S2  has votes of {S2}
  4. S1 grants S2 its vote in term 1.  [ReceiveRequestVote by VoteGranted]
     > S1  term 1  follower   voted for S2
       S2  term 1  candidate  voted for S2  has votes of {S2}
       sent S1 → S2: RequestVoteResponse (term 1, vote granted)
";
    assert_eq!(counterexample.to_string(), story);
}
