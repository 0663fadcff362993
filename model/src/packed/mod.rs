//! Worlds as a few machine words.
//!
//! A [`Layout`] numbers everything that a world can hold up to some term: some bits for each
//! server, and one bit for each message that can ever be sent. So a [`Packed`] world is `Copy`,
//! compares and hashes as words, and a successor is a few words away: what one server does follows
//! from its own few bits, is asked of [`Server::step`](crate::election::Server::step) once, and
//! looked up from then on.
//!
//! The stored ballots are not packed: every step of the specification persists a ballot that
//! changes, so they always equal the ballots of the servers, which [`Layout::pack`] and every
//! successor assert. A mutant for which this does not hold needs the [`WorldModel`].
//!
//! [`WorldModel`]: crate::world::WorldModel

mod alphabet;
mod changes;
mod layout;
mod leases;
mod server;
mod steps;
#[cfg(test)]
mod tests;
mod view;

pub(crate) use alphabet::{OUTDATED_ATTEMPT, OUTDATED_ROUND};
pub(crate) use changes::Change;
pub use layout::{Layout, Packed};
pub(crate) use layout::{States, mix};
pub(crate) use steps::StepCache;
pub use view::PackedView;
