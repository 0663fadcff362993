//! Every property can fail: for each there is a mistake that breaks it, and the search finds it.

use raft_model::bounds::{Bounds, Replies};
use raft_model::mutant::MUTANTS;
use raft_model::properties::{Property, SAFETY};
use raft_model::search::{Findings, search};
use raft_model::types::{Cluster, Term};
use raft_model::world::WorldModel;

fn find(mutant: &str, servers: u8, max_term: u64, properties: &[Property]) -> Findings {
    let bounds = Bounds {
        cluster: Cluster::new(servers).unwrap(),
        max_term: Term::new(max_term),
        replies: Replies::Useful,
    };
    let mutant = MUTANTS.iter().find(|m| m.name == mutant).unwrap();
    search(&WorldModel { bounds, handlers: mutant.handlers }, properties, |_| ())
}

/// A mutant, the servers and the last term with which it is caught, by which property, and in how
/// many steps.
const CAUGHT: [(&str, u8, u64, Property, usize); 5] = [
    ("vote-forgotten-on-restart", 2, 1, Property::VoteOncePerTerm, 4),
    ("disk-forgotten-on-restart", 2, 1, Property::TermNeverDecreases, 2),
    ("half-is-a-quorum", 2, 1, Property::LeaderHasQuorum, 1),
    ("vote-given-twice", 2, 1, Property::VoteOncePerTerm, 3),
    ("no-step-down", 2, 2, Property::LeaderHasQuorum, 5),
];

#[test]
fn every_mutant_is_caught_by_a_named_property() {
    assert_eq!(CAUGHT.map(|caught| caught.0), MUTANTS.map(|mutant| mutant.name));
    for (mutant, servers, max_term, property, steps) in CAUGHT {
        let findings = find(mutant, servers, max_term, &SAFETY);
        let caught: Vec<_> = findings.violations().map(|(p, c)| (*p, c.moves.len())).collect();
        assert_eq!(caught, [(property, steps)], "{mutant}");
    }
}

#[test]
fn every_property_is_broken_by_a_mutant() {
    for (property, mutant, servers, max_term, steps) in [
        (Property::ElectionSafety, "vote-given-twice", 2, 1, 6),
        (Property::VoteOncePerTerm, "vote-forgotten-on-restart", 2, 1, 4),
        (Property::LeaderHasQuorum, "no-step-down", 2, 2, 5),
        (Property::TermNeverDecreases, "disk-forgotten-on-restart", 2, 1, 2),
    ] {
        let findings = find(mutant, servers, max_term, &[property]);
        let found: Vec<_> = findings.violations().map(|(p, c)| (*p, c.moves.len())).collect();
        assert_eq!(found, [(property, steps)], "{mutant}");
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
