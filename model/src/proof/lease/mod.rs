//! The proof of leases: where there is check-quorum, no two servers have a valid lease at the same
//! time.
//!
//! It is a second induction over the paths of the same code, beside that about elections, which
//! does not know of it: leases rest on elections, and elections on no lease. What it needs to know
//! of time is one thing, [`CLOCKS`]; else time passes as it likes, in a step of its own. What a
//! step means for leases is asked of [`Effect`](super::election::Effect), on symbols, as models ask
//! it of values.
//!
//! | module | holds |
//! |---|---|
//! | `invariant` | **what is proved**, and what is assumed of clocks |
//! | `state` | rounds, the order of terms, and what is kept beside the state of elections |
//! | `effect` | what a step does to that |
//! | `obligation` | what has to be proved, as files |

mod effect;
mod invariant;
mod obligation;
mod state;

pub use invariant::{CLOCKS, LEASE_SAFETY, LEASES, Statement};

pub(super) use obligation::{files, variables_of};
