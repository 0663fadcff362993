//! Who can lead whom: on which links a leader is elected and stays.
//!
//! Partial partitions are what takes real clusters down: every server is up, and some do not hear
//! each other. So every graph of links is looked at, one of each class of isomorphic ones
//! ([`Links::classes`]), under each protocol.
//!
//! **The calm phase.** Links are what they are and stay so. What is sent over a link that is there
//! arrives before any election timer fires: in every order, or first in, first out ([`Orders`]).
//! Leaders send heartbeats more often than election timers fire. A timer that no heartbeat starts
//! anew fires at some time, and a leader that no quorum answers leaves office at some time, with
//! check-quorum. Nobody restarts. So worlds are looked at when nothing is under way, and heartbeats
//! have had their effect; between two of them one timer fires.
//!
//! **The beginnings.** Servers in any terms, 0 to 2 of three, 0 and 1 of more; any of them leading,
//! no two the same term; followers in contact with the leader of their term, if it has one. Nothing
//! is under way, and leaders speak first.
//!
//! **Terms** are relative, and gaps between them are kept up to two or three ([`Survey::gap`]).
//! With both guards no terms are ever further apart: the graph is the same with larger gaps, which
//! is tested. By the other protocols a larger gap only means that a server campaigns more often
//! before it gets ahead. That is no proof; but the verdicts stay with larger gaps, and a run on
//! which a leader does not stay is done once more in whole worlds, with real terms and rounds
//! ([`lasso`]).
//!
//! **What is judged.** From some time on one server leads, and a quorum that is linked to it both
//! ways follows it (`LeaderStable`, for links that are few). That takes a *centre*: a server that
//! is linked both ways to a quorum. With check-quorum nobody ever has a lease where there is no
//! centre (`NoLeaseWithoutQuorum`). And with both guards at most one server comes to be followed by
//! a quorum, and stays, from whatever beginning: after links come back there is one election at
//! most.

mod beginnings;
mod calm;
mod graph;
mod judge;
pub mod lasso;
mod named;
mod relative;
mod survey;
#[cfg(test)]
mod tests;

pub use calm::{Calm, Orders};
pub use judge::{Finding, Verdict, judge};
pub use named::{NAMED, name};
pub use survey::{Row, Survey};

#[cfg(doc)]
use crate::world::links::Links;
