//! The functions of a server as values, so that wrong ones can be put in their place.

use super::election::{Ballot, Event, Server, State, Step};

/// The functions that drive a server: those of [`Server`], or a mutant's.
#[derive(Clone, Copy, Debug)]
pub struct Handlers {
    /// See [`Server::start`].
    pub start: fn(&Server, Option<Ballot>) -> Step,
    /// See [`Server::lose_disk`].
    pub lose_disk: fn(&Server) -> Step,
    /// See [`Server::step`].
    pub step: fn(&Server, State, Event) -> Step,
}

impl Handlers {
    /// The specification.
    pub const RAFT: Self =
        Self { start: Server::start, lose_disk: Server::lose_disk, step: Server::step };
}
