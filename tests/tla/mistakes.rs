//! Mistakes that are made in TLA+ and in Rust: both are caught by the same property, after as many
//! steps, and have the same graph.

use std::collections::HashSet;

use raft_model::cluster::Cluster;
use raft_model::mutant::Mutant;
use raft_model::proof::{Conjunct, INVARIANT};
use raft_model::search::search;
use raft_model::types::Term;
use raft_model::world::WorldModel;
use raft_model::world::bounds::{Bounds, Replies, Terms};
use raft_model::world::properties::{Property, SAFETY};

use support::graph::Graph;
use support::tlc::{Specification, Verdict, is_ready};

/// A mutant of Rust, what is changed in `RaftElection.tla` to make the same mistake, and by which
/// property it is caught.
struct Mistake {
    mutant: &'static str,
    /// How often the old text stands there, the old text, and the new one.
    changes: &'static [(usize, &'static str, &'static str)],
    max_term: u64,
    caught_by: Property,
    /// The part of the invariant that breaks, and after how many steps: no later than the property.
    breaks: (&'static str, usize),
}

const MISTAKES: [Mistake; 5] = [
    Mistake {
        mutant: "vote-forgotten-on-restart",
        changes: &[(1, "![i] = stored[i].votedFor]", "![i] = Nil]")],
        max_term: 1,
        caught_by: Property::VoteOncePerTerm,
        breaks: ("VoteRemembered", 2),
    },
    Mistake {
        mutant: "disk-forgotten-on-restart",
        changes: &[(
            1,
            "    /\\ currentTerm' = [currentTerm EXCEPT ![i] = stored[i].currentTerm]\n    \
             /\\ votedFor'    = [votedFor EXCEPT ![i] = stored[i].votedFor]\n    \
             /\\ SetRole(i, InContactAnew)\n    \
             /\\ UNCHANGED <<stored, sent>>\n",
            "    /\\ SetBallot(i, 0, Nil)\n    \
             /\\ SetRole(i, InContactAnew)\n    \
             /\\ UNCHANGED sent\n",
        )],
        max_term: 1,
        caught_by: Property::TermNeverDecreases,
        breaks: ("VoteNotInFuture", 2),
    },
    Mistake {
        mutant: "half-is-a-quorum",
        changes: &[
            (2, "IF IsQuorum({i})", "IF 2 * 1 >= Cardinality(Server)"),
            (
                2,
                "IsQuorum(role[i].votes \\cup {m.from})",
                "(2 * Cardinality(role[i].votes \\cup {m.from}) >= Cardinality(Server))",
            ),
        ],
        max_term: 1,
        caught_by: Property::LeaderHasQuorum,
        breaks: ("LeaderWasElected", 1),
    },
    Mistake {
        mutant: "vote-given-twice",
        changes: &[
            (1, "    /\\ votedFor[i] \\in {Nil, m.from}\n", "    /\\ TRUE\n"),
            (1, "votedFor[i] \\notin {Nil, m.from}", "FALSE"),
        ],
        max_term: 1,
        caught_by: Property::VoteOncePerTerm,
        breaks: ("VoteOnce", 3),
    },
    Mistake {
        mutant: "no-step-down",
        changes: &[(
            1,
            "    /\\ SetBallot(i, t, v)\n    /\\ SetRole(i, Follower(IsInContact(i)))\n",
            "    /\\ SetBallot(i, t, v)\n    /\\ UNCHANGED role\n",
        )],
        max_term: 2,
        caught_by: Property::LeaderHasQuorum,
        breaks: ("VotedForItself", 4),
    },
];

/// The first part of the invariant of the proof that a model breaks, and after how many steps.
fn first_broken(model: &WorldModel) -> (&'static str, usize) {
    let mut reached = HashSet::from([model.initial()]);
    let mut level = vec![model.initial()];
    for steps in 0.. {
        let is_broken = |part: &&Conjunct| !level.iter().all(part.holds);
        if let Some(broken) = INVARIANT.iter().find(is_broken) {
            return (broken.name, steps);
        }
        let after = level.iter().flat_map(|world| model.successors(world));
        level =
            after.map(|(_, after)| after).filter(|after| reached.insert(after.clone())).collect();
        assert!(!level.is_empty(), "no part is broken");
    }
    unreachable!("a graph within bounds has an end")
}

#[test]
fn a_mistake_is_the_same_in_both_languages() {
    if !is_ready() {
        return;
    }
    for Mistake { mutant: name, changes, max_term, caught_by, breaks } in MISTAKES {
        let bounds =
            Bounds::new(Cluster::new(2).unwrap(), Terms::UpTo(Term::new(max_term)), Replies::All);
        let mutant = Mutant::named(name).unwrap();
        let rust = WorldModel { bounds, handlers: mutant.handlers };
        let mut tla = Specification::unchanged()
            .within(&bounds, "MCRaftElection.cfg")
            .within(&bounds, "MCInvariant.cfg");
        for (times, old, new) in changes {
            tla = tla.change("RaftElection.tla", *times, old, new);
        }

        let findings = search(&rust, &SAFETY, |_| ());
        let caught: Vec<_> = findings.violations().map(|(p, c)| (*p, c.moves.len())).collect();
        let &[(property, steps)] = &caught[..] else { panic!("{name}: {caught:?}") };
        assert_eq!(property, caught_by, "{name}, in Rust");
        let verdict = tla.check("MCRaftElection.cfg").verdict;
        let property = caught_by.to_string();
        assert_eq!(verdict, Verdict::Violated { property, steps }, "{name}, in TLA+");

        assert_eq!(first_broken(&rust), breaks, "{name}, in Rust");
        let (part, steps) = breaks;
        let verdict = tla.check("MCInvariant.cfg").verdict;
        let property = part.to_owned();
        assert_eq!(verdict, Verdict::Violated { property, steps }, "{name}, in TLA+");

        let unjudged = tla.unjudged("MCRaftElection.cfg");
        if let Some(difference) =
            unjudged.graph("MCRaftElection.cfg").difference(&Graph::of("Rust", &rust))
        {
            panic!("{name}: {difference}");
        }
    }
}
