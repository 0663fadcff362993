//! Ticks with drift: a second model of time, to test the first one, which is an order of events.
//!
//! Worlds tell of leases by one fact about time: a contact outlasts every lease whose round was
//! opened before it began. Here worlds tell nothing of leases. Beside each stand the clocks of its
//! servers, by which a contact and a lease last so many ticks. Real time goes in ticks too, and
//! with each of them a clock may get a tick ahead of it, or fall back to it. So however long it
//! takes, what two clocks measure differs by two ticks at most; and a lease that is two ticks
//! shorter than a contact is over when the contact is.
//!
//! What servers do is asked of the same specification. Of leases it says no more than what it tells
//! its caller: that a timer starts again, that a round is opened, that a quorum has answered it.
//!
//! A search is of one pair of numbers, and of three servers. What holds for all clocks is said by
//! the order of events; this shows, where it can, that the order leaves out nothing.

mod clock;
#[cfg(test)]
mod tests;
mod worlds;

use std::collections::HashSet;

use super::Reductions;
use crate::cluster::{Cluster, Protocol};
use crate::types::Term;
use crate::world::Handlers;
use crate::world::bounds::{Bounds, Limits, Replies, Terms};
use worlds::{Timed, Worlds};

pub(crate) use clock::Ticks;

/// What is found of `LeaseSafety`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// It holds in so many states, which are all.
    Holds(usize),
    /// Two servers have a valid lease after so many steps and ticks, at least.
    Breaks(usize),
    /// The same, but no whole worlds are known that go the way of the reduced ones.
    Unconfirmed(usize),
}

/// Three servers, elections in terms up to this one, leaders that are told to hand over.
pub(crate) fn bounds(protocol: Protocol, max_term: u64) -> Bounds {
    let cluster = Cluster::with(3, protocol).expect("three are a cluster");
    let limits = Limits { hand_over: true, ..Limits::SMALL };
    let terms = Terms::UpTo(Term::new(max_term));
    Bounds { limits, ..Bounds::new(cluster, terms, Replies::All) }
}

/// Judges `LeaseSafety`: no two servers have a valid lease at the same time.
pub(crate) fn lease_safety(
    handlers: Handlers,
    bounds: Bounds,
    reductions: Reductions,
    ticks: Ticks,
) -> Found {
    let mut worlds = Worlds::new(handlers, bounds, reductions, ticks);
    let initial = worlds.initial();
    let mut seen = HashSet::from([initial]);
    // Each with the place of the one that it was reached from.
    let mut reached = vec![(initial, 0)];
    let mut next = 0;
    while next < reached.len() {
        for after in worlds.successors(reached[next].0) {
            if !seen.insert(after) {
                continue;
            }
            reached.push((after, next));
            if after.1.iter().filter(|clock| clock.has_lease()).count() > 1 {
                let way = way(&reached);
                let steps = way.len() - 1;
                let is_real = worlds.whole_ones_go(&way);
                return if is_real { Found::Breaks(steps) } else { Found::Unconfirmed(steps) };
            }
        }
        next += 1;
    }
    Found::Holds(seen.len())
}

/// The way to the last of these.
fn way(reached: &[(Timed, usize)]) -> Vec<Timed> {
    let mut at = reached.len() - 1;
    let mut way = vec![reached[at].0];
    while at > 0 {
        at = reached[at].1;
        way.push(reached[at].0);
    }
    way.reverse();
    way
}
