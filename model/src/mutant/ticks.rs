//! The mistakes that break leases by the order of events break them by ticks.

use crate::cluster::Protocol;
use crate::mutant::{Catch, MUTANTS, Mutant, Pinned};
use crate::reduce::Reductions;
use crate::reduce::ticks::{Found, Ticks, bounds, lease_safety};
use crate::world::properties::Property::LeaseSafety;

/// Clocks that agree: a lease may be as long as a contact.
const AGREEING: Ticks = Ticks { contact: 1, lease: 1, drift: false };

/// Clocks that drift: a lease has to be so much shorter.
const DRIFTING: Ticks = Ticks { contact: 3, lease: 1, drift: true };

/// What breaks leases, how many steps it takes by clocks that agree, ticks included; and by clocks
/// that drift, where that is a matter of seconds.
const BREAKS: [(&str, usize, Option<usize>); 12] = [
    ("contact-forgotten-on-restart", 13, Some(13)),
    ("heartbeat-begins-no-contact", 13, Some(14)),
    ("ex-leader-not-in-contact", 15, Some(16)),
    ("vote-granted-in-contact", 13, Some(14)),
    ("leader-adopts-unflagged-request", 13, Some(14)),
    ("newer-term-ends-contact", 16, Some(17)),
    ("vote-ends-contact", 18, None),
    ("votes-count-as-answers", 10, Some(11)),
    ("lease-counted-from-answer", 15, Some(17)),
    ("hand-over-keeps-office", 14, Some(15)),
    ("hand-over-flag-kept", 15, Some(16)),
    ("pre-vote-ends-contact", 16, None),
];

/// Those that break leases by the order of events; and after how many steps, up to which term.
fn by_order() -> impl Iterator<Item = (&'static Mutant, u64, usize)> {
    MUTANTS.iter().filter_map(|mutant| match (mutant.caught_by, mutant.pinned) {
        (Catch::Safety(LeaseSafety), Pinned::Steps { max_term, steps, .. }) => {
            Some((mutant, max_term, steps))
        }
        _ => None,
    })
}

fn found(mutant: &Mutant, max_term: u64, ticks: Ticks) -> Found {
    let bounds = bounds(mutant.protocol, max_term);
    lease_safety(mutant.handlers, bounds, Reductions::EXACT, ticks)
}

#[test]
fn what_breaks_leases_breaks_them_by_clocks_that_agree() {
    let found =
        by_order().map(|(mutant, max_term, _)| (mutant.name, found(mutant, max_term, AGREEING)));
    let expected = BREAKS.map(|(name, steps, _)| (name, Found::Breaks(steps)));
    assert_eq!(found.collect::<Vec<_>>(), expected);
}

#[test]
fn what_breaks_leases_breaks_them_by_clocks_that_drift() {
    for ((mutant, max_term, _), (name, _, steps)) in by_order().zip(BREAKS) {
        let Some(steps) = steps else { continue };
        assert_eq!((mutant.name, found(mutant, max_term, DRIFTING)), (name, Found::Breaks(steps)));
    }
}

/// The contacts of all servers begin when they start, and end after some ticks.
#[test]
fn it_takes_few_steps_more_than_by_order() {
    for ((_, _, by_order), (name, agreeing, drifting)) in by_order().zip(BREAKS) {
        let more = by_order..=by_order + 4;
        assert!(more.contains(&agreeing) && more.contains(&drifting.unwrap_or(agreeing)), "{name}");
    }
}

/// Up to term 2, and as far as reduced worlds show.
#[test]
fn what_does_not_break_them_by_order_does_not_by_clocks_that_agree() {
    let others = MUTANTS.iter().filter(|mutant| {
        mutant.protocol == Protocol::CHECK_QUORUM && mutant.caught_by != Catch::Safety(LeaseSafety)
    });
    for mutant in others {
        let found = found(mutant, 2, AGREEING);
        assert!(matches!(found, Found::Holds(_)), "{} {found:?}", mutant.name);
    }
}
