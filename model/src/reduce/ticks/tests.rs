//! How long a lease may be: as long as a contact if clocks agree, two ticks less if they drift, and
//! not a tick longer.

use super::*;
use crate::action::Move;
use crate::cluster::{Cluster, Protocol};
use crate::election::State;
use crate::reduce::{PackedModel, bisimulation_by};
use clock::Timing;

/// Reductions, but names are kept.
const MESSAGES: Reductions = Reductions::MESSAGES;
const OUTCOMES: Reductions = Reductions { symmetry: false, ..Reductions::GUARDED };

const fn agreeing(contact: u8, lease: u8) -> Ticks {
    Ticks { contact, lease, drift: false }
}

const fn drifting(contact: u8, lease: u8) -> Ticks {
    Ticks { contact, lease, drift: true }
}

/// What is found of the specification by check-quorum, up to term 2.
fn found(ticks: Ticks) -> Found {
    let bounds = bounds(Protocol::CHECK_QUORUM, 2);
    lease_safety(Handlers::RAFT, bounds, Reductions::EXACT, ticks)
}

#[test]
fn if_clocks_agree_a_lease_may_be_as_long_as_a_contact() {
    for (length, states) in [(1, 15_597), (2, 36_286), (3, 72_901)] {
        assert_eq!(found(agreeing(length, length)), Found::Holds(states), "{length} ticks");
    }
}

#[test]
fn if_clocks_agree_a_lease_may_not_be_a_tick_longer() {
    for (length, steps) in [(1, 15), (2, 17), (3, 19)] {
        assert_eq!(found(agreeing(length, length + 1)), Found::Breaks(steps), "{length} ticks");
    }
}

#[test]
fn if_clocks_drift_a_lease_may_be_two_ticks_shorter() {
    assert_eq!(found(drifting(3, 1)), Found::Holds(403_563));
}

#[test]
fn if_clocks_drift_a_lease_may_not_be_one_tick_shorter() {
    assert_eq!(found(drifting(2, 1)), Found::Breaks(15));
    assert_eq!(found(drifting(3, 2)), Found::Breaks(17));
}

#[test]
fn both_guards_keep_leases_apart_as_check_quorum_does() {
    let bounds = bounds(Protocol::GUARDED, 2);
    let found = lease_safety(Handlers::RAFT, bounds, Reductions::GUARDED, agreeing(1, 1));
    assert_eq!(found, Found::Holds(72_354));
}

/// So what is left out of worlds is nothing that clocks depend on: the same server can do the same
/// to its clock, and what comes of it is the same.
#[test]
fn what_stands_for_a_world_can_do_to_clocks_what_the_world_can() {
    for (protocol, max_term, reductions, worlds) in [
        (Protocol::CHECK_QUORUM, 1, OUTCOMES, 360),
        (Protocol::CHECK_QUORUM, 2, MESSAGES, 68_800),
        (Protocol::GUARDED, 1, MESSAGES, 9_540),
        (Protocol::GUARDED, 1, OUTCOMES, 9_540),
    ] {
        let cluster = Cluster::with(2, protocol).unwrap();
        let bounds = Bounds { cluster, ..bounds(protocol, max_term) };
        let raw = PackedModel::<4>::new(bounds, Reductions::NONE).unwrap();
        let reduced = PackedModel::<4>::new(bounds, reductions).unwrap();
        let timing = |Move { server, trigger, .. }: Move, before: &State| {
            let (step, _) = Handlers::RAFT.act(&bounds, server, before, before.ballot, trigger);
            (server, Timing::of(&bounds.server(server), before, trigger, &step))
        };
        let checked = bisimulation_by(&raw, &reduced, Term::new(max_term), timing);
        assert_eq!(checked, (worlds, None), "{protocol} {max_term}");
    }
}
