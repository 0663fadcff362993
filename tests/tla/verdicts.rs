//! Each model in `tla` has the verdict that its first line tells, and Rust says the same.

use raft_model::cluster::Protocol;
use raft_model::mutant::Mutant;
use raft_model::reduce::Reductions;
use raft_model::search::search;
use raft_model::world::bounds::{Bounds, Limits, Replies};
use raft_model::world::properties::Property::LeaseSafety;
use raft_model::world::properties::SAFETY;
use raft_model::world::{World, WorldModel};

use crate::runs::Runs;
use support::bounds::{guarded, up_to};
use support::counts;
use support::tlc::{Specification, Verdict, is_ready};

fn verdict(config: &str) -> Verdict {
    Specification::unchanged().check(config).verdict
}

#[test]
fn safety_and_the_invariant_hold() {
    if !is_ready() {
        return;
    }
    let bounds = up_to(3, 1, Replies::All);
    let findings = search(&WorldModel::new(bounds), &SAFETY, |_| ());
    assert!(findings.exhaustive && findings.hold());
    for config in ["MCRaftElection.cfg", "MCInvariant.cfg"] {
        let checked = Specification::unchanged().check(config);
        assert_eq!(checked.verdict, Verdict::Holds, "{config}");
        let expected = counts::of(&bounds);
        assert_eq!((checked.states, checked.depth), (expected.states, expected.depth), "{config}");
    }
}

/// TLC's reduction by symmetry finds as many worlds as ours.
#[test]
fn worlds_that_differ_in_names_are_as_many() {
    if !is_ready() {
        return;
    }
    let symmetry = Reductions { symmetry: true, ..Reductions::NONE };
    let expected = counts::of_reduced(&up_to(3, 2, Replies::Useful), symmetry);
    let checked = Specification::unchanged().check("MCSymmetry.cfg");
    assert_eq!(checked.verdict, Verdict::Holds);
    assert_eq!((checked.states, checked.depth), (expected.states, expected.depth));
}

/// By check-quorum, with hand-over: the bounds of `MCLeases.cfg`.
fn with_leases() -> Bounds {
    let limits = Limits { hand_over: true, leases: true, ..Limits::SMALL };
    guarded(Protocol::CHECK_QUORUM, 2, 2, Replies::Useful, limits)
}

#[test]
fn leases_are_safe() {
    if !is_ready() {
        return;
    }
    let checked = Specification::unchanged().check("MCLeases.cfg");
    assert_eq!(checked.verdict, Verdict::Holds);
    let expected = counts::of(&with_leases());
    assert_eq!((checked.states, checked.depth), (expected.states, expected.depth));
}

#[test]
fn leases_break_in_both_languages_if_a_restart_forgets_contact() {
    if !is_ready() {
        return;
    }
    let handlers = Mutant::named("contact-forgotten-on-restart").unwrap().handlers;
    let model = WorldModel { bounds: with_leases(), handlers };
    let findings = search(&model, &[LeaseSafety], |_| ());
    let steps = findings.violations().next().expect("it breaks in Rust").1.moves.len();
    let restart = "    /\\ SetRole(i, InContactAnew)\n    /\\ UNCHANGED <<stored, sent>>\n";
    let forgets = restart.replace("InContactAnew", "Follower(FALSE)");
    let specification = Specification::unchanged().change("RaftElection.tla", 1, restart, &forgets);
    let property = "LeaseSafety".to_owned();
    assert_eq!(specification.check("MCLeases.cfg").verdict, Verdict::Violated { property, steps });
}

fn has_leader(world: &World) -> bool {
    world.servers.iter().any(|state| state.role.is_leader())
}

#[test]
fn fairness_alone_elects_nobody() {
    if !is_ready() {
        return;
    }
    let model = WorldModel::new(up_to(2, 2, Replies::All));
    let successors =
        |world: &World| model.successors(world).into_iter().map(|(_, after)| after).collect();
    let runs = Runs::from([model.initial()], successors);

    assert_eq!(verdict("MCSplitVotes.cfg"), Verdict::LivenessViolated);
    assert!(!runs.come_to(has_leader));

    let max_term = model.bounds.terms.last();
    let terms_spent =
        |world: &World| world.servers.iter().all(|state| state.ballot.current_term == max_term);
    assert_eq!(verdict("MCFair.cfg"), Verdict::Holds);
    assert!(runs.come_to(|world| has_leader(world) || terms_spent(world)));
}
